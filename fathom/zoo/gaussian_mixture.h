// The Gaussian mixture of Bishop 2006, section 10.2:
//
//   weights ~ Dirichlet(concentration),   (mu_k, Lam_k) ~ Normal-Wishart,
//   which_n ~ Categorical(weights),       x_n ~ N(mu_which, Lam_which^-1).
//
//   tied        one Lam ~ Wishart, mu_k | Lam ~ N(mean, (strength Lam)^-1)
//   diagonal    each (mu_kj, tau_kj) ~ Normal-Gamma: the Normal-Wishart of one column
//   spherical   one tau_k ~ Gamma for all columns, mu_k | tau_k ~ N(mean, (strength tau_k)^-1)
#pragma once

#include "fathom/model/model.h"

namespace fathom {

enum class Covariance : std::uint8_t { full, tied, diagonal, spherical };

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
  // The same of one precision, which is expected to be d over the sum of variances.
  Conditional spherical_prior(Model& m) const;
  // Of `count` means and one precision matrix.
  Conditional tied_prior(Model& m, std::int64_t count) const;
};

// Mean and precision of each element of a plate of `count`, the latent "components".
Expr gaussian_components(Model& m, Plate component, const GaussianMixturePrior& prior,
                         Covariance covariance);

struct GaussianMixture {
  Model model;
  Plate row, component;
  Expr weights, components, which, x;

  // `stored`: dtype of the rows as bound to data "x". Throws ConfigError naming what cannot be.
  GaussianMixture(std::int64_t count, std::int64_t width, const GaussianMixturePrior& prior,
                  Covariance covariance = Covariance::full, DType stored = DType::f64);
};

}  // namespace fathom
