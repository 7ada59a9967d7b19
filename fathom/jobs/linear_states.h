// A fitted linear gaussian state space (zoo/state_space.h) as numbers: smoothed states, densities
// of rows given those before them, what missing cells may be, and how series go on.
#pragma once

#include <vector>

#include "fathom/base/key.h"
#include "fathom/jobs/filled_rows.h"
#include "fathom/jobs/linear_factors.h"
#include "fathom/jobs/series_forecast.h"

namespace fathom {

struct LinearStates {
  std::int64_t size = 0, width = 0;
  bool points = false;      // parameters are known, not distributed
  bool driven = false;      // a known motion that noise reaches, else one that is learned
  Array motion;             // [size, size]
  Array motion_covariance;  // of its rows [size, size, size]; empty: known
  Array reach, drives,
      drive_shape;  // [size, r]; [r] expected precisions, shapes of their gamma, 0: known
  Array first;      // [size]: precisions of the first state; 0: nothing is known
  Array loadings, loadings_covariance;  // [width, size]; [width, size, size], empty: known
  Array mean, mean_variance;            // [width]
  Array noise, noise_shape;             // [width]: expected precision; shape of its gamma, 0: known

  // Means [n, size] and covariances [n, size, size] of the states of rows [n, width] given all of
  // their sequences; NaN is a missing cell. begins: [n], or empty for one sequence.
  struct Smoothed {
    Array mean, covariance;
  };
  Smoothed smooth(const Array& rows, const Array& begins) const;
  // Means and standard deviations of what the states add up to in each cell, without noise.
  FilledRows signal(const Smoothed& states) const;
  // Rows with missing cells filled in, and their standard deviations, noise included.
  FilledRows fill(const Array& rows, const Array& begins) const;

  // log p(row | those of its sequence before it) at the expected parameters; NaN for rows without a
  // cell, and for those by which a first state that nothing was known of is found.
  std::vector<double> log_density(const Array& rows, const Array& begins) const;

  // How every sequence goes on; where parameters have a posterior, over kDraws draws of them.
  std::vector<SeriesForecast> forecast(const Array& rows, const Array& begins, std::int64_t steps,
                                       Key key) const;
  static constexpr int kDraws = 200;
  // One sequence from a first state at 0, or from its prior.
  Array sample(std::int64_t count, Key key) const;

  double noise_variance(std::int64_t column) const;
  double drive_variance(std::int64_t drive) const;
  // Absolute values and angles (radians a row) of the motion's eigenvalues, the largest first; of
  // conjugates the one with a positive angle.
  std::vector<std::pair<double, double>> modes() const;
};

}  // namespace fathom
