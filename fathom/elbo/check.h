// What a model may say and coordinate ascent would get wrong: refused before anything is lowered,
// each with a ConfigError that names the term and what to write instead.
#pragma once

#include "fathom/model/model.h"

namespace fathom {

// Terms must lie on the plates of what they observe; gates must not share a plate; the elements of
// a latent that are factors of their own must not meet in one number; covariances that nobody
// carries must not be needed.
void check_conjugate(const Model& model);

// Whether `e` is a gaussian quantity given everything that is fixed: gaussian latents, added up and
// multiplied by what is known.
bool is_gaussian(const Model& model, Expr e);

// Whether `e` is a shape or a concentration with a prior of that name, or an element of such by a
// gate: its moments are those that lgamma of it needs.
bool is_shape(const Model& model, Expr e);

}  // namespace fathom
