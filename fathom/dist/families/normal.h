// The normal distribution, element by element: mean and precision. A standard deviation or its
// logarithm is turned into a precision whose logarithm is at hand. Bishop 2006, appendix B.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

struct Normal {
  static constexpr FamilyDoc doc{.name = "normal",
                                 .brief = "symmetric, on all reals",
                                 .support = Support::real,
                                 .source = "Bishop 2006, appendix B",
                                 .reparameterised = true};
  static constexpr ParameterDoc parameters[] = {
      {"mean", Support::real, "location", ParameterDoc::Needs::mean_variance},
      {"precision", Support::positive, "1 / variance", ParameterDoc::Needs::mean_log}};

  // Precisions from other scales; fixed values.
  static Face from_sd(Value sd) { return Face::at(1.0 / square(sd), log(sd) * -2.0); }
  static Face from_log_sd(Value log_sd) { return Face::at(exp(log_sd * -2.0), log_sd * -2.0); }
  static Face from_variance(Value v) { return Face::at(1.0 / v, -log(v)); }

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    constexpr double half_log_two_pi = 0.91893853320467274178;
    return (p[1].expected_log() - p[1].mean * expected_squared_error(x, p[0])) * 0.5 -
           half_log_two_pi;
  }
  static Value sample(const Draw& d, std::span<const Face> p) {
    return p[0].mean +
           exp(p[1].expected_log() * -0.5) * standard_normal(d.key, d.dtype, d.shape, d.rows);
  }
  static Value entropy(std::span<const Face> p) {
    constexpr double half_log_two_pi_e = 1.41893853320467274178;
    return p[1].expected_log() * -0.5 + half_log_two_pi_e;
  }
  static Face face(std::span<const Face> p) {
    return Face::real(p[0].mean, exp(-p[1].expected_log()));
  }

  static Values leaves(const Face& f) { return {f.mean, f.variance}; }
  static Values natural_from_gradient(std::span<const Value> m, std::span<const Value> g) {
    return {g[0] - g[1] * m[0] * 2.0, g[1]};
  }

  static Face face_of_leaves(std::span<const Value> m) { return Face::real(m[0], m[1]); }
  static Values expected_stats(std::span<const Value> m) { return {m[0], m[1] + square(m[0])}; }

  // Base measure 1 / sqrt(2 pi) is kept in log_norm.
  static Values stats(Value x) { return {x, square(x)}; }
  static Values natural(std::span<const Face> p) {
    return {p[0].mean * p[1].mean, p[1].mean * -0.5};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    const Value precision = n[1] * -2.0;
    return {Face::at(n[0] / precision), Face::at(precision)};
  }
  static Face mode(std::span<const Value> n) { return Face::point(n[0] / (n[1] * -2.0)); }
  static Value log_norm(std::span<const Value> n) {
    constexpr double half_log_two_pi = 0.91893853320467274178;
    return half_log_two_pi - square(n[0]) / (n[1] * 4.0) - log(n[1] * -2.0) * 0.5;
  }
};

}  // namespace fathom
