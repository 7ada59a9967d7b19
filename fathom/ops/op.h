// How an op is declared: an empty struct with static members, listed once in ops/all_ops.h.
//
//   struct Softplus {
//     static constexpr OpDoc doc{.name = "softplus", .brief = "log(1 + e^x), without overflow",
//                                .grad = "dy sigmoid(x)", .ulp = 2};
//     static constexpr auto points = at(-745., 0., 37.);      // nasty arguments for the laws
//     static auto forward(auto x) { ... }                     // once, for every value type
//     static Grads vjp(const auto& c) { return {c.dy * sigmoid(c.x[0])}; }
//   };
//   inline Value softplus(Value x) { return unary<Softplus>(x); }
//
// `forward` is instantiated for scalars (the reference), packs (the planned run) and dual numbers
// (the gradient oracle of the tests). `vjp` returns graph expressions and is the only derivative
// rule; it takes its context as `auto` so that it may name ops declared further down.
#pragma once

#include <array>
#include <vector>

#include "fathom/graph/graph.h"

namespace fathom {

// The op's place in the table; defined, for the ops of the list alone, in ops/table.cpp.
template <class Op>
std::uint16_t op_id();

// Adjoints of an op's inputs, in order; an empty Value is a zero.
using Grads = std::vector<Value>;

// What a derivative rule sees.
struct VjpContext {
  std::span<const Value> x;  // inputs
  Value y, dy;               // the output and its adjoint; first of several
  std::span<const Value> ys, dys;
  AttrBlob blob;
  template <class A>
  A attrs() const {
    return blob.as<A>();
  }
};

template <class... T>
constexpr std::array<double, sizeof...(T)> at(T... x) {
  return {double(x)...};
}

template <class Op>
Value apply(std::initializer_list<Value> inputs, AttrBlob attrs = {},
            const TypeOf* told = nullptr) {
  const std::span<const Value> in(inputs.begin(), inputs.size());
  if (in.empty() || !in[0]) raise<ShapeError>("[{}] an operand is empty", Op::doc.name);
  return in[0].graph().apply(op_id<Op>(), in, attrs, told);
}

// Repeats `x` along axes that it lacks or has with extent 1. No node is made when shapes agree.
Value broadcast_to(Value x, const Shape& shape);

// The graph in which operands meet.
Graph& graph_of(Value a, Value b);

template <class Op>
Value unary(Value x) {
  return apply<Op>({x});
}

template <class Op>
Value binary(Value a, Value b) {
  if (!a || !b) raise<ShapeError>("[{}] an operand is empty", Op::doc.name);
  const Shape s = broadcast_shapes(Op::doc.name, a.shape(), b.shape());
  return apply<Op>({broadcast_to(a, s), broadcast_to(b, s)});
}

template <class Op>
Value ternary(Value a, Value b, Value c) {
  if (!a || !b || !c) raise<ShapeError>("[{}] an operand is empty", Op::doc.name);
  const Shape s = broadcast_shapes(Op::doc.name,
                                   broadcast_shapes(Op::doc.name, a.shape(), b.shape()), c.shape());
  return apply<Op>({broadcast_to(a, s), broadcast_to(b, s), broadcast_to(c, s)});
}

// A scalar constant of the same dtype as `x`.
inline Value like(Value x, double value) { return x.graph().constant(value, x.dtype()); }

}  // namespace fathom
