#include "fathom/graph/graph.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string_view>

namespace fathom {

namespace {

template <class T>
std::size_t hash_bytes(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&value), sizeof(value)});
}

std::size_t hash_shape(const Shape& s) {
  std::size_t h = std::size_t(s.rank());
  for (const Axis& a : s.axes())
    h = std::size_t(mix64(h ^ (std::uint64_t(a.extent) << 16) ^ std::uint64_t(a.label)));
  return h;
}

struct ConstantAttrs {
  std::int64_t index;  // in the pool of constants
};

struct InputAttrs {
  std::int64_t index;  // in the table of inputs
};

}  // namespace

std::uint32_t Graph::intern(const Shape& shape) {
  const std::size_t h = hash_shape(shape);
  const auto [first, last] = shape_numbers_.equal_range(h);
  for (auto it = first; it != last; ++it)
    if (shapes_[it->second] == shape) return it->second;
  shapes_.push_back(shape);
  const auto index = std::uint32_t(shapes_.size() - 1);
  shape_numbers_.emplace(h, index);
  return index;
}

NodeId Graph::intern(const Node& node) {
  const std::size_t h = hash_bytes(node);
  const auto [first, last] = numbers_.equal_range(h);
  for (auto it = first; it != last; ++it)
    if (nodes_[it->second] == node) return it->second;
  nodes_.push_back(node);
  const auto id = NodeId(nodes_.size() - 1);
  numbers_.emplace(h, id);
  return id;
}

std::span<const NodeId> Graph::inputs(NodeId id) const {
  const Node& n = nodes_[id];
  if (n.arity > Node::kInline) return more_inputs_[n.in[0]];
  return {n.in, n.arity};
}

Value Graph::constant(const Array& array) {
  Node n;
  n.op = kConstantOp;
  n.dtype = array.dtype();
  n.shape = intern(array.shape());
  std::int64_t found = -1;
  for (std::size_t i = 0; i < constants_.size() && found < 0; ++i) {
    const Array& c = constants_[i];
    if (c.dtype() == array.dtype() && c.shape() == array.shape() &&
        (c.bytes() == 0 || std::memcmp(c.raw(), array.raw(), c.bytes()) == 0))
      found = std::int64_t(i);
  }
  if (found < 0) {
    found = std::int64_t(constants_.size());
    constants_.push_back(array.copy());
  }
  n.attrs = AttrBlob::of(ConstantAttrs{found});
  return {*this, intern(n)};
}

Value Graph::constant(double value, DType dtype) {
  return constant(Array::scalar(value).cast(dtype));
}

const Array* Graph::constant_value(NodeId id) const {
  if (nodes_[id].op != kConstantOp) return nullptr;
  return &constants_[std::size_t(nodes_[id].attrs.as<ConstantAttrs>().index)];
}

bool Graph::uniform_value(NodeId id, double* value) const {
  const OpKind kind = op(id).kind;
  // Not through stop_gradient and keep: their values stand for themselves.
  const bool moved = kind == OpKind::alias && op(id).doc.name == "reshape";
  if (kind == OpKind::broadcast || moved) return uniform_value(inputs(id)[0], value);
  const Array* c = constant_value(id);
  if (!c || c->size() == 0 || c->size() > 64 || !is_real(c->dtype())) return false;
  const Array wide = c->cast(DType::f64);
  const auto v = wide.values<double>();
  const auto same = [&](double x) { return x == v[0] && std::signbit(x) == std::signbit(v[0]); };
  if (!std::all_of(v.begin(), v.end(), same)) return false;
  *value = v[0];
  return true;
}

Value Graph::leaf(InputKind kind, std::string name, DType dtype, const Shape& shape) {
  if (find_input(name)) raise<ShapeError>("[graph] an input named \"{}\" exists already", name);
  Node n;
  n.op = kInputOp;
  n.dtype = dtype;
  n.shape = intern(shape);
  n.attrs = AttrBlob::of(InputAttrs{std::int64_t(inputs_.size())});
  const NodeId id = intern(n);
  inputs_.push_back({std::move(name), kind, id});
  return {*this, id};
}

