// Terms that are not affine: logistic and exponential links, against published and independent
// values.
#include "fathom/climb/site.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/coordinate.h"
#include "fathom/dist/quadrature.h"
#include "tests/support/tables.h"

namespace fathom {
namespace {

TEST(Quadrature, IsExactForPolynomials) {
  const HermiteRule& r = hermite_rule();
  double expected = 1;  // E t^(2k) = (2k - 1)!!
  for (int k = 0; k < 20; ++k) {
    double even = 0, odd = 0;
    for (std::size_t i = 0; i < r.node.size(); ++i) {
      even += r.weight[i] * std::pow(r.node[i], 2 * k);
      odd += r.weight[i] * std::pow(r.node[i], 2 * k + 1);
    }
    EXPECT_NEAR(even, expected, 1e-12 * expected) << k;
    EXPECT_NEAR(odd, 0, 1e-10 * expected * (2 * k + 1)) << k;
    expected *= 2 * k + 1;
  }
}

// One normal weight, and bits with log odds that are multiples of it.
struct Logistic {
  Model m{DType::f64};
  State state;
  Workers workers{2};
  DataSet data;
  std::unique_ptr<CoordinateClimb> climb;

  Logistic(double precision, const std::vector<double>& x, const std::vector<double>& y,
           Factors factors = Factors::mean_field) {
    const Plate row = m.plate("row");
    const Expr xs = m.data("x", row, {}, DType::f64), ys = m.data("y", row, {}, DType::f64);
    const Expr w = m.latent("w", normal_precision(0.0, precision));
    m.observe("y", bernoulli(w * xs), ys);
    data.rows = std::int64_t(x.size());
    data.columns = {{"x", column_of(x)}, {"y", column_of(y)}};
    climb = std::make_unique<CoordinateClimb>(m, data, state, CoordinateOptions{factors});
  }
  double variance() { return -0.5 / *state.find("w.natural.1")->data<double>(); }
  double mean() { return *climb->mean(0, workers).data<double>(); }
  double run(int sweeps) {
    double last = climb->elbo(workers);
    for (int i = 0; i < sweeps; ++i) {
      const double now = climb->sweep(workers);
      EXPECT_GE(now, last - 1e-11 * std::abs(last)) << i;
      last = now;
    }
    return last;
  }
};

// Infer.NET's own test: x ~ N(0, 1), one bit with log odds x; its bound by quadrature.
TEST(Site, OneLogisticBit) {
  Logistic one(1, {1}, {1});
  EXPECT_NEAR(one.run(60), -0.69322547, 5e-9);
  EXPECT_NEAR(one.mean(), 0.4131268059797, 1e-10);
  EXPECT_NEAR(one.variance(), 0.8288682918870, 1e-10);
}

// Ten bits: the best normal and its bound, by an independent optimiser on quadrature.
TEST(Site, LogisticRegressionReachesTheBestNormal) {
  Logistic ten(0.25, {-2, -1.5, -1, -.5, .5, 1, 1.5, 2, .3, -.3}, {0, 0, 0, 1, 0, 1, 1, 1, 1, 0});
  EXPECT_NEAR(ten.run(60), -5.11787345, 5e-9);
  EXPECT_NEAR(ten.mean(), 1.799598, 1e-6);
  EXPECT_NEAR(ten.variance(), 0.700277, 1e-6);
}

// With a point mass the step is Newton's, and the maximum solves the score equation.
TEST(Site, TheModeOfALogisticRegression) {
  const std::vector<double> x = {-2, -1.5, -1, -.5, .5, 1, 1.5, 2, .3, -.3},
                            y = {0, 0, 0, 1, 0, 1, 1, 1, 1, 0};
  Logistic ten(0.25, x, y, Factors::mode);
  ten.run(30);
  const double w = ten.mean();
  double score = -0.25 * w;
  for (std::size_t i = 0; i < x.size(); ++i) score += x[i] * (y[i] - 1 / (1 + std::exp(-w * x[i])));
  EXPECT_NEAR(score, 0, 1e-9);
}

// Infer.NET's own test: x ~ N(1.2, 3.4), counts 5, 6 and 7 at the rate exp x.
TEST(Site, CountsWithALogLink) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr y = m.data("y", row, {}, DType::f64);
  const Expr x = m.latent("x", normal_precision(1.2, 1 / 3.4));
  m.observe("y", poisson_log(x), y);
  DataSet data;
  data.rows = 3;
  data.columns["y"] = column_of({5, 6, 7});
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state, {});
  for (int i = 0; i < 40; ++i) climb.sweep(workers);
  EXPECT_NEAR(*climb.mean(0, workers).data<double>(), 1.7550710118845, 1e-11);
  EXPECT_NEAR(-0.5 / *state.find("x.natural.1")->data<double>(), 0.0551545772833, 1e-12);
}

// x ~ N(0, 100), one count of 50: the whole step would overshoot by far, and is damped.
TEST(Site, StepsAreDampedWhereTheWholeOneWouldOvershoot) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr y = m.data("y", row, {}, DType::f64);
  const Expr x = m.latent("x", normal_precision(0.0, 0.01));
  m.observe("y", poisson_log(x), y);
  DataSet data;
  data.rows = 1;
  data.columns["y"] = column_of({50});
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state, {});
  *state.find("x.natural.1")->data<double>() = -0.5;  // N(0, 1)
  double last = climb.elbo(workers), least = 1;
  for (int i = 0; i < 60; ++i) {
    const double now = climb.sweep(workers);
    EXPECT_GE(now, last - 1e-11 * std::abs(last));
    last = now;
    least = std::min(least, climb.last_step());
  }
  EXPECT_LT(least, 1);
  // At the optimum the gradients vanish: m / 100 = 50 - exp(m + v / 2), 1 / v = 1 / 100 + exp(...).
  const double mean = *climb.mean(0, workers).data<double>(),
               variance = -0.5 / *state.find("x.natural.1")->data<double>(),
               rate = std::exp(mean + variance / 2);
  EXPECT_NEAR(50 - rate - mean / 100, 0, 1e-8);
  EXPECT_NEAR(1 / variance, 0.01 + rate, 1e-6);
}

}  // namespace
}  // namespace fathom
