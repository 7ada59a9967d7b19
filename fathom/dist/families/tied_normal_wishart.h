// Means of several normal distributions of vectors and the precision matrix that they share,
// jointly: Lam ~ Wishart(V^-1, dof), mu_k | Lam ~ N(mean_k, (strength_k Lam)^-1), k = 1..K. Given
// Lam they are independent of each other; Bishop 2006, section 2.3.6, is K = 1.
//
// Its statistics are Lam [1, d, d], Lam mu_k [K, d], mu_k' Lam mu_k [K] and log |Lam| [1]; a face
// holds their expectations, in that order. What is shared has one element on the axis of k.
#pragma once

#include "fathom/dist/families/one_precision.h"

namespace fathom {

struct TiedNormalWishart : OnePrecision<TiedNormalWishart> {
  static constexpr FamilyDoc doc{.name = "tied_normal_wishart",
                                 .brief = "means of normal vectors and their one precision matrix",
                                 .support = Support::joint,
                                 .source = "Bishop 2006, section 2.3.6",
                                 .event_axes = 2};
  static constexpr ParameterDoc parameters[] = {
      {"mean", Support::vector, "locations of mu, [K, d]", ParameterDoc::Needs::fixed, -1},
      {"strength", Support::vector, "rows that each location is worth, [K]"},
      {"inverse_scale", Support::matrix, "V: E Lam = dof V^-1", ParameterDoc::Needs::fixed, 1},
      {"dof", Support::positive, "degrees of freedom, above d - 1"}};
  static constexpr int stat_axes[] = {3, 2, 1, 1};

  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {(g[0] + transpose(g[0])) * 0.5, g[1], g[2], g[3]};
  }

  static Value weighed(Value b, Value m) { return Wishart::along(b, 1) * m; }
  static Value solved(Value b, Value m) { return m / Wishart::along(b, 1); }
  static Value inverse(Value b) { return 1.0 / b; }
  static Value log_det(Value b) { return sum(log(b), 0, 1); }
  static Value met(Value lam_mu, Value m) { return sum(lam_mu * m, m.shape().rank() - 1, 1); }
};

}  // namespace fathom
