// The tilt of a bound on E log sum_k exp f_k of independent normal f_k (Knowles & Minka 2011).
#pragma once

#include <cstdint>

#include "fathom/tensor/view.h"

namespace fathom::kernels {

// The probabilities a that minimise
//   1/2 sum_k a_k^2 v_k + log sum_k exp(m_k + (1 - 2 a_k) v_k / 2),
// a convex function of a whose minimum is a = softmax(m + (1 - 2 a) v / 2). To the rounding of a
// double; variances of 0 or more.
void tilt(std::int64_t count, const double* m, const double* v, double* a);

// By rows along the last axis.
void tilt(const View& mean, const View& variance, const View& out);

}  // namespace fathom::kernels