Value Graph::data(std::string name, DType dtype, const Shape& shape) {
  return leaf(InputKind::data, std::move(name), dtype, shape);
}
Value Graph::slot(std::string name, DType dtype, const Shape& shape) {
  return leaf(InputKind::slot, std::move(name), dtype, shape);
}
Value Graph::key(std::string name) { return leaf(InputKind::key, std::move(name), DType::key, {}); }

const InputInfo* Graph::find_input(std::string_view name) const {
  for (const InputInfo& i : inputs_)
    if (i.name == name) return &i;
  return nullptr;
}

Label Graph::label(std::string name, bool streamed) {
  for (const LabelInfo& l : labels_) {
    if (l.name == name) raise<ShapeError>("[graph] an axis named \"{}\" exists already", name);
    if (streamed && !l.streamed)
      raise<ShapeError>("[graph] streamed axis \"{}\" must be made before \"{}\"", name, l.name);
  }
  labels_.push_back({std::move(name), streamed});
  return Label(labels_.size());
}

// The elements of a small constant, or of a constant repeated to a small shape; empty for others.
Array Graph::small_constant(NodeId id) const {
  constexpr std::int64_t kSmall = 4096;
  if (const Array* c = constant_value(id)) return c->size() <= kSmall ? *c : Array();
  if (op(id).kind != OpKind::broadcast || shape(id).size() > kSmall) return {};
  const Array inner = small_constant(inputs(id)[0]);
  if (inner.empty()) return {};
  Array out(nodes_[id].dtype, shape(id));
  const View in = dense_view(const_cast<std::byte*>(inner.raw()), inner.dtype(), inner.shape());
  const View to = dense_view(out.raw(), out.dtype(), out.shape());
  op(id).forward({std::span<const View>(&in, 1), std::span<const View>(&to, 1), nodes_[id].attrs});
  return out;
}

// Elementwise work on constants is done once, here.
Value Graph::fold_constants(const OpInfo& info, std::span<const Value> inputs, const TypeOf& out,
                            AttrBlob attrs) {
  if (info.kind != OpKind::elementwise && info.kind != OpKind::cast) return {};
  if (out.shape.rank() > 0 && out.shape[0].label != kNoLabel &&
      label_info(out.shape[0].label).streamed)
    return {};
  std::vector<Array> arrays;
  std::vector<View> in;
  for (const Value& v : inputs) {
    arrays.push_back(small_constant(v.id()));
    if (arrays.back().empty()) return fold_uniform(info, inputs, out, attrs);
    in.push_back(dense_view(arrays.back().raw(), arrays.back().dtype(), arrays.back().shape()));
  }
  Array result(out.dtype, out.shape);
  const View to = dense_view(result.raw(), out.dtype, out.shape);
  info.forward({in, std::span<const View>(&to, 1), attrs});
  return constant(result);
}

// Of operands that are one number each, however large, it is done on these, and repeated.
Value Graph::fold_uniform(const OpInfo& info, std::span<const Value> inputs, const TypeOf& out,
                          AttrBlob attrs) {
  std::vector<Array> arrays;
  std::vector<View> in;
  for (const Value& v : inputs) {
    double number = 0;
    if (!uniform_value(v.id(), &number)) return {};
    arrays.push_back(Array::scalar(number).cast(v.dtype()));
    in.push_back(dense_view(arrays.back().raw(), v.dtype(), {}));
  }
  Array result(out.dtype, {});
  const View to = dense_view(result.raw(), out.dtype, {});
  info.forward({in, std::span<const View>(&to, 1), attrs});
  const auto repeat = std::find_if(table_.begin(), table_.end(),
                                   [](const OpInfo& o) { return o.kind == OpKind::broadcast; });
  const Value one = constant(result);
  return apply(std::uint16_t(repeat - table_.begin()), std::span(&one, 1),
               AttrBlob::of(std::int64_t(0)), &out);
}

