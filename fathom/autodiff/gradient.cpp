#include "fathom/autodiff/gradient.h"

#include <algorithm>
#include <map>

#include "fathom/ops/reduce.h"

namespace fathom {

namespace {

class Reverse {
 public:
  Reverse(Graph& graph, std::span<const Value> wrt) : graph_(graph), depends_(graph.size(), 0) {
    for (const Value& v : wrt) depends_[v.id()] = 1;
  }

  std::vector<Value> run(Value y, Value seed, std::span<const Value> wrt) {
    const NodeId root = y.id();
    const std::vector<NodeId> order = reachable(graph_, std::span<const NodeId>(&root, 1));
    for (NodeId id : order)
      for (NodeId in : graph_.inputs(id)) depends_[id] = char(depends_[id] | depends_[in]);
    add(root, seed);
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      if (!depends_[*it]) continue;
      if (const Value g = total(*it)) adjoint_[*it] = g;
      visit(*it);
    }
    std::vector<Value> out;
    for (const Value& v : wrt) {
      const auto found = adjoint_.find(v.id());
      out.push_back(found != adjoint_.end() && found->second
                        ? found->second
                        : broadcast_to(graph_.constant(0.0, v.dtype()), v.shape()));
    }
    return out;
  }

 private:
  void add(NodeId id, Value g) { parts_[id].push_back(g); }

  // The sum of what flowed into a node. Parts that lie side by side between zeros are joined.
  Value total(NodeId id) {
    const auto found = parts_.find(id);
    if (found == parts_.end()) return {};
    std::vector<Value> parts = std::move(found->second);
    parts_.erase(found);
    if (Value joined = join(parts)) return joined;
    Value sum = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) sum = sum + parts[i];
    return sum;
  }

  Value join(std::vector<Value> parts) {
    if (parts.size() < 2) return {};
    std::vector<std::pair<std::int64_t, Value>> pieces;  // first place, piece
    std::int64_t axis = -1, extent = 0;
    for (const Value& p : parts) {
      if (graph_.node(p.id()).op != op_id<Embed>()) return {};
      const auto a = graph_.node(p.id()).attrs.as<Embed::Attrs>();
      if (axis >= 0 && a.axis != axis) return {};
      axis = a.axis;
      extent = a.extent;
      pieces.emplace_back(a.first, graph_.value(graph_.inputs(p.id())[0]));
    }
    std::sort(pieces.begin(), pieces.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Value> order;
    std::int64_t next = 0;
    for (const auto& [first, piece] : pieces) {
      if (first != next) return {};
      next += piece.shape().extent(int(axis));
      order.push_back(piece);
    }
    return next == extent ? concat(order, int(axis)) : Value();
  }

  void visit(NodeId id) {
    const OpInfo& op = graph_.op(id);
    if (op.kind == OpKind::leaf) return;
    const auto found = adjoint_.find(id);
    if (op.kind == OpKind::output) {  // collected until the op itself is reached
      if (found == adjoint_.end()) return;
      auto& dys = several_[graph_.inputs(id)[0]];
      dys.resize(kMaxOutputs);
      dys[graph_.node(id).output] = found->second;
      return;
    }
    std::vector<Value> x, y, dy;
    for (NodeId in : graph_.inputs(id)) x.push_back(graph_.value(in));
    if (op.outputs == 1) {
      if (found == adjoint_.end()) return;
      y = {graph_.value(id)};
      dy = {found->second};
    } else {
      const auto outs = several_.find(id);
      if (outs == several_.end()) return;
      for (int k = 0; k < op.outputs; ++k) y.push_back(graph_.output(id, k));
      dy.assign(outs->second.begin(), outs->second.begin() + op.outputs);
    }
    if (!op.differentiable) raise<ShapeError>("[{}] has no derivative", op.doc.name);
    std::vector<Value> dx;
    op.vjp({graph_, x, y, dy, graph_.node(id).attrs, dx});
    for (std::size_t i = 0; i < x.size(); ++i)
      if (dx[i] && x[i].id() < depends_.size() && depends_[x[i].id()]) add(x[i].id(), dx[i]);
  }

  Graph& graph_;
  std::vector<char> depends_;  // on one of wrt
  std::map<NodeId, std::vector<Value>> parts_;
  std::map<NodeId, Value> adjoint_;
  std::map<NodeId, std::vector<Value>> several_;  // adjoints of the outputs of one op
};

}  // namespace

std::vector<Value> vjp(Value y, Value seed, std::span<const Value> wrt) {
  if (seed.shape() != y.shape())
    raise<ShapeError>("[vjp] adjoint {} for a value {}", seed.shape().text(), y.shape().text());
  return Reverse(y.graph(), wrt).run(y, seed, wrt);
}

std::vector<Value> gradient(Value y, std::span<const Value> wrt) {
  if (y.shape().rank() != 0)
    raise<ShapeError>("[gradient] wants a scalar, got {}: sum it first", y.shape().text());
  return vjp(y, y.graph().constant(1.0, y.dtype()), wrt);
}

std::vector<Value> hessian_vector(Value y, std::span<const Value> wrt,
                                  std::span<const Value> directions) {
  const std::vector<Value> g = gradient(y, wrt);
  Value along;
  for (std::size_t i = 0; i < g.size(); ++i) {
    const Value part = sum(g[i] * directions[i]);
    along = along ? along + part : part;
  }
  return gradient(along, wrt);
}

}  // namespace fathom
