#include "fathom/ops/substitute.h"

#include <algorithm>
#include <map>
#include <set>

#include "fathom/ops/all_ops.h"

namespace fathom {

namespace {

bool has_rows(const Value& v) {
  const Shape& s = v.shape();
  return s.rank() > 0 && s[0].label != kNoLabel && v.graph().label_info(s[0].label).streamed;
}

class Rebuild {
 public:
  explicit Rebuild(Graph& graph) : graph_(graph) {}

  void replace(Value from, Value to) {
    set(from.id(), to);
    touched_.insert(from.id());
  }

  Value of(Value v) {
    const NodeId root = v.id();
    for (NodeId id : reachable(graph_, std::span(&root, 1)))
      if (!made_.count(id)) set(id, make(id));
    return made_.at(root);
  }

 private:
  void set(NodeId id, Value v) { made_[id] = v; }

  bool is_zero(Value v) const {
    double x = 1;
    return graph_.uniform_value(v.id(), &x) && x == 0;
  }
  Value zeros(NodeId id) {
    return broadcast_to(graph_.constant(0.0, graph_.node(id).dtype), graph_.shape(id));
  }
  // The value without rows, where it repeats along them: empty where it does not.
  static Value shared(Value v) {
    const Value s = without_rows(v);
    return s == v ? Value() : s;
  }

  Value make(NodeId id) {
    const OpInfo& op = graph_.op(id);
    std::vector<Value> in;
    bool same = true, zero = false, rows = false, constant = true, touched = false;
    for (const NodeId i : graph_.inputs(id)) {
      in.push_back(made_.at(i));
      touched = touched || touched_.count(i) > 0;
      same = same && in.back().id() == i;
      zero = zero || is_zero(in.back());
      rows = rows || has_rows(in.back());
      constant = constant && (!has_rows(in.back()) || shared(in.back()));
    }
    // What is made of neither rows nor anything replaced stays itself: others may hold it.
    if (touched) touched_.insert(id);
    const bool own = same && !touched && !rows && !has_rows(graph_.value(id));
    if (in.empty() || op.kind == OpKind::output || own) return graph_.value(id);
    const bool linear = op.id == op_id<Mul> || op.kind == OpKind::contraction ||
                        op.id == op_id<Sum> || op.id == op_id<Reshape> || op.id == op_id<Neg> ||
                        op.id == op_id<Transpose> || op.id == op_id<Slice> ||
                        op.id == op_id<Embed> || op.id == op_id<Diagonal> ||
                        op.id == op_id<DiagonalMatrix> || op.id == op_id<Vech> ||
                        op.id == op_id<Unvech> || op.id == op_id<Broadcast>;
    if (zero && linear) return zeros(id);
    if (rows && constant)
      if (const Value v = once(id, in)) return broadcast_to(v, graph_.shape(id));
    return same ? graph_.value(id) : plain(id, in, &graph_.shape(id));
  }

  // The op on values of whatever shape; `told`: of the result, for ops that are told it.
  Value plain(NodeId id, std::span<const Value> in, const Shape* told) {
    const OpInfo& op = graph_.op(id);
    if (op.id == op_id<Add>) return add(in[0], in[1]);
    if (op.id == op_id<Sub>) return sub(in[0], in[1]);
    if (op.id == op_id<Mul>) return mul(in[0], in[1]);
    if (op.id == op_id<Div>) return div(in[0], in[1]);
    if (op.id == op_id<Broadcast>) return broadcast_to(in[0], *told);
    const TypeOf type{told ? *told : Shape(), graph_.node(id).dtype};
    return graph_.apply(graph_.node(id).op, in, graph_.node(id).attrs, told ? &type : nullptr);
  }

  // The op on values without rows; empty where it does not treat rows one by one.
  Value once(NodeId id, std::span<const Value> in) {
    const OpInfo& op = graph_.op(id);
    const Shape& s = graph_.shape(id);
    if (s.rank() == 0 || !has_rows(graph_.value(id))) return {};
    const Shape rest = s.without(0);
    std::vector<Value> part;
    for (const Value& v : in) part.push_back(has_rows(v) ? shared(v) : v);
    const auto attrs = graph_.node(id).attrs;
    if (op.kind == OpKind::elementwise) return plain(id, part, &rest);
    if (op.id == op_id<Broadcast>) return broadcast_to(part[0], rest);
    if (op.id == op_id<Reshape>) return in[0].shape()[0] == s[0] ? reshape(part[0], rest) : Value();
    if (op.id == op_id<Sum>) {
      const auto a = attrs.as<ReduceAttrs>();
      return a.first > 0 ? sum(part[0], int(a.first) - 1, int(a.count)) : Value();
    }
    if (op.id == op_id<Transpose>) {
      const auto a = attrs.as<Transpose::Attrs>();
      if (a.from[0] != 0) return {};
      std::vector<int> from;
      for (int i = 1; i < s.rank(); ++i) from.push_back(a.from[i] - 1);
      return transpose(part[0], from);
    }
    if (op.id == op_id<MatMul>) {
      const auto a = attrs.as<MatMul::Attrs>();
      const bool left = has_rows(in[0]), right = has_rows(in[1]);
      if (left && right && a.nb > 0)
        return contract(part[0], part[1], a.nb - 1, a.nk, a.ta != 0, a.tb != 0);
      if (left && !right && a.nb == 0 && !a.ta)
        return contract(part[0], part[1], 0, a.nk, false, a.tb != 0);
      return {};
    }
    const bool plain_rows = op.id == op_id<Diagonal> || op.id == op_id<DiagonalMatrix> ||
                            op.id == op_id<Vech> || op.id == op_id<Unvech> ||
                            op.id == op_id<Cholesky> || op.id == op_id<Tril>;
    return plain_rows ? plain(id, part, nullptr) : Value();
  }

  Graph& graph_;
  std::map<NodeId, Value> made_;
  std::set<NodeId> touched_;
};

}  // namespace

std::vector<Value> substitute(std::span<const Value> values, std::span<const Value> from,
                              std::span<const Value> to) {
  std::vector<Value> out;
  if (values.empty()) return out;
  Rebuild rebuild(values[0].graph());
  for (std::size_t k = 0; k < from.size(); ++k) rebuild.replace(from[k], to[k]);
  for (const Value& v : values) out.push_back(rebuild.of(v));
  return out;
}

Value without_rows(Value v) {
  Graph& g = v.graph();
  if (!has_rows(v) || g.op(v.id()).id != op_id<Broadcast>) return v;
  const Value source = g.value(g.inputs(v.id())[0]);
  return has_rows(source) ? v : broadcast_to(source, v.shape().without(0));
}

}  // namespace fathom
