// The normal distribution of a vector, with all its covariances: mean and precision matrix.
// Bishop 2006, section 2.3.
#pragma once

#include "fathom/base/constants.h"
#include "fathom/dist/family.h"

namespace fathom {

struct MvNormal {
  static constexpr FamilyDoc doc{.name = "mvnormal",
                                 .brief = "vectors, with all their covariances",
                                 .support = Support::vector,
                                 .source = "Bishop 2006, section 2.3",
                                 .event_axes = 1,
                                 .reparameterised = true,
                                 .partial = true};
  static constexpr ParameterDoc parameters[] = {
      {"mean", Support::vector, "location", ParameterDoc::Needs::mean_variance},
      {"precision", Support::matrix, "inverse of the covariance", ParameterDoc::Needs::mean_log}};
  static constexpr int stat_axes[] = {1, 2};

  // The precision that is `p` times the identity of d dimensions.
  static Value multiple(Value p, std::int64_t d) {
    return diagonal_matrix(broadcast_to(p, p.shape().with_back(d)));
  }
  // E (x - mean)(x - mean)', both independent.
  static Value expected_outer(const Face& x, const Face& mean) {
    const Value r = x.mean - mean.mean;
    Value e = outer_product(r, r);
    for (const Face* f : {&x, &mean}) {
      if (f->covariance) e = e + f->covariance;
      if (!f->covariance && f->variance)
        e = e + diagonal_matrix(broadcast_to(f->variance, f->mean.shape()));
    }
    return e;
  }
  // E log |precision|, which a random one offers under `log`.
  static Value expected_log_determinant(const Face& precision) {
    if (precision.log) return precision.log;
    if (precision.random)
      raise<ShapeError>("[mvnormal] E log |x| is not known of this random precision");
    return log_determinant(precision.mean);
  }
  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    if (!p[0].statistics.empty())
      return x.observed ? integrated(x, p[0].statistics) : through_features(x, p[0].statistics);
    if (x.observed) raise<ShapeError>("[mvnormal] missing cells: mean and precision as one latent");
    const Value log_det = expected_log_determinant(p[1]);
    const Value precision = p[1].mean, terms = precision * expected_outer(x, p[0]);
    const auto d = double(precision.shape().extent(precision.shape().rank() - 1));
    return (log_det - sum(terms, terms.shape().rank() - 2, 2)) * 0.5 - d * kHalfLogTwoPi;
  }
  // The mean and the precision are one random quantity (normal_wishart.h) and x is fixed: natural
  // parameters times statistics, one product for all rows and components. Accurate where the rows
  // are centred; the error grows with |x|^2 / variance.
  static Value through_features(const Face& x, std::span<const Value> t) {
    if (x.random) raise<ShapeError>("[mvnormal] a random vector does not meet a random precision");
    const Value lam = t[0], lam_mu = t[1];
    if (axes_of(lam) < 2) return through_squares(x, t);
    const auto d = double(lam.shape().extent(lam.shape().rank() - 1));
    if (lam.shape().labelled() < lam_mu.shape().labelled()) return through_one_matrix(x, t);
    const Value constant = (t[3] - t[2]) * 0.5 - d * kHalfLogTwoPi;
    const int last = lam_mu.shape().rank() - 1;
    const Value eta = concat(std::vector<Value>{reshape(constant, constant.shape().with_back(1)),
                                                lam_mu, vech(lam * -0.5)},
                             last);
    return meeting(quadratic_features(x.mean), eta);
  }
  // With missing cells m of x, beside those observed, o: log of the integral over x_m of the
  // exponential of the same, which is what the bound is at the best q(x_m). With
  // g = (E Lam mu)_m - (E Lam)_mo x_o it adds (|m| log 2 pi - log |Lam_mm| + g' Lam_mm^-1 g) / 2.
  static Value integrated(const Face& x, std::span<const Value> t) {
    const Value lam = t[0], lam_mu = t[1];
    if (axes_of(lam) < 2) return through_squares(x, t);
    const Value seen = x.observed, value = x.mean;
    const Value hidden = 1.0 - seen, pull = lam_mu - matrix_vector(lam, value);
    const Value at_zero = (t[3] - t[2]) * 0.5 + sum_last(value * (lam_mu + pull)) * 0.5 -
                          sum_last(seen) * kHalfLogTwoPi;
    const Value inner = lam * outer_product(hidden, hidden) + diagonal_matrix(seen);
    const Value l = cholesky(inner), g = pull * hidden;
    const auto d = lam.shape().extent(lam.shape().rank() - 1);
    const Value u = triangular_solve(broadcast_to(l, g.shape().with_back(d)),
                                     reshape(g, g.shape().with_back(1)));
    return at_zero + sum(square(u), u.shape().rank() - 2, 2) * 0.5 - sum_last(log(diagonal(l)));
  }
  // The same where one matrix serves all means (tied_normal_wishart.h): x' Lam x is formed once.
  static Value through_one_matrix(const Face& x, std::span<const Value> t) {
    const Value lam = t[0], lam_mu = t[1], all = quadratic_features(x.mean);
    const std::int64_t d = lam.shape().extent(lam.shape().rank() - 1);
    const int row = all.shape().rank() - 1;
    const Value constant = (t[3] - t[2]) * 0.5 - double(d) * kHalfLogTwoPi;
    const Value eta =
        concat(std::vector<Value>{reshape(constant, constant.shape().with_back(1)), lam_mu},
               lam_mu.shape().rank() - 1);
    const Value squares = slice(all, row, 1 + d, all.shape().extent(row) - 1 - d);
    return meeting(slice(all, row, 0, 1 + d), eta) + sum_last(squares * vech(lam * -0.5));
  }
  // Axes of a statistic beside those of plates.
  static int axes_of(Value v) { return v.shape().rank() - v.shape().labelled(); }
  // sum over the last axis of a b: one product of matrices where no plate is on both sides.
  static Value meeting(Value a, Value b) {
    for (const Axis& axis : b.shape().axes())
      if (axis.label != kNoLabel && a.shape().find(axis.label) >= 0) return sum_last(a * b);
    return contract(a, b, 0, 1, false, true);
  }
  // The same for elements apart from each other (normal_gamma.h), with precisions of their own or
  // one for all (spherical_normal_gamma.h): no products of two of them.
  static Value through_squares(const Face& x, std::span<const Value> t) {
    const int last = t[1].shape().rank() - 1, row = x.mean.shape().rank() - 1;
    const auto of_each = [&](Value v) {
      return axes_of(v) > 0 ? v : broadcast_to(reshape(v, v.shape().with_back(1)), t[1].shape());
    };
    const Value tau = of_each(t[0]);
    const Value each = (of_each(t[3]) - t[2]) * 0.5 - kHalfLogTwoPi;
    if (x.observed) {
      const Value features = concat(std::vector<Value>{x.observed, x.mean, square(x.mean)}, row);
      return meeting(features, concat(std::vector<Value>{each, t[1], tau * -0.5}, last));
    }
    const Value constant = sum(each, last, 1);
    const Value eta = concat(
        std::vector<Value>{reshape(constant, constant.shape().with_back(1)), t[1], tau * -0.5},
        last);
    const Value one = broadcast_to(like(x.mean, 1.0), x.mean.shape().without(row).with_back(1));
    const Value features = concat(std::vector<Value>{one, x.mean, square(x.mean)}, row);
    return meeting(features, eta);
  }
  // A factor C with C C' = covariance: the transposed inverse of the precision's Cholesky factor.
  static Value factor(Value precision) {
    const Value l = cholesky(precision);
    const Value one = like(precision, 1.0);
    const Value identity = multiple(one, l.shape().extent(l.shape().rank() - 1));
    return triangular_solve(l, broadcast_to(identity, l.shape()), true);
  }
  static Value sample(const Draw& d, std::span<const Face> p) {
    const Value e = standard_normal(d.key, d.dtype, d.shape, d.rows);
    return p[0].mean + matmul(e, factor(p[1].mean), false, true);
  }
  static Value entropy(std::span<const Face> p) {
    const Shape& s = p[1].mean.shape();
    return log_determinant(p[1].mean) * -0.5 +
           double(s.extent(s.rank() - 1)) * 1.41893853320467274178;
  }
  static Face face(std::span<const Face> p) {
    const Value c = factor(p[1].mean), covariance = matmul(c, c, false, true);
    Face f = Face::real(p[0].mean, diagonal(covariance));
    f.covariance = covariance;
    return f;
  }

