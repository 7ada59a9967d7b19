// Rows computed in f32, their sums in f64. Where rows are many and what is wanted of them are sums,
// the rounding of each row averages out and a pass takes half the time: for early sweeps, and for
// data that have no more digits.
#pragma once

#include <span>
#include <vector>

#include "fathom/graph/graph.h"

namespace fathom {

// `values` with everything of f64 that varies along a streamed axis computed in f32, from data in
// f32 (cast where they are f64). What does not vary is computed in f64 and cast once; sums and
// products over the axis are f64 again. Ops that lose digits by nature (factorisations, solves,
// polygammas) stay in f64, with all that chains of gaussian states read and all that is made of
// linked ones.
std::vector<Value> narrowed(std::span<const Value> values);

}  // namespace fathom
