// A fitted regression (zoo/regression.h) on standardized columns as numbers: coefficients, and what
// it predicts.
#pragma once

#include <vector>

#include "fathom/exec/program.h"
#include "fathom/zoo/regression.h"

namespace fathom {

// A quantity with its standard deviation and the interval that holds 95 % of its probability.
struct Estimate95 {
  double mean = 0, sd = 0, low = 0, high = 0;
};
Estimate95 normal_estimate(double mean, double sd);

struct Coefficients {
  Link link = Link::linear;
  std::vector<double> shift, scale;   // of the columns
  double offset = 0;                  // what was taken off y
  Array mean, covariance;             // [p + 1], [p + 1, p + 1] of standardized columns
  double noise = 0, noise_shape = 0;  // expected precision, shape of its gamma; 0: known

  std::int64_t columns() const { return std::int64_t(shift.size()); }
  // The intercept and the coefficient of each column in the units of the rows.
  std::vector<Estimate95> in_units() const;
  // The coefficients of standardized columns, without the intercept.
  std::vector<Estimate95> standardized() const;

  // x~ = (1, (x - shift) / scale) of a row of columns.
  void features(const double* row, double* out) const;
  // Mean and variance of f = x~' w, without the offset.
  void linear(const double* row, double* f, double* variance) const;

  // Of y at a row, under the posterior of the weights: its mean and standard deviation; the
  // interval that holds 95 % of it, and for a Bernoulli outcome that of its probability. Of a
  // linear regression a Student t whose variance is that of the weights and the noise together.
  Estimate95 predict(const double* row) const;
  // log p(y | x, data), by quadrature over f; NaN where y is.
  double log_density(const double* row, double y) const;
};

// Weights alone; the caller knows units and noise.
Coefficients coefficients_of(const State& state, Link link);

}  // namespace fathom
