// A discrete Bayesian network of known structure:
//
//   theta_v(j) ~ Dirichlet(alpha_v)                      for each configuration j of v's parents
//   x_n ~ prod_v theta_v(x_n,parents(v))[x_nv]           the states of row n, some of them unseen
//
// Heckerman, Geiger & Chickering 1995; with cells missing, Lauritzen 1995 (EM) and its variational
// form. What is unseen is summed out exactly (Cowell et al. 1999) or by independent variables:
// kernels/network.h. With every cell seen the ELBO is the log marginal likelihood, equation (BD) of
// Heckerman et al.: sum over v and j of log B(alpha + counts) - log B(alpha).
#pragma once

#include <string>
#include <vector>

#include "fathom/kernels/network.h"
#include "fathom/model/model.h"

namespace fathom {

struct DiscreteNetworkConfig {
  std::vector<std::string> names;  // of the variables
  kernels::NetworkStructure structure;
  // Pseudo-counts: `cell` of every cell of a table; where `sample` is not 0, that many rows spread
  // evenly over each whole table instead (BDeu: Buntine 1991), which makes equivalent structures
  // score alike.
  double cell = 1, sample = 0;
  double pseudo_count(std::size_t v) const;  // of a cell of v's table
};

struct DiscreteNetworkModel {
  Model model{DType::f64};
  Plate row;
  std::vector<Expr> tables;  // "table.<name>" [configurations of the parents, states]
  Expr states;               // of each row, all variables side by side

  // Data "cells" [row, states] u8: 1 at the state of each variable that was seen. Throws
  // ConfigError where a clique has too many states for exact inference, or a table for any.
  explicit DiscreteNetworkModel(const DiscreteNetworkConfig& config);
};

}  // namespace fathom
