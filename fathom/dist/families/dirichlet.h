// Points of the simplex over the last axis; conjugate to categories. Bishop 2006, appendix B.
// A category with a concentration of 0 is none: its probability is zero, and the density is that of
// the others.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

struct Dirichlet {
  static constexpr FamilyDoc doc{.name = "dirichlet",
                                 .brief = "probabilities of k categories",
                                 .support = Support::simplex,
                                 .source = "Bishop 2006, appendix B",
                                 .event_axes = 1};
  static constexpr ParameterDoc parameters[] = {{"concentration", Support::positive,
                                                 "pseudo-counts over the last axis",
                                                 ParameterDoc::Needs::log_gamma}};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Value a = p[0].mean;
    const int last = a.shape().rank() - 1;
    if (p[0].random) {  // one number for all categories
      const Value pull = (a - 1.0) * x.expected_log();
      return sum(pull, pull.shape().rank() - 1, 1) - p[0].expected_log_beta();
    }
    // What is 0 where a category is none has its slope there, which keeps its concentration.
    const Value logs = x.expected_log();
    const Value terms = where(a > 0.0, (a - 1.0) * logs - lgamma(a), kLogZero - logs);
    return lgamma(sum(a, last, 1)) + sum(terms, terms.shape().rank() - 1, 1);
  }
  static Face face(std::span<const Face> p) {
    const Value a = p[0].mean;
    const int last = a.shape().rank() - 1;
    const Value total = sum(a, last, 1);
    const auto repeated = [&](Value v) { return repeat_axes(v, a.shape(), {last, 1}); };
    return Face::positive(a / repeated(total),
                          there(a, digamma(a) - repeated(digamma(total)), kLogZero));
  }

  static Values leaves(const Face& f) { return {f.log}; }
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {g[0]};
  }

  static Values stats(Value x) { return {log(x)}; }
  static Values natural(std::span<const Face> p) { return {p[0].mean - 1.0}; }
  static std::vector<Face> from_natural(std::span<const Value> n) { return {Face::at(n[0] + 1.0)}; }
  static Face mode(std::span<const Value> n) {
    const Value a = relu(n[0]);
    const int last = a.shape().rank() - 1;
    const Value total = repeat_axes(sum(a, last, 1), a.shape(), {last, 1});
    const auto k = double(a.shape().extent(last));
    return Face::point_positive(where(total > 0.0, a / total, like(a, 1 / k)));
  }
  static Value log_norm(std::span<const Value> n) {
    const Value a = n[0] + 1.0;
    const int last = a.shape().rank() - 1;
    return sum(there(a, lgamma(a), 0), last, 1) - lgamma(sum(a, last, 1));
  }

 private:
  static constexpr double kLogZero = -690.7755278982137;  // of 1e-300, see dist/face.h
  static Value there(Value a, Value v, double otherwise) {
    return where(a > 0.0, v, like(v, otherwise));
  }
};

}  // namespace fathom
