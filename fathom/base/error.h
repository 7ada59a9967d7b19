// The exceptions of the library. Each message is one line: `[where] what was wanted, what was
// given, likely remedy`. Errors are thrown when a graph, model or plan is built, or when data are
// read; a running plan throws only NumericError.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace fathom {

// Base of all; catching it catches everything that the library throws on purpose.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A graph, model or plan that cannot be: shapes, dtypes, labels, degrees.
struct ShapeError : Error {
  using Error::Error;
};

// A file or a table that cannot be used: names the file, the place and the remedy.
struct DataError : Error {
  using Error::Error;
};

// An option or argument outside its range: names the option and the range.
struct ConfigError : Error {
  using Error::Error;
};

// A value that became NaN or infinite while running: names the term and the step.
struct NumericError : Error {
  using Error::Error;
};

// raise<ShapeError>("[matmul] inner sizes differ: {} x {}", a, b).
template <class E, class... Args>
[[noreturn]] void raise(fmt::format_string<Args...> text, Args&&... args) {
  throw E(fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace fathom
