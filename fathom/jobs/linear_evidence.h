// Evidence of linear regression in closed form, from sums over rows.
#pragma once

#include <vector>

#include "fathom/tensor/buffer.h"

namespace fathom {

// Sums over n rows of x x', x y and y^2, for x of p columns.
struct RegressionSums {
  double n = 0, yy = 0;
  Array xx, xy;  // [p, p], [p]
};

// log p(y | x) with w_j ~ N(0, 1 / alpha_j) and noise of precision tau. Bishop 2006, equation 3.86.
double linear_evidence(const RegressionSums& sums, const std::vector<double>& alpha, double tau);

// A gamma distribution.
struct GammaPrior {
  double shape = 1, rate = 1;
};

// log p(y | x) with one alpha for all columns but the first, whose precision is `intercept`, and
// gamma priors of alpha and tau: the integral over both, on a grid of their logarithms around these
// values. The first column is ones, the others and y have mean zero. Accurate to 1e-6.
double ridge_evidence(const RegressionSums& sums, double intercept, const GammaPrior& alpha,
                      const GammaPrior& tau, double near_alpha, double near_tau);

}  // namespace fathom
