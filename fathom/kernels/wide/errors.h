// The error function and its relatives: erf, erfc, log_erfc and the normal quantile.
#pragma once

#include "fathom/kernels/wide/elementary.h"

namespace fathom::wide {
namespace FATHOM_ISA {

// a^2 as a sum of two, exact unless it underflows.
template <class T>
struct Square {
  Pack<T> high, low;
};
template <class T>
[[gnu::always_inline]] static inline Square<T> square_of(Pack<T> a) {
  const Pack<T> high = a * a;
  if constexpr (Native<T>::fused) {
    return {high, fma(a, a, -high)};
  } else {  // Dekker 1971: halves of the mantissa, whose products are exact
    const Pack<T> c = a * Format<T>::split, upper = c - (c - a), lower = a - upper;
    return {high, ((upper * upper - high) + upper * lower * 2.0) + lower * lower};
  }
}

// e^(a^2) erfc(a) = scaled / (1 + 2a) for a >= 0: a polynomial in (a - k) / (a + k), which takes
// all of a >= 0 to [-1, 1) (Shepherd & Laframboise 1981).
template <class T>
[[gnu::always_inline]] static inline Pack<T> scaled_erfc(Pack<T> a) {
  constexpr double k = double(Poly<T>::erfcx_shift[0]);
  return horner((a - k) / (a + k), Poly<T>::erfcx) / fma(a, Pack<T>(2.0), Pack<T>(1.0));
}

// erfc of a >= 0.
template <class T>
[[gnu::always_inline]] static inline Pack<T> erfc_right(Pack<T> a) {
  constexpr double none = sizeof(T) == 4 ? 10.6 : 27.6;  // erfc rounds to 0 from here on
  a = at_most(a, none);
  const Square<T> s = square_of(a);
  const auto [r, low, k] = exp_parts(-s.high);
  const Pack<T> rest = low - s.low, moved = r + rest;
  const Pack<T> p = expm1_of_parts(moved, rest - (moved - r)) + 1.0;
  // The power of two comes last, so that the result is rounded once where it underflows gradually.
  return scale(p * scaled_erfc(a), k);
}

// erf for |x| <= 1.
template <class T>
[[gnu::always_inline]] static inline Pack<T> erf_near(Pack<T> x) {
  return fma(x, horner(x * x, Poly<T>::erf), x);
}

template <class T>
static inline Pack<T> erfc(Pack<T> x) {
  const Pack<T> a = abs(x), y = erfc_right(a);
  const Pack<T> far = select(x < Pack<T>(0.0), 2.0 - y, y);
  return select(a < Pack<T>(0.5), 1.0 - erf_near(x), far);
}

template <class T>
static inline Pack<T> erf(Pack<T> x) {
  const Pack<T> a = abs(x);
  const Pack<T> near = erf_near(x);
  const Mask<T> far = a > Pack<T>(1.0);
  if (!any(far)) return near;
  return select(far, copysign(1.0 - erfc_right(a), x), near);
}

static inline Pack<double> log_erfc(Pack<double> x) {
  using P = Pack<double>;
  const Mask<double> right = x > P(0.375);
  const P left = log1p(-erf(x));
  if (!any(right)) return left;
  const P a = at_most(x, 1e160);  // its square is infinite
  const Square<double> s = square_of(a);
  const P low = select(s.high < P(0x1p900), s.low, P(0.0));
  return select(right, (log(scaled_erfc(a)) - low) - s.high, left);
}

static inline Pack<float> log_erfc(Pack<float> x) {
  return in_double(x, [](Pack<double> v) { return log_erfc(v); });
}

// The z >= 0 with P(Z > z) = p, for 0 < p <= 1/2; infinite at 0, NaN below. `other` is 1 - p.
template <class T>
[[gnu::always_inline]] static inline Pack<T> upper_quantile(Pack<T> p, Pack<T> other) {
  using P = Pack<T>;
  using C = Poly<T>;
  constexpr double centre = sizeof(T) == 4 ? 0.00175 : 0.0005;
  const Mask<T> far = p < P(centre);
  // In w = -log(4 p (1 - p)), a smooth function of z^2 (Giles 2012) ...
  const P w = -log(at_least(p, centre * 0.999) * other * 4.0);
  P z = (1.0 - p * 2.0) * horner(w, C::quantile);
  if (!any(far)) return z;
  // ... and in the tail in r = sqrt(-log p) (Wichura 1988).
  const P r = sqrt(-log(p));
  const P u = r - (sizeof(T) == 4 ? 2.5 : 7.0);
  P tail = horner(u, C::quantile_far_top) / horner(u, C::quantile_far_bottom);
  if constexpr (sizeof(T) == 8) {
    const P v = r - 2.75;
    tail = select(r < P(7.0), horner(v, C::quantile_mid_top) / horner(v, C::quantile_mid_bottom),
                  tail);
  }
  tail = select(p == P(0.0), P(kInfinity), tail);
  return select(far, tail, z);
}

template <class T>
static inline Pack<T> normal_quantile(Pack<T> p) {
  const Pack<T> q = 1.0 - p;
  const Mask<T> left = p < Pack<T>(0.5);
  const Pack<T> z = upper_quantile(select(left, p, q), select(left, q, p));
  return select(left, -z, z);
}

}  // namespace FATHOM_ISA
}  // namespace fathom::wide
