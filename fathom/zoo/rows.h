// What rows of any mixture may have beside their data: weights, and choices that are known.
#pragma once

#include "fathom/model/model.h"

namespace fathom {

// Every row counts as often as data "weight" [row] f64 says.
void weigh_rows(Model& model, Plate row);

// The categorical latent `which` of rows, which chooses among the elements of `component`, is known
// of some rows: the model is that of x_n and which_n there, and of x_n elsewhere. Data "choice"
// [row, component] and "choice.known" [row], f64, are those of known_choices().
void know_choices(Model& model, Plate row, Plate component, Expr which);

// Data of that term, whose value is 0 for a choice that is allowed and far below any density for
// others: the log odds of a Bernoulli variable that is seen to be one. known: from 0, -1 where it
// is not; empty: of no row. Made when they are read (tensor/recipe.h): a number a row is held.
struct KnownChoices {
  Array choice, known;  // [rows, components], [rows, 1]
};
KnownChoices known_choices(std::span<const int> known, std::int64_t rows, std::int64_t components);

}  // namespace fathom
