// Matrix products and factorisations.
#pragma once

#include "fathom/kernels/linalg.h"
#include "fathom/ops/index.h"

namespace fathom {

// C = A B over groups of axes. A is [batch, M, K], or [batch, K, M] with `ta`; B is [batch, K, N],
// or [batch, N, K] with `tb`; C is [batch, M, N]. Each group is any number of adjacent axes: `nb`
// axes of batch, `nk` of K; M and N are what is left.
struct MatMul {
  // wide: operands are f32 and the result f64, where it may be summed over many rows.
  struct Attrs {
    std::int32_t nb, nk, ta, tb, wide = 0;
  };
  static constexpr OpDoc doc{.name = "matmul",
                             .brief = "matrix product over groups of axes",
                             .grad = "dy B', A' dy",
                             .ulp = 4};
  static constexpr OpKind kind = OpKind::contraction;
  static constexpr int arity = 2;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) {
    const Attrs a = c.attrs.as<Attrs>();
    kernels::matmul(c.in[0], c.in[1], c.out[0], {a.nb, a.nk, a.ta != 0, a.tb != 0}, false);
  }
  static int aligned(const ShapeCall& c);
  static Grads vjp(const auto& c) {
    const Attrs a = c.template attrs<Attrs>();
    const auto A = c.x[0], B = c.x[1];
    const int n = B.shape().rank() - a.nb - a.nk, m = A.shape().rank() - a.nb - a.nk;
    const auto dy = a.wide ? cast(c.dy, DType::f32) : c.dy;
    const auto da = a.ta ? contract(B, dy, a.nb, n, a.tb != 0, true)
                         : contract(dy, B, a.nb, n, false, a.tb == 0);
    const auto db = a.tb ? contract(dy, A, a.nb, m, true, a.ta != 0)
                         : contract(A, dy, a.nb, m, a.ta == 0, false);
    return {da, db};
  }
};

// Lower Cholesky factor of the last two axes; reads the lower triangle. A matrix that is not
// positive definite gives NaN, which the executor locates.
struct Cholesky {
  static constexpr OpDoc doc{.name = "cholesky",
                             .brief = "lower L with L L' = A",
                             .domain = "positive definite; otherwise NaN",
                             .grad = "symmetrised L^-T tril'(L' dy) L^-1",
                             .ulp = 16};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) { kernels::cholesky(c.in[0], c.out[0]); }
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 2 ? 1 : -1; }
  static Grads vjp(const auto& c) {
    // Murray 2016, "Differentiation of the Cholesky decomposition", equations 8 to 10.
    const auto p = tril(matmul(c.y, c.dy, true, false), 0.5);
    const auto half = triangular_solve(c.y, p, true);
    const auto s = transpose(triangular_solve(c.y, transpose(half), true));
    return {(s + transpose(s)) * 0.5};
  }
};

// X with L X = B, or L' X = B. L is [..., n, n] lower, B [..., n, m].
struct TriangularSolve {
  struct Attrs {
    std::int64_t transposed;
  };
  static constexpr OpDoc doc{.name = "triangular_solve",
                             .brief = "X with L X = B or L' X = B",
                             .domain = "no zero on the diagonal",
                             .grad = "L^-T dy to B; -tril of its product with y to L",
                             .ulp = 16};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 2;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) {
    kernels::triangular_solve(c.in[0], c.in[1], c.attrs.as<Attrs>().transposed != 0, c.out[0]);
  }
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 2 ? 3 : -1; }
  static Grads vjp(const auto& c) {
    const bool t = c.template attrs<Attrs>().transposed != 0;
    const auto db = triangular_solve(c.x[0], c.dy, !t);
    const auto dl = t ? matmul(c.y, db, false, true) : matmul(db, c.y, false, true);
    return {-tril(dl, 1.0), db};
  }
};

// Lower triangle, the diagonal times a factor; zeros above. Its adjoint is itself.
struct Tril {
  struct Attrs {
    double diagonal;
  };
  static constexpr OpDoc doc{.name = "tril",
                             .brief = "lower triangle, its diagonal times a factor",
                             .grad = "the same of dy"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) {
    kernels::tril(c.in[0], c.attrs.as<Attrs>().diagonal, c.out[0]);
  }
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 2 ? 1 : -1; }
  static Grads vjp(const auto& c) { return {tril(c.dy, c.template attrs<Attrs>().diagonal)}; }
};

struct Diagonal {
  static constexpr OpDoc doc{
      .name = "diagonal", .brief = "diagonal of the last two axes", .grad = "dy on a diagonal"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) { kernels::diagonal(c.in[0], c.out[0]); }
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 2 ? 1 : -1; }
  static Grads vjp(const auto& c) { return {diagonal_matrix(c.dy)}; }
};

struct DiagonalMatrix {
  static constexpr OpDoc doc{
      .name = "diagonal_matrix", .brief = "the last axis on a diagonal", .grad = "diagonal of dy"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) { kernels::diagonal_matrix(c.in[0], c.out[0]); }
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 1 ? 1 : -1; }
  static Grads vjp(const auto& c) { return {diagonal(c.dy)}; }
};

// The general product; see MatMul.
Value contract(Value a, Value b, int nb, int nk, bool ta, bool tb);
// Matrix product of the last two axes, or of a vector on the left, [..., k] x [k, n]. Plates that
// only one side has become rows of one product; plates of both sides are batches.
Value matmul(Value a, Value b, bool ta = false, bool tb = false);
Value cholesky(Value a);
Value triangular_solve(Value l, Value b, bool transposed = false);
Value tril(Value x, double diagonal = 1.0);
Value diagonal(Value x);
Value diagonal_matrix(Value x);
// log |A| of a positive definite A, through its Cholesky factor.
Value log_determinant(Value a);
// A x of the last axes, for every matrix and vector of the axes before them.
Value matrix_vector(Value a, Value x);
// a b' of the last axes, for every pair of vectors of the axes before them.
Value outer_product(Value a, Value b);
// x' A x over the last axis of x.
Value quadratic_form(Value a, Value x);

}  // namespace fathom
