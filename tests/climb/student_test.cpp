// Student's t as a scale mixture: x_n ~ N(m, 1 / (tau u_n)), u_n ~ Gamma(nu / 2, nu / 2), with the
// u_n of rows integrated out (Bishop 2006, section 2.3.7).
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/coordinate.h"

namespace fathom {
namespace {

// With point masses for mean and precision the bound is the density of Student's t.
TEST(Student, BoundIsTheDensityWithScalesIntegratedOut) {
  const double nu = 3;
  const std::vector<double> x = {0.3, -1.2, 0.8, 25.0, 0.1, -0.6, 1.4};
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr data_x = m.data("x", row, {}, DType::f64);
  const Expr mean = m.latent("mean", normal_precision(0.0, 1e-3));
  const Expr tau = m.latent("tau", gamma(1.0, 1.0));
  const Expr u = m.latent("u", gamma(nu / 2, nu / 2), row);
  m.observe("x", normal_precision(mean, tau * u), data_x);
  DataSet data;
  data.rows = std::int64_t(x.size());
  data.columns["x"] = Array::of<double>(Shape{data.rows}, x);
  State state;
  Workers workers(2);
  CoordinateClimb climb(m, data, state, {.factors = Factors::likelihood});
  double last = -1e300;
  for (int sweep = 0; sweep < 200; ++sweep) {
    const double now = climb.sweep(workers);
    ASSERT_GE(now, last - 1e-10 * std::abs(now)) << sweep;
    last = now;
  }
  const double location = *climb.mean(0, workers).data<double>(),
               precision = *climb.mean(1, workers).data<double>();
  double density = 0, score = 0;
  for (const double v : x) {
    const double d = precision * (v - location) * (v - location);
    density += std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2) +
               0.5 * std::log(precision / (nu * 3.14159265358979323846)) -
               (nu + 1) / 2 * std::log1p(d / nu);
    score += (nu + 1) * (v - location) / (nu + d);
  }
  EXPECT_NEAR(climb.elbo(workers), density, 1e-10 * std::abs(density));
  EXPECT_NEAR(score, 0, 1e-6);         // the maximum
  EXPECT_LT(std::abs(location), 0.5);  // the outlier at 25 has little to say
}

}  // namespace
}  // namespace fathom
