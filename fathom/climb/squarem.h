// Acceleration of a monotone climb by squared extrapolation (Varadhan & Roland 2008, scheme S3):
// two sweeps give a direction, a longer step is tried along it and followed by a sweep, and where
// the ELBO is lower than without, the climb goes on from the two sweeps. The bound never falls.
#pragma once

#include "fathom/climb/coordinate.h"

namespace fathom {

struct SquaremStep {
  double elbo = 0;
  int sweeps = 0;             // that it took
  bool extrapolated = false;  // the longer step was kept
};

class Squarem {
 public:
  // The longest step is a slot "extrapolation.longest" of the state, so that a climb on a copy of
  // it goes on alike. Throws ConfigError where latents of rows are apart or warm: they would have
  // to go with it.
  explicit Squarem(CoordinateClimb& climb);
  SquaremStep step(Workers& workers);

 private:
  CoordinateClimb& climb_;
  double* longest_;  // how many times the plain step is gone at most; grows while it is kept
};

}  // namespace fathom
