// A matrix of coefficients and the precision matrix of what they predict, jointly:
// Lam ~ Wishart(V^-1, dof), M | Lam ~ MatrixNormal(mean, B^-1, Lam^-1): the covariance of elements
// (i, a) and (j, b) of M is (B^-1)_ij (Lam^-1)_ab. The conjugate prior of y ~ N(M' x, Lam^-1) with
// x [K] and y [d]; where B is diagonal, tied_normal_wishart.h.
//
// Its statistics are Lam [1, d, d], M Lam [K, d], M Lam M' [K, K] and log |Lam| [1]; a face holds
// their expectations, in that order.
#pragma once

#include "fathom/dist/families/one_precision.h"

namespace fathom {

struct MatrixNormalWishart : OnePrecision<MatrixNormalWishart> {
  static constexpr FamilyDoc doc{.name = "matrix_normal_wishart",
                                 .brief = "coefficients and the precision matrix of residuals",
                                 .support = Support::joint,
                                 .source = "Rossi, Allenby & McCulloch 2005, section 2.8.5",
                                 .event_axes = 2};
  static constexpr ParameterDoc parameters[] = {
      {"mean", Support::vector, "location of M, [K, d]", ParameterDoc::Needs::fixed, -1},
      {"strength", Support::matrix, "B: the x' x that the prior is worth, [K, K]"},
      {"inverse_scale", Support::matrix, "V: E Lam = dof V^-1", ParameterDoc::Needs::fixed, 1},
      {"dof", Support::positive, "degrees of freedom, above d - 1"}};
  static constexpr int stat_axes[] = {3, 2, 2, 1};

  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {(g[0] + transpose(g[0])) * 0.5, g[1], (g[2] + transpose(g[2])) * 0.5, g[3]};
  }

  static Value weighed(Value b, Value m) { return matmul(b, m); }
  static Value solved(Value b, Value m) {
    const Value l = cholesky(b);
    return triangular_solve(l, triangular_solve(l, m), true);
  }
  static Value inverse(Value b) { return Wishart::inverse(cholesky(b)); }
  static Value log_det(Value b) { return Wishart::log_det(cholesky(b)); }
  static Value met(Value lam_mu, Value m) { return matmul(lam_mu, m, false, true); }
};

}  // namespace fathom
