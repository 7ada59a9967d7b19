#pragma once

namespace fathom {

inline constexpr double kLogTwo = 0.69314718055994530942;
inline constexpr double kLogTwoPi = 1.83787706640934548356;
inline constexpr double kHalfLogTwoPi = 0.5 * kLogTwoPi;

}  // namespace fathom
