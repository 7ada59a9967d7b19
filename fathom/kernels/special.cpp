#include "fathom/kernels/special.h"

#include <cmath>
#include <limits>

namespace fathom::kernels {

namespace {

constexpr long double kPi = 3.14159265358979323846264338327950288L;
constexpr long double kNaN = std::numeric_limits<long double>::quiet_NaN();
constexpr long double kInf = std::numeric_limits<long double>::infinity();

// Bernoulli numbers B_2, B_4, ..., B_20.
constexpr long double kBernoulli[] = {1.L / 6,       -1.L / 30,      1.L / 42, -1.L / 30,
                                      5.L / 66,      -691.L / 2730,  7.L / 6,  -3617.L / 510,
                                      43867.L / 798, -174611.L / 330};

// x minus the nearest integer, exact; in [-1/2, 1/2].
long double from_nearest(long double x) { return x - std::nearbyint(x); }

// Phi(z) = p for |q| <= 1/2, q = 2p - 1, by Newton's method on erf(z / sqrt 2) = q: concave to the
// right of 0, so that the steps from the tangent at 0 do not overshoot.
long double quantile_centre(long double q) {
  const long double target = std::fabs(q);
  long double z = target * std::sqrt(kPi / 2);
  for (int i = 0; i < 12; ++i) {
    const long double gap = target - std::erf(z / std::sqrt(2.0L));
    const long double step = gap * std::sqrt(kPi / 2) * std::exp(z * z / 2);
    z += step;
    if (std::fabs(step) <= 1e-13L * z) break;
  }
  return std::copysign(z, q);
}

// Phi(z) = p for small p by Newton's method on log Phi, concave and increasing, from the left:
// Phi(-t) <= exp(-t^2 / 2) / 2.
long double quantile_tail(long double p) {
  const long double log_p = std::log(p);
  long double z = -std::sqrt(-2 * log_p);
  for (int i = 0; i < 40; ++i) {
    const long double log_cdf = log_erfc(-z / std::sqrt(2.0L)) - std::log(2.0L);
    const long double log_pdf = -z * z / 2 - std::log(2 * kPi) / 2;
    const long double step = (log_p - log_cdf) * std::exp(log_cdf - log_pdf);
    z += step;
    if (std::fabs(step) <= 1e-13L * std::fabs(z)) break;
  }
  return z;
}

// digamma at u beyond its zero, which is the root and `rest`: the sum of u / ((n + x) (n + root))
// (Abramowitz & Stegun 6.3.16), its tail as the difference of two asymptotic series, every term of
// which has the factor u.
long double digamma_at_root(long double x) {
  constexpr long double root = 0x1.762d86356be3fp+0L, rest = 9.549995429965697715184199e-17L;
  const long double u = (x - root) - rest;
  long double sum = 0, a = x, b = root + rest;
  for (; b < 20; a += 1, b += 1) sum += 1 / (a * b);
  const long double wa = 1 / (a * a), wb = 1 / (b * b), slope = -(a + b) * wa * wb;
  long double difference = slope, power = wb, series = 0;  // (wa^k - wb^k) / u, wb^k
  for (int k = 1; k <= 10; ++k, power *= wb) {
    series += kBernoulli[k - 1] * difference / (2 * k);
    difference = difference * wa + power * slope;
  }
  return u * (sum + 1 / (2 * a * b) - series) + std::log1p(u / b);
}

}  // namespace

long double log_erfc(long double x) {
  if (x < 0.5L) return std::log1p(-std::erf(x));
  if (x < 10) return std::log(std::erfc(x));
  if (x == kInf) return -kInf;
  // Abramowitz & Stegun 7.1.23.
  const long double w = 1 / (2 * x * x);
  long double term = 1, sum = 0;
  for (int k = 1; k <= 24; ++k) {
    term *= -(2 * k - 1) * w;
    sum += term;
    if (std::fabs(term) < 1e-21L) break;
  }
  return -x * x - std::log(x * std::sqrt(kPi)) + std::log1p(sum);
}

long double lgamma(long double x) {
  int sign = 0;  // std::lgamma would write a global
  return ::lgammal_r(x, &sign);
}

long double digamma(long double x) {
  if (x == 0) return std::copysign(kInf, -x);
  if (x < 0) {
    const long double f = from_nearest(x);
    if (!(x > -kInf) || f == 0) return kNaN;
    return digamma(1 - x) - kPi / std::tan(kPi * f);
  }
  if (!(x < kInf)) return x;
  if (x > 1.2L && x < 1.75L) return digamma_at_root(x);
  long double shifted = 0;
  for (; x < 20; x += 1) shifted += 1 / x;
  // Abramowitz & Stegun 6.3.18.
  const long double w = 1 / (x * x);
  long double power = w, series = 0;
  for (int k = 1; k <= 10; ++k, power *= w) series += kBernoulli[k - 1] * power / (2 * k);
  return std::log(x) - 1 / (2 * x) - series - shifted;
}

long double trigamma(long double x) {
  if (x == 0) return kInf;
  if (x < 0) {
    const long double f = from_nearest(x);
    if (!(x > -kInf) || f == 0) return kNaN;
    const long double ratio = kPi / std::sin(kPi * f);
    return ratio * ratio - trigamma(1 - x);
  }
  if (x == kInf) return 0;
  if (x != x) return x;
  long double shifted = 0;
  for (; x < 20; x += 1) shifted += 1 / (x * x);
  // Abramowitz & Stegun 6.4.12.
  const long double w = 1 / (x * x);
  long double power = w / x, series = 0;
  for (int k = 1; k <= 10; ++k, power *= w) series += kBernoulli[k - 1] * power;
  return 1 / x + w / 2 + series + shifted;
}

long double normal_quantile(long double p) {
  if (!(p >= 0 && p <= 1)) return kNaN;
  if (p == 0 || p == 1) return p == 0 ? -kInf : kInf;
  if (p > 0.25L && p < 0.75L) return quantile_centre(2 * p - 1);
  return p < 0.5L ? quantile_tail(p) : -quantile_tail(1 - p);
}

double sine(double x) { return std::sin(x); }
double cosine(double x) { return std::cos(x); }

}  // namespace fathom::kernels
