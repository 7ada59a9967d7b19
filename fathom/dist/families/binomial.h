// Ones among a known number of trials, by their probability, of which terms see log p and
// log (1 - p): Bishop 2006, section 2.1. The number of trials is no natural parameter, so that this
// is no exponential family of its own; with one trial it is Bernoulli's, by probability.
//
// By log odds psi the likelihood is no polynomial of psi. With omega ~ PG(count, 0) it is
// quadratic: p(x, omega | psi) = C(count, x) 2^-count exp((x - count / 2) psi - omega psi^2 / 2)
// PG(omega) (Polson, Scott & Windle 2013, theorem 1), relative to PG as polya_gamma.h is.
#pragma once

#include <limits>

#include "fathom/base/constants.h"
#include "fathom/dist/family.h"

namespace fathom {

struct Binomial {
  static constexpr FamilyDoc doc{.name = "binomial",
                                 .brief = "ones among a number of trials",
                                 .support = Support::count,
                                 .source = "Bishop 2006, section 2.1"};
  static constexpr ParameterDoc parameters[] = {
      {"count", Support::count, "number of trials"},
      {"probability", Support::unit, "of each one", ParameterDoc::Needs::statistics}};

  // Of observed counts; {count, probability} or {count, log odds, omega}.
  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    if (x.random) raise<ShapeError>("[binomial] counts must be observed");
    const Value n = p[0].mean;
    const Value log_p =
        p.size() == 3 ? augmented(x.mean, n, p[1], p[2]) : by_probability(x.mean, n, p[1]);
    // C(1, x) is 1, and bits may be many.
    double trials = 0;
    if (n.graph().uniform_value(n.id(), &trials) && trials == 1) return log_p;
    return log_p + log_choose(n, x.mean);
  }
  static Face face(std::span<const Face> p) {
    const Value mean = p[0].mean * p[1].mean;
    return Face::real(mean, mean * (1.0 - p[1].mean));
  }
  // log of n over x; minus infinity where x is not one of 0, ..., n.
  static Value log_choose(Value n, Value x) {
    const Value inside = less_equal(like(x, 0.0), x) * less_equal(x, n);
    const Value k = where(inside, x, like(x, 0.0));
    return where(inside, lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0),
                 like(x, -std::numeric_limits<double>::infinity()));
  }

 private:
  static Value by_probability(Value x, Value n, const Face& p) {
    if (!p.random) return times_log(x, p) + times_log_complement(n - x, p);
    const Value log_rest = p.expected_log_complement();  // one product of counts and logarithms
    return x * (p.expected_log() - log_rest) + n * log_rest;
  }
  static Value augmented(Value x, Value n, const Face& psi, const Face& omega) {
    Value second = square(psi.mean);
    if (psi.variance) second = second + psi.variance;
    return (x - n * 0.5) * psi.mean - omega.mean * second * 0.5 - n * kLogTwo;
  }
};

}  // namespace fathom
