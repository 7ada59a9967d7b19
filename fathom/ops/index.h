// Reading and writing at places given by integers. No one-hot matrix is ever made.
#pragma once

#include "fathom/kernels/layout.h"
#include "fathom/ops/reduce.h"

namespace fathom {

struct Gather {
  static constexpr OpDoc doc{.name = "gather",
                             .brief = "rows of a table at places given by an index",
                             .grad = "scatter_add of dy"};
  static constexpr OpKind kind = OpKind::gather;
  static constexpr int arity = 2;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) { kernels::gather(c.in[0], c.in[1], c.out[0]); }
  static int aligned(const ShapeCall& c) { return c.in[1].shape.rank() > 0 ? 2 : -1; }
  static Grads vjp(const auto& c) {
    if (!is_real(c.x[0].dtype())) return {Value(), Value()};
    return {scatter_add(c.dy, c.x[1], c.x[0].shape()), Value()};
  }
};

struct ScatterAdd {
  static constexpr OpDoc doc{.name = "scatter_add",
                             .brief = "adds rows into a table of zeros at places given by an index",
                             .grad = "gather of dy"};
  static constexpr OpKind kind = OpKind::whole;
  static constexpr int arity = 2;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) { kernels::scatter_add(c.in[0], c.in[1], c.out[0]); }
  static Grads vjp(const auto& c) { return {gather(c.dy, c.x[1]), Value()}; }
};

struct Pick {
  static constexpr OpDoc doc{.name = "pick",
                             .brief = "one element of the last axis, chosen by an index",
                             .grad = "dy at its place among zeros"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 2;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) { kernels::pick(c.in[0], c.in[1], c.out[0]); }
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 1 ? 3 : -1; }
  static Grads vjp(const auto& c) {
    return {place(c.dy, c.x[1], c.x[0].shape().extent(c.x[0].shape().rank() - 1)), Value()};
  }
};

struct Place {
  struct Attrs {
    std::int64_t extent;
  };
  static constexpr OpDoc doc{
      .name = "place", .brief = "puts elements on a last axis of zeros", .grad = "pick of dy"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 2;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) { kernels::place(c.in[0], c.in[1], c.out[0]); }
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 0 ? 3 : -1; }
  static Grads vjp(const auto& c) { return {pick(c.dy, c.x[1]), Value()}; }
};

// table [n, ...] (first axis unlabelled or a plate), index i64 [...] -> [index axes, rest of
// table].
Value gather(Value table, Value index);
// rows [index axes, ...] -> `table`, whose axes after the first match.
Value scatter_add(Value rows, Value index, const Shape& table);
// x [..., k], index i64 [...] -> [...].
Value pick(Value x, Value index);
// x [...], index i64 [...] -> [..., extent].
Value place(Value x, Value index, std::int64_t extent);

}  // namespace fathom
