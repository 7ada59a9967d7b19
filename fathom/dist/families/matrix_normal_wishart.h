// A matrix of coefficients and the precision matrix of what they predict, jointly:
// Lam ~ Wishart(V^-1, dof), M | Lam ~ MatrixNormal(mean, B^-1, Lam^-1): the covariance of elements
// (i, a) and (j, b) of M is (B^-1)_ij (Lam^-1)_ab. The conjugate prior of y ~ N(M' x, Lam^-1) with
// x [K] and y [d]; where B is diagonal, tied_normal_wishart.h.
//
// Its statistics are Lam [1, d, d], M Lam [K, d], M Lam M' [K, K] and log |Lam| [1]; a face holds
// their expectations, in that order.
#pragma once

#include "fathom/base/constants.h"
#include "fathom/dist/families/joint.h"
#include "fathom/dist/families/wishart.h"

namespace fathom {

struct MatrixNormalWishart : JointFamily<MatrixNormalWishart> {
  static constexpr FamilyDoc doc{.name = "matrix_normal_wishart",
                                 .brief = "coefficients and the precision matrix of residuals",
                                 .support = Support::joint,
                                 .source = "Rossi, Allenby & McCulloch 2005, section 2.8.5",
                                 .event_axes = 2};
  static constexpr ParameterDoc parameters[] = {
      {"mean", Support::vector, "location of M, [K, d]"},
      {"strength", Support::matrix, "B: the x' x that the prior is worth, [K, K]"},
      {"inverse_scale", Support::matrix, "V: E Lam = dof V^-1"},
      {"dof", Support::positive, "degrees of freedom, above d - 1"}};
  static constexpr int stat_axes[] = {3, 2, 2, 1};

  static Face face(std::span<const Face> p) {
    const Value l = cholesky(p[2].mean);
    const Value expected_log = Wishart::multivariate_digamma(p[3].mean, Wishart::size_of(l)) +
                               double(Wishart::size_of(l)) * kLogTwo - Wishart::log_det(l);
    return seen(Face::real(p[0].mean, {}), Wishart::along(p[3].mean, 2) * Wishart::inverse(l),
                double(Wishart::size_of(l)) * Wishart::inverse(cholesky(p[1].mean)), expected_log);
  }

  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {(g[0] + transpose(g[0])) * 0.5, g[1], (g[2] + transpose(g[2])) * 0.5, g[3]};
  }

  static Values natural(std::span<const Face> p) {
    const Value m = p[0].mean, bm = matmul(p[1].mean, m);
    const double d = double(columns(m)), k = double(rows(m));
    return {of_all(p[2].mean + matmul(bm, m, true, false)) * -0.5, bm, p[1].mean * -0.5,
            (Wishart::along(p[3].mean, 1) + (k - d - 1)) * 0.5};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    const Value b = n[2] * -2.0, m = solved(cholesky(b), n[1]);
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
    const Value strength = Wishart::log_det(cholesky(p[1].mean));
    return (double(rows(p[0].mean)) * kLogTwoPi - strength) * (0.5 * d) + nu * (0.5 * d * kLogTwo) -
           nu * 0.5 * Wishart::log_det(cholesky(p[2].mean)) + Wishart::multivariate_lgamma(nu, k);
  }

 private:
  static std::int64_t columns(Value m) { return m.shape().extent(m.shape().rank() - 1); }
  static std::int64_t rows(Value m) { return m.shape().extent(m.shape().rank() - 2); }
  // B^-1 h, of the Cholesky factor of B.
  static Value solved(Value l, Value h) {
    return triangular_solve(l, triangular_solve(l, h), true);
  }
  static Value of_all(Value v) {
    const std::int64_t d = columns(v);
    return reshape(v, Shape{1, d, d});
  }
  static Value one(Value v) {
    const std::int64_t d = columns(v);
    return reshape(v, Shape{d, d});
  }
  // The statistics at a precision matrix, with what the spread of M adds to M Lam M'.
  static Face seen(Face f, Value lam, Value spread, Value log_det) {
    const Value m = f.mean, lam_mu = matmul(m, lam);
    f.statistics = {of_all(lam), lam_mu, matmul(lam_mu, m, false, true) + spread,
                    reshape(log_det, Shape{1})};
    return f;
  }
};

}  // namespace fathom
