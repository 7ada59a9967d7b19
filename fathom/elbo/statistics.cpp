#include "fathom/elbo/statistics.h"

#include <algorithm>
#include <utility>

#include "fathom/autodiff/gradient.h"
#include "fathom/ops/all_ops.h"

namespace fathom {

namespace {

std::vector<NodeId> nodes_below(std::span<const Value> values) {
  std::vector<NodeId> roots;
  for (const Value& v : values) roots.push_back(v.id());
  return reachable(values[0].graph(), roots);
}

// Has an axis of rows, be it by repetition.
bool spans_rows(const Graph& g, NodeId id) {
  const auto axes = g.shape(id).axes();
  return std::any_of(axes.begin(), axes.end(), [&](const Axis& a) {
    return a.label != kNoLabel && g.label_info(a.label).streamed;
  });
}

}  // namespace

bool depends(std::span<const Value> values, std::span<const Value> from) {
  if (values.empty()) return false;
  const std::vector<NodeId> below = nodes_below(values);
  return std::any_of(from.begin(), from.end(), [&](const Value& v) {
    return std::binary_search(below.begin(), below.end(), v.id());
  });
}

Value inner(std::span<const Value> a, std::span<const Value> b) {
  Value total;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const Value t = sum(a[k] * b[k]);
    total = total ? total + t : t;
  }
  return total;
}

RowStatistics row_statistics(Value rows, std::span<const Value> leaves) {
  Graph& g = rows.graph();
  const std::vector<NodeId> order = nodes_below(std::span(&rows, 1));
  std::vector<char> of_rows(g.size()), of_factors(g.size());
  for (const InputInfo& i : g.graph_inputs())
    if (i.kind == InputKind::data) of_rows[i.node] = 1;
  for (const Value& v : leaves) of_factors[v.id()] = 1;
  std::vector<char> taken(g.size());
  RowStatistics out;
  for (const NodeId id : order) {
    const auto any = [&](const std::vector<char>& of) {
      return std::any_of(g.inputs(id).begin(), g.inputs(id).end(),
                         [&](NodeId in) { return of[in] != 0; });
    };
    of_rows[id] = of_rows[id] || any(of_rows) || spans_rows(g, id);
    of_factors[id] = of_factors[id] || any(of_factors);
    if (!of_rows[id]) continue;
    for (const NodeId in : g.inputs(id))
      if (of_factors[in] && !of_rows[in] && !std::exchange(taken[in], 1))
        out.eta.push_back(g.value(in));
  }
  // A root that no row enters has no statistics.
  if (!of_rows[rows.id()] || out.eta.empty()) return out;
  // Of two quantities made of each other a derivative would count the rows of both.
  for (const Value& e : out.eta) {
    std::vector<Value> others;
    for (const Value& o : out.eta)
      if (o.id() != e.id()) others.push_back(o);
    if (depends(std::span(&e, 1), others)) return out;
  }
  const std::vector<Value> s = gradient(rows, out.eta);
  out.linear = !depends(s, leaves);
  return out;
}

}  // namespace fathom
