// Linear latent variables: z_n ~ N(0, I) of q elements, and of each column d
//
//   x_nd ~ N(w_d' z_n + mu_d, 1 / tau),    w_d ~ N(0, diag(alpha)^-1),    mu_d ~ N(0, 1 / mean).
//
// One tau for all columns is probabilistic PCA (Tipping &
// Bishop 1999), one for each is factor analysis (Rubin & Thayer 1982); alpha learned, one for each
// latent element, is Bayesian PCA with automatic relevance determination (Bishop 1999). Cells that
// are NaN are missing.
#pragma once

#include "fathom/model/model.h"

namespace fathom {

struct FactorAnalysisConfig {
  bool noise_per_column = false;     // factor analysis; else one for all
  bool relevance = false;            // alpha learned; else `loading`
  double loading = 1e-3;             // precision of loadings, where it is not learned
  double mean = 1e-6;                // precision of the columns' means
  double shape = 1e-3, rate = 1e-3;  // of the gamma priors of alpha and tau
  bool missing = false;              // cells may be NaN
};

struct FactorAnalysis {
  Model model{DType::f64};
  Plate row;
  Expr loadings, mean, noise, relevance, z, x;  // loadings and mean lie on a plate of columns

  // Data "x": [row, width], best with each column's mean taken off. Throws ConfigError for fewer
  // than one latent or as many as columns.
  FactorAnalysis(std::int64_t width, std::int64_t latent, const FactorAnalysisConfig& config,
                 DType stored = DType::f64);
};

}  // namespace fathom
