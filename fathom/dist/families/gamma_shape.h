// The shape of a gamma distribution, or half the degrees of freedom of Student's t: the density
//   p(x) propto x^(shape - 1) exp(-rate x) Gamma(x)^-gammas (x^x exp(-x) / Gamma(x))^tied,
// which is Gamma(shape, rate) in a prior, where both counts are 0. A gamma quantity of this shape
// adds one to `gammas`, and one whose rate is its shape, of mean one, to `tied` (Damsleth 1975).
// Its normaliser is an integral by quadrature (dist/shape_density.h).
#pragma once

#include "fathom/dist/family.h"
#include "fathom/dist/shape_density.h"

namespace fathom {

struct GammaShape {
  static constexpr FamilyDoc doc{.name = "gamma_shape",
                                 .brief = "the shape of gamma quantities",
                                 .support = Support::positive,
                                 .source = "Damsleth 1975"};
  static constexpr ParameterDoc parameters[] = {
      {"shape", Support::positive, "k of a gamma prior"},
      {"rate", Support::positive, "1 / scale of it"},
      {"gammas", Support::positive, "gamma quantities of this shape"},
      {"tied", Support::positive, "those whose rate is their shape"}};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Values n = natural(p);
    return n[0] * x.expected_log() + n[1] * x.mean + n[2] * x.expected_log_gamma() +
           n[3] * x.expected_times_log() - log_norm(n);
  }
  static Face face(std::span<const Face> p);

  static Values leaves(const Face& f) { return {f.log, f.mean, f.log_gamma, f.times_log}; }
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {g[0], g[1], g[2], g[3]};
  }

  static Values stats(Value x) { return {log(x), x, lgamma(x), xlogy(x, x)}; }
  static Values natural(std::span<const Face> p) {
    const Value gammas = p[2].mean, tied = p[3].mean;
    return {p[0].mean - 1.0, -p[1].mean - tied, -gammas - tied, tied};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    return {Face::at(n[0] + 1.0), Face::at(-n[1] - n[3]), Face::at(-n[2] - n[3]), Face::at(n[3])};
  }
  static Face mode(std::span<const Value> n) {
    Face f = Face::point_positive(density(n).mode());
    f.log_gamma = lgamma(exp(f.log));
    f.times_log = f.mean * f.log;
    return f;
  }
  static Values inside(std::span<const Value> n) { return {n[0] + 1.0, n[1], n[2], n[3]}; }
  static Value log_norm(std::span<const Value> n) { return density(n).log_norm(); }

 private:
  static ShapeDensity density(std::span<const Value> n) { return {n[0], n[1], n[2], n[3], {}, {}}; }
};

}  // namespace fathom
