// Faces of the families whose moments are derivatives of an integral.
#include "fathom/autodiff/gradient.h"
#include "fathom/dist/all_dists.h"
#include "fathom/dist/expfam.h"

namespace fathom {

Face GammaShape::face(std::span<const Face> p) {
  const Values n = natural(p), m = moments(family<GammaShape>(), n);
  Face f = Face::positive(m[1], m[0]);
  f.variance = density(n).variance(m[1]);
  f.log_gamma = m[2];
  f.times_log = m[3];
  return f;
}

Face Concentration::face(std::span<const Face> p) {
  const Values n = natural(p), m = moments(family<Concentration>(), n);
  Face f = Face::positive(m[1], m[0]);
  f.variance = density(n).variance(m[1]);
  f.log_beta = m[2];
  f.statistics = {m[3]};
  return f;
}

}  // namespace fathom
