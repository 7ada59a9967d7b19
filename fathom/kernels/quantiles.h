// Quantiles and distribution functions of single numbers, by Boost.Math; accurate to a few units in
// the last place of a double. Probabilities lie in (0, 1); parameters are positive.
#pragma once

namespace fathom::kernels {

double gamma_quantile(double p, double shape, double rate);
double beta_quantile(double p, double a, double b);
// Of a Student t with scale one; dof may be infinite: a normal.
double student_quantile(double p, double dof);

// P(X <= count) of a Poisson variable; 0 below 0.
double poisson_cdf(double count, double rate);

}  // namespace fathom::kernels
