// Command-line flags from the fields of a configuration (base/fields.h).
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <set>
#include <string>
#include <type_traits>

#include "fathom/base/error.h"

namespace fathom::cli {

// What stands before the long name of a flag that has a short one.
inline std::string short_name(const std::string& flag) { return flag == "count" ? "-n," : ""; }

// One flag for each field; names of those that were given go to `given` when the line is parsed.
template <class T>
void add_fields(CLI::App& app, T& config, std::set<std::string>* given = nullptr) {
  T::fields(config, [&](std::string_view name, auto& value, std::string_view help) {
    const std::string flag(name);
    if constexpr (std::is_same_v<std::remove_reference_t<decltype(value)>, bool>) {
      app.add_flag("--" + flag, value, std::string(help));
    } else {
      CLI::Option* option =
          app.add_option(short_name(flag) + "--" + flag, value, std::string(help));
      option->capture_default_str();
      if constexpr (std::is_unsigned_v<std::remove_reference_t<decltype(value)>>)
        option->check(CLI::Validator(
            [](std::string& text) {
              return text.find('-') == std::string::npos ? std::string()
                                                         : "must not be negative: " + text;
            },
            ""));
      using Value = std::remove_reference_t<decltype(value)>;
      if constexpr (requires { Value::parse(std::string()); })
        option->check(CLI::Validator(
            [flag](std::string& text) {
              try {
                Value::parse(text);
              } catch (const Error& e) {
                raise<ConfigError>("--{} {}", flag, e.what());
              }
              return std::string();
            },
            ""));
      if (given) option->each([given, flag](const std::string&) { given->insert(flag); });
    }
  });
}

}  // namespace fathom::cli
