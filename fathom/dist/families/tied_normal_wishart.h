// Means of several normal distributions of vectors and the precision matrix that they share,
// jointly: Lam ~ Wishart(V^-1, dof), mu_k | Lam ~ N(mean_k, (strength_k Lam)^-1), k = 1..K. A
// matrix-normal-Wishart whose rows are independent given Lam; Bishop 2006, section 2.3.6, is K = 1.
//
// Its statistics are Lam [1, d, d], Lam mu_k [K, d], mu_k' Lam mu_k [K] and log |Lam| [1]; a face
// holds their expectations, in that order. What is shared has one element on the axis of k.
#pragma once

#include "fathom/base/constants.h"
#include "fathom/dist/families/joint.h"
#include "fathom/dist/families/wishart.h"

namespace fathom {

struct TiedNormalWishart : JointFamily<TiedNormalWishart> {
  static constexpr FamilyDoc doc{.name = "tied_normal_wishart",
                                 .brief = "means of normal vectors and their one precision matrix",
                                 .support = Support::joint,
                                 .source = "Bishop 2006, section 2.3.6",
                                 .event_axes = 2};
  static constexpr ParameterDoc parameters[] = {
      {"mean", Support::vector, "locations of mu, [K, d]"},
      {"strength", Support::vector, "rows that each location is worth, [K]"},
      {"inverse_scale", Support::matrix, "V: E Lam = dof V^-1"},
      {"dof", Support::positive, "degrees of freedom, above d - 1"}};
  static constexpr int stat_axes[] = {3, 2, 1, 1};

  static Face face(std::span<const Face> p) {
    const Value l = cholesky(p[2].mean);
    const Value expected_log = Wishart::multivariate_digamma(p[3].mean, Wishart::size_of(l)) +
                               double(Wishart::size_of(l)) * kLogTwo - Wishart::log_det(l);
    return seen(Face::real(p[0].mean, {}), Wishart::along(p[3].mean, 2) * Wishart::inverse(l),
                double(Wishart::size_of(l)) / p[1].mean, expected_log);
  }

  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {(g[0] + transpose(g[0])) * 0.5, g[1], g[2], g[3]};
  }

  static Values natural(std::span<const Face> p) {
    const Value m = p[0].mean, bm = Wishart::along(p[1].mean, 1) * m;
    const double d = double(columns(m)), k = double(rows(m));
    return {of_all(p[2].mean + matmul(bm, m, true, false)) * -0.5, bm, p[1].mean * -0.5,
            (Wishart::along(p[3].mean, 1) + (k - d - 1)) * 0.5};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    const Value b = n[2] * -2.0, m = n[1] / Wishart::along(b, 1);
    const double d = double(columns(m)), k = double(rows(m));
    const Value v = one(n[0]) * -2.0 - matmul(n[1], m, true, false);
    return {Face::at(m), Face::at(b), Face::at(v),
            Face::at(reshape(n[3], Shape{}) * 2.0 + (d + 1 - k))};
  }
  // At the mode of (mu, Lam) jointly.
  static Face mode(std::span<const Value> n) {
    const std::vector<Face> p = from_natural(n);
    const Value count = reshape(n[3], Shape{}) * 2.0, l = cholesky(p[2].mean);
    return seen(Face::point(p[0].mean), Wishart::along(count, 2) * Wishart::inverse(l),
                like(p[1].mean, 0.0),
                double(Wishart::size_of(l)) * log(count) - Wishart::log_det(l));
  }
  static Value log_norm(std::span<const Value> n) {
    const std::vector<Face> p = from_natural(n);
    const Value nu = p[3].mean;
    const std::int64_t k = Wishart::size_of(p[2].mean);
    const auto d = double(k);
    return sum((kLogTwoPi - log(p[1].mean)) * (0.5 * d), 0, 1) + nu * (0.5 * d * kLogTwo) -
           nu * 0.5 * Wishart::log_det(cholesky(p[2].mean)) + Wishart::multivariate_lgamma(nu, k);
  }

 private:
  static std::int64_t columns(Value m) { return m.shape().extent(m.shape().rank() - 1); }
  static std::int64_t rows(Value m) { return m.shape().extent(m.shape().rank() - 2); }
  static Value of_all(Value v) {
    const std::int64_t d = columns(v);
    return reshape(v, Shape{1, d, d});
  }
  static Value one(Value v) {
    const std::int64_t d = columns(v);
    return reshape(v, Shape{d, d});
  }
  // The statistics at a precision matrix, with what the spread of mu_k adds to mu_k' Lam mu_k.
  static Face seen(Face f, Value lam, Value spread, Value log_det) {
    const Value m = f.mean, lam_mu = matmul(m, lam);
    f.statistics = {of_all(lam), lam_mu, sum(lam_mu * m, m.shape().rank() - 1, 1) + spread,
                    reshape(log_det, Shape{1})};
    return f;
  }
};

}  // namespace fathom
