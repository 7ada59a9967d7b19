#include "fathom/graph/verify.h"

#include <algorithm>

#include "fathom/base/error.h"

namespace fathom {

namespace {

[[noreturn]] void refuse(const Graph& graph, NodeId id, std::string_view what) {
  raise<ShapeError>("[verify] node {} {} {}", id, graph.op(id).doc.name, what);
}

void check_leaf(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  if (n.arity != 0) refuse(graph, id, "is a leaf and reads others");
  if (const Array* c = graph.constant_value(id)) {
    if (c->dtype() != n.dtype || c->shape() != graph.shape(id))
      refuse(graph, id, "differs from the constant that it stands for");
    return;
  }
  const auto& inputs = graph.graph_inputs();
  if (std::none_of(inputs.begin(), inputs.end(), [&](const InputInfo& i) { return i.node == id; }))
    refuse(graph, id, "is not in the table of inputs");
}

// What the shape rule of node `id` says of output `k`.
TypeOf expected(const Graph& graph, NodeId id, int k) {
  const OpInfo& op = graph.op(id);
  std::vector<TypeOf> in;
  for (const NodeId i : graph.inputs(id)) in.push_back({graph.shape(i), graph.node(i).dtype});
  TypeOf out[kMaxOutputs];
  out[0] = {graph.shape(id), graph.node(id).dtype};  // for ops that are told their shape
  ShapeCall call{in, {out, std::size_t(op.outputs)}, graph.node(id).attrs};
  op.shape(call);
  return out[k];
}

void check_node(const Graph& graph, NodeId id) {
  const Node& n = graph.node(id);
  const OpInfo& op = graph.op(id);
  for (const NodeId in : graph.inputs(id))
    if (in >= id) refuse(graph, id, fmt::format("reads node {}, which is not before it", in));
  if (op.kind == OpKind::leaf) return check_leaf(graph, id);
  NodeId made = id;
  if (op.kind == OpKind::output) {
    if (n.arity != 1) refuse(graph, id, "reads another number of nodes than one");
    made = graph.inputs(id)[0];
    if (n.output >= graph.op(made).outputs)
      refuse(graph, id,
             fmt::format("is output {} of an op with {}", n.output, graph.op(made).outputs));
  } else if (op.arity >= 0 && n.arity != std::uint32_t(op.arity)) {
    refuse(graph, id, fmt::format("has {} inputs, its op takes {}", n.arity, op.arity));
  }
  const TypeOf want = expected(graph, made, n.output);
  if (want.dtype != n.dtype || want.shape != graph.shape(id))
    refuse(graph, id,
           fmt::format("is {} {}, its op gives {} {}", name_of(n.dtype), graph.shape(id).text(),
                       name_of(want.dtype), want.shape.text()));
}

}  // namespace

void verify(const Graph& graph) {
  for (NodeId id = 0; id < NodeId(graph.size()); ++id) {
    if (graph.node(id).op >= graph.table().size())
      raise<ShapeError>("[verify] node {} has no op: {} is outside the table", id,
                        graph.node(id).op);
    check_node(graph, id);
  }
}

}  // namespace fathom
