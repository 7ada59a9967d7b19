// One of k categories, by probabilities over the last axis, of which terms see the logarithms.
// Values are the indicator vectors of categories, [..., k], or a face whose mean holds their
// probabilities.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

struct Categorical {
  static constexpr FamilyDoc doc{.name = "categorical",
                                 .brief = "one of k",
                                 .support = Support::category,
                                 .source = "Bishop 2006, appendix B",
                                 .event_axes = 1};
  static constexpr ParameterDoc parameters[] = {
      {"probabilities", Support::simplex, "over the last axis", ParameterDoc::Needs::log}};

  // Log probabilities up to a constant.
  static Face from_logits(Value logits) {
    const int last = logits.shape().rank() - 1;
    const Value all = repeat_axes(logsumexp(logits, last), logits.shape(), {last, 1});
    return Face::at(softmax(logits, last), logits - all);
  }
  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Value terms = x.mean * p[0].expected_log();
    return sum(terms, terms.shape().rank() - 1, 1);
  }
  // By the Gumbel maximum (Gumbel 1954): exact, no cumulative sums.
  static Value sample(const Draw& d, std::span<const Face> p) {
    const Value gumbel = -log(-log(uniform(d.key, d.dtype, d.shape, d.rows)));
    const Value score = broadcast_to(p[0].expected_log(), d.shape) + gumbel;
    const int last = d.shape.rank() - 1;
    const Value top = repeat_axes(reduce_max(score, last, 1), d.shape, {last, 1});
    return equal(score, top);
  }
  static Face face(std::span<const Face> p) {
    return Face::real(p[0].mean, p[0].mean * (1.0 - p[0].mean));
  }

  static Values leaves(const Face& f) { return {f.mean}; }
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {g[0]};
  }
  static Face face_of_leaves(std::span<const Value> m) {
    return Face::real(m[0], m[0] * (1.0 - m[0]));
  }
  static Values expected_stats(std::span<const Value> m) { return {m[0]}; }

  static Values stats(Value x) { return {x}; }
  static Values natural(std::span<const Face> p) { return {p[0].expected_log()}; }
  static std::vector<Face> from_natural(std::span<const Value> n) { return {from_logits(n[0])}; }
  static Value log_norm(std::span<const Value> n) {
    return logsumexp(n[0], n[0].shape().rank() - 1);
  }
  // The likeliest category, shared where several are.
  static Value best_norm(std::span<const Value> n) {
    return reduce_max(n[0], n[0].shape().rank() - 1, 1);
  }
  static std::vector<Face> best(std::span<const Value> n) {
    const int last = n[0].shape().rank() - 1;
    const Value hit = equal(n[0], repeat_axes(best_norm(n), n[0].shape(), {last, 1}));
    const Value share = hit / repeat_axes(sum(hit, last, 1), hit.shape(), {last, 1});
    return {Face::at(share, log(max(share, like(share, 1e-30))))};
  }
};

}  // namespace fathom
