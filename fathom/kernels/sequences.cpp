#include "fathom/kernels/sequences.h"

#include <cstring>

namespace fathom::kernels {

namespace {

// Bits is an integer of the size of T. Blocks whose bits are all 0 hold no mark.
template <class Bits, class T>
std::int64_t next(const T* begins, std::int64_t row, std::int64_t rows) {
  constexpr std::int64_t block = 64;
  const auto none = [&] {
    Bits bits[block], any = 0;
    std::memcpy(bits, begins + row, sizeof bits);
    for (const Bits b : bits) any |= b;
    return any == 0;
  };
  while (row + block <= rows && none()) row += block;
  while (row < rows && begins[row] == T(0)) ++row;
  return row;
}

}  // namespace

std::int64_t next_sequence(const float* begins, std::int64_t row, std::int64_t rows) {
  return next<std::uint32_t>(begins, row, rows);
}
std::int64_t next_sequence(const double* begins, std::int64_t row, std::int64_t rows) {
  return next<std::uint64_t>(begins, row, rows);
}

}  // namespace fathom::kernels
