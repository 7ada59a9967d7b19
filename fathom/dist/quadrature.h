// Expectations of a function of a normal scalar by Gauss-Hermite quadrature: for terms that are
// neither affine nor in closed form, such as the logarithm of a logistic function.
#pragma once

#include <array>
#include <functional>

#include "fathom/ops/all_ops.h"

namespace fathom {

// A function g and its first two derivatives, element by element.
struct Smooth {
  Value value, slope, curvature;
};

inline constexpr int kHermiteNodes = 64;

// Nodes t and weights w with sum_i w_i g(t_i) = E g(t), t ~ N(0, 1), exact for polynomials of
// degree 127. Abramowitz & Stegun 1964, 25.4.46.
struct HermiteRule {
  std::array<double, kHermiteNodes> node, weight;
};
const HermiteRule& hermite_rule();

// E g(x), x ~ N(mean, variance), element by element. Its gradient is E g' to the mean and E g'' / 2
// to the variance, by the same nodes (Opper & Archambeau 2009, equations 12 and 13), which is exact
// at a variance of zero too; there is no second derivative. Accurate to 1e-12 of a logistic
// function where the variance is at most 4, and to 1e-6 up to 30.
Value expected_of_normal(Value mean, Value variance, const std::function<Smooth(Value)>& g);

}  // namespace fathom
