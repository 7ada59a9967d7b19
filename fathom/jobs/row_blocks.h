// Passes over the rows of a table, held or made as they are read.
#pragma once

#include <algorithm>

#include "fathom/tensor/buffer.h"

namespace fathom {

// Whether test(i, row) holds of all rows x [n, d], in order; the first that fails ends the pass.
template <class F>
bool all_rows(const Array& x, F&& test) {
  constexpr std::int64_t kBlock = 4096;
  const std::int64_t n = x.shape().extent(0), d = n > 0 ? x.size() / n : 0;
  for (std::int64_t first = 0; first < n; first += kBlock) {
    const std::int64_t count = std::min(kBlock, n - first);
    const Array block = x.part(first, count).made();
    const double* row = block.data<double>();
    for (std::int64_t i = 0; i < count; ++i, row += d)
      if (!test(first + i, row)) return false;
  }
  return true;
}

template <class F>
void each_row(const Array& x, F&& f) {
  all_rows(x, [&](std::int64_t i, const double* row) {
    f(i, row);
    return true;
  });
}

}  // namespace fathom
