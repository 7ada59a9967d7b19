// Mean of a vector and one precision of all its elements, jointly: tau ~ Gamma(shape, rate),
// mu_j | tau ~ N(mean_j, (strength_j tau)^-1). Bishop 2006, section 2.3.6, of several dimensions.
//
// Its statistics are tau, tau mu, tau mu^2 (element by element) and log tau; a face holds their
// expectations, in that order, and a likelihood of vectors takes them as they are.
#pragma once

#include "fathom/base/constants.h"
#include "fathom/dist/families/joint.h"

namespace fathom {

struct SphericalNormalGamma : JointFamily<SphericalNormalGamma> {
  static constexpr FamilyDoc doc{.name = "spherical_normal_gamma",
                                 .brief = "means and one precision of independent normals",
                                 .support = Support::joint,
                                 .source = "Bishop 2006, section 2.3.6",
                                 .event_axes = 1};
  static constexpr ParameterDoc parameters[] = {
      {"mean", Support::vector, "location of mu"},
      {"strength", Support::vector, "rows that the location is worth"},
      {"shape", Support::positive, "of tau"},
      {"rate", Support::positive, "of tau"}};
  static constexpr int stat_axes[] = {0, 1, 1, 0};

  static Face face(std::span<const Face> p) {
    const Value m = p[0].mean, tau = p[2].mean / p[3].mean, tau_mu = each(tau) * m;
    Face f = Face::real(m, {});
    f.statistics = {tau, tau_mu, tau_mu * m + 1.0 / p[1].mean, digamma(p[2].mean) - log(p[3].mean)};
    return f;
  }

  static Values natural(std::span<const Face> p) {
    const Value m = p[0].mean, b = broadcast_to(p[1].mean, m.shape()), bm = b * m;
    return {-(p[3].mean + total(bm * m) * 0.5), bm, b * -0.5, p[2].mean + (0.5 * size_of(m) - 1.0)};
  }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    const Value b = n[2] * -2.0, m = n[1] / b;
    return {Face::at(m), Face::at(b), Face::at(n[3] + (1.0 - 0.5 * size_of(m))),
            Face::at(-n[0] - total(n[1] * m) * 0.5)};
  }
  static Value log_norm(std::span<const Value> n) {
    const std::vector<Face> p = from_natural(n);
    const Value a = p[2].mean;
    return lgamma(a) - a * log(p[3].mean) + total(log(p[1].mean) * -0.5 + kHalfLogTwoPi);
  }
  // At the mode of (mu, tau) jointly.
  static Face mode(std::span<const Value> n) {
    const std::vector<Face> p = from_natural(n);
    const Value m = p[0].mean, tau = n[3] / p[3].mean, tau_mu = each(tau) * m;
    Face f = Face::point(m);
    f.statistics = {tau, tau_mu, tau_mu * m, log(tau)};
    return f;
  }

 private:
  static double size_of(Value v) { return double(v.shape().extent(v.shape().rank() - 1)); }
  static Value total(Value v) { return sum(v, v.shape().rank() - 1, 1); }
  static Value each(Value v) { return reshape(v, v.shape().with_back(1)); }
};

}  // namespace fathom
