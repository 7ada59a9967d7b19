// What families have in common whose rows mu_k, k = 1..K, share a precision matrix Lam:
// Lam ~ Wishart(V^-1, dof), and given Lam the matrix M of rows mu_k is normal with E M = mean and
// covariance B^-1 between its rows, Lam^-1 between its columns. A family F says what B is:
//
//   weighed(b, m)    B m                     solved(b, m)   B^-1 m
//   inverse(b)       B^-1, or its diagonal   log_det(b)     log |B|
//   met(lam_mu, m)   of M Lam M' what F takes for a statistic
#pragma once

#include "fathom/base/constants.h"
#include "fathom/dist/families/joint.h"
#include "fathom/dist/families/wishart.h"

namespace fathom {

template <class F>
struct OnePrecision : JointFamily<F> {
  static Face face(std::span<const Face> p) {
    const Value l = cholesky(p[2].mean);
    const Value expected_log = Wishart::multivariate_digamma(p[3].mean, Wishart::size_of(l)) +
                               double(Wishart::size_of(l)) * kLogTwo - Wishart::log_det(l);
    return seen(Face::real(p[0].mean, {}), Wishart::along(p[3].mean, 2) * Wishart::inverse(l),
                double(Wishart::size_of(l)) * F::inverse(p[1].mean), expected_log);
  }
  static Values natural(std::span<const Face> p) {
    const Value m = p[0].mean, bm = F::weighed(p[1].mean, m);
    const double d = double(columns(m)), k = double(rows(m));
    return {of_all(p[2].mean + matmul(bm, m, true, false)) * -0.5, bm, p[1].mean * -0.5,
            (Wishart::along(p[3].mean, 1) + (k - d - 1)) * 0.5};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    const Value b = n[2] * -2.0, m = F::solved(b, n[1]);
    const double d = double(columns(m)), k = double(rows(m));
    const Value v = one(n[0]) * -2.0 - matmul(n[1], m, true, false);
    return {Face::at(m), Face::at(b), Face::at(v),
            Face::at(reshape(n[3], Shape{}) * 2.0 + (d + 1 - k))};
  }
  // At the mode of (M, Lam) jointly.
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
    const std::int64_t size = Wishart::size_of(p[2].mean);
    const double d = double(size), k = double(rows(p[0].mean));
    return (k * kLogTwoPi - F::log_det(p[1].mean)) * (0.5 * d) + nu * (0.5 * d * kLogTwo) -
           nu * 0.5 * Wishart::log_det(cholesky(p[2].mean)) +
           Wishart::multivariate_lgamma(nu, size);
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
  // The statistics at a precision matrix, with what the spread of M adds to M Lam M'.
  static Face seen(Face f, Value lam, Value spread, Value log_det) {
    const Value m = f.mean, lam_mu = matmul(m, lam);
    f.statistics = {of_all(lam), lam_mu, F::met(lam_mu, m) + spread, reshape(log_det, Shape{1})};
    return f;
  }
};

}  // namespace fathom
