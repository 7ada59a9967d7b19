// Precision matrices: Lam ~ Wishart(W, dof) with V = W^-1. Bishop 2006, appendix B. What a normal
// distribution of vectors sees of one is E Lam and, as the logarithm, E log |Lam|.
#pragma once

#include "fathom/base/constants.h"
#include "fathom/dist/family.h"

namespace fathom {

struct Wishart {
  static constexpr FamilyDoc doc{.name = "wishart",
                                 .brief = "precision matrices",
                                 .support = Support::matrix,
                                 .source = "Bishop 2006, appendix B",
                                 .event_axes = 2};
  static constexpr ParameterDoc parameters[] = {
      {"inverse_scale", Support::matrix, "V: E Lam = dof V^-1"},
      {"dof", Support::positive, "degrees of freedom, above d - 1"}};
  static constexpr int stat_axes[] = {2, 0};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Values n = natural(p);
    const Value terms = n[0] * x.mean,
                log_x = x.random ? x.expected_log() : log_determinant(x.mean);
    return sum(terms, terms.shape().rank() - 2, 2) + n[1] * log_x - log_norm(n);
  }
  static Face face(std::span<const Face> p) {
    const Value nu = p[1].mean, l = cholesky(p[0].mean);
    const std::int64_t d = size_of(l);
    return Face::positive(along(nu, 2) * inverse(l),
                          multivariate_digamma(nu, d) + double(d) * kLogTwo - log_det(l));
  }

  static Values leaves(const Face& f) { return {f.mean, f.log}; }
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {(g[0] + transpose(g[0])) * 0.5, g[1]};
  }

  static Values stats(Value x) { return {x, log_determinant(x)}; }
  static Values natural(std::span<const Face> p) {
    return {p[0].mean * -0.5, (p[1].mean - double(size_of(p[0].mean) + 1)) * 0.5};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    return {Face::at(n[0] * -2.0), Face::at(n[1] * 2.0 + double(size_of(n[0]) + 1))};
  }
  // Lam = (dof - d - 1) V^-1; below, no precision is highest and zero is taken.
  static Face mode(std::span<const Value> n) {
    const Value count = relu(n[1]) * 2.0, l = cholesky(n[0] * -2.0);
    Face f = Face::point(along(count, 2) * inverse(l));
    f.log = double(size_of(l)) * Face::point_positive(count).log - log_det(l);
    return f;
  }
  static Value log_norm(std::span<const Value> n) {
    const std::vector<Face> p = from_natural(n);
    const Value nu = p[1].mean;
    const std::int64_t d = size_of(n[0]);
    return nu * (0.5 * double(d) * kLogTwo) - nu * 0.5 * log_det(cholesky(p[0].mean)) +
           multivariate_lgamma(nu, d);
  }

  // ---- functions of matrices, for the joint families too

  static std::int64_t size_of(Value m) { return m.shape().extent(m.shape().rank() - 1); }
  // A number per matrix or vector, along as many axes of it.
  static Value along(Value x, int axes) {
    Shape s = x.shape();
    for (int i = 0; i < axes; ++i) s = s.with_back(1);
    return reshape(x, s);
  }
  static Value identity_like(Value l) {
    const Value one = broadcast_to(like(l, 1.0), Shape{size_of(l)});
    return broadcast_to(diagonal_matrix(one), l.shape());
  }
  // (L L')^-1, through the inverse of L.
  static Value inverse(Value l) {
    const Value i = triangular_solve(l, identity_like(l));
    return matmul(i, i, true, false);
  }
  // log |L L'|.
  static Value log_det(Value l) {
    const Value d = diagonal(l);
    return sum(log(d), d.shape().rank() - 1, 1) * 2.0;
  }
  // sum over i = 1..d of digamma((nu + 1 - i) / 2), and the logarithm of the gamma function of
  // matrices.
  static Value multivariate_digamma(Value nu, std::int64_t d) {
    Value total;
    for (std::int64_t i = 1; i <= d; ++i) {
      const Value t = digamma((nu + double(1 - i)) * 0.5);
      total = total ? total + t : t;
    }
    return total;
  }
  static Value multivariate_lgamma(Value nu, std::int64_t d) {
    constexpr double log_pi = 1.14472988584940017414;
    Value total = like(nu, double(d * (d - 1)) / 4 * log_pi);
    for (std::int64_t i = 1; i <= d; ++i) total = total + lgamma((nu + double(1 - i)) * 0.5);
    return total;
  }

 private:
};

}  // namespace fathom
