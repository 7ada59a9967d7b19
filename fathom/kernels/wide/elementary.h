// exp, log, log1p, expm1, tanh, sin and cos of packs. The method is the same everywhere: reduce the
// argument so that what is lost is known, a minimax polynomial, put the exponent back. Nothing is
// assumed of the compiler but that it does not reassociate; fused or not, the errors stay within
// wide/accuracy.h.
#pragma once

#include "fathom/kernels/special.h"
#include "fathom/kernels/wide/polynomials.h"

namespace fathom::wide {
namespace FATHOM_ISA {

// The borders of the number formats, and bits of them.
template <class T>
struct Format;

template <>
struct Format<float> {
  static constexpr int mantissa = 23, bias = 127;
  static constexpr double least_normal = 0x1p-126;
  static constexpr double whole = 0x1.8p23;                 // adding it rounds to an integer
  static constexpr double exp_top = 89, exp_bottom = -105;  // beyond: inf, 0
  static constexpr double minus_one = -18;                  // expm1 is -1 from here down
  static constexpr double tanh_one = 9.5;                   // tanh is 1 from here on
  static constexpr double split = 4097;                     // 2^12 + 1
};

template <>
struct Format<double> {
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double least_normal = 0x1p-1022;
  static constexpr double whole = 0x1.8p52;
  static constexpr double exp_top = 710, exp_bottom = -746;
  static constexpr double minus_one = -40;
  static constexpr double tanh_one = 20;
  static constexpr double split = 134217729;  // 2^27 + 1
};

constexpr double kInfinity = __builtin_inf();
constexpr double kNotANumber = __builtin_nan("");

// c[0] + x (c[1] + x (c[2] + ...)), by Horner's rule.
template <int i = 0, class T, int n>
[[gnu::always_inline]] static inline Pack<T> horner(Pack<T> x, const T (&c)[n]) {
  if constexpr (i + 1 == n) {
    return Pack<T>(double(c[i]));
  } else {
    return fma(horner<i + 1>(x, c), x, Pack<T>(double(c[i])));
  }
}

// x kept below or above a bound; NaN stays NaN, which the order of operands decides.
template <class T>
[[gnu::always_inline]] static inline Pack<T> at_most(Pack<T> x, double bound) {
  return Pack<T>::of(Native<T>::min(Pack<T>(bound).v, x.v));
}
template <class T>
[[gnu::always_inline]] static inline Pack<T> at_least(Pack<T> x, double bound) {
  return Pack<T>::of(Native<T>::max(Pack<T>(bound).v, x.v));
}

// 2^k for an integral k with 2^k normal; 0 for k one below.
template <class T>
[[gnu::always_inline]] static inline Pack<T> power_of_two(Pack<T> k) {
  using N = Native<T>;
  const Pack<T> placed = k + (Format<T>::whole + Format<T>::bias);
  return Pack<T>::of(N::value(N::bits(placed.v) << Format<T>::mantissa));
}

// x 2^k for an integral k, 2^-20 <= |x| <= 2 and 2^k within twice the range of the exponent;
// rounded once, gradual underflow included.
template <class T>
[[gnu::always_inline]] static inline Pack<T> scale(Pack<T> x, Pack<T> k) {
  if constexpr (requires { Native<T>::scale(x.v, k.v); }) {
    return Pack<T>::of(Native<T>::scale(x.v, k.v));
  } else {
    const Pack<T> half = (k * 0.5 + Format<T>::whole) - Format<T>::whole;
    return x * power_of_two(half) * power_of_two(k - half);
  }
}

// x = r + low + k log 2 with integral k and |r| <= log(2) / 2 or a little more.
template <class T>
struct ExpParts {
  Pack<T> r, low, k;
};
template <class T>
[[gnu::always_inline]] static inline ExpParts<T> exp_parts(Pack<T> x) {
  constexpr double per_log2 = 1.44269504088896340736, high = double(Poly<T>::log2[0]),
                   low = double(Poly<T>::log2[1]);
  const Pack<T> k = fma(x, Pack<T>(per_log2), Pack<T>(Format<T>::whole)) - Format<T>::whole;
  const Pack<T> near = fma(k, Pack<T>(-high), x);  // exact
  const Pack<T> r = fma(k, Pack<T>(-low), near);
  return {r, fma(k, Pack<T>(-low), near - r), k};
}

// e^(r + low) - 1.
template <class T>
[[gnu::always_inline]] static inline Pack<T> expm1_of_parts(Pack<T> r, Pack<T> low) {
  return r + fma(r * r, horner(r, Poly<T>::exp), low);
}

// e^x where neither it nor its reciprocal overflows; of NaN, NaN.
template <class T>
[[gnu::always_inline]] static inline Pack<T> exp_inside(Pack<T> x) {
  using P = Pack<T>;
  const auto [r, low, k] = exp_parts(x);
  const P e = horner(r, Poly<T>::exp), one(1.0);
  if constexpr (Native<T>::fused) return scale(fma(r, fma(r, e, one), one), k);
  return scale(fma(r * r, e, r) + one, k);
}

template <class T>
static inline Pack<T> exp(Pack<T> x) {
  return exp_inside(at_most(at_least(x, Format<T>::exp_bottom), Format<T>::exp_top));
}

template <class T>
static inline Pack<T> expm1(Pack<T> x) {
  const auto [r, low, k] =
      exp_parts(at_most(at_least(x, Format<T>::minus_one), Format<T>::exp_top));
  const Pack<T> q = expm1_of_parts(r, low);
  // Half of the result, that the power does not overflow before it must; of a denormal half would
  // lose a bit.
  const Pack<T> s = power_of_two(k - 1.0);
  const Pack<T> y = fma(s, q, s - 0.5) * 2.0;
  return copysign(select(k == 0.0, q, y), x);
}

// |x| = (1 + f) 2^k with 1 + f in [sqrt(1/2), sqrt 2), for x > 0. For 0 and infinity k is infinite
// and f = 0 if the instruction set knows that, else neither is of use.
template <class T>
struct LogParts {
  Pack<T> f, k;
};
template <class T>
[[gnu::always_inline]] static inline LogParts<T> log_parts(Pack<T> x) {
  using N = Native<T>;
  using P = Pack<T>;
  if constexpr (requires { N::exponent(x.v); }) {
    const P k = P::of(N::exponent(x.v)), m = P::of(N::mantissa(x.v));
    const Mask<T> big = m > P(1.41421356237309504880);
    return {select(big, m * 0.5, m) - 1.0, select(big, k + 1.0, k)};
  } else {
    using I = typename N::I;
    using U = typename N::U;
    constexpr int width = Format<T>::mantissa;
    P shift = double(Format<T>::bias);
    const Mask<T> tiny = x < P(Format<T>::least_normal);
    if (any(tiny)) {  // 54 is at least the width of either mantissa
      x = select(tiny, x * 0x1p54, x);
      shift = select(tiny, shift + 54.0, shift);
    }
    const U one = reinterpret_cast<U>(N::bits(P(1.0).v));
    const U low = reinterpret_cast<U>(N::bits(P(0.70710678118654752440).v));
    const U moved = reinterpret_cast<U>(N::bits(x.v)) + (one - low);
    const U m = (moved & ((typename N::UInt(1) << width) - 1)) + low;
    const P whole(double(typename N::UInt(1) << width));
    const U field = (moved >> width) | reinterpret_cast<U>(N::bits(whole.v));  // k + bias
    const P k = P::of(N::value(reinterpret_cast<I>(field))) - whole - shift;
    return {P::of(N::value(reinterpret_cast<I>(m))) - 1.0, k};
  }
}

// log(1 + f) + k log 2.
template <class T>
[[gnu::always_inline]] static inline Pack<T> log_of_parts(Pack<T> f, Pack<T> k) {
  using P = Pack<T>;
  const P high = double(Poly<T>::log2[0]), low = double(Poly<T>::log2[1]);
  if constexpr (sizeof(T) == 4) {
    const P rest = fma(f * f, fma(f, horner(f, Poly<T>::log), P(-0.5)), k * low);
    return fma(k, high, f + rest);
  } else {
    // log(1 + f) = f - f^2 / 2 + s (f^2 / 2 + R(s^2)) with s = f / (2 + f).
    const P s = f / (f + 2.0), z = s * s, square = f * f * 0.5;
    const P rest = fma(s, fma(z, horner(z, Poly<T>::log), square), k * low);
    return fma(k, high, f - (square - rest));
  }
}

// What log does where x is not positive and finite: the set that knows infinite exponents has
// already treated 0 and infinity.
template <class T>
[[gnu::always_inline]] static inline Pack<T> log_borders(Pack<T> x, Pack<T> y) {
  using P = Pack<T>;
  if constexpr (requires { Native<T>::exponent(x.v); }) {
    return select(x < P(0.0), P(kNotANumber), y);
  } else {
    const Mask<T> fine = (x > P(0.0)) & (x < P(kInfinity));
    if (all(fine)) return y;
    const P border = select(x == P(0.0), P(-kInfinity), select(x > P(0.0), x, P(kNotANumber)));
    return select(fine, y, border);
  }
}

template <class T>
static inline Pack<T> log(Pack<T> x) {
  const LogParts<T> p = log_parts(x);
  return log_borders(x, log_of_parts(p.f, p.k));
}

template <class T>
static inline Pack<T> log1p(Pack<T> x) {
  using P = Pack<T>;
  const P one(1.0), u = x + one, moved = u - one;
  const P lost = (one - (u - moved)) + (x - moved);  // u + lost is 1 + x
  const LogParts<T> p = log_parts(u);
  // Beyond 2^60 it is less than matters, and at the borders no number.
  const P f = p.f + select(x < P(0x1p60), lost * power_of_two(-p.k), P(0.0));
  return copysign(log_borders(u, log_of_parts(f, p.k)), x);
}

// With e = e^(-2|x|): |tanh x| is (1 - e) / (1 + e), with 1 - e free of cancellation, or, where
// that is more than 1/2, 1 - 2 e / (1 + e).
template <class T>
static inline Pack<T> tanh(Pack<T> x) {
  using P = Pack<T>;
  const P a = at_most(abs(x), Format<T>::tanh_one);
  const auto [r, low, k] = exp_parts(a * -2.0);
  const P q = expm1_of_parts(r, low), s = power_of_two(k), e = fma(s, q, s);
  const Mask<T> large = a > P(0.5493);  // where tanh is 1/2
  const P ratio = select(large, e * 2.0, (1.0 - s) - s * q) / (e + 1.0);
  return copysign(select(large, 1.0 - ratio, ratio), x);
}

// Applies a function of doubles to floats.
template <class F>
[[gnu::always_inline]] static inline Pack<float> in_double(Pack<float> x, F f) {
  const Pack<double> low = f(Pack<double>::of(Halves::low(x.v)));
  const Pack<double> high = f(Pack<double>::of(Halves::high(x.v)));
  return Pack<float>::of(Halves::join(low.v, high.v));
}

// Calls a function of one number for the lanes of `m`.
[[gnu::noinline, maybe_unused]] static Pack<double> each(Mask<double> m, Pack<double> x,
                                                         Pack<double> y, double (*f)(double)) {
  using P = Pack<double>;
  double in[P::lanes], out[P::lanes], chosen[P::lanes];
  x.store(in);
  y.store(out);
  select(m, P(1.0), P(0.0)).store(chosen);
  for (int i = 0; i < P::lanes; ++i)
    if (chosen[i] != 0) out[i] = f(in[i]);
  return P::load(out);
}

// |x| = r + quarter pi / 2, |r| <= pi / 4, for |x| <= 2^20: pi / 2 in four parts, the first three
// with 33 bits, so that `quarter` times each is exact; r as a sum of two, exact beyond a double.
struct Turns {
  Pack<double> high, low, quarter;
};
[[gnu::always_inline]] static inline Turns turns(Pack<double> x) {
  using P = Pack<double>;
  const auto& part = Poly<double>::half_pi;
  const P k = round(x * 0.63661977236758134308);
  const P a = x - k * part[0];
  const P b = k * -part[1];
  const P s = a + b, bb = s - a, se = (a - (s - bb)) + (b - bb);
  const P c = k * -part[2];
  const P t = s + c, cc = t - s, te = (s - (t - cc)) + (c - cc);
  const P low = (se + te) - k * part[3];
  const P high = t + low;
  return {high, low - (high - t), k};
}

// sin(x + shift pi / 2) for |x| <= 2^20.
[[gnu::always_inline]] static inline Pack<double> sine_near(Pack<double> x, double shift) {
  using P = Pack<double>;
  const Turns t = turns(x);
  const P r = t.high, z = r * r;
  const P sine = r + fma(z * r, horner(z, Poly<double>::sin), t.low * (1.0 - z * 0.5));
  const P near = 1.0 - z * 0.5;
  const P cosine =
      near + (((1.0 - near) - z * 0.5) + fma(z * z, horner(z, Poly<double>::cos), -(r * t.low)));
  const P turn = t.quarter + shift;
  const P half = floor(turn * 0.5);  // sign: its parity; cosine where turn is odd
  const P y = select(turn == half * 2.0, sine, cosine);
  return select(half == floor(half * 0.5) * 2.0, y, -y);
}

static inline Pack<double> sin(Pack<double> x) {
  const Mask<double> far = abs(x) > Pack<double>(0x1p20);
  const Pack<double> y = select(x == Pack<double>(0.0), x, sine_near(x, 0.0));
  return any(far) ? each(far, x, y, kernels::sine) : y;
}

static inline Pack<double> cos(Pack<double> x) {
  const Mask<double> far = abs(x) > Pack<double>(0x1p20);
  const Pack<double> y = sine_near(x, 1.0);
  return any(far) ? each(far, x, y, kernels::cosine) : y;
}

static inline Pack<float> sin(Pack<float> x) {
  return in_double(x, [](Pack<double> v) { return sin(v); });
}
static inline Pack<float> cos(Pack<float> x) {
  return in_double(x, [](Pack<double> v) { return cos(v); });
}

}  // namespace FATHOM_ISA
}  // namespace fathom::wide