// How many rows a streamed axis has is known when a plan runs: no op may cut it, join it with
// another axis or move it.
void Graph::check_streamed(const OpInfo& info, std::span<const TypeOf> in,
                           const TypeOf& out) const {
  const auto streamed = [&](const Shape& s) {
    return s.rank() > 0 && s[0].label != kNoLabel && label_info(s[0].label).streamed &&
           s.extent(0) != 1;
  };
  for (const TypeOf& t : in) {
    const bool from = streamed(t.shape), to = streamed(out.shape);
    const bool cut =
        from && to && t.shape[0].label == out.shape[0].label && t.shape[0] != out.shape[0];
    const bool joined =
        info.kind == OpKind::alias && (from || to) && (from != to || t.shape[0] != out.shape[0]);
    if (cut || joined)
      raise<ShapeError>(
          "[{}] rows of \"{}\" are known when a plan runs and cannot be cut: {} to {}",
          info.doc.name, label_info((from ? t : out).shape[0].label).name, t.shape.text(),
          out.shape.text());
  }
}

Value Graph::apply(std::uint16_t op, std::span<const Value> inputs, AttrBlob attrs,
                   const TypeOf* told) {
  const OpInfo& info = table_[op];
  std::vector<TypeOf> in;
  in.reserve(inputs.size());
  for (const Value& v : inputs) {
    if (!v) raise<ShapeError>("[{}] an operand is empty", info.doc.name);
    if (&v.graph() != this)
      raise<ShapeError>("[{}] operands belong to different graphs", info.doc.name);
    in.push_back({v.shape(), v.dtype()});
  }
  TypeOf out[kMaxOutputs];
  if (told) out[0] = *told;
  ShapeCall call{in, {out, std::size_t(info.outputs)}, attrs};
  info.shape(call);
  for (int k = 0; k < info.outputs; ++k) check_streamed(info, in, out[k]);
  if (const Value folded = fold_constants(info, inputs, out[0], attrs)) return folded;

  Node n;
  n.op = op;
  n.dtype = out[0].dtype;
  n.shape = intern(out[0].shape);
  n.arity = std::uint32_t(inputs.size());
  n.attrs = attrs;
  if (n.arity > Node::kInline) {
    std::vector<NodeId> all;
    for (const Value& v : inputs) all.push_back(v.id());
    const auto [list, fresh] = lists_.try_emplace(all, std::uint32_t(more_inputs_.size()));
    if (fresh) more_inputs_.push_back(std::move(all));
    n.in[0] = list->second;
  } else {
    for (std::uint32_t i = 0; i < n.arity; ++i) n.in[i] = inputs[i].id();
  }
  return {*this, intern(n)};
}

Value Graph::output(NodeId id, int k) {
  const OpInfo& info = op(id);
  std::vector<TypeOf> in;
  for (NodeId i : inputs(id)) in.push_back({shape(i), nodes_[i].dtype});
  TypeOf out[kMaxOutputs];
  out[0] = {shape(id), nodes_[id].dtype};
  ShapeCall call{in, {out, std::size_t(info.outputs)}, nodes_[id].attrs};
  info.shape(call);
  Node n;
  n.op = kOutputOp;
  n.dtype = out[k].dtype;
  n.output = std::uint8_t(k);
  n.shape = intern(out[k].shape);
  n.arity = 1;
  n.in[0] = id;
  return {*this, intern(n)};
}

const InputInfo& Graph::input_of(NodeId id) const {
  return inputs_[std::size_t(nodes_[id].attrs.as<InputAttrs>().index)];
}

std::string Graph::text(NodeId id) const {
  const Node& n = nodes_[id];
  std::string name(op(id).doc.name);
  if (n.op == kInputOp) name = input_of(id).name;
  return fmt::format("[{}] {} {}", name, name_of(n.dtype), shape(id).text());
}

std::vector<NodeId> reachable(const Graph& graph, std::span<const NodeId> roots) {
  std::vector<char> seen(graph.size(), 0);
  std::vector<NodeId> stack(roots.begin(), roots.end()), order;
  while (!stack.empty()) {
    const NodeId id = stack.back();
    stack.pop_back();
    if (seen[id]) continue;
    seen[id] = 1;
    order.push_back(id);
    for (NodeId i : graph.inputs(id)) stack.push_back(i);
  }
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace fathom
