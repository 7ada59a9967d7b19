// Counts of events at a rate; a rate of 0 gives no events. Natural parameter: the logarithm of the
// rate, about the base measure 1 / x!. Gelman et al. 2013, appendix A.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

struct Poisson {
  static constexpr FamilyDoc doc{.name = "poisson",
                                 .brief = "counts of events",
                                 .support = Support::count,
                                 .source = "Gelman et al. 2013, appendix A"};
  static constexpr ParameterDoc parameters[] = {
      {"rate", Support::positive, "mean count", ParameterDoc::Needs::mean_log}};

  // Of observed counts: E log x! has no closed form.
  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    if (x.random) raise<ShapeError>("[poisson] counts must be observed");
    return times_log(x.mean, p[0]) - p[0].mean + log_base(x.mean);
  }
  static Face face(std::span<const Face> p) { return Face::real(p[0].mean, p[0].mean); }

  static Values stats(Value x) { return {x}; }
  static Values natural(std::span<const Face> p) { return {p[0].expected_log()}; }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    return {Face::at(exp(n[0]), n[0])};
  }
  static Value log_norm(std::span<const Value> n) { return exp(n[0]); }
  static Value log_base(Value x) { return -lgamma(x + 1.0); }
};

}  // namespace fathom
