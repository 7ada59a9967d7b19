// Fields of a configuration as JSON: visitors of its one declaration (base/fields.h).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "fathom/base/error.h"
#include "fathom/base/fields.h"

namespace fathom {

template <HasFields T>
nlohmann::json to_json(const T& config) {
  nlohmann::json out = nlohmann::json::object();
  T::fields(config, [&](std::string_view name, const auto& value, std::string_view) {
    out[std::string(name)] = value;
  });
  return out;
}

// Sets the fields that `in` has; others keep their values. Throws DataError that names `where` and
// the field when a value is of another kind.
template <HasFields T>
void from_json(const nlohmann::json& in, T& config, const std::string& where) {
  T::fields(config, [&](std::string_view name, auto& value, std::string_view) {
    const auto found = in.find(std::string(name));
    if (found == in.end() || found->is_null()) return;
    try {
      found->get_to(value);
    } catch (const nlohmann::json::exception&) {
      raise<DataError>("{}: \"{}\" has a value of the wrong kind: {}", where, name, found->dump());
    }
  });
}

}  // namespace fathom
