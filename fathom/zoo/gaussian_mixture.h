// The Gaussian mixture of Bishop 2006, section 10.2:
//
//   weights ~ Dirichlet(concentration),   (mu_k, Lam_k) ~ Normal-Wishart,
//   which_n ~ Categorical(weights),       x_n ~ N(mu_which, Lam_which^-1);
//
// with diagonal covariances each (mu_kj, tau_kj) ~ Normal-Gamma: the Normal-Wishart of one column.
#pragma once

#include "fathom/model/model.h"

namespace fathom {

enum class Covariance : std::uint8_t { full, diagonal };

struct GaussianMixturePrior {
  double concentration = 1;
  bool process = false;  // weights by stick-breaking: a Dirichlet process, truncated
  Array mean;            // [d]
  double strength = 1;   // rows that the mean is worth
  Array inverse_scale;   // [d, d]: dof times the covariance that is expected
  double dof = 0;        // above d - 1

  // Weak, from the data's own mean and covariance: one row's worth, dof = d.
  static GaussianMixturePrior of_rows(const Array& rows, double concentration);
  // Normal-gamma, element by element.
  Conditional diagonal_prior(Model& m) const;
};

struct GaussianMixture {
  Model model;
  Plate row, component;
  Expr weights, components, which, x;

  // `stored`: dtype of the rows as bound to data "x". Throws ConfigError naming what cannot be.
  GaussianMixture(std::int64_t count, std::int64_t width, const GaussianMixturePrior& prior,
                  Covariance covariance = Covariance::full, DType stored = DType::f64);
};

}  // namespace fathom
