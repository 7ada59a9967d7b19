// Quantiles where they are elementary, distribution functions by their sums, and gamma draws by
// their moments.
#include "fathom/kernels/quantiles.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "fathom/kernels/gamma_draw.h"

namespace fathom::kernels {
namespace {

TEST(Quantiles, AreThoseOfTheElementaryCases) {
  for (const double p : {1e-6, 0.025, 0.3, 0.5, 0.975}) {
    EXPECT_NEAR(gamma_quantile(p, 1, 2), -std::log1p(-p) / 2, 1e-14);  // exponential
    EXPECT_NEAR(beta_quantile(p, 1, 1), p, 1e-14);
    EXPECT_NEAR(beta_quantile(p, 3, 1), std::cbrt(p), 1e-13);
    const double cauchy = std::tan(std::numbers::pi * (p - 0.5));
    EXPECT_NEAR(student_quantile(p, 1), cauchy, 1e-9 * (1 + std::abs(cauchy)));
  }
  EXPECT_NEAR(student_quantile(0.5, 1), 0, 1e-15);
  EXPECT_NEAR(student_quantile(0.975, INFINITY), 1.959963984540054, 1e-14);
  EXPECT_NEAR(student_quantile(0.975, 1e9), 1.959963984540054, 1e-8);
}

TEST(Quantiles, PoissonCdfIsASum) {
  EXPECT_EQ(poisson_cdf(-1, 3), 0);
  double sum = 0, term = std::exp(-3.0);
  for (int k = 0; k < 20; ++k) {
    sum += term;
    EXPECT_NEAR(poisson_cdf(k, 3), sum, 1e-14);
    EXPECT_EQ(poisson_cdf(k + 0.5, 3), poisson_cdf(k, 3));
    term *= 3.0 / (k + 1);
  }
}

TEST(GammaDraw, HasTheMomentsOfItsShape) {
  const int n = 40000;
  for (const double shape : {0.3, 1.0, 7.5}) {
    double sum = 0, square = 0;
    for (int i = 0; i < n; ++i) {
      const double x = gamma_draw(Key{11, 3}, i, shape);
      ASSERT_GT(x, 0);
      sum += x;
      square += x * x;
    }
    const double mean = sum / n, se = std::sqrt(shape / n);
    EXPECT_NEAR(mean, shape, 5 * se);
    // The fourth central moment of a gamma is 3 k^2 + 6 k.
    EXPECT_NEAR(square / n - mean * mean, shape,
                5 * std::sqrt((2 * shape * shape + 6 * shape) / n));
  }
}

}  // namespace
}  // namespace fathom::kernels
