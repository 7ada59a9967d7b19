// A fitted model of zoo/factor_analysis.h as numbers: scores and densities of rows, draws, and what
// missing cells may be.
//
// Loadings are given in principal axes, since any rotation of them says the same of the rows: the
// axes make W' E[T] W diagonal, T the precisions of the noise, in falling order (Lawley & Maxwell
// 1971, section 2.2), and the largest element of each is positive. Where each latent element has a
// relevance of its own, its axis is its own, and they are only put in order.
#pragma once

#include <vector>

#include "fathom/base/key.h"
#include "fathom/exec/program.h"
#include "fathom/jobs/filled_rows.h"
#include "fathom/kernels/gamma_draw.h"

namespace fathom {

struct FactorScores {
  Array mean, sd;  // [n, latent]
};

struct LinearFactors {
  std::int64_t width = 0, latent = 0;
  bool points = false;                  // parameters are known, not distributed
  bool shared_noise = false;            // one precision for all columns
  Array loadings, loadings_covariance;  // [width, latent], [width, latent, latent]
  Array mean, mean_variance;            // [width]
  Array noise, noise_shape;             // [width]: expected precision; shape of its gamma, 0: known
  Array relevance;                      // [latent] expected precisions of loadings; may be empty
  double relevance_shape = 0;           // of their gamma factors, the same for all

  // Expected variance of the noise of a column.
  double noise_variance(std::int64_t column) const;
  // What a row tells of score j, beside its prior variance of one: s / (1 + s) for
  // s = sum_d E[tau_d] E[w_dj]^2. One less this is the score's posterior variance where the
  // loadings are known.
  double told(std::int64_t j) const;
  // Latent elements of which rows tell at least kTold.
  std::int64_t active() const;
  static constexpr double kTold = 0.01;
  // sum_d (E[w_dj] / unit_d)^2: variance of all columns, in these units, that latent j explains.
  double explained(std::int64_t j, const std::vector<double>& units) const;
  // The same of everything, noise included.
  double variance(const std::vector<double>& units) const;

  // Of rows [n, width]; NaN is a missing cell.
  FactorScores scores(const Array& rows, Workers& workers) const;
  // log p(x), averaged over kDraws draws of the parameters from their posterior; exact for points.
  std::vector<double> log_density(const Array& rows, Workers& workers) const;
  FilledRows fill(const Array& rows, Workers& workers) const;
  // Draws [n, width] from the posterior predictive, a function of the key alone.
  Array sample(std::int64_t n, Key key) const;

  static constexpr int kDraws = 64;
};

LinearFactors factors_of(const State& state, bool points);

// Factors that are vectors of q elements, n of them on plates of any shape, by the natural
// parameters of `latent`: means [n, q] and covariances [n, q, q], zero for points.
struct VectorFactors {
  Array mean, covariance;
};
VectorFactors vector_factors(const State& state, const std::string& latent, bool points);

// Gamma factors, n of them: expected values and shapes, 0 for points, [n].
struct GammaFactors {
  Array mean, shape;
};
GammaFactors gamma_factors(const State& state, const std::string& latent, bool points);

// E 1 / tau of a gamma factor by its mean and shape (0: a point); by its mean where it has none.
double expected_inverse(double mean, double shape);

}  // namespace fathom
