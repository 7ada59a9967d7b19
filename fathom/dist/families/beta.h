// A probability; conjugate to Bernoulli and binomial counts. Bishop 2006, section 2.1.1.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

struct Beta {
  static constexpr FamilyDoc doc{.name = "beta",
                                 .brief = "a probability",
                                 .support = Support::unit,
                                 .source = "Bishop 2006, section 2.1.1"};
  static constexpr ParameterDoc parameters[] = {{"a", Support::positive, "pseudo-count of ones"},
                                                {"b", Support::positive, "pseudo-count of zeros"}};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Values n = natural(p);
    return n[0] * x.expected_log() + n[1] * x.expected_log_complement() - log_norm(n);
  }
  static Face face(std::span<const Face> p) {
    const Value a = p[0].mean, b = p[1].mean, total = a + b, mean = a / total;
    Face f = Face::positive(mean, digamma(a) - digamma(total));
    f.variance = mean * (b / total) / (total + 1.0);
    f.log_complement = digamma(b) - digamma(total);
    return f;
  }

  static Values leaves(const Face& f) { return {f.log, f.log_complement}; }
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {g[0], g[1]};
  }

  static Values stats(Value x) { return {log(x), log1p(-x)}; }
  static Values natural(std::span<const Face> p) { return {p[0].mean - 1.0, p[1].mean - 1.0}; }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    return {Face::at(n[0] + 1.0), Face::at(n[1] + 1.0)};
  }
  static Face mode(std::span<const Value> n) {
    const Value ones = relu(n[0]), zeros = relu(n[1]), total = ones + zeros;
    const auto share = [&](Value of) { return where(total > 0.0, of / total, like(of, 0.5)); };
    Face f = Face::point_positive(share(ones));
    f.log_complement = Face::point_positive(share(zeros)).log;
    return f;
  }
  static Value log_norm(std::span<const Value> n) {
    const Value a = n[0] + 1.0, b = n[1] + 1.0;
    return lgamma(a) + lgamma(b) - lgamma(a + b);
  }
};

}  // namespace fathom
