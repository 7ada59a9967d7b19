// Log probabilities of categories by normal logits f: log softmax(f)_k = f_k - log sum_j exp f_j,
// whose expectation has no closed form. Two upper bounds on that of the second part serve, and so
// lower bounds on the evidence.
//
// bohning  log sum exp E f + tr(A Cov f) / 2, A = (I - 1 1' / K) / 2, the largest curvature of a
//          log-sum-exp of K terms (Bohning 1992; Murphy 2012, section 21.8.2). Cheap; loose where
//          logits vary much.
// tilted   1/2 sum_k a_k^2 v_k + log sum_k exp(m_k + (1 - 2 a_k) v_k / 2), at the best
//          probabilities a (Knowles & Minka 2011, section 5). Of logits that are independent.
#pragma once

#include "fathom/dist/face.h"

namespace fathom {

// The face of probabilities over the last axis, by E f - bound in the place of E log p. Its mean is
// softmax(E f).
Face softmax_bohning(const Face& logits);
// Throws ConfigError where logits have covariances.
Face softmax_tilted(const Face& logits);

}  // namespace fathom
