// Mixture of factor analysers (Ghahramani & Hinton 1996, eq. 7; Ghahramani & Beal 2000): clusters
// whose covariances are few directions and a noise,
//
//   weights ~ Dirichlet(concentration),   which_n ~ Categorical(weights),   z_n ~ N(0, I),
//   x_nd ~ N(w_kd' z_n + mu_kd, 1 / tau_d) for k = which_n,
//   w_kd ~ N(0, I / loading),   mu_kd ~ N(0, 1 / mean),   tau_d ~ Gamma(shape, rate).
//
// z is integrated out for each component: density and posterior are exact given the parameters.
#pragma once

#include "fathom/model/model.h"

namespace fathom {

struct FactorMixtureConfig {
  double concentration = 1;
  bool process = false;              // weights by stick-breaking: a Dirichlet process, truncated
  double loading = 1e-3;             // precision of loadings
  double mean = 1e-6;                // precision of the components' means
  double shape = 1e-3, rate = 1e-3;  // of the gamma priors of tau
  bool missing = false;              // cells may be NaN
};

struct FactorMixture {
  Model model{DType::f64};
  Plate row, component;
  Expr weights, which, loadings, mean, noise, z, x;  // loadings, mean: [component, column]

  // Data "x": [row, width], best with each column's mean taken off. Throws ConfigError for fewer
  // than one component or latent element, or as many of these as columns.
  FactorMixture(std::int64_t count, std::int64_t width, std::int64_t latent,
                const FactorMixtureConfig& config, DType stored = DType::f64);
};

}  // namespace fathom
