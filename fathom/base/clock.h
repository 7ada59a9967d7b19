#pragma once

#include <chrono>

namespace fathom {

// Seconds of a clock that only goes forward; its zero means nothing.
inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace fathom
