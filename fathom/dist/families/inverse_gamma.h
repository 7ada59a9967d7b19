// Positive: x of which 1 / x is Gamma(shape, rate = scale); conjugate to variances. Gelman et al.
// 2013, appendix A.
#pragma once

#include <limits>

#include "fathom/dist/family.h"

namespace fathom {

struct InverseGamma {
  static constexpr FamilyDoc doc{.name = "inverse_gamma",
                                 .brief = "the reciprocal of a gamma quantity",
                                 .support = Support::positive,
                                 .source = "Gelman et al. 2013, appendix A"};
  static constexpr ParameterDoc parameters[] = {
      {"shape", Support::positive, "a"},
      {"scale", Support::positive, "rate of 1 / x", ParameterDoc::Needs::mean_log}};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Value a = p[0].mean;
    return a * p[1].expected_log() - lgamma(a) - (a + 1.0) * x.expected_log() -
           p[1].mean * x.expected_inverse();
  }
  // The mean is infinite unless shape > 1, the variance unless shape > 2.
  static Face face(std::span<const Face> p) {
    const Value a = p[0].mean, b = p[1].mean;
    const Value infinite = like(a, std::numeric_limits<double>::infinity());
    const Value mean = where(a > 1.0, b / (a - 1.0), infinite);
    Face f = Face::positive(mean, log(b) - digamma(a));
    f.variance = where(a > 2.0, square(mean) / (a - 2.0), infinite);
    f.inverse = a / b;
    return f;
  }

  static Values leaves(const Face& f) { return {f.log, f.inverse}; }
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {g[0], g[1]};
  }

  // Statistics log x and 1 / x: natural (-(a + 1), -scale).
  static Values stats(Value x) { return {log(x), 1.0 / x}; }
  static Values natural(std::span<const Face> p) { return {-(p[0].mean + 1.0), -p[1].mean}; }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    return {Face::at(-n[0] - 1.0), Face::at(-n[1])};
  }
  static Face mode(std::span<const Value> n) {
    Face f = Face::point_positive(n[1] / n[0]);
    f.inverse = 1.0 / f.mean;
    return f;
  }
  static Value log_norm(std::span<const Value> n) {
    const Value a = -n[0] - 1.0;
    return lgamma(a) - a * log(-n[1]);
  }
};

}  // namespace fathom
