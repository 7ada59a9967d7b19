// The Polya-Gamma distribution PG(shape, tilt), which makes likelihoods by log odds quadratic
// (Polson, Scott & Windle 2013): PG(b, c) has the density
//   cosh(c / 2)^b exp(-c^2 omega / 2) PG(omega; b, 0).
//
// PG(omega; b, 0) is an infinite series. All densities here are with respect to it, as are those of
// a likelihood that was augmented by omega ~ PG(b, 0), so that it cancels in every bound. With
// q(omega) = PG(b, c) optimal, c^2 = E psi^2, the bound is that of Jaakkola & Jordan 2000 (Durante
// & Rigon 2019).
//
// Its statistic is omega, with natural parameter -c^2 / 2. A second one stands for the base
// measure, with b as its parameter: log_norm = -b log cosh(c / 2) depends on b, and a factor learns
// it from its prior. What it adds to a prior and to an entropy cancels between members of the same
// b, of which alone divergences are meant.
#pragma once

#include "fathom/base/constants.h"
#include "fathom/dist/family.h"

namespace fathom {

struct PolyaGamma {
  static constexpr FamilyDoc doc{.name = "polya_gamma",
                                 .brief = "weights that make log odds gaussian",
                                 .support = Support::positive,
                                 .source = "Polson, Scott & Windle 2013, section 2",
                                 .relative = true};
  static constexpr ParameterDoc parameters[] = {
      {"shape", Support::positive, "b: trials of the likelihood"},
      {"tilt", Support::positive, "c, 0 or more; 0 in a prior"}};
  static constexpr int stat_axes[] = {0, 0};

  // Of a fixed x with respect to PG(shape, 0).
  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Values n = natural(p);
    const Value own = n[0] * x.mean - log_norm(n);
    return x.random ? own + n[1] * x.statistics[0] : own;
  }
  static Face face(std::span<const Face> p) {
    const Value u = square(p[1].mean);
    return face_of_leaves(Values{p[0].mean * half_tanh_over(u), -log_cosh(u)});
  }

  static Values leaves(const Face& f) { return {f.mean, f.statistics[0]}; }
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {g[0], g[1]};
  }
  static Face face_of_leaves(std::span<const Value> m) {
    Face f;
    f.mean = m[0];
    f.random = true;
    f.statistics = {m[1]};
    return f;
  }
  static Values expected_stats(std::span<const Value> m) { return {m[0], m[1]}; }

  static Values natural(std::span<const Face> p) { return {square(p[1].mean) * -0.5, p[0].mean}; }
  static std::vector<Face> from_natural(std::span<const Value> n) {
    return {Face::at(n[1]), Face::at(sqrt(relu(n[0] * -2.0)))};
  }
  static Value log_norm(std::span<const Value> n) { return -(n[1] * log_cosh(n[0] * -2.0)); }

 private:
  // log cosh(c / 2) of u = c^2, analytic in u: where c is small, its series in t = u / 4.
  static constexpr double kSeries = 0.04;
  static Value log_cosh(Value u) {
    const Value near = less(u, like(u, kSeries)), t = u * 0.25;
    const Value c = sqrt(where(near, like(u, 1.0), u));
    const Value far = c * 0.5 + log1p(exp(-c)) - kLogTwo;
    Value series = like(u, 0.0);
    for (int k = 6; k >= 0; --k) series = (series + kLogCosh[k]) * t;
    return where(near, series, far);
  }
  // tanh(c / 2) / (2 c), the mean of PG(1, c): twice the derivative of the above.
  static Value half_tanh_over(Value u) {
    const Value near = less(u, like(u, kSeries)), t = u * 0.25;
    const Value c = sqrt(where(near, like(u, 1.0), u));
    Value series = like(u, 3.5 * kLogCosh[6]);
    for (int k = 5; k >= 0; --k) series = series * t + 0.5 * (k + 1) * kLogCosh[k];
    return where(near, series, tanh(c * 0.5) / (c * 2.0));
  }
  // log cosh(x) = sum over k of these times x^(2 k + 2).
  static constexpr double kLogCosh[] = {1.0 / 2,           -1.0 / 12,    1.0 / 45,
                                        -17.0 / 2520,      31.0 / 14175, -691.0 / 935550,
                                        10922.0 / 42567525};
};

}  // namespace fathom
