// Reverse-mode differentiation: one loop over the op table. The gradient is a graph, so it can be
// differentiated again, folded, fused and planned like any other.
#pragma once

#include <span>
#include <vector>

#include "fathom/graph/graph.h"

namespace fathom {

// Gradients of the scalar `y` with respect to each of `wrt`: same shapes; zeros where y does not
// depend on one. Throws ShapeError where y is no scalar or where an op on the way has no rule,
// naming it. O(nodes between wrt and y).
std::vector<Value> gradient(Value y, std::span<const Value> wrt);

// The same, seeded: vector-Jacobian products of `y` with adjoint `seed` (of y's shape).
std::vector<Value> vjp(Value y, Value seed, std::span<const Value> wrt);

// Hessian-vector products: the gradient of <gradient(y, wrt), directions>.
std::vector<Value> hessian_vector(Value y, std::span<const Value> wrt,
                                  std::span<const Value> directions);

}  // namespace fathom
