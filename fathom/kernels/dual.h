// Dual numbers: a value and its derivative along one direction, carried forward through every
// function of the value types. The gradient oracle of the tests, independent of the reverse rules.
// V is Scalar<double> or Scalar<long double>.
#pragma once

#include "fathom/kernels/polygamma.h"
#include "fathom/kernels/scalar.h"

namespace fathom {

template <class V>
struct Dual {
  V v, d;

  Dual() = default;
  constexpr Dual(double x) : v(x), d(0.0) {}
  constexpr Dual(V value, V derivative) : v(value), d(derivative) {}

  using Mask = typename V::Mask;

  friend Dual operator+(Dual a, Dual b) { return {a.v + b.v, a.d + b.d}; }
  friend Dual operator-(Dual a, Dual b) { return {a.v - b.v, a.d - b.d}; }
  friend Dual operator*(Dual a, Dual b) { return {a.v * b.v, a.d * b.v + a.v * b.d}; }
  friend Dual operator/(Dual a, Dual b) {
    const V y = a.v / b.v;
    return {y, (a.d - y * b.d) / b.v};
  }
  friend Dual operator-(Dual a) { return {-a.v, -a.d}; }

  // Comparisons look at values alone.
  friend Mask operator<(Dual a, Dual b) { return a.v < b.v; }
  friend Mask operator<=(Dual a, Dual b) { return a.v <= b.v; }
  friend Mask operator>(Dual a, Dual b) { return a.v > b.v; }
  friend Mask operator>=(Dual a, Dual b) { return a.v >= b.v; }
  friend Mask operator==(Dual a, Dual b) { return a.v == b.v; }
  friend Mask operator!=(Dual a, Dual b) { return a.v != b.v; }
  friend Mask is_nan(Dual x) { return is_nan(x.v); }

  friend Dual select(Mask m, Dual a, Dual b) { return {select(m, a.v, b.v), select(m, a.d, b.d)}; }

  // At a tie half of each derivative; that of abs is 0 at 0.
  friend Dual min(Dual a, Dual b) { return {min(a.v, b.v), chosen(a.v < b.v, a, b)}; }
  friend Dual max(Dual a, Dual b) { return {max(a.v, b.v), chosen(a.v > b.v, a, b)}; }
  friend Dual abs(Dual x) {
    const V sign = select(x.v > V(0.0), V(1.0), select(x.v < V(0.0), V(-1.0), x.v));
    return {abs(x.v), x.d * sign};
  }
  friend Dual copysign(Dual a, Dual b) {
    const V y = copysign(a.v, b.v);
    return {y, a.d * copysign(V(1.0), a.v) * copysign(V(1.0), y)};
  }
  friend Dual floor(Dual x) { return {floor(x.v), V(0.0)}; }
  friend Dual round(Dual x) { return {round(x.v), V(0.0)}; }
  friend Dual fma(Dual a, Dual b, Dual c) {
    return {fma(a.v, b.v, c.v), a.d * b.v + a.v * b.d + c.d};
  }

  friend Dual sqrt(Dual x) {
    const V y = sqrt(x.v);
    return {y, x.d * 0.5 / y};
  }
  friend Dual exp(Dual x) {
    const V y = exp(x.v);
    return {y, x.d * y};
  }
  friend Dual expm1(Dual x) { return {expm1(x.v), x.d * exp(x.v)}; }
  friend Dual log(Dual x) { return {log(x.v), x.d / x.v}; }
  friend Dual log1p(Dual x) { return {log1p(x.v), x.d / (x.v + 1.0)}; }
  // 1 - tanh^2 as 4 e / (1 + e)^2 with e = exp(-2 |x|), which does not cancel.
  friend Dual tanh(Dual x) {
    const V e = exp(abs(x.v) * -2.0), one = e + 1.0;
    return {tanh(x.v), x.d * 4.0 * e / (one * one)};
  }
  friend Dual sin(Dual x) { return {sin(x.v), x.d * cos(x.v)}; }
  friend Dual cos(Dual x) { return {cos(x.v), -(x.d * sin(x.v))}; }

  friend Dual erf(Dual x) { return {erf(x.v), x.d * bell(x.v)}; }
  friend Dual erfc(Dual x) { return {erfc(x.v), -(x.d * bell(x.v))}; }
  friend Dual log_erfc(Dual x) {
    const V y = log_erfc(x.v);
    return {y, -(x.d * kTwoOverRootPi * exp(-(x.v * x.v) - y))};
  }
  friend Dual lgamma(Dual x) { return {lgamma(x.v), x.d * digamma(x.v)}; }
  friend Dual digamma(Dual x) { return {digamma(x.v), x.d * trigamma(x.v)}; }
  // x > 0.
  friend Dual trigamma(Dual x) {
    return {trigamma(x.v), x.d * V(kernels::polygamma(2, double(x.v.v)))};
  }
  friend Dual normal_quantile(Dual p) {
    const V z = normal_quantile(p.v);
    return {z, p.d * kRootTwoPi * exp(z * z * 0.5)};
  }

 private:
  static constexpr double kTwoOverRootPi = 1.12837916709551257390;
  static constexpr double kRootTwoPi = 2.50662827463100050242;
  static V bell(V x) { return V(kTwoOverRootPi) * exp(-(x * x)); }
  static V chosen(Mask first, Dual a, Dual b) {
    return select(a.v == b.v, (a.d + b.d) * 0.5, select(first, a.d, b.d));
  }
};

}  // namespace fathom
