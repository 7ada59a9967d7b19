// Derivatives of digamma: psi_n(x) = (-1)^(n+1) n! zeta(n + 1, x), Abramowitz & Stegun 6.4.10, by
// recurrence to x >= 20 and the asymptotic series 6.4.11. x > 0; otherwise NaN.
#pragma once

#include "fathom/tensor/view.h"

namespace fathom::kernels {

double polygamma(int n, double x);
void polygamma(int n, const View& in, const View& out);

}  // namespace fathom::kernels
