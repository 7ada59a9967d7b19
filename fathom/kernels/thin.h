// Products of a tall thin matrix with a vector, at a memory's or a register's speed: the libraries
// take twice as long for them (docs/decisions.md). One table per instruction set.
#pragma once

#include <cstdint>

namespace fathom::kernels {

template <class T>
struct ThinProducts {
  std::int64_t widest;  // columns that the kernels take
  // y[i] (+)= sum_j a[i, j] x[j]: rows of `a` lie `lda` apart, elements of x one apart.
  void (*times_vector)(std::int64_t rows, std::int64_t columns, const T* a, std::int64_t lda,
                       const T* x, T* y, bool add);
  // y[j] (+)= sum_i x[i] a[i, j]: elements of x lie `step` apart.
  void (*vector_times)(std::int64_t rows, std::int64_t columns, const T* a, std::int64_t lda,
                       const T* x, std::int64_t step, T* y, bool add);
};

struct ThinTable {
  ThinProducts<float> f32;
  ThinProducts<double> f64;
};
extern const ThinTable thin_table_base, thin_table_avx2, thin_table_avx512;

// The table of the instruction set that isa() names now.
const ThinTable& thin_table();

}  // namespace fathom::kernels
