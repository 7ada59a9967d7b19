#include "fathom/kernels/sequences.h"

namespace fathom::kernels {

namespace {

template <class T>
std::int64_t next(const T* begins, std::int64_t row, std::int64_t rows) {
  constexpr std::int64_t block = 64;
  const auto none = [&] {  // without a branch for each row
    int marks = 0;
    for (std::int64_t i = 0; i < block; ++i) marks += begins[row + i] != T(0);
    return marks == 0;
  };
  while (row + block <= rows && none()) row += block;
  while (row < rows && begins[row] == T(0)) ++row;
  return row;
}

}  // namespace

std::int64_t next_sequence(const float* begins, std::int64_t row, std::int64_t rows) {
  return next(begins, row, rows);
}
std::int64_t next_sequence(const double* begins, std::int64_t row, std::int64_t rows) {
  return next(begins, row, rows);
}

}  // namespace fathom::kernels
