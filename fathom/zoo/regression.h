// Bayesian regression with automatic relevance determination:
//
//   w_j ~ N(0, 1 / alpha_j),   alpha_j ~ Gamma(shape, rate),   f_n = x_n' w,
//
// and y_n ~ N(f_n, 1 / tau), Bernoulli(logistic f_n) or Poisson(exp f_n). Bishop 2006, sections
// 7.2 and 10.3. The first column of x is as a rule ones; its weight has a wide prior of its own.
#pragma once

#include "fathom/model/model.h"

namespace fathom {

enum class Link : std::uint8_t { linear, logistic, poisson };

struct RegressionConfig {
  Link link = Link::linear;
  bool relevance = true;             // a precision for each weight; else one for all
  double shape = 1e-3, rate = 1e-3;  // of the gamma priors of alpha and tau
  double intercept = 1e-6;           // precision of the first weight
  bool missing = false;              // outcomes may be NaN: rows to be predicted
  double weights = 0, noise = 0;  // alpha of all weights and tau, where they are known; 0: learned
};

struct Regression {
  Model model{DType::f64};
  Plate row;
  Expr weights, relevance, noise, x, y;  // relevance and noise may be constants

  // Data "x": [row, width], whose first column is ones, and "y": [row].
  Regression(std::int64_t width, const RegressionConfig& config);
};

}  // namespace fathom
