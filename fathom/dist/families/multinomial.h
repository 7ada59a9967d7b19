// Counts of k categories among a known number of trials, by probabilities over the last axis, of
// which terms see the logarithms. Bishop 2006, section 2.2. As of the binomial, the number of
// trials is no natural parameter.
#pragma once

#include <limits>

#include "fathom/dist/family.h"

namespace fathom {

struct Multinomial {
  static constexpr FamilyDoc doc{.name = "multinomial",
                                 .brief = "counts of k categories",
                                 .support = Support::counts,
                                 .source = "Bishop 2006, section 2.2",
                                 .event_axes = 1};
  static constexpr ParameterDoc parameters[] = {
      {"count", Support::count, "number of trials"},
      {"probabilities", Support::simplex, "over the last axis", ParameterDoc::Needs::log}};

  // Of observed counts: log n! - sum log x_i! + sum x_i E log p_i; minus infinity where they do not
  // add up to n.
  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    if (x.random) raise<ShapeError>("[multinomial] counts must be observed");
    const int last = x.mean.shape().rank() - 1;
    const Value n = trials(p[0].mean),
                orders = lgamma(n + 1.0) - sum(lgamma(x.mean + 1.0), last, 1);
    const Value terms = times_log(x.mean, p[1]);
    return where(equal(sum(x.mean, last, 1), n), orders,
                 like(n, -std::numeric_limits<double>::infinity())) +
           sum(terms, terms.shape().rank() - 1, 1);
  }
  static Face face(std::span<const Face> p) {
    const Value mean = p[0].mean * p[1].mean;
    return Face::real(mean, mean * (1.0 - p[1].mean));
  }

 private:
  // The number of trials, be it repeated for every category.
  static Value trials(Value n) {
    const Shape& s = n.shape();
    return s.rank() > s.labelled() ? reduce_max(n, s.rank() - 1, 1) : n;
  }
};

}  // namespace fathom
