// What makes a graph legal, checked anew: every node reads earlier nodes only, as many as its op
// takes, and has the dtype and shape that its op's shape rule gives. Graphs are legal as they are
// built; this is for passes that rewrite them, and for tests.
#pragma once

#include "fathom/graph/graph.h"

namespace fathom {

// Throws ShapeError naming the first node that breaks a rule.
void verify(const Graph& graph);

}  // namespace fathom
