// Words of flags and what they stand for.
#pragma once

#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/elbo/bound.h"

namespace fathom {

inline constexpr std::pair<std::string_view, Factors> kMethods[] = {
    {"em", Factors::likelihood}, {"map", Factors::mode}, {"vb", Factors::mean_field}};

// What `given` stands for. Throws ConfigError with all words where it is none of them.
template <class T, std::size_t N>
T word(const std::string& flag, const std::string& given,
       const std::pair<std::string_view, T> (&words)[N]) {
  std::vector<std::string> names;
  for (const auto& [name, value] : words) {
    if (name == given) return value;
    names.emplace_back(name);
  }
  raise<ConfigError>("--{} \"{}\": one of {}", flag, given, fmt::join(names, ", "));
}

}  // namespace fathom
