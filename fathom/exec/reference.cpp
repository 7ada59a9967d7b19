#include "fathom/exec/reference.h"

#include <cmath>
#include <cstring>

#include "fathom/base/error.h"

namespace fathom {

namespace {

// Extents of streamed axes in this run.
using Extents = std::map<Label, std::int64_t>;

Shape run_shape(const Graph& graph, const Shape& shape, const Extents& rows) {
  std::array<Axis, Shape::kMaxRank> axes{};
  for (int i = 0; i < shape.rank(); ++i) {
    axes[std::size_t(i)] = shape[i];
    const auto found = rows.find(shape[i].label);
    if (shape[i].label != kNoLabel && graph.label_info(shape[i].label).streamed &&
        found != rows.end() && shape.extent(i) != 1)
      axes[std::size_t(i)].extent = found->second;
  }
  return Shape(std::span<const Axis>(axes.data(), std::size_t(shape.rank())));
}

Extents bound_rows(const Graph& graph, const Bindings& bindings) {
  Extents rows;
  for (const InputInfo& input : graph.graph_inputs()) {
    const auto found = bindings.find(input.name);
    const Shape& s = graph.shape(input.node);
    if (found == bindings.end() || s.rank() == 0 || s[0].label == kNoLabel ||
        !graph.label_info(s[0].label).streamed || found->second.shape().rank() == 0)
      continue;
    const std::int64_t n = found->second.shape().extent(0);
    const auto [it, fresh] = rows.emplace(s[0].label, n);
    if (!fresh && it->second != n)
      raise<ShapeError>("[bind] \"{}\" has {} rows, another input of its plate {}", input.name, n,
                        it->second);
  }
  return rows;
}

Shape table_shape(const Shape& s, const Array& a) {
  const std::int64_t row = s.size(1, s.rank());
  return s.without(0).with_front({row > 0 ? a.size() / row : 0, s[0].label});
}

class Interpreter {
 public:
  Interpreter(const Graph& graph, const Bindings& bindings)
      : graph_(graph), bindings_(bindings), rows_(bound_rows(graph, bindings)) {}

  void run(std::span<const Value> outputs) {
    std::vector<NodeId> roots;
    for (const Value& v : outputs) roots.push_back(v.id());
    order_ = reachable(graph_, roots);
    for (NodeId id : order_) values_[id] = compute(id);
  }

  const std::vector<NodeId>& order() const { return order_; }
  const std::vector<Array>& at(NodeId id) const { return values_.at(id); }

 private:
  std::vector<Array> compute(NodeId id) {
    const OpInfo& op = graph_.op(id);
    if (op.kind == OpKind::output) {
      return {values_.at(graph_.inputs(id)[0])[graph_.node(id).output]};
    }
    if (const Array* c = graph_.constant_value(id)) return {*c};
    if (op.kind == OpKind::leaf) return {bound(id)};
    std::vector<View> in, out;
    std::vector<TypeOf> types;
    for (NodeId i : graph_.inputs(id)) {
      const Array& a = values_.at(i)[0];
      in.push_back(dense_view(const_cast<std::byte*>(a.raw()), a.dtype(), a.shape()));
      types.push_back({graph_.shape(i), graph_.node(i).dtype});
    }
    TypeOf result[kMaxOutputs];
    result[0] = {graph_.shape(id), graph_.node(id).dtype};
    ShapeCall call{types, {result, std::size_t(op.outputs)}, graph_.node(id).attrs};
    if (op.outputs > 1) op.shape(call);
    std::vector<Array> arrays;
    for (int k = 0; k < op.outputs; ++k) {
      arrays.emplace_back(result[k].dtype, run_shape(graph_, result[k].shape, rows_));
      out.push_back(dense_view(arrays.back().raw(), arrays.back().dtype(), arrays.back().shape()));
    }
    if (const auto [from, to] = op.replaced; to >= 0)
      std::memcpy(out[std::size_t(to)].raw, in[std::size_t(from)].raw,
                  arrays[std::size_t(to)].bytes());
    op.forward({in, out, graph_.node(id).attrs});
    return arrays;
  }

  Array bound(NodeId id) {
    for (const InputInfo& input : graph_.graph_inputs()) {
      if (input.node != id) continue;
      const auto found = bindings_.find(input.name);
      if (found == bindings_.end())
        raise<ShapeError>("[bind] input \"{}\" is not bound", input.name);
      const Array& a = found->second;
      Shape wanted = run_shape(graph_, graph_.shape(id), rows_);
      if (wanted.rank() > 0 && wanted[0].label != kNoLabel &&
          !graph_.label_info(wanted[0].label).streamed)
        wanted = table_shape(wanted, a);  // a table to gather from has as many rows as it has
      if (a.dtype() != graph_.node(id).dtype || a.size() != wanted.size())
        raise<ShapeError>("[bind] \"{}\" wants {} {}, got {} {}", input.name,
                          name_of(graph_.node(id).dtype), wanted.text(), name_of(a.dtype()),
                          a.shape().text());
      return a.reshaped(wanted);
    }
    raise<ShapeError>("[bind] node {} is no input", id);
  }

  const Graph& graph_;
  const Bindings& bindings_;
  Extents rows_;
  std::vector<NodeId> order_;
  std::map<NodeId, std::vector<Array>> values_;
};

bool finite(const Array& a) {
  if (!is_real(a.dtype())) return true;
  const Array wide = a.cast(DType::f64);
  for (double v : wide.values<double>())
    if (!std::isfinite(v)) return false;
  return true;
}

}  // namespace

std::vector<Array> evaluate_reference(const Graph& graph, std::span<const Value> outputs,
                                      const Bindings& bindings) {
  Interpreter interpreter(graph, bindings);
  interpreter.run(outputs);
  std::vector<Array> out;
  for (const Value& v : outputs) out.push_back(interpreter.at(v.id())[0]);
  return out;
}

std::string locate_non_finite(const Graph& graph, std::span<const Value> outputs,
                              const Bindings& bindings) {
  Interpreter interpreter(graph, bindings);
  interpreter.run(outputs);
  for (NodeId id : interpreter.order()) {
    bool good_inputs = true, good = true;
    for (NodeId i : graph.inputs(id)) good_inputs = good_inputs && finite(interpreter.at(i)[0]);
    for (const Array& a : interpreter.at(id)) good = good && finite(a);
    if (good_inputs && !good) return graph.text(id);
  }
  return {};
}

}  // namespace fathom
