#include "fathom/ops/arithmetic.h"

#include "fathom/ops/layout.h"

namespace fathom {

namespace {

// Whether all elements of `x` are known to be `value`, and `other` may stand for the result.
bool is_uniform(Value x, double value, Value other) {
  double v;
  return x && other && x.dtype() == other.dtype() && x.graph().uniform_value(x.id(), &v) &&
         v == value;
}

// Which axis of `to` each axis of `from` lies on, four bits each: views carry no labels.
AttrBlob axis_map(const Shape& from, const Shape& to) {
  std::int64_t packed = 0;
  if (broadcasts_to(from, to))
    for (int i = 0; i < from.rank(); ++i)
      packed |= std::int64_t(broadcast_axis(from, to, i)) << (4 * i);
  return AttrBlob::of(packed);
}

// `x` broadcast against `other`: what an identity returns.
Value as_operand(Value x, Value other, std::string_view op) {
  return broadcast_to(x, broadcast_shapes(op, x.shape(), other.shape()));
}

}  // namespace

Graph& graph_of(Value a, Value b) {
  if (!a || !b || &a.graph() != &b.graph())
    raise<ShapeError>("[graph] operands belong to different graphs");
  return a.graph();
}

Value broadcast_to(Value x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const TypeOf told{shape, x.dtype()};
  // A broadcast of a broadcast is one broadcast.
  const Node& n = x.graph().node(x.id());
  if (x.graph().op(x.id()).kind == OpKind::broadcast) {
    const Value inner = x.graph().value(n.in[0]);
    if (broadcasts_to(inner.shape(), shape)) {
      bool same = true;  // an axis of extent 1 that was made must not come to lie elsewhere
      for (int i = 0; i < inner.shape().rank() && same; ++i)
        same = broadcast_axis(x.shape(), shape, broadcast_axis(inner.shape(), x.shape(), i)) ==
               broadcast_axis(inner.shape(), shape, i);
      if (same) return apply<Broadcast>({inner}, axis_map(inner.shape(), shape), &told);
    }
  }
  return apply<Broadcast>({x}, axis_map(x.shape(), shape), &told);
}

Value add(Value a, Value b) {
  if (is_uniform(b, 0, a)) return as_operand(a, b, "add");
  if (is_uniform(a, 0, b)) return as_operand(b, a, "add");
  return binary<Add>(a, b);
}

Value sub(Value a, Value b) {
  if (is_uniform(b, 0, a)) return as_operand(a, b, "sub");
  return binary<Sub>(a, b);
}

Value mul(Value a, Value b) {
  if (is_uniform(b, 1, a)) return as_operand(a, b, "mul");
  if (is_uniform(a, 1, b)) return as_operand(b, a, "mul");
  return binary<Mul>(a, b);
}

Value div(Value a, Value b) {
  if (is_uniform(b, 1, a)) return as_operand(a, b, "div");
  return binary<Div>(a, b);
}

}  // namespace fathom
