// What rows and factors need of each other. Where F = E log p is linear in some quantities eta of
// the factors that the rows meet, rows enter it as <s, eta> with s = dF/deta: the statistics that
// an M step of EM collects. With s at hand, factors are updated without touching the rows.
#pragma once

#include <span>
#include <vector>

#include "fathom/graph/graph.h"

namespace fathom {

struct RowStatistics {
  std::vector<Value> eta;  // made of moments of factors alone, no rows in them
  bool linear = false;     // `rows` is <s, eta> with s that does not depend on any factor
};

// How the scalar `rows`, a sum over data, depends on the moments `leaves`. Data inputs are taken as
// what varies with rows; so is what is repeated along them.
RowStatistics row_statistics(Value rows, std::span<const Value> leaves);

// Whether any of `from` is needed to compute any of `values`.
bool depends(std::span<const Value> values, std::span<const Value> from);

// sum over k and elements of a[k] b[k].
Value inner(std::span<const Value> a, std::span<const Value> b);

}  // namespace fathom
