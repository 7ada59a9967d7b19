// Hidden Markov models of sequences of rows:
//
//   start ~ Dirichlet(a),   move_i ~ Dirichlet(b + sticky [i = j]),
//   path_1 ~ Categorical(start),   path_t ~ Categorical(move of path_{t-1}),
//   x_t ~ the columns' distributions of state path_t
//
// with columns as in zoo/gaussian_mixture.h or zoo/column_mixture.h (Rabiner 1989; MacKay 1997;
// Fox et al. 2011 for sticky transitions). Starts and transitions that are not allowed have a
// probability of exactly zero, and their rows are Dirichlet over the others.
#pragma once

#include <optional>

#include "fathom/zoo/column_mixture.h"

namespace fathom {

struct HiddenMarkovConfig {
  std::int64_t states = 3;
  double start = 1, move = 1;  // concentrations, of each state that is allowed
  double sticky = 0;           // added to that of staying
  Array first = {};            // [states]: 1 where a sequence may begin; empty: anywhere
  Array allowed = {};          // [states, states]: 1 where a row may go; empty: anywhere
  // Rows are gaussian vectors, or columns of several kinds.
  std::optional<GaussianMixturePrior> gaussian;
  Covariance covariance = Covariance::full;
  ColumnMixtureConfig columns;
  bool missing = false;  // cells of gaussian rows may be NaN
};

// From left to right: begin in the first state, stay or go on to the next one.
Array left_to_right(std::int64_t states);  // allowed
Array first_state(std::int64_t states);    // first

struct HiddenMarkov {
  Model model{DType::f64};
  Plate step, state;
  Expr start, move, path, begins;

  // Data "begins" [step] f64, 1 on the first row of a sequence and 0 elsewhere, and "x" [step, d]
  // or those of ColumnParameters. Throws ConfigError naming what cannot be: a state from which
  // there is no way.
  explicit HiddenMarkov(const HiddenMarkovConfig& config);
};

}  // namespace fathom
