// Sums, maxima and log-sum-exps over adjacent axes. Others are composed: the builders split a set
// of axes into runs of adjacent ones.
#pragma once

#include "fathom/kernels/reduce.h"
#include "fathom/ops/layout.h"

namespace fathom {

// Axes [first, first + count) are reduced and removed.
struct ReduceAttrs {
  std::int64_t first, count;
};

namespace detail {
void reduce_shape(std::string_view name, ShapeCall& c);
}

struct Sum {
  using Attrs = ReduceAttrs;
  static constexpr OpDoc doc{
      .name = "sum", .brief = "sum over axes; 0 for none", .grad = "dy repeated", .ulp = 4};
  static constexpr OpKind kind = OpKind::reduce;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c) { detail::reduce_shape("sum", c); }
  static void forward(const KernelCall& c) {
    const Attrs a = c.attrs.as<Attrs>();
    kernels::sum(c.in[0], int(a.first), int(a.count), c.out[0]);
  }
  static int aligned(const ShapeCall& c) { return c.attrs.as<Attrs>().first > 0 ? 1 : -1; }
  static Grads vjp(const auto& c) {
    return {repeat_axes(c.dy, c.x[0].shape(), c.template attrs<Attrs>())};
  }
};

struct ReduceMax {
  using Attrs = ReduceAttrs;
  static constexpr OpDoc doc{.name = "reduce_max",
                             .brief = "largest over axes; NaN if any is",
                             .grad = "dy to the largest, shared at ties",
                             .ulp = 0};
  static constexpr OpKind kind = OpKind::reduce;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c) { detail::reduce_shape("reduce_max", c); }
  static void forward(const KernelCall& c) {
    const Attrs a = c.attrs.as<Attrs>();
    kernels::reduce_max(c.in[0], int(a.first), int(a.count), c.out[0]);
  }
  static int aligned(const ShapeCall& c) { return c.attrs.as<Attrs>().first > 0 ? 1 : -1; }
  static Grads vjp(const auto& c) {
    const Attrs a = c.template attrs<Attrs>();
    const Shape& s = c.x[0].shape();
    const auto hit = equal(c.x[0], repeat_axes(c.y, s, a));
    const auto share = c.dy / sum(hit, int(a.first), int(a.count));
    return {hit * repeat_axes(share, s, a)};
  }
};

// log sum exp over one axis, and its gradient: the log-normaliser of a categorical and its mean.
// Both come from one pass; either may go unread.
struct LogSumExp {
  struct Attrs {
    std::int64_t axis;
  };
  static constexpr OpDoc doc{.name = "logsumexp",
                             .brief =
                                 "log sum exp over one axis, and softmax: exactly 0 where it "
                                 "is below eps^2 of the largest",
                             .grad = "dy softmax(x); softmax: y (dy - sum(dy y))",
                             .ulp = 4};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1, outputs = 2;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) {
    kernels::logsumexp(c.in[0], int(c.attrs.as<Attrs>().axis), c.out[0], c.out[1]);
  }
  static void planned(const KernelCall& c);
  static int aligned(const ShapeCall& c) { return c.attrs.as<Attrs>().axis > 0 ? 1 : -1; }
  static Grads vjp(const auto& c) {
    const int axis = int(c.template attrs<Attrs>().axis);
    const Shape& s = c.x[0].shape();
    const ReduceAttrs one{axis, 1};
    const auto p = softmax(c.x[0], axis);
    Value g;
    if (c.dys[0]) g = p * repeat_axes(c.dys[0], s, one);
    if (c.dys[1]) {
      const auto d = c.dys[1] * p;
      const auto h = d - p * repeat_axes(sum(d, axis, 1), s, one);
      g = g ? g + h : h;
    }
    return {g};
  }
};

// Position of the first largest element along the last axis (i64); NaN counts as largest.
struct Argmax {
  static constexpr OpDoc doc{
      .name = "argmax", .brief = "place of the largest on the last axis", .grad = "none"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) { kernels::argmax(c.in[0], c.out[0]); }
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 1 ? 1 : -1; }
};

Value sum(Value x);                         // over all axes
Value sum(Value x, int first, int count);   // over axes [first, first + count)
Value sum(Value x, Label label);            // over one labelled axis
Value sum_events(Value x);                  // over all axes without a label
Value sum_last(Value x, int count = 1);     // over the last axes
Value sum_to(Value x, const Shape& shape);  // the adjoint of broadcast_to
// Throws ShapeError for a streamed axis, whose extent here is a capacity.
Value mean(Value x);
Value mean(Value x, int first, int count);
Value reduce_max(Value x, int first, int count);
Value logsumexp(Value x, int axis);
Value softmax(Value x, int axis);
Value argmax(Value x);
// Puts back axes that a reduction took from `shape`.
Value repeat_axes(Value x, const Shape& shape, ReduceAttrs reduced);

}  // namespace fathom
