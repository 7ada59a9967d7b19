// A mixture whose columns are independent given the component, each of its own kind:
//
//   weights ~ Dirichlet(concentration),   which_n ~ Categorical(weights), and of component k
//   real columns      x ~ N(mu_kj, 1 / tau_kj),    (mu, tau) ~ Normal-Gamma
//   bits              x ~ Bernoulli(p_kj),         p ~ Beta
//   counts            x ~ Poisson(rate_kj),        rate ~ Gamma
//   one of L levels   x ~ Categorical(p_kj),       p ~ Dirichlet
//
// the latent class model of Lazarsfeld & Henry 1968 and its kin; Bishop 2006, sections 9.3.3 and
// 10.2. Cells that are NaN are missing.
#pragma once

#include <vector>

#include "fathom/zoo/gaussian_mixture.h"

namespace fathom {

struct ColumnMixtureConfig {
  std::int64_t components = 3;
  std::int64_t bits = 0, counts = 0;  // columns of each kind
  std::vector<std::int64_t> levels;   // of each column of categories
  GaussianMixturePrior real;          // of real columns, where `mean` is not empty
  double concentration = 1;           // of the weights
  double ones = 1, zeros = 1;         // of each bit
  double shape = 1, rate = 1;         // of each count
  Array rates = {};                   // [counts], where each has its own
  double level = 1;                   // of each category
  bool process = false;               // weights by stick-breaking
  bool missing = false;               // cells may be NaN
};

// Parameters of each element of a plate, and rows whose element `which` chooses: for models that
// have columns of several kinds.
struct ColumnParameters {
  Expr real, probabilities, rates;
  std::vector<Expr> tables;

  ColumnParameters() = default;
  ColumnParameters(Model& m, Plate component, const ColumnMixtureConfig& config);
  // Data "real" [row, r], "bits" [row, b], "counts" [row, c], and for each column of categories
  // "level.<j>", its indicators [row, L]; a missing one is a row of zeros.
  void observe(Model& m, Plate row, Expr which, const ColumnMixtureConfig& config) const;
};

struct ColumnMixture {
  Model model{DType::f64};
  Plate row, component;
  Expr weights, which;
  ColumnParameters parameters;

  // Its data are those of the parameters.
  explicit ColumnMixture(const ColumnMixtureConfig& config);
};

}  // namespace fathom