  static Values leaves(const Face& f) { return {f.mean, f.covariance}; }
  static Values natural_from_gradient(std::span<const Value> m, std::span<const Value> g) {
    const Value half = (g[1] + transpose(g[1])) * 0.5;  // -precision / 2
    return {g[0] - matrix_vector(half, m[0]) * 2.0, half};
  }

  static Face face_of_leaves(std::span<const Value> m) {
    Face f = Face::real(m[0], diagonal(m[1]));
    f.covariance = m[1];
    return f;
  }
  static Values expected_stats(std::span<const Value> m) {
    return {m[0], m[1] + outer_product(m[0], m[0])};
  }

  static Values stats(Value x) { return {x, outer_product(x, x)}; }
  static Values natural(std::span<const Face> p) {
    return {matrix_vector(p[1].mean, p[0].mean), p[1].mean * -0.5};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    const Value precision = n[1] * -2.0;
    if (one_for_all(n)) {
      const Value c = factor(precision);
      return {Face::at(contract(contract(n[0], c, 0, 1, false, false), c, 0, 1, false, true)),
              Face::at(precision)};
    }
    if (shared(n)) {
      const Value c = factor(precision);
      return {Face::at(matrix_vector(matmul(c, c, false, true), n[0])), Face::at(precision)};
    }
    const Value l = cholesky(precision);
    const Value h = reshape(n[0], n[0].shape().with_back(1));
    const Value mean = triangular_solve(l, triangular_solve(l, h), true);
    return {Face::at(reshape(mean, n[0].shape())), Face::at(precision)};
  }
  static Face mode(std::span<const Value> n) {
    Face f = Face::point(from_natural(n)[0].mean);
    f.covariance = broadcast_to(like(n[1], 0.0), n[1].shape());
    return f;
  }
  static Value log_norm(std::span<const Value> n) {
    const Value l = cholesky(n[1] * -2.0), d = diagonal(l);
    const int last = d.shape().rank() - 1;
    const Value constant =
        sum(log(d), last, 1) * -1.0 + double(d.shape().extent(last)) * kHalfLogTwoPi;
    if (one_for_all(n)) {
      const Value u = contract(n[0], factor(n[1] * -2.0), 0, 1, false, false);
      return sum(square(u), u.shape().rank() - 1, 1) * 0.5 + constant;
    }
    if (shared(n)) {
      const Value u = matrix_vector(transpose(factor(n[1] * -2.0)), n[0]);
      return sum(square(u), u.shape().rank() - 1, 1) * 0.5 + constant;
    }
    const Value u = triangular_solve(l, reshape(n[0], n[0].shape().with_back(1)));
    return sum(square(u), u.shape().rank() - 2, 2) * 0.5 + constant;
  }

 private:
  // The matrix serves several members.
  static bool shared(std::span<const Value> n) {
    return n[1].shape().labelled() < n[0].shape().labelled();
  }
  // Members that differ in h alone: one matrix serves them all.
  static bool one_for_all(std::span<const Value> n) {
    return n[1].shape().labelled() == 0 && n[0].shape().labelled() > 0;
  }
};

}  // namespace fathom
