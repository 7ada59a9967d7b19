// Products of a tall thin matrix with a vector or with a small matrix, and of tiles of rows, at a
// memory's or a register's speed: the libraries take up to twice as long for them
// (docs/decisions.md). One table per instruction set.
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
  // c [m, n] (+)= a' b of a [rows, m] and b [rows, n].
  void (*small_times)(std::int64_t m, std::int64_t n, std::int64_t rows, const T* a,
                      std::int64_t lda, const T* b, std::int64_t ldb, T* c, std::int64_t ldc,
                      bool add);
  std::int64_t pack;  // elements of one
  // c [m, n] (+)= a [m, k] b [k, n], all of them in the second-level cache.
  void (*tile_times)(std::int64_t m, std::int64_t n, std::int64_t k, const T* a, std::int64_t lda,
                     const T* b, std::int64_t ldb, T* c, std::int64_t ldc, bool add);
  // c [m, n] (+)= a' b of a [rows, m] and b [rows, n], m a multiple of 4. Rows in which four
  // adjacent columns of a are zero cost these nothing, whatever b is there.
  void (*tile_outer)(std::int64_t m, std::int64_t n, std::int64_t rows, const T* a,
                     std::int64_t lda, const T* b, std::int64_t ldb, T* c, std::int64_t ldc,
                     bool add);
};

// c [m, n] (+)= op(a) b, where every element of `a` is 0 or 1: the sums of four rows of b are made
// once for each of the sixteen patterns of four bits, and looked up, so that a product of m rows
// takes a quarter of the additions (Arlazarov et al. 1970, the "four Russians"). `a` is [m, k], or
// [k, m] with `ta`. Returns false, with c untouched, where an element is neither.
using BitsTimes = bool (*)(bool ta, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
                           std::int64_t lda, const float* b, std::int64_t ldb, float* c,
                           std::int64_t ldc, bool add);

struct ThinTable {
  ThinProducts<float> f32;
  ThinProducts<double> f64;
  BitsTimes bits_times;
  void (*add_widened)(std::int64_t n, const float* x, double* y);  // y += x
};
extern const ThinTable thin_table_base, thin_table_avx2, thin_table_avx512;

// The table of the instruction set that isa() names now.
const ThinTable& thin_table();

}  // namespace fathom::kernels
