#include "fathom/ops/narrow.h"

#include <algorithm>
#include <map>
#include <set>

#include "fathom/ops/all_ops.h"

namespace fathom {

namespace {

class Narrow {
 public:
  explicit Narrow(Graph& graph) : graph_(graph) {}

  // What replaces `values`, each in its own dtype.
  std::vector<Value> wide(std::span<const Value> values) {
    std::vector<NodeId> roots;
    for (const Value& v : values) roots.push_back(v.id());
    const std::vector<NodeId> all = reachable(graph_, roots);
    keep_exact(all);
    for (const NodeId id : all) make(id);
    std::vector<Value> out;
    for (const NodeId id : roots) out.push_back(wide_of(id));
    return out;
  }

 private:
  struct Made {
    Value wide, narrow;  // either may be made of the other when it is asked for
  };

  // Chains of gaussians read precisions that are sums, of the motion's noise and of what is seen,
  // which their recursions subtract again; and steps of linked ones are differences of moments.
  void keep_exact(std::span<const NodeId> all) {
    std::set<NodeId> made;
    for (const NodeId id : all) {
      const auto op = graph_.op(id).id;
      const auto inputs = graph_.inputs(id);
      if (op == op_id<LinkedChainNorm> || op == op_id<DrivenChainNorm>)
        for (const NodeId read : reachable(graph_, inputs)) exact_.insert(read);
      if (op == op_id<LinkedChainNorm> ||
          std::any_of(inputs.begin(), inputs.end(), [&](NodeId i) { return made.count(i) > 0; }))
        made.insert(id);
    }
    exact_.insert(made.begin(), made.end());
  }

  bool varies(NodeId id) const {
    const Shape& s = graph_.shape(id);
    return s.rank() > 0 && s[0].label != kNoLabel && graph_.label_info(s[0].label).streamed;
  }
  bool is_double(NodeId id) const { return graph_.node(id).dtype == DType::f64; }

  Value wide_of(NodeId id) {
    Made& m = made_.at(id);
    if (!m.wide) m.wide = cast(m.narrow, DType::f64);
    return m.wide;
  }
  Value narrow_of(NodeId id) {
    Made& m = made_.at(id);
    if (!m.narrow) m.narrow = is_double(id) ? cast(m.wide, DType::f32) : m.wide;
    return m.narrow;
  }

  // Whether f32 serves the op as well as it serves its operands.
  bool serves(const OpInfo& op) const {
    return op.kind == OpKind::contraction || op.kind == OpKind::elementwise ||
           op.id == op_id<Broadcast> || op.id == op_id<Reshape> || op.id == op_id<Transpose> ||
           op.id == op_id<Slice> || op.id == op_id<Concat> || op.id == op_id<Sum> ||
           op.id == op_id<LogSumExp> || op.id == op_id<QuadraticFeatures> || op.id == op_id<Vech>;
  }

  Value again(NodeId id, std::span<const Value> in, DType dtype) {
    const TypeOf told{graph_.shape(id), dtype};
    return graph_.apply(graph_.node(id).op, in, graph_.node(id).attrs, &told);
  }

  void make(NodeId id) {
    const OpInfo& op = graph_.op(id);
    const auto inputs = graph_.inputs(id);
    Made& m = made_[id];
    bool rows = false, same = true;
    for (const NodeId i : inputs) {
      rows = rows || (varies(i) && is_double(i));
      same = same && !made_.at(i).narrow && wide_of(i).id() == i;
    }
    if (op.id == op_id<Cast> && varies(id) && is_double(id) &&
        graph_.node(inputs[0]).dtype == DType::f32) {
      m.narrow = graph_.value(inputs[0]);
      return;
    }
    if (op.kind == OpKind::output) {
      const int k = graph_.node(id).output;
      Made& from = made_.at(inputs[0]);
      if (from.narrow && is_double(id)) {
        m.narrow = graph_.output(from.narrow.id(), k);
      } else {
        m.wide = same ? graph_.value(id) : graph_.output(wide_of(inputs[0]).id(), k);
      }
      return;
    }
    const bool exact = exact_.count(id) > 0;
    if (rows && op.id == op_id<MatMul> && !varies(id) && !exact) {  // a sum over rows
      auto a = graph_.node(id).attrs.as<MatMul::Attrs>();
      a.wide = 1;
      m.wide = apply<MatMul>({narrow_of(inputs[0]), narrow_of(inputs[1])}, AttrBlob::of(a));
      return;
    }
    const bool of_rows = rows || op.id == op_id<Broadcast>;
    if (of_rows && varies(id) && is_double(id) && serves(op) && !exact) {
      std::vector<Value> in;
      for (const NodeId i : inputs) in.push_back(narrow_of(i));
      m.narrow = again(id, in, DType::f32);
      return;
    }
    if (inputs.empty() || same) {
      m.wide = graph_.value(id);
      return;
    }
    std::vector<Value> in;
    for (const NodeId i : inputs) in.push_back(wide_of(i));
    m.wide = again(id, in, graph_.node(id).dtype);
  }

  Graph& graph_;
  std::map<NodeId, Made> made_;
  std::set<NodeId> exact_;
};

}  // namespace

std::vector<Value> narrowed(std::span<const Value> values) {
  if (values.empty()) return {};
  return Narrow(values[0].graph()).wide(values);
}

}  // namespace fathom
