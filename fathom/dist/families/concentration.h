// The concentration x of symmetric Dirichlet distributions of `categories` probabilities:
//   p(x) propto x^(shape - 1) exp(-rate x) (K^(-K x) / B(x, ..., x))^draws,
// K being the number of categories: Gamma(shape, rate) in a prior, where `draws` is 0. Each vector
// of probabilities adds one to `draws`, and to `rate` what its logarithms are below even ones. Its
// normaliser is an integral by quadrature (dist/shape_density.h).
//
// The number of categories is no statistic, yet a factor learns it from its prior, as the number of
// trials in polya_gamma.h: it has a place among the natural parameters, and what that adds to a
// prior and to an entropy cancels.
#pragma once

#include "fathom/dist/family.h"
#include "fathom/dist/shape_density.h"

namespace fathom {

struct Concentration {
  static constexpr FamilyDoc doc{.name = "concentration",
                                 .brief = "of symmetric Dirichlet probabilities",
                                 .support = Support::positive,
                                 .source = "Minka 2000, Estimating a Dirichlet distribution",
                                 .relative = true};
  static constexpr ParameterDoc parameters[] = {
      {"categories", Support::count, "of the probabilities: 2 or more"},
      {"shape", Support::positive, "k of a gamma prior"},
      {"rate", Support::positive, "1 / scale of it"},
      {"draws", Support::positive, "vectors of probabilities seen"}};
  static constexpr int stat_axes[] = {0, 0, 0, 0};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Values n = natural(p);
    const Value own = n[0] * x.expected_log() + n[1] * x.mean - log_norm(n);
    if (!x.random) return own + n[2] * log_beta(x.mean, n[3]);
    return own + n[2] * x.log_beta + n[3] * x.statistics[0];
  }
  static Face face(std::span<const Face> p);

  static Values leaves(const Face& f) { return {f.log, f.mean, f.log_beta, f.statistics[0]}; }
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {g[0], g[1], g[2], g[3]};
  }

  static Values natural(std::span<const Face> p) {
    const Value k = p[0].mean, draws = p[3].mean;
    return {p[1].mean - 1.0, -p[2].mean - draws * (k * log(k)), -draws, k};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    const Value k = n[3];
    return {Face::at(k), Face::at(n[0] + 1.0), Face::at(n[2] * (k * log(k)) - n[1]),
            Face::at(-n[2])};
  }
  static Face mode(std::span<const Value> n) {
    Face f = Face::point_positive(density(n).mode());
    f.log_beta = log_beta(exp(f.log), n[3]);
    f.statistics = {like(f.mean, 0.0)};
    return f;
  }
  static Values inside(std::span<const Value> n) { return {n[0] + 1.0, n[1], n[2], n[3]}; }
  static Value log_norm(std::span<const Value> n) { return density(n).log_norm(); }

 private:
  static Value log_beta(Value x, Value categories) {
    return categories * lgamma(x) - lgamma(categories * x);
  }
  static ShapeDensity density(std::span<const Value> n) {
    const Value none = like(n[0], 0.0);
    return {n[0], n[1], none, none, n[2], n[3]};
  }
};

}  // namespace fathom
