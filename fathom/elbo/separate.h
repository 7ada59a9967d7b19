// Sums over rows apart from quantities of the factors: F = sum_i <sums[i], eta[i]>, where sums[i]
// holds no factor and eta[i] no row. The squared error of a regression becomes sums of y y, y x_j
// and x_i x_j, each with what it is multiplied by. Products are planned before anything is derived,
// so that a pass over the rows makes each sum by one product of matrices.
//
// Centred data lose no digits that matter; where |x|^2 is large against the variance, they do.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "fathom/graph/graph.h"

namespace fathom {

struct Separated {
  std::vector<Value> sums, eta;  // of equal shapes
};

// `f`, a scalar, as such a sum; factors are what depends on `leaves`, rows what depends on data
// inputs. Empty where a row and a factor meet in another way than by sums and products.
std::optional<Separated> separate(Value f, std::span<const Value> leaves);

// `elements`, of rows and fixed plates, as a sum of products of matrices: where what lies on rows
// and what lies on the plates meet in products that are summed over other axes, nothing of the size
// rows x plates x axes is formed. Empty where they meet otherwise.
std::optional<Value> contracted(Value elements);

// `f`, a sum over rows, with what lies on rows multiplied and summed over them before it meets what
// does not: the same value by fewer operations on rows, and none of the size rows x axes x axes.
// Squares and other products of sums are left as they are. Where rows and the rest meet otherwise
// it is `f` itself.
Value rows_first(Value f);

}  // namespace fathom
