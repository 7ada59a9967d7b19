// The only file that instantiates every op: forward for scalars, derivative rules, shape rules.
#include "fathom/kernels/scalar.h"
#include "fathom/ops/all_ops.h"

namespace fathom {

namespace {

struct Constant {
  static constexpr OpDoc doc{.name = "constant", .brief = "known when the graph is built"};
};
struct Input {
  static constexpr OpDoc doc{.name = "input", .brief = "data, state or a key, bound at run time"};
};
struct Output {
  static constexpr OpDoc doc{.name = "output", .brief = "one output of an op with several"};
};

template <class Op>
constexpr int elementwise_arity() {
  using S = Scalar<double>;
  if constexpr (requires(S s) { Op::forward(s, s, s); }) {
    return 3;
  } else if constexpr (requires(S s) { Op::forward(s, s); }) {
    return 2;
  } else {
    return 1;
  }
}

template <class Op>
void elementwise_shape(ShapeCall& c) {
  for (const TypeOf& t : c.in) {
    if (t.dtype != c.in[0].dtype || t.shape != c.in[0].shape || !is_real(t.dtype))
      raise<ShapeError>("[{}] operands must be reals of one dtype and shape: {} {} with {} {}",
                        Op::doc.name, name_of(c.in[0].dtype), c.in[0].shape.text(),
                        name_of(t.dtype), t.shape.text());
  }
  c.out[0] = c.in[0];
}

template <class Op, class T>
void reference_loop(const KernelCall& c) {
  using S = Scalar<T>;
  constexpr int arity = elementwise_arity<Op>();
  const std::int64_t n = c.out[0].size();
  T* out = c.out[0].data<T>();
  const auto in = [&](std::size_t k, std::int64_t i) { return S{c.in[k].data<T>()[i]}; };
  for (std::int64_t i = 0; i < n; ++i) {
    if constexpr (arity == 1) {
      out[i] = Op::forward(in(0, i)).v;
    } else if constexpr (arity == 2) {
      out[i] = Op::forward(in(0, i), in(1, i)).v;
    } else {
      out[i] = Op::forward(in(0, i), in(1, i), in(2, i)).v;
    }
  }
}

template <class Op>
void elementwise_forward(const KernelCall& c) {
  if (c.out[0].dtype == DType::f32) return reference_loop<Op, float>(c);
  reference_loop<Op, double>(c);
}

template <class Op>
void call_vjp(const VjpCall& c) {
  VjpContext context{c.x, c.y[0], c.dys[0], c.y, c.dys, c.attrs};
  c.dx = Op::vjp(context);
}

template <class Op>
constexpr bool has_vjp = requires(VjpContext c) {
  Op::vjp(c);
};

template <class Op>
OpInfo elementwise_entry(std::int16_t wide) {
  OpInfo e;
  e.doc = Op::doc;
  e.kind = OpKind::elementwise;
  e.arity = elementwise_arity<Op>();
  e.wide = wide;
  e.in_place = true;
  e.differentiable = true;
  e.shape = elementwise_shape<Op>;
  e.forward = elementwise_forward<Op>;
  e.vjp = call_vjp<Op>;
  e.id = op_id<Op>;
  e.points = Op::points;
  return e;
}

template <class Op>
OpInfo structured_entry() {
  OpInfo e;
  e.doc = Op::doc;
  e.kind = Op::kind;
  e.arity = Op::arity;
  if constexpr (requires { Op::outputs; }) e.outputs = Op::outputs;
  e.shape = Op::shape;
  e.forward = Op::forward;
  if constexpr (requires(const KernelCall& c) { Op::planned(c); }) e.planned = Op::planned;
  if constexpr (requires { Op::in_place; }) e.in_place = Op::in_place;
  if constexpr (requires { Op::across; }) e.across = Op::across;
  if constexpr (requires { Op::marks; }) e.marks = Op::marks;
  if constexpr (requires { Op::replaced; }) e.replaced = Op::replaced;
  if constexpr (requires(const ShapeCall& c) { Op::aligned(c); }) e.aligned = Op::aligned;
  if constexpr (has_vjp<Op>) {
    e.differentiable = true;
    e.vjp = call_vjp<Op>;
  }
  e.id = op_id<Op>;
  return e;
}

template <class Op>
OpInfo leaf_entry() {
  OpInfo e;
  e.doc = Op::doc;
  e.kind = Op::doc.name == "output" ? OpKind::output : OpKind::leaf;
  return e;
}

std::vector<OpInfo> make_table() {
  std::vector<OpInfo> table = {leaf_entry<Constant>(), leaf_entry<Input>(), leaf_entry<Output>()};
  std::int16_t wide = 0;
  [&]<class... Op>(OpList<Op...>) {
    (table.push_back(elementwise_entry<Op>(wide++)), ...);
  }(ElementwiseOps{});
  [&]<class... Op>(OpList<Op...>) {
    (table.push_back(structured_entry<Op>()), ...);
  }(StructuredOps{});
  return table;
}

template <class Wanted, class... Op>
constexpr int place_in(OpList<Op...>) {
  int at = 0, found = -1;
  ((std::is_same_v<Wanted, Op> ? void(found = at++) : void(at++)), ...);
  return found;
}

template <class... Op>
constexpr int length_of(OpList<Op...>) {
  return sizeof...(Op);
}

}  // namespace

template <class Op>
std::uint16_t op_id() {
  constexpr int leaves = 3, elementwise = place_in<Op>(ElementwiseOps{}),
                structured = place_in<Op>(StructuredOps{});
  static_assert(elementwise >= 0 || structured >= 0, "the op is not in ops/all_ops.h");
  if constexpr (elementwise >= 0) return leaves + elementwise;
  return std::uint16_t(leaves + length_of(ElementwiseOps{}) + structured);
}

OpTable op_table() {
  static const std::vector<OpInfo> table = make_table();
  return table;
}

const OpInfo* find_op(std::string_view name) {
  for (const OpInfo& e : op_table())
    if (e.doc.name == name) return &e;
  return nullptr;
}

}  // namespace fathom
