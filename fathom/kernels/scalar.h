// The value type of the reference interpreter: one number behind the operators and functions that
// packs (kernels/wide/pack.h) have too, so that an op's `forward` is written once. Functions come
// from <cmath>; those that it lacks are computed in long double by other methods than the packs'
// polynomials, and serve to check them.
#pragma once

#include <cmath>
#include <limits>

#include "fathom/kernels/special.h"

namespace fathom {

template <class T>
struct Scalar {
  T v;

  Scalar() = default;
  constexpr Scalar(double x) : v(T(x)) {}
  static constexpr Scalar of(T x) {
    Scalar s;
    s.v = x;
    return s;
  }

  struct Mask {
    bool m;
    friend constexpr Mask operator&(Mask a, Mask b) { return {a.m && b.m}; }
    friend constexpr Mask operator|(Mask a, Mask b) { return {a.m || b.m}; }
    friend constexpr Mask operator!(Mask a) { return {!a.m}; }
    friend constexpr bool any(Mask a) { return a.m; }
    friend constexpr bool all(Mask a) { return a.m; }
  };

  friend constexpr Scalar operator+(Scalar a, Scalar b) { return of(a.v + b.v); }
  friend constexpr Scalar operator-(Scalar a, Scalar b) { return of(a.v - b.v); }
  friend constexpr Scalar operator*(Scalar a, Scalar b) { return of(a.v * b.v); }
  friend constexpr Scalar operator/(Scalar a, Scalar b) { return of(a.v / b.v); }
  friend constexpr Scalar operator-(Scalar a) { return of(-a.v); }

  friend constexpr Mask operator<(Scalar a, Scalar b) { return {a.v < b.v}; }
  friend constexpr Mask operator<=(Scalar a, Scalar b) { return {a.v <= b.v}; }
  friend constexpr Mask operator>(Scalar a, Scalar b) { return {a.v > b.v}; }
  friend constexpr Mask operator>=(Scalar a, Scalar b) { return {a.v >= b.v}; }
  friend constexpr Mask operator==(Scalar a, Scalar b) { return {a.v == b.v}; }
  friend constexpr Mask operator!=(Scalar a, Scalar b) { return {a.v != b.v}; }

  friend constexpr Scalar select(Mask m, Scalar a, Scalar b) { return m.m ? a : b; }
  friend constexpr Mask is_nan(Scalar x) { return {x.v != x.v}; }
  friend Scalar min(Scalar a, Scalar b) { return a.v != a.v || a.v < b.v ? a : b; }
  friend Scalar max(Scalar a, Scalar b) { return a.v != a.v || a.v > b.v ? a : b; }
  friend Scalar fma(Scalar a, Scalar b, Scalar c) { return of(std::fma(a.v, b.v, c.v)); }
  friend Scalar copysign(Scalar a, Scalar b) { return of(std::copysign(a.v, b.v)); }

  friend Scalar abs(Scalar x) { return of(std::fabs(x.v)); }
  friend Scalar sqrt(Scalar x) { return of(std::sqrt(x.v)); }
  friend Scalar floor(Scalar x) { return of(std::floor(x.v)); }
  friend Scalar round(Scalar x) { return of(std::nearbyint(x.v)); }
  friend Scalar exp(Scalar x) { return of(std::exp(x.v)); }
  friend Scalar expm1(Scalar x) { return of(std::expm1(x.v)); }
  friend Scalar log(Scalar x) { return of(std::log(x.v)); }
  friend Scalar log1p(Scalar x) { return of(std::log1p(x.v)); }
  friend Scalar tanh(Scalar x) { return of(std::tanh(x.v)); }
  friend Scalar sin(Scalar x) { return of(std::sin(x.v)); }
  friend Scalar cos(Scalar x) { return of(std::cos(x.v)); }
  friend Scalar erf(Scalar x) { return of(std::erf(x.v)); }
  friend Scalar erfc(Scalar x) { return of(std::erfc(x.v)); }

  friend Scalar log_erfc(Scalar x) { return of(T(kernels::log_erfc(x.v))); }
  friend Scalar lgamma(Scalar x) { return of(T(kernels::lgamma(x.v))); }
  friend Scalar digamma(Scalar x) { return of(T(kernels::digamma(x.v))); }
  friend Scalar trigamma(Scalar x) { return of(T(kernels::trigamma(x.v))); }
  friend Scalar normal_quantile(Scalar p) { return of(T(kernels::normal_quantile(p.v))); }

  friend T reduce_add(Scalar x) { return x.v; }
  friend T reduce_max(Scalar x) { return x.v; }
  friend T reduce_min(Scalar x) { return x.v; }
};

}  // namespace fathom
