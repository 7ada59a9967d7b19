// The version that runs record; the program checks at build time that it is the project's.
#pragma once

#include <string_view>

namespace fathom {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace fathom
