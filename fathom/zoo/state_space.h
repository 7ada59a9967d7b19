// Linear gaussian state spaces of sequences of rows. Structural time series (Harvey 1989, section
// 2.3; what R calls StructTS): a level, with a slope and seasons where asked for,
//
//   y_t      = level_t + season_t,1 + noise,
//   level_t  = level_{t-1} + slope_{t-1} + e_1,     slope_t = slope_{t-1} + e_2,
//   season_t,1 = -(season_{t-1,1} + ... + season_{t-1,period-1}) + e_3,
//   season_t,j = season_{t-1,j-1},
//
// nothing being known of the first state; and linear dynamical systems (Ghahramani & Hinton 1996;
// Beal 2003, chapter 5), whose motion and loadings are learned,
//
//   x_1 ~ N(0, I),   x_ti ~ N(a_i' x_{t-1}, 1),   y_td ~ N(c_d' x_t + mu_d, 1 / tau_d).
//
// Precisions are gamma, rows a and c normal. Cells that are NaN are missing.
#pragma once

#include "fathom/model/model.h"

namespace fathom {

struct StructuralSeriesConfig {
  bool slope = false;
  std::int64_t period = 0;           // of seasons, in rows; 0: none
  double shape = 1e-3, rate = 1e-3;  // of the gamma priors of all precisions
  bool missing = false;
};

// x_t = motion x_{t-1} + reach e, of which `seen`' x_t is observed.
struct StructuralMotion {
  Array motion, reach, seen;                // [n, n], [n, r], [n]
  std::vector<std::string> states, drives;  // what they are called
};
StructuralMotion structural_motion(const StructuralSeriesConfig& config);

struct StructuralSeries {
  Model model{DType::f64};
  Plate step;
  Expr state, drives, noise, begins, y;

  // Data "begins" [step], 1 on the first row of a sequence and 0 elsewhere, and "y" [step].
  // Throws ConfigError for a period of less than 2.
  explicit StructuralSeries(const StructuralSeriesConfig& config);
};

struct LinearDynamicsConfig {
  std::int64_t width = 1, latent = 2;
  double move = 1;                   // precision of the motion's coefficients
  double loading = 1e-3;             // of loadings
  double mean = 1e-6;                // of the columns' means
  double shape = 1e-3, rate = 1e-3;  // of the gamma priors of tau
  bool missing = false;
};

struct LinearDynamics {
  Model model{DType::f64};
  Plate step, element, column;
  Expr state, move, loadings, mean, noise, begins, x;

  // Data "begins" [step], and "x" [step, width], best with each column's mean taken off. Throws
  // ConfigError for no latent element.
  explicit LinearDynamics(const LinearDynamicsConfig& config);
};

}  // namespace fathom
