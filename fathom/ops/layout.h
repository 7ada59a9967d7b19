// Shape without arithmetic: broadcast, reshape, transpose, slice, concat, cast, stop_gradient.
#pragma once

#include "fathom/kernels/layout.h"
#include "fathom/ops/arithmetic.h"

namespace fathom {

struct Broadcast {
  static constexpr OpDoc doc{.name = "broadcast",
                             .brief = "repeats along axes that are missing or 1",
                             .grad = "dy summed over the repeated axes"};
  static constexpr OpKind kind = OpKind::broadcast;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c) {
    c.out[0].dtype = c.in[0].dtype;
    if (!broadcasts_to(c.in[0].shape, c.out[0].shape))
      raise<ShapeError>("[broadcast] {} does not broadcast to {}", c.in[0].shape.text(),
                        c.out[0].shape.text());
  }
  static void forward(const KernelCall& c);
  static Grads vjp(const auto& c) { return {sum_to(c.dy, c.x[0].shape())}; }
};

struct Reshape {
  static constexpr OpDoc doc{.name = "reshape",
                             .brief = "the same elements under another shape",
                             .grad = "dy reshaped back"};
  static constexpr OpKind kind = OpKind::alias;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c) {
    c.out[0].dtype = c.in[0].dtype;
    if (c.in[0].shape.size() != c.out[0].shape.size())
      raise<ShapeError>("[reshape] {} has not as many elements as {}", c.in[0].shape.text(),
                        c.out[0].shape.text());
  }
  static void forward(const KernelCall& c) { kernels::copy(c.in[0], c.out[0]); }
  static Grads vjp(const auto& c) { return {reshape(c.dy, c.x[0].shape())}; }
};

struct StopGradient {
  struct Attrs {
    std::int64_t name;
  };
  static constexpr OpDoc doc{
      .name = "stop_gradient", .brief = "x, through which nothing is learned", .grad = "0"};
  static constexpr OpKind kind = OpKind::alias;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c) { c.out[0] = c.in[0]; }
  static void forward(const KernelCall& c) { kernels::copy(c.in[0], c.out[0]); }
  static Grads vjp(const auto&) { return {Value()}; }
};

struct Keep {
  struct Attrs {
    std::int64_t name;
  };
  static constexpr OpDoc doc{
      .name = "keep", .brief = "x, which no rewriting looks behind", .grad = "dy"};
  static constexpr OpKind kind = OpKind::alias;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c) { c.out[0] = c.in[0]; }
  static void forward(const KernelCall& c) { kernels::copy(c.in[0], c.out[0]); }
  static Grads vjp(const auto& c) { return {c.dy}; }
};

struct Transpose {
  struct Attrs {
    std::int8_t from[8];  // output axis i is input axis from[i]
  };
  static constexpr OpDoc doc{
      .name = "transpose", .brief = "axes in another order", .grad = "dy in the first order"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall& c) { return c.attrs.as<Attrs>().from[0] == 0 ? 1 : -1; }
  static Grads vjp(const auto& c) { return {transpose_back(c.dy, c.template attrs<Attrs>())}; }
};

struct Slice {
  struct Attrs {
    std::int64_t axis, first, count;
  };
  static constexpr OpDoc doc{
      .name = "slice", .brief = "a range of one axis", .grad = "dy between zeros"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall& c) { return c.attrs.as<Attrs>().axis > 0 ? 1 : -1; }
  static Grads vjp(const auto& c) {
    const Attrs a = c.template attrs<Attrs>();
    return {embed(c.dy, int(a.axis), a.first, c.x[0].shape().extent(int(a.axis)))};
  }
};

struct Embed {
  struct Attrs {
    std::int64_t axis, first, extent;
  };
  static constexpr OpDoc doc{.name = "embed",
                             .brief = "x as a range of one axis, zeros elsewhere",
                             .grad = "the range of dy"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall& c) { return c.attrs.as<Attrs>().axis > 0 ? 1 : -1; }
  static Grads vjp(const auto& c) {
    const Attrs a = c.template attrs<Attrs>();
    return {slice(c.dy, int(a.axis), a.first, c.x[0].shape().extent(int(a.axis)))};
  }
};

struct Concat {
  struct Attrs {
    std::int64_t axis;
  };
  static constexpr OpDoc doc{.name = "concat",
                             .brief = "values one after another along one axis",
                             .grad = "the parts of dy"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = -1;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall& c) {
    return c.attrs.as<Attrs>().axis > 0 ? (1 << c.in.size()) - 1 : -1;
  }
  static Grads vjp(const auto& c) {
    const int axis = int(c.template attrs<Attrs>().axis);
    Grads g;
    std::int64_t first = 0;
    for (const auto& x : c.x) {
      g.push_back(slice(c.dy, axis, first, x.shape().extent(axis)));
      first += x.shape().extent(axis);
    }
    return g;
  }
};

struct Cast {
  static constexpr OpDoc doc{.name = "cast",
                             .brief = "the same numbers in another dtype",
                             .grad = "dy cast back, between real dtypes"};
  static constexpr OpKind kind = OpKind::cast;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c) {
    c.out[0].shape = c.in[0].shape;
    if (c.in[0].dtype == DType::key || c.out[0].dtype == DType::key)
      raise<ShapeError>("[cast] keys are not numbers");
  }
  static void forward(const KernelCall& c) { kernels::cast(c.in[0], c.out[0]); }
  static Grads vjp(const auto& c) {
    if (!is_real(c.x[0].dtype()) || !is_real(c.y.dtype())) return {Value()};
    return {cast(c.dy, c.x[0].dtype())};
  }
};

// Values under `shape`, labels included; sizes must agree.
Value reshape(Value x, const Shape& shape);
// Equal values are one node; under different names they are apart, to derive something by each.
Value stop_gradient(Value x, std::int64_t name = 0);
// x itself, to derive something by: no rewriting of the graph leads past it. Under different names
// equal values are apart.
Value keep(Value x, std::int64_t name = 0);
// Output axis i is input axis `from[i]`.
Value transpose(Value x, std::span<const int> from);
// The last two axes exchanged.
Value transpose(Value x);
Value transpose_back(Value x, Transpose::Attrs forward);
Value slice(Value x, int axis, std::int64_t first, std::int64_t count);
Value embed(Value x, int axis, std::int64_t first, std::int64_t extent);
Value concat(std::span<const Value> parts, int axis);
Value cast(Value x, DType dtype);

}  // namespace fathom
