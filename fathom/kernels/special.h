// Special functions that <cmath> lacks, one number at a time, in long double: exact to the rounding
// of a double wherever long double is wider. For all: NaN gives NaN.
#pragma once

namespace fathom::kernels {

// log(erfc(x)), without underflow; -inf at +inf, log 2 at -inf.
long double log_erfc(long double x);

// log |Gamma(x)|; +inf at 0, at the negative integers and at both infinities.
long double lgamma(long double x);

// The derivative of lgamma; NaN at the negative integers and -inf; -inf at 0, +inf at -0.
long double digamma(long double x);

// The derivative of digamma; +inf at 0, NaN at the negative integers and -inf.
long double trigamma(long double x);

// The z with P(Z <= z) = p for a standard normal Z; -inf at 0, +inf at 1, NaN outside [0, 1].
long double normal_quantile(long double p);

// std::sin and std::cos as functions to call.
double sine(double x);
double cosine(double x);

}  // namespace fathom::kernels
