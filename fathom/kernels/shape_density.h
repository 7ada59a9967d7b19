// Where densities of a positive x of the form
//   p(x) = exp(n0 log x + n1 x + n2 log G(x) + n3 x log x + n4 log B(x, ..., x)),
// with G the gamma function and B the beta function of `categories` equal arguments, have their
// mass: what posteriors of the shape of a gamma, of degrees of freedom and of the concentration of
// a symmetric Dirichlet are proportional to (Damsleth 1975; Minka 2000).
#pragma once

#include "fathom/tensor/view.h"

namespace fathom::kernels {

inline constexpr int kShapeNumbers = 6;  // n0, ..., n4, categories

// In u = log x, of the density of u: where it is highest, and on either side where it has fallen by
// e^-40, the left one no lower than 36 below both 0 and the peak. NaN where no density has these
// numbers. To the rounding of a double where the density has one peak.
struct Peak {
  double at, left, right;
};
Peak shape_peak(const double* n);

// `n` holds kShapeNumbers along its last axis, `out` the three numbers of Peak.
void shape_peak(const View& n, const View& out);

}  // namespace fathom::kernels
