// The reference interpreter: node by node, whole arrays, the scalar text of each op. Slow and
// plain; it stays as the oracle of the planned run and locates a value that became NaN.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "fathom/graph/graph.h"

namespace fathom {

// Values for the inputs of a graph, by name.
using Bindings = std::map<std::string, Array>;

// The values of `outputs`. Throws ShapeError when an input that they need is not bound, or bound to
// another dtype or shape. A streamed axis may be bound to fewer rows than its capacity: all inputs
// with that axis must agree.
std::vector<Array> evaluate_reference(const Graph& graph, std::span<const Value> outputs,
                                      const Bindings& bindings);

// The first node, in topological order, whose value is not finite although its inputs are, as text;
// empty when there is none.
std::string locate_non_finite(const Graph& graph, std::span<const Value> outputs,
                              const Bindings& bindings);

}  // namespace fathom
