// A picture of a graph in the DOT language (Graphviz), for a person: one box for each op with its
// dtype and shape, ellipses for inputs, scalar constants written where they are read.
#pragma once

#include <string>

#include "fathom/graph/graph.h"

namespace fathom {

// What `roots` need; the roots are drawn bold. Render with "dot -Tsvg".
std::string dot(const Graph& graph, std::span<const Value> roots);

}  // namespace fathom
