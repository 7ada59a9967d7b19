// Probabilities of k categories and of all beyond them, broken off a stick one after another:
// v_j ~ Beta(a_j, b_j), pi_j = v_j prod_{i<j} (1 - v_i). With a = 1 and one b it is the truncated
// Dirichlet process of Blei & Jordan 2006, whose last stick is not taken whole: what is left over
// belongs to categories that are never used.
//
// Its statistics are log v and log (1 - v); what a categorical sees is E log pi.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

struct StickBreaking {
  static constexpr FamilyDoc doc{.name = "stick_breaking",
                                 .brief = "probabilities broken off a stick",
                                 .support = Support::joint,
                                 .source = "Blei & Jordan 2006, section 3",
                                 .event_axes = 1};
  static constexpr ParameterDoc parameters[] = {{"taken", Support::vector, "a of each Beta"},
                                                {"left", Support::vector, "b of each Beta"}};
  static constexpr int stat_axes[] = {1, 1};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Values n = natural(p);
    return inner(n, x.statistics) - log_norm(n);
  }
  static Value entropy(std::span<const Face> p) {
    const Values n = natural(p);
    return log_norm(n) - inner(n, face(p).statistics);
  }
  static Face face(std::span<const Face> p) {
    const Value a = p[0].mean, b = p[1].mean, total = a + b;
    return seen(a / total, digamma(a) - digamma(total), digamma(b) - digamma(total));
  }
  static Face mode(std::span<const Value> n) {
    const Value a = relu(n[0]), b = relu(n[1]), total = a + b;
    const Value v = where(total > 0.0, a / total, like(a, 0.5));
    const auto logarithm = [](Value x) {
      return log(max(x, like(x, x.dtype() == DType::f32 ? 1e-37 : 1e-300)));
    };
    return seen(v, logarithm(v), logarithm(1.0 - v));
  }

  static Values leaves(const Face& f) { return {f.statistics[0], f.statistics[1], f.log}; }
  // Counts of a category are counts taken there and left at every stick before it.
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {g[0] + g[2], g[1] + contract(g[2], before(g[2]), 0, 1, false, true)};
  }

  static Values natural(std::span<const Face> p) { return {p[0].mean - 1.0, p[1].mean - 1.0}; }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    return {Face::at(n[0] + 1.0), Face::at(n[1] + 1.0)};
  }
  static Value log_norm(std::span<const Value> n) {
    const Value a = n[0] + 1.0, b = n[1] + 1.0, each = lgamma(a) + lgamma(b) - lgamma(a + b);
    return sum(each, each.shape().rank() - 1, 1);
  }

 private:
  // [i, j]: 1 where i < j.
  static Value before(Value v) {
    const std::int64_t k = v.shape().extent(v.shape().rank() - 1);
    Array ones(DType::f64, Shape{k, k});
    for (std::int64_t i = 0; i < k; ++i)
      for (std::int64_t j = i + 1; j < k; ++j) ones.data<double>()[i * k + j] = 1;
    return v.graph().constant(ones.cast(v.dtype()));
  }
  static Face seen(Value v, Value log_v, Value log_rest) {
    const Value earlier = contract(log_rest, before(log_rest), 0, 1, false, false);
    const Value mean_rest =
        contract(log(max(1.0 - v, like(v, 1e-37))), before(v), 0, 1, false, false);
    Face f = Face::positive(v * exp(mean_rest), log_v + earlier);
    f.statistics = {log_v, log_rest};
    return f;
  }
  static Value inner(std::span<const Value> n, std::span<const Value> t) {
    const Value each = n[0] * t[0] + n[1] * t[1];
    return sum(each, each.shape().rank() - 1, 1);
  }
};

}  // namespace fathom
