#include "tests/kernels/oracles.h"

#include <algorithm>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

namespace fathom::tests {

namespace {

using Real = long double;
constexpr Real kInf = std::numeric_limits<Real>::infinity();
constexpr Real kNaN = std::numeric_limits<Real>::quiet_NaN();
constexpr Real kRoot2 = 1.41421356237309504880168872420969808L;
constexpr Real kPi = 3.14159265358979323846264338327950288L;

bool is_pole(Real x) { return x <= 0 && x == std::floor(x); }

Real lgamma_of(Real x) {
  if (x != x || x == kInf) return x;
  if (x == -kInf || is_pole(x)) return kInf;
  if (std::fabs(x) < 1e-30L) return -std::log(std::fabs(x));
  return boost::math::lgamma(x);
}

Real digamma_of(Real x) {
  if (x == 0) return std::copysign(kInf, -x);
  if (x != x || x == kInf) return x;
  if (is_pole(x)) return kNaN;
  if (std::fabs(x) < 1e-30L) return -1 / x;
  return boost::math::digamma(x);
}

Real trigamma_of(Real x) {
  if (x == 0) return kInf;
  if (x == kInf) return 0;
  if (x != x || is_pole(x)) return kNaN;
  if (std::fabs(x) < 1e-30L) return 1 / (x * x);
  return boost::math::trigamma(x);
}

// erfc as a continued fraction (Abramowitz & Stegun 7.1.14) for large x.
Real log_erfc_of(Real x) {
  if (x < 0.5L) return std::log1p(-std::erf(x));
  if (x < 50) return std::log(std::erfc(x));
  if (x != x || x == kInf) return -x;
  Real fraction = x;
  for (int k = 60; k >= 1; --k) fraction = x + (k / 2.0L) / fraction;
  return -x * x - std::log(fraction * std::sqrt(kPi));
}

Real quantile_of(Real p) {
  if (!(p >= 0 && p <= 1)) return kNaN;
  if (p == 0 || p == 1) return p == 0 ? -kInf : kInf;
  if (p > 0.25L && p < 0.75L) return kRoot2 * boost::math::erf_inv(2 * p - 1);
  return p < 0.5L ? -kRoot2 * boost::math::erfc_inv(2 * p)
                  : kRoot2 * boost::math::erfc_inv(2 * (1 - p));
}

Real erfc_of(Real x) { return std::erfc(x); }
Real erf_of(Real x) { return std::erf(x); }
Real exp_of(Real x) { return std::exp(x); }
Real expm1_of(Real x) { return std::expm1(x); }
Real log_of(Real x) { return std::log(x); }
Real log1p_of(Real x) { return std::log1p(x); }
Real tanh_of(Real x) { return std::tanh(x); }
Real sin_of(Real x) { return std::sin(x); }
Real cos_of(Real x) { return std::cos(x); }

std::vector<Oracle> make() {
  const double all = std::numeric_limits<double>::max();
  return {
      {"exp",
       exp_of,
       -105,
       90,
       -all,
       all,
       {-745.13321910194122, -744.44007192138122, -708.39641853226408, -103.97207, -103.27893,
        -87.336544, 88.722839, 709.78271289338397, 0.34657359027997264, -0.34657359027997264}},
      {"expm1",
       expm1_of,
       -45,
       90,
       -all,
       all,
       {-37.429947750237048, -17.3286795, 88.722839, 709.78271289338397, 0.34657359027997264,
        -0.34657359027997264, 1.0397207708399179}},
      {"log", log_of, 0, 10, 0, all, {0.70710678118654752, 1, 1.4142135623730950, 2, 0.75, 1.5}},
      {"log1p",
       log1p_of,
       -1,
       10,
       -1,
       all,
       {-1, -0.29289321881345248, 0.41421356237309505, -0.5, 1, 9007199254740992., 16777216.}},
      {"tanh", tanh_of, -3, 3, -all, all, {9.010913, 19.061547465398498, 0.1732867951399863, 0.5}},
      {"sin",
       sin_of,
       -20,
       20,
       -1e9,
       1e9,
       {3.141592653589793, 6.283185307179586, 1.5707963267948966, 22, 355, 103993, 1048576, 5e5,
        1e22}},
      {"cos",
       cos_of,
       -20,
       20,
       -1e9,
       1e9,
       {3.141592653589793, 6.283185307179586, 1.5707963267948966, 11, 355, 1048576, 5e5, 1e22}},
      {"erf", erf_of, -4, 4, -all, all, {1, 3.8325066, 5.8635847487551676}},
      {"erfc",
       erfc_of,
       -6,
       27.5,
       -all,
       all,
       {9.19455, 10.0549, 26.543258430632299, 27.226017111108362, 0.47693627620446987}},
      {"log_erfc",
       log_erfc_of,
       -6,
       30,
       -all,
       1e150,
       {0.375, 0.47693627620446987, 27, 50, 1e4, 1e9}},
      {"lgamma",
       lgamma_of,
       0,
       12,
       0,
       all,
       {0.5, 1, 1.5, 2, 2.5, 3.5, 7.5, 8, 2.5599833e305, 2.5e38}},
      {"digamma", digamma_of, 0, 12, 0, all, {0.5, 1, 1.4616321449683623, 1.19, 1.73, 2, 8, 1e-20}},
      {"trigamma", trigamma_of, 0, 12, 0, all, {0.5, 1, 2, 8, 1e-20, 1e-154, 1.5e-154}},
      {"lgamma_negative",
       lgamma_of,
       -12,
       0,
       -all,
       0,
       {-0.5, -1, -2, -2.4570247382208006, -3.5, -100.25, -1e-10, -1e-300, -170.5, -1e15}},
      {"digamma_negative",
       digamma_of,
       -12,
       0,
       -1e6,
       0,
       {-0.5, -0.504083008, -1, -2, -1e-10, -99.5}},
      {"trigamma_negative", trigamma_of, -12, 0, -1e6, 0, {-0.5, -1, -2, -1e-10, -99.5}},
      {"normal_quantile",
       quantile_of,
       0,
       1,
       0,
       1,
       {0.5, 0.25, 0.75, 0.0005, 0.9995, 0.00175, 0.99825, 5.3e-22, 1}},
  };
}

}  // namespace

const std::vector<Oracle>& oracles() {
  static const std::vector<Oracle> all = make();
  return all;
}

const Oracle& oracle(const std::string& name) {
  for (const Oracle& o : oracles())
    if (name == o.name) return o;
  throw std::out_of_range("no oracle for " + name);
}

template <class T>
double ulps(T got, long double want, double floor) {
  using Limits = std::numeric_limits<T>;
  if (want != want) return got != got ? 0 : double(kInf);
  if (got != got) return double(kInf);
  const Real most = Limits::max();
  const Real spacing_at_most = std::ldexp(1.0L, Limits::max_exponent - Limits::digits);
  // Infinity stands one step beyond the greatest number.
  const auto finite = [&](Real v) {
    return std::clamp(v, -most - spacing_at_most, most + spacing_at_most);
  };
  if (std::isinf(want) && !std::isinf(got)) return double(kInf);
  const Real w = finite(want), size = std::max(std::fabs(w), Real(floor));
  int exponent = Limits::min_exponent;
  if (size > 0)
    exponent = std::clamp(std::ilogb(size) + 1, Limits::min_exponent, Limits::max_exponent);
  const Real unit = std::ldexp(1.0L, exponent - Limits::digits);
  return double(std::fabs(finite(got) - w) / unit);
}

template <class T>
std::vector<T> arguments(const Oracle& o, std::size_t count) {
  using Limits = std::numeric_limits<T>;
  std::vector<T> x;
  const auto add = [&](T v) {
    if (v != v || std::isinf(v) || (double(v) >= o.least && double(v) <= o.most)) x.push_back(v);
  };
  const T inf = Limits::infinity();
  for (T v :
       {T(0), Limits::denorm_min(), T(3 * Limits::denorm_min()), Limits::min(),
        std::nextafter(Limits::min(), T(0)), Limits::epsilon(), Limits::max(), T(1), T(0.5)}) {
    add(v);
    add(-v);
  }
  for (T v : {inf, -inf, Limits::quiet_NaN(), -Limits::quiet_NaN()}) x.push_back(v);
  for (double nasty : o.nasty) {
    for (double signed_one : {nasty, -nasty}) {
      T up = T(signed_one), down = up;
      for (int i = 0; i < 50; ++i) {
        add(up);
        add(down);
        up = std::nextafter(up, inf);
        down = std::nextafter(down, -inf);
      }
    }
  }
  std::mt19937_64 random(20240607);
  const double top = std::log2(std::min(std::max(-o.least, o.most), double(Limits::max())));
  const double bottom = std::log2(double(Limits::denorm_min()));
  std::uniform_real_distribution<double> inside(o.low, o.high), log2_size(bottom, top);
  while (x.size() < count) {
    add(T(inside(random)));
    add(T(inside(random)));
    const double size = std::exp2(log2_size(random));
    add(T(random() % 2 ? size : -size));
  }
  return x;
}

template double ulps(float, long double, double);
template double ulps(double, long double, double);
template std::vector<float> arguments(const Oracle&, std::size_t);
template std::vector<double> arguments(const Oracle&, std::size_t);

}  // namespace fathom::tests
