// Mean and precision matrix of a normal distribution of vectors, jointly: Lam ~ Wishart(W, nu),
// mu | Lam ~ N(mean, (strength Lam)^-1), V = W^-1. Bishop 2006, section 2.3.6 and appendix B.
//
// Its statistics are Lam, Lam mu, mu' Lam mu and log |Lam|; a face holds their expectations, in
// that order, and a likelihood of vectors takes them as they are.
#pragma once

#include "fathom/base/constants.h"
#include "fathom/dist/families/joint.h"
#include "fathom/dist/families/wishart.h"

namespace fathom {

struct NormalWishart : JointFamily<NormalWishart> {
  static constexpr FamilyDoc doc{.name = "normal_wishart",
                                 .brief = "mean and precision matrix of normal vectors",
                                 .support = Support::joint,
                                 .source = "Bishop 2006, section 2.3.6",
                                 .event_axes = 1};
  static constexpr ParameterDoc parameters[] = {
      {"mean", Support::vector, "location of mu"},
      {"strength", Support::positive, "rows that the location is worth"},
      {"inverse_scale", Support::matrix, "V: E Lam = dof V^-1"},
      {"dof", Support::positive, "degrees of freedom, above d - 1"}};
  static constexpr int stat_axes[] = {2, 1, 0, 0};

  static Face face(std::span<const Face> p) {
    const Value m = p[0].mean, b = p[1].mean, nu = p[3].mean, l = cholesky(p[2].mean);
    const auto d = double(size_of_event(m));
    const Value w = Wishart::inverse(l), wm = matrix_vector(w, m);
    const Value quadratic = sum(wm * m, m.shape().rank() - 1, 1);
    Face f = Face::real(m, {});
    f.statistics = {
        Wishart::along(nu, 2) * w, Wishart::along(nu, 1) * wm, nu * quadratic + d / b,
        Wishart::multivariate_digamma(nu, size_of_event(m)) + d * kLogTwo - Wishart::log_det(l)};
    return f;
  }

  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {(g[0] + transpose(g[0])) * 0.5, g[1], g[2], g[3]};
  }

  static Values natural(std::span<const Face> p) {
    const Value m = p[0].mean, b = p[1].mean;
    const auto d = double(size_of_event(m));
    const Value bm = Wishart::along(b, 1) * m;
    return {(p[2].mean + outer_product(bm, m)) * -0.5, bm, b * -0.5, (p[3].mean - d) * 0.5};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    const Value b = n[2] * -2.0, m = n[1] / Wishart::along(b, 1);
    const Value v = n[0] * -2.0 - outer_product(n[1], m);
    const auto d = double(size_of_event(n[1]));
    return {Face::at(m), Face::at(b), Face::at(v), Face::at(n[3] * 2.0 + d)};
  }
  // At the mode of (mu, Lam) jointly: Lam = (dof - d) V^-1.
  static Face mode(std::span<const Value> n) {
    const std::vector<Face> p = from_natural(n);
    const Value m = p[0].mean, count = n[3] * 2.0, l = cholesky(p[2].mean);
    const Value lam = Wishart::along(count, 2) * Wishart::inverse(l);
    const Value lam_mu = matrix_vector(lam, m);
    Face f = Face::point(m);
    f.statistics = {lam, lam_mu, sum(lam_mu * m, m.shape().rank() - 1, 1),
                    double(size_of_event(m)) * log(count) - Wishart::log_det(l)};
    return f;
  }
  static Value log_norm(std::span<const Value> n) {
    const std::vector<Face> p = from_natural(n);
    const Value nu = p[3].mean;
    const std::int64_t k = size_of_event(n[1]);
    const auto d = double(k);
    return (kLogTwoPi - log(p[1].mean)) * (0.5 * d) + nu * (0.5 * d * kLogTwo) -
           nu * 0.5 * Wishart::log_det(cholesky(p[2].mean)) + Wishart::multivariate_lgamma(nu, k);
  }

 private:
  static std::int64_t size_of_event(Value v) { return v.shape().extent(v.shape().rank() - 1); }
};

}  // namespace fathom
