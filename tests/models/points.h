// Expected terms of a model by points: an oracle that shares no formula of moments with the engine.
//
// A term that is affine in the statistics of each latent has the expectation that it has under any
// distribution with the same expected statistics. Here those are a few points for each latent:
// mean +- sqrt(d) columns of a factor of the covariance, two values of a gamma quantity with its
// mean and mean logarithm, and so on. The log density at such points takes quantities as numbers.
#pragma once

#include <map>
#include <string>

#include "tests/models/random_model.h"

namespace fathom::test {

struct TermPair {
  double by_moments = 0, by_points = 0;
};

// Terms of the factors in `state`, latents of rows at their optimum; entropies, and priors of joint
// families, are left out.
std::map<std::string, TermPair> compare_terms(const RandomModel& r, const State& state);

}  // namespace fathom::test
