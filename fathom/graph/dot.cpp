#include "fathom/graph/dot.h"

#include <algorithm>

namespace fathom {

namespace {

std::string escaped(std::string_view text) {
  std::string s;
  for (const char c : text) {
    if (c == '"' || c == '\\') s += '\\';
    s += c;
  }
  return s;
}

std::string type_text(const Graph& graph, NodeId id) {
  return fmt::format("{} {}", name_of(graph.node(id).dtype), graph.shape(id).text());
}

// A single real that is known: written at its readers, so that it needs no box.
bool is_number(const Graph& graph, NodeId id, double* value) {
  const Array* c = graph.constant_value(id);
  return c && c->size() == 1 && graph.uniform_value(id, value);
}

std::string describe(const Graph& graph, NodeId id, bool root) {
  const OpInfo& op = graph.op(id);
  std::string label(op.doc.name), style;
  if (graph.node(id).op == kInputOp) {
    const auto& inputs = graph.graph_inputs();
    const auto input = std::find_if(inputs.begin(), inputs.end(),
                                    [&](const InputInfo& i) { return i.node == id; });
    label = input->name;
    style = input->kind == InputKind::slot  ? ", shape=ellipse, style=filled, fillcolor=lightyellow"
            : input->kind == InputKind::key ? ", shape=diamond"
                                            : ", shape=ellipse, style=filled, fillcolor=lightblue";
  } else if (op.kind == OpKind::output) {
    label = fmt::format("output {}", graph.node(id).output);
  }
  for (const NodeId in : graph.inputs(id)) {
    double value = 0;
    if (is_number(graph, in, &value)) label += fmt::format(" {}", value);
  }
  if (root) style += ", penwidth=3";
  return fmt::format("  n{} [label=\"{}\\n{}\"{}];\n", id, escaped(label), type_text(graph, id),
                     style);
}

}  // namespace

std::string dot(const Graph& graph, std::span<const Value> roots) {
  std::vector<NodeId> ids;
  for (const Value& v : roots) ids.push_back(v.id());
  std::string s = "digraph {\n  node [shape=box, fontname=\"monospace\"];\n";
  for (const NodeId id : reachable(graph, ids)) {
    const bool root = std::find(ids.begin(), ids.end(), id) != ids.end();
    double value = 0;
    if (!root && is_number(graph, id, &value)) continue;
    s += describe(graph, id, root);
    for (const NodeId in : graph.inputs(id))
      if (!is_number(graph, in, &value)) s += fmt::format("  n{} -> n{};\n", in, id);
  }
  return s + "}\n";
}

}  // namespace fathom
