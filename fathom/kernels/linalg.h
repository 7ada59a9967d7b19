// Dense linear algebra. Products go to oneDNN (f32) and OpenBLAS (f64), each called with one
// thread; small ones to loops of our own, because a library call costs more than they do.
#pragma once

#include "fathom/tensor/view.h"

namespace fathom::kernels {

// How the axes of a product are grouped; see MatMul in ops/linalg.h.
struct MatMulSpec {
  int nb, nk;
  bool ta, tb;
};

// C = A B, or C += A B with `add`. Rows of each matrix may be spaced; elements of a row are dense.
// A product of f32 may be added to a C of f64.
void matmul(const View& a, const View& b, const View& c, const MatMulSpec& spec, bool add);

// One product with explicit leading dimensions, row-major: C [m, n] (+)= op(A) op(B).
void gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
          std::int64_t lda, const float* b, std::int64_t ldb, float* c, std::int64_t ldc, bool add);
void gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, const double* a,
          std::int64_t lda, const double* b, std::int64_t ldb, double* c, std::int64_t ldc,
          bool add);

// Whether a right operand [k, n] that is not transposed stays in cache while a tile of rows is
// multiplied by it: products of such are several times as fast as those of transposed ones.
bool stays_in_cache(DType dtype, std::int64_t n, std::int64_t k);

// Keeps OpenMP and BLAS on one thread in the calling thread; products call it.
void single_threaded_libraries();

// Batched over leading axes, on the last two. A matrix that is not positive definite gives NaN.
void cholesky(const View& a, const View& l);
void triangular_solve(const View& l, const View& b, bool transposed, const View& x);
void tril(const View& in, double diagonal, const View& out);
void diagonal(const View& in, const View& out);
void diagonal_matrix(const View& in, const View& out);

}  // namespace fathom::kernels
