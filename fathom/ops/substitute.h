// Values built anew with others in place of some: zeros vanish on the way, and what is the same for
// all rows is made once, without an axis of rows.
#pragma once

#include <span>
#include <vector>

#include "fathom/graph/graph.h"

namespace fathom {

// `values` with to[k] in place of from[k] (same shape). A value with a streamed axis that does not
// vary along it is a broadcast of one without it: see without_rows.
std::vector<Value> substitute(std::span<const Value> values, std::span<const Value> from,
                              std::span<const Value> to);

// A value that repeats along its streamed first axis, without that axis; any other as it is.
Value without_rows(Value v);

}  // namespace fathom
