// lgamma, digamma and trigamma of packs: shifted by the recurrence to where the asymptotic series
// (Abramowitz & Stegun 6.1.40, 6.3.18, 6.4.12) holds, or to a polynomial about a zero; reflected
// for negative arguments (6.1.17, 6.3.7, 6.4.7). Floats are computed as doubles.
#pragma once

#include "fathom/kernels/wide/elementary.h"

namespace fathom::wide {
namespace FATHOM_ISA {

constexpr double kPi = 3.14159265358979323846;

// sin and cos of pi x, from x minus the nearest integer, exact; up to that integer's sign.
struct PiTurn {
  Pack<double> sine, cosine;
};
[[gnu::always_inline]] static inline PiTurn pi_turn(Pack<double> x) {
  const Pack<double> r = (x - round(x)) * kPi;
  return {sin(r), cos(r)};
}

// a >= 0.
[[gnu::always_inline]] static inline Pack<double> lgamma_right(Pack<double> a) {
  using P = Pack<double>;
  const P one(1.0);
  const Mask<double> large = a >= P(8.0);
  // To y in [3/2, 5/2) from above; gamma(a) = gamma(y) product.
  P y = a, product(1.0);
  for (int i = 0; i < 6; ++i) {
    const Mask<double> over = (y >= P(2.5)) & !large;
    if (!any(over)) break;
    y = select(over, y - 1.0, y);
    product = select(over, product * y, product);
  }
  // From below: gamma(a) = gamma(1 + a) / a = gamma(2 + a) / (a (1 + a)). The polynomial reaches to
  // 5/4, as from 1 on the two terms cancel in part.
  const Mask<double> below = a < P(1.25), small = a < P(0.5);
  const P divisor = select(small, a * (a + one), a);
  const P z = select(small, a, select(below, a - one, y - 2.0));
  const P log_of = log(select(large, a, select(below, divisor, product)));
  const P near = fma(z, horner(z, Poly<double>::lgamma), select(below, -log_of, log_of));
  if (!any(large)) return near;
  const P inverse = one / a;
  const P series = horner(inverse * inverse, Poly<double>::stirling) * inverse;
  // (log(2 pi) - 1) / 2.
  const P far = fma(a - 0.5, log_of - 1.0, series + 0.41893853320467274178);
  return select(large, far, near);
}

static inline Pack<double> lgamma(Pack<double> x) {
  using P = Pack<double>;
  const Mask<double> negative = x < P(0.0);
  if (!any(negative)) return lgamma_right(x);
  const P y = lgamma_right(select(negative, 1.0 - x, x));
  const P a = abs(x), sine = select(a < P(1e-20), a, abs(pi_turn(x).sine) * (1.0 / kPi));
  const P reflected = -log(sine) - y;
  const Mask<double> pole = (sine == P(0.0)) | (x == P(-kInfinity));
  return select(negative, select(pole, P(kInfinity), reflected), y);
}

// x >= 0, or -0.
[[gnu::always_inline]] static inline Pack<double> digamma_right(Pack<double> x) {
  using P = Pack<double>;
  const Mask<double> large = x >= P(8.0), below = x < P(1.0);
  // To y in [1, 2); top / bottom is what the steps of 1 / y amount to.
  P y = select(below, x + 1.0, x);
  P top = select(below, P(-1.0), P(0.0)), bottom = select(below, x, P(1.0));
  for (int i = 0; i < 6; ++i) {
    const Mask<double> over = (y >= P(2.0)) & !large;
    if (!any(over)) break;
    y = select(over, y - 1.0, y);
    top = select(over, fma(top, y, bottom), top);
    bottom = select(over, bottom * y, bottom);
  }
  const P u = (y - Poly<double>::digamma_root[0]) - Poly<double>::digamma_root[1];
  const P near = fma(u, horner(u, Poly<double>::digamma_near), top / bottom);
  if (!any(large)) return near;
  const P inverse = 1.0 / x, w = inverse * inverse;
  const P series = fma(w, horner(w, Poly<double>::digamma), inverse * 0.5);
  return select(large, log(x) - series, near);
}

static inline Pack<double> digamma(Pack<double> x) {
  using P = Pack<double>;
  const Mask<double> negative = x < P(0.0);
  if (!any(negative)) return digamma_right(x);
  const P y = digamma_right(select(negative, 1.0 - x, x));
  const PiTurn t = pi_turn(x);
  const P reflected = y - kPi * t.cosine / t.sine;
  return select(negative, select(t.sine == P(0.0), P(kNotANumber), reflected), y);
}

// x >= 0.
[[gnu::always_inline]] static inline Pack<double> trigamma_right(Pack<double> x) {
  using P = Pack<double>;
  // The first step stands alone, as its square may underflow.
  const Mask<double> first = x < P(8.0);
  const P once = 1.0 / x;
  P y = select(first, x + 1.0, x), top(0.0), bottom(1.0);
  for (int i = 0; i < 7; ++i) {
    const Mask<double> step = y < P(8.0);
    if (!any(step)) break;
    const P square = y * y;
    top = select(step, fma(top, square, bottom), top);
    bottom = select(step, bottom * square, bottom);
    y = select(step, y + 1.0, y);
  }
  const P shifted = select(first, fma(once, once, top / bottom), P(0.0));
  const P inverse = 1.0 / y, w = inverse * inverse;
  const P series = fma(inverse * w, horner(w, Poly<double>::trigamma), fma(w, P(0.5), inverse));
  return series + shifted;
}

static inline Pack<double> trigamma(Pack<double> x) {
  using P = Pack<double>;
  const Mask<double> negative = x < P(0.0);
  if (!any(negative)) return trigamma_right(x);
  const P y = trigamma_right(select(negative, 1.0 - x, x));
  const P sine = pi_turn(x).sine, ratio = kPi / sine;
  const P reflected = fma(ratio, ratio, -y);
  return select(negative, select(sine == P(0.0), P(kNotANumber), reflected), y);
}

static inline Pack<float> lgamma(Pack<float> x) {
  return in_double(x, [](Pack<double> v) { return lgamma(v); });
}
// digamma of x > 0 to 1e-8 of itself, but for the neighbourhood of its zero: four steps up at once,
// x (x + 3) being u and (x + 1) (x + 2) being u + 2.
[[gnu::always_inline]] static inline Pack<double> digamma_nearly(Pack<double> x) {
  using P = Pack<double>;
  const P y = x + 4.0, u = x * (x + 3.0), p = u * (u + 2.0), each = 1.0 / (p * y), r = p * each,
          w = r * r;
  const P even = fma(w, fma(w, fma(w, P(1.0 / 240), P(-1.0 / 252)), P(1.0 / 120)), P(-1.0 / 12));
  const P steps = (x + x + 3.0) * (u + u + 2.0) * (y * each);
  return log(y) + fma(w, even, fma(r, P(-0.5), -steps));
}
static inline Pack<float> digamma(Pack<float> x) {
  using P = Pack<float>;
  // By lanes, so that the bits do not depend on what lies beside a number.
  const Mask<float> plain = (x > P(0.0)) & (x < P(1e30)) & ((x < P(1.4)) | (x > P(1.53)));
  const P nearly = in_double(x, [](Pack<double> v) { return digamma_nearly(v); });
  if (all(plain)) return nearly;
  return select(plain, nearly, in_double(x, [](Pack<double> v) { return digamma(v); }));
}
static inline Pack<float> trigamma(Pack<float> x) {
  return in_double(x, [](Pack<double> v) { return trigamma(v); });
}

}  // namespace FATHOM_ISA
}  // namespace fathom::wide
