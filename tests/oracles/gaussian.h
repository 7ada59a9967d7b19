// Multivariate normals by Eigen. Its headers take long: they are read once, in the source.
#pragma once

#include <span>
#include <vector>

namespace fathom::oracle {

// log N of the elements of x that are not NaN, 0 where all are (Little & Rubin 2002, section 11.2).
// The covariance is [d, d].
double log_normal(std::span<const double> x, std::span<const double> mean,
                  std::span<const double> covariance);

// Elements of x that are NaN given the others: x with their means, and standard deviations, 0 where
// x has a value (Little & Rubin 2002, section 11.2).
struct Filled {
  std::vector<double> mean, sd;
};
Filled fill_normal(std::span<const double> x, std::span<const double> mean,
                   std::span<const double> covariance);

// The normal of density proportional to exp(-x' precision x / 2 + linear' x), and the logarithm of
// that function's integral.
struct Canonical {
  std::vector<double> mean, covariance;
  double log_integral = 0;
};
Canonical canonical(std::span<const double> precision, std::span<const double> linear);

// Of rows x, [n, d]: means, and the covariance [d, d] divided by n.
struct Moments {
  std::vector<double> mean, covariance;
};
Moments moments(std::span<const double> x, std::size_t d);

// Of the covariance X'X / n of centred rows x, [n, d]: eigenvalues, falling, and an eigenvector of
// length one for each.
struct Spectrum {
  std::vector<double> values;
  std::vector<std::vector<double>> vectors;
};
Spectrum spectrum(std::span<const double> x, std::size_t d);

}  // namespace fathom::oracle
