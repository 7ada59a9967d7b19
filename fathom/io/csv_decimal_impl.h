// Decimal text to binary numbers, exactly: every number read is the one nearest to its text.
//
// `short_decimal` reads the common case, at most 8 digits before the point and 7 after it, eight
// digits at a time in a 64-bit word and without a branch on their number. Its digits make an
// integer below 2^53, and an integer below 2^53 divided by a power of ten up to 10^22 is rounded
// once, hence correctly (Clinger 1990). All other text goes to std::from_chars.
#pragma once

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>

namespace fathom::detail {

static_assert(std::endian::native == std::endian::little, "digits are read as little-endian words");

// What `short_decimal` may look at beyond its first byte.
inline constexpr std::ptrdiff_t kDecimalReach = 32;

inline std::uint64_t eight_digits_at(const char* p) {
  std::uint64_t w;
  std::memcpy(&w, p, 8);
  return w ^ 0x3030303030303030ull;  // a digit becomes its value
}

// 0x80 in the first byte that is no digit; bytes behind it may be wrong.
inline std::uint64_t not_digits(std::uint64_t w) {
  return ((w + 0x7676767676767676ull) | w) & 0x8080808080808080ull;
}

// The number whose decimal digits are the bytes of `w`, the first digit in the lowest byte.
inline std::uint64_t digits_value(std::uint64_t w) {
  w = w * 10 + (w >> 8);
  const std::uint64_t even = (w & 0x000000ff000000ffull) * 0x000f424000000064ull;
  const std::uint64_t odd = ((w >> 16) & 0x000000ff000000ffull) * 0x0000271000000001ull;
  return (even + odd) >> 32;
}

// Reads a number at p, where kDecimalReach bytes are readable. Returns its end, or null when the
// text is not of the short kind.
inline const char* short_decimal(const char* p, double* out) {
  static constexpr std::uint64_t kTens[8] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
  static constexpr double kReal[8] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
  const std::uint64_t minus = *p == '-';
  p += minus;
  const std::uint64_t whole = eight_digits_at(p), whole_end = not_digits(whole);
  if (whole_end == 0) return nullptr;
  const unsigned whole_count = unsigned(std::countr_zero(whole_end)) / 8;
  if (whole_count == 0) return nullptr;
  std::uint64_t digits = digits_value(whole << (64 - 8 * whole_count));
  p += whole_count;
  double value;
  if (*p == '.') {
    const std::uint64_t part = eight_digits_at(p + 1), part_end = not_digits(part);
    if (part_end == 0) return nullptr;
    const unsigned part_count = unsigned(std::countr_zero(part_end)) / 8;
    if (part_count == 0) return nullptr;
    digits = digits * kTens[part_count] + digits_value(part << (64 - 8 * part_count));
    value = double(std::int64_t(digits)) / kReal[part_count];
    p += 1 + part_count;
  } else {
    value = double(std::int64_t(digits));
  }
  *out = std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) | minus << 63);
  return p;
}

// Rounds a double that is the nearest to some decimal text to f32. False when the double lies
// halfway between two floats, where the text must decide, or outside the normal floats.
inline bool narrow(double v, float* out) {
  const bool halfway = (std::bit_cast<std::uint64_t>(v) & 0x1fffffff) == 0x10000000;
  const double size = std::fabs(v);
  if (halfway || size > 3e38 || (size < 1.2e-38 && size != 0)) return false;
  *out = float(v);
  return true;
}
inline bool narrow(double v, double* out) {
  *out = v;
  return true;
}

// True when the nonzero number of this valid text, known to be out of range, is too small, not too
// large.
inline bool too_small(std::string_view s) {
  std::int64_t exponent = 0, whole = 0, zeros = 0;
  bool point = false, leading = true;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (c == 'e' || c == 'E') {
      const bool minus = i + 1 < s.size() && s[i + 1] == '-';
      for (char d : s.substr(i + 1))
        if (d >= '0' && d <= '9' && exponent < (std::int64_t(1) << 50))
          exponent = exponent * 10 + (d - '0');
      if (minus) exponent = -exponent;
      break;
    }
    if (c == '.') {
      point = true;
    } else if (c >= '0' && c <= '9') {
      leading = leading && c == '0';
      if (!point && !leading) ++whole;
      if (point && leading) ++zeros;
    }
  }
  return exponent + whole - zeros < 0;
}

enum class Decimal { fine, not_a_number, infinite, too_large };

// The whole of [p, q) as a number.
template <class T>
Decimal any_decimal(const char* p, const char* q, T* out) {
  if (p < q && *p == '+' && p + 1 < q && p[1] != '-') ++p;
  T v = 0;
  const auto [end, error] = std::from_chars(p, q, v);
  if (error == std::errc::invalid_argument || end != q) return Decimal::not_a_number;
  const char first = *p == '-' ? p[1] : *p;
  if (first == 'i' || first == 'I') return Decimal::infinite;
  if (first == 'n' || first == 'N') return Decimal::not_a_number;
  if (error == std::errc::result_out_of_range || std::isinf(v)) {
    if (!too_small({p, std::size_t(q - p)})) return Decimal::too_large;
    v = *p == '-' ? -T(0) : T(0);
  }
  *out = v;
  return Decimal::fine;
}

}  // namespace fathom::detail
