// What is worked out when a fit has ended: the figures of its best state, for verdict, summary and
// report.
#pragma once

#include "fathom/jobs/vae_score.h"
#include "fathom/report/verdict.h"

namespace fathom {

struct Closing {
  Evaluation train, validation;  // rows = 0: not computed
  UnitFigures units;
  std::optional<GapFigures> gap;
  bool gap_lost = false;  // its figures are not finite
  std::optional<double> sigma2, lambda1;
};

// On up to 10,000 training rows, evenly taken, the ELBO and the units; the ELBO of all validation
// rows; on up to 100 rows (of the validation where there is one) log p(x) with 100 draws.
Closing close_fit(VaeScorer& scorer, const VaeSettings& settings, const VaeRows& train,
                  const VaeRows& validation, const PixelFormat& format, const State& state);

// sigma^2 of a gaussian likelihood.
std::optional<double> sigma2_of(const VaeConfig& config, const State& state);

// The mean of up to 4096 rows.
std::vector<float> mean_row(const VaeRows& rows, const PixelFormat& format);

// Mean variance of a pixel over up to 4096 rows.
double mean_variance(const VaeRows& rows, const PixelFormat& format);

// The largest eigenvalue of the covariance of up to 2048 rows, by power iteration to 1e-3.
double largest_eigenvalue(const VaeRows& rows, const PixelFormat& format);

// The keys that all verbs share; `e` is of the rows that `n` counts.
nlohmann::json elbo_summary(const Evaluation& e, const PixelFormat& format,
                            const std::string& unit);

// Bits per dimension of an ELBO per row: of the 8-bit values where pixels are 8-bit (a density of
// the scaled value is 255 times that of the value), of the bits of a Bernoulli; absent for other
// reals.
std::optional<double> bits_per_dim(double elbo_per_row, const VaeConfig& config,
                                   const PixelFormat& format);

}  // namespace fathom
