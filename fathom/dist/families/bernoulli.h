// A bit with log odds `logits`; stable for any logits.
#pragma once

#include "fathom/dist/family.h"
#include "fathom/dist/quadrature.h"

namespace fathom {

struct Bernoulli {
  static constexpr FamilyDoc doc{.name = "bernoulli",
                                 .brief = "0 or 1",
                                 .support = Support::bit,
                                 .source = "Bishop 2006, appendix B"};
  static constexpr ParameterDoc parameters[] = {
      {"logits", Support::real, "log odds of 1", ParameterDoc::Needs::normal}};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    if (!p[0].random) return x.mean * p[0].mean - softplus(p[0].mean);
    const auto log_norm_at = [](Value f) {
      const Value q = sigmoid(f);
      return Smooth{softplus(f), q, q * (1.0 - q)};
    };
    return x.mean * p[0].mean - expected_of_normal(p[0].mean, p[0].variance, log_norm_at);
  }
  static Value sample(const Draw& d, std::span<const Face> p) {
    return less(uniform(d.key, d.dtype, d.shape, d.rows),
                broadcast_to(sigmoid(p[0].mean), d.shape));
  }
  static Face face(std::span<const Face> p) {
    const Value q = sigmoid(p[0].mean);
    return Face::real(q, q * (1.0 - q));
  }

  static Values stats(Value x) { return {x}; }
  static Values natural(std::span<const Face> p) { return {p[0].mean}; }
  static std::vector<Face> from_natural(std::span<const Value> n) { return {Face::at(n[0])}; }
  static Value log_norm(std::span<const Value> n) { return softplus(n[0]); }
};

}  // namespace fathom
