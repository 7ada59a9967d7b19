// Positive waiting times at a constant rate: the gamma distribution of shape 1. Bishop 2006,
// appendix B. For a factor take Gamma with shape 1: this family has no log x among its statistics.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

struct Exponential {
  static constexpr FamilyDoc doc{.name = "exponential",
                                 .brief = "positive, without memory",
                                 .support = Support::positive,
                                 .source = "Bishop 2006, appendix B",
                                 .reparameterised = true};
  static constexpr ParameterDoc parameters[] = {
      {"rate", Support::positive, "1 / mean", ParameterDoc::Needs::mean_log}};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    return p[0].expected_log() - p[0].mean * x.mean;
  }
  static Value sample(const Draw& d, std::span<const Face> p) {
    return -log(uniform(d.key, d.dtype, d.shape, d.rows)) / p[0].mean;
  }
  static Face face(std::span<const Face> p) {
    constexpr double euler = 0.57721566490153286061;
    const Value mean = 1.0 / p[0].mean;
    Face f = Face::positive(mean, -log(p[0].mean) - euler);
    f.variance = square(mean);
    return f;
  }

  static Values stats(Value x) { return {x}; }
  static Values natural(std::span<const Face> p) { return {-p[0].mean}; }
  static std::vector<Face> from_natural(std::span<const Value> n) { return {Face::at(-n[0])}; }
  static Value log_norm(std::span<const Value> n) { return -log(-n[0]); }
};

}  // namespace fathom
