// Scalar functions against independent oracles, and the derivatives of dual numbers against central
// differences of those oracles.
#include "fathom/kernels/scalar.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "fathom/kernels/dual.h"
#include "fathom/kernels/wide/accuracy.h"
#include "tests/kernels/oracles.h"

namespace fathom::tests {
namespace {

// The function of this name at any value type.
template <class V>
V call(const std::string& name, V x) {
  if (name == "exp") return exp(x);
  if (name == "expm1") return expm1(x);
  if (name == "log") return log(x);
  if (name == "log1p") return log1p(x);
  if (name == "tanh") return tanh(x);
  if (name == "sin") return sin(x);
  if (name == "cos") return cos(x);
  if (name == "erf") return erf(x);
  if (name == "erfc") return erfc(x);
  if (name == "log_erfc") return log_erfc(x);
  if (name == "lgamma" || name == "lgamma_negative") return lgamma(x);
  if (name == "digamma" || name == "digamma_negative") return digamma(x);
  if (name == "trigamma" || name == "trigamma_negative") return trigamma(x);
  if (name == "normal_quantile") return normal_quantile(x);
  throw std::out_of_range(name);
}

template <class T>
void check_scalar(const wide::Accuracy& a) {
  const Oracle& o = oracle(a.name);
  int faults = 0;
  for (T x : arguments<T>(o, 20000)) {
    const T got = call(a.name, Scalar<T>::of(x)).v;
    const long double want = o.value(x);
    const double error = ulps<T>(got, want, a.floor);
    if (error <= (sizeof(T) == 4 ? a.ulp_f32 : a.ulp_f64) || ++faults > 5) continue;
    ADD_FAILURE() << a.name << "(" << testing::PrintToString(x)
                  << ") = " << testing::PrintToString(got) << ", not " << double(want) << ": "
                  << error << " ulp";
  }
}

TEST(Scalar, WithinTheTableOfThePacks) {
  for (const wide::Accuracy& a : wide::kAccuracy) {
    check_scalar<float>(a);
    check_scalar<double>(a);
  }
}

TEST(Scalar, ReferenceFunctionsRoundToTheRightDouble) {
  for (const char* name : {"log_erfc", "lgamma", "digamma", "trigamma", "normal_quantile"}) {
    const Oracle& o = oracle(name);
    for (double x : arguments<double>(o, 5000)) {
      const long double want = o.value(x);
      ASSERT_LE(ulps<double>(call(name, Scalar<double>(x)).v, want), 0.51) << name << " at " << x;
    }
  }
}

TEST(Scalar, MinMaxSelectAndNaN) {
  using S = Scalar<double>;
  const S nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(any(is_nan(min(nan, 1.0))) && any(is_nan(min(S(1.0), nan))));
  EXPECT_TRUE(any(is_nan(max(nan, 1.0))) && any(is_nan(max(S(1.0), nan))));
  EXPECT_EQ(min(S(2.0), 1.0).v, 1);
  EXPECT_EQ(max(S(2.0), 1.0).v, 2);
  EXPECT_EQ(select(S(1.0) < S(2.0), S(3.0), nan).v, 3);
  EXPECT_FALSE(any(nan < S(1.0)) || any(nan >= S(1.0)) || any(nan == nan));
  EXPECT_TRUE(all(nan != nan) && all(!(nan == nan)));
}

// Known values. Abramowitz & Stegun, tables 6.1, 6.3 and 26.1, and identities.
TEST(Scalar, KnownValues) {
  using S = Scalar<double>;
  constexpr double pi = 3.14159265358979323846;
  EXPECT_DOUBLE_EQ(digamma(S(1.0)).v, -0.57721566490153286061);
  EXPECT_DOUBLE_EQ(trigamma(S(1.0)).v, pi * pi / 6);
  EXPECT_DOUBLE_EQ(trigamma(S(0.5)).v, pi * pi / 2);
  EXPECT_DOUBLE_EQ(lgamma(S(0.5)).v, std::log(pi) / 2);
  EXPECT_DOUBLE_EQ(normal_quantile(S(0.975)).v, 1.95996398454005423552);
  EXPECT_NEAR(log_erfc(S(1e4)).v, -1e8 - std::log(1e4 * std::sqrt(pi)), 1e-7);
}

// ---- dual numbers
// ---------------------------------------------------------------------------------

using S = Scalar<double>;
using D = Dual<S>;

// The derivative at x by a difference of fourth order of the oracle.
long double slope(const Oracle& o, long double x, long double h) {
  const auto f = [&](int k) { return o.value(x + k * h); };
  return (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / (12 * h);
}

TEST(Dual, DerivativesAreCentralDifferences) {
  for (const Oracle& o : oracles()) {
    const bool negative = std::string(o.name).find("_negative") != std::string::npos;
    if (negative) continue;
    for (int i = 1; i < 200; ++i) {
      double x = o.low + (o.high - o.low) * i / 200.0;
      if (std::string(o.name) == "exp" || std::string(o.name) == "expm1") x /= 4;
      const double room = std::min({x - o.least, o.most - x, 1.0});  // to the nearest singularity
      const long double want = slope(o, x, 2e-4L * room);
      const D y = call(o.name, D(S(x), S(1.0)));
      EXPECT_NEAR(y.d.v, double(want), 1e-9 * std::max(1e-3, std::fabs(double(want))))
          << o.name << " at " << x;
      EXPECT_EQ(y.v.v, call(o.name, S(x)).v);
    }
  }
}

TEST(Dual, Rules) {
  const D x(S(1.5), S(1.0)), c(2.0);
  EXPECT_DOUBLE_EQ((x * x * x).d.v, 3 * 1.5 * 1.5);
  EXPECT_DOUBLE_EQ((c / x).d.v, -2 / (1.5 * 1.5));
  EXPECT_DOUBLE_EQ((c - x).d.v, -1);
  EXPECT_DOUBLE_EQ((-x + 1.0).d.v, -1);
  EXPECT_DOUBLE_EQ(sqrt(x).d.v, 0.5 / std::sqrt(1.5));
  EXPECT_DOUBLE_EQ(fma(x, x, x).d.v, 4);
  EXPECT_DOUBLE_EQ(exp(x * x).d.v, 3 * std::exp(2.25));
  EXPECT_EQ(min(x, c).d.v, 1);
  EXPECT_EQ(max(x, c).d.v, 0);
  EXPECT_EQ(max(x, D(1.5)).d.v, 0.5);  // a tie
  EXPECT_EQ(abs(-x).d.v, 1);
  EXPECT_EQ(abs(x - x).d.v, 0);
  EXPECT_EQ(floor(x).d.v, 0);
  EXPECT_EQ(round(x).d.v, 0);
  EXPECT_EQ(copysign(x, D(-1.0)).d.v, -1);
  EXPECT_EQ(copysign(-x, D(-1.0)).d.v, -1);
  EXPECT_EQ(select(x < c, x, c).d.v, 1);
  EXPECT_EQ(select(c < x, x, c).d.v, 0);
}

}  // namespace
}  // namespace fathom::tests
