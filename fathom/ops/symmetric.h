// Symmetric matrices packed by their upper triangles, row by row, and the features of a quadratic
// form: what makes a Gaussian log density of many components one matrix product.
#pragma once

#include "fathom/ops/linalg.h"

namespace fathom {

// [..., n, n] to [..., n (n + 1) / 2]: a_ij + a_ji above the diagonal, a_ii on it, so that
// <vech(A), features of x> = x' A x.
struct Vech {
  static constexpr OpDoc doc{.name = "vech",
                             .brief = "both triangles of a square matrix, added and packed",
                             .grad = "unvech(dy)"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 2 ? 1 : -1; }
  static Grads vjp(const auto& c) { return {unvech(c.dy)}; }
};

// [..., n (n + 1) / 2] to the symmetric [..., n, n] with these entries: the adjoint of vech.
struct Unvech {
  static constexpr OpDoc doc{
      .name = "unvech", .brief = "the symmetric matrix with packed entries", .grad = "vech(dy)"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 1 ? 1 : -1; }
  static Grads vjp(const auto& c) { return {vech(c.dy)}; }
};

// [..., d] to [..., 1 + d + d (d + 1) / 2]: 1, x_i, and x_i x_j for i <= j.
struct QuadraticFeatures {
  static constexpr OpDoc doc{.name = "quadratic_features",
                             .brief = "1, x, and the products of its elements",
                             .grad = "linear part, and 2 A x of the packed part A"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static void planned(const KernelCall& c);
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 1 ? 1 : -1; }
  static Grads vjp(const auto& c) {
    const auto x = c.x[0];
    const int last = x.shape().rank() - 1;
    const std::int64_t d = x.shape().extent(last);
    // d/dx of sum over i <= j of q_ij x_i x_j: the symmetric matrix times x, and the diagonal
    // again.
    const auto q = unvech(slice(c.dy, last, 1 + d, d * (d + 1) / 2));
    return {slice(c.dy, last, 1, d) + matrix_vector(q, x) + diagonal(q) * x};
  }
};

Value vech(Value a);
Value unvech(Value v);
Value quadratic_features(Value x);

}  // namespace fathom
