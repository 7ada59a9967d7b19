// Mean and precision of the elements of a vector, each pair jointly and apart from the others:
// tau ~ Gamma(shape, rate), mu | tau ~ N(mean, (strength tau)^-1). Bishop 2006, section 2.3.6.
//
// Its statistics are tau, tau mu, tau mu^2 and log tau of every element; a face holds their
// expectations, in that order, and a likelihood of vectors takes them as they are.
#pragma once

#include "fathom/base/constants.h"
#include "fathom/dist/families/joint.h"

namespace fathom {

struct NormalGamma : JointFamily<NormalGamma> {
  static constexpr FamilyDoc doc{.name = "normal_gamma",
                                 .brief = "means and precisions of independent normals",
                                 .support = Support::joint,
                                 .source = "Bishop 2006, section 2.3.6",
                                 .event_axes = 1};
  static constexpr ParameterDoc parameters[] = {
      {"mean", Support::vector, "location of mu"},
      {"strength", Support::vector, "rows that the location is worth"},
      {"shape", Support::vector, "of tau"},
      {"rate", Support::vector, "of tau"}};
  static constexpr int stat_axes[] = {1, 1, 1, 1};

  static Face face(std::span<const Face> p) {
    const Value m = p[0].mean, tau = p[2].mean / p[3].mean, tau_mu = tau * m;
    Face f = Face::real(m, {});
    f.statistics = {tau, tau_mu, tau_mu * m + 1.0 / p[1].mean, digamma(p[2].mean) - log(p[3].mean)};
    return f;
  }

  static Values natural(std::span<const Face> p) {
    const Value m = p[0].mean, b = p[1].mean, bm = b * m;
    return {-(p[3].mean + bm * m * 0.5), bm, b * -0.5, p[2].mean - 0.5};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    const Value b = n[2] * -2.0, m = n[1] / b;
    return {Face::at(m), Face::at(b), Face::at(n[3] + 0.5), Face::at(-n[0] - n[1] * m * 0.5)};
  }
  static Value log_norm(std::span<const Value> n) {
    const std::vector<Face> p = from_natural(n);
    const Value a = p[2].mean;
    const Value each = lgamma(a) - a * log(p[3].mean) - log(p[1].mean) * 0.5 + kHalfLogTwoPi;
    return sum(each, each.shape().rank() - 1, 1);
  }
  // At the mode of (mu, tau) jointly.
  static Face mode(std::span<const Value> n) {
    const std::vector<Face> p = from_natural(n);
    const Value m = p[0].mean, tau = n[3] / p[3].mean, tau_mu = tau * m;
    Face f = Face::point(m);
    f.statistics = {tau, tau_mu, tau_mu * m, log(tau)};
    return f;
  }
};

}  // namespace fathom
