// Shapes of gammas, degrees of freedom and concentrations: factors by quadrature.
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/ascend.h"
#include "tests/support/tables.h"

namespace fathom {
namespace {

// Shape and rate of ten numbers, both with the prior Exp(1).
struct ShapeAndRate {
  Model m{DType::f64};
  DataSet data;
  State state;
  Workers workers{1};
  std::unique_ptr<CoordinateClimb> climb;

  explicit ShapeAndRate(Factors factors) {
    const Plate row = m.plate("row");
    const Expr x = m.data("x", row, {}, DType::f64);
    const Expr a = m.latent("shape", gamma_shape(1.0, 1.0));
    const Expr b = m.latent("rate", gamma(1.0, 1.0));
    m.observe("x", gamma(a, b), x);
    data.rows = 10;
    data.columns["x"] = column_of({.8, 1.2, 2.3, .4, 1.9, 3.1, .7, 1.5, 2.2, 1.1});
    climb = std::make_unique<CoordinateClimb>(m, data, state, CoordinateOptions{factors});
  }
  double mean(std::size_t latent) { return *climb->mean(latent, workers).data<double>(); }
};

// An independent program's bound after each sweep, the shape first, from E log rate = 0.
TEST(Shape, OfAGammaFollowsThePublishedTrace) {
  ShapeAndRate s(Factors::mean_field);
  EXPECT_TRUE(s.climb->keeps_statistics());
  *s.state.find("rate.natural.1")->data<double>() = -std::exp(-0.57721566490153286061);
  EXPECT_NEAR(s.climb->sweep(s.workers), -15.69768355, 1e-8);
  EXPECT_NEAR(s.climb->sweep(s.workers), -15.64706573, 1e-8);
  const Ascent a = ascend(*s.climb, 10, {.sweeps = 3000, .tolerance = 1e-16}, s.workers);
  EXPECT_NEAR(a.elbo(), -15.59075419, 1e-8);
  EXPECT_NEAR(s.mean(0), 2.015687, 1e-6);
  EXPECT_NEAR(s.mean(1), 1.305980, 1e-6);
  EXPECT_LT(a.elbo(), -14.92753992);  // the exact evidence
}

TEST(Shape, OfAGammaByMaximumLikelihood) {
  ShapeAndRate s(Factors::likelihood);
  double last = -INFINITY;
  for (int i = 0; i < 3000; ++i) {
    const double now = s.climb->sweep(s.workers);
    ASSERT_GE(now, last - 1e-12 * std::abs(now)) << i;
    last = now;
  }
  EXPECT_NEAR(last, -11.35107530, 1e-8);
  EXPECT_NEAR(s.mean(0), 3.271542, 1e-6);
  EXPECT_NEAR(s.mean(1), 2.152330, 1e-6);
}

// log of the sum of exp f over a grid of log x, times its step.
template <class F>
double integral(F&& f, double* mean = nullptr) {
  constexpr int count = 20000;
  const double low = -40, high = 12, step = (high - low) / count;
  std::vector<double> at(count);
  double top = -INFINITY, total = 0, first = 0;
  for (int i = 0; i < count; ++i)
    top = std::max(top, at[std::size_t(i)] = f(std::exp(low + i * step)) + low + i * step);
  for (int i = 0; i < count; ++i) {
    total += std::exp(at[std::size_t(i)] - top);
    first += std::exp(at[std::size_t(i)] - top + low + i * step);
  }
  if (mean) *mean = first / total;
  return top + std::log(total * step);
}

// One factor: the bound is the evidence. Scales u ~ Gamma(a, a), observed, as those of Student's t
// with 2 a degrees of freedom are.
TEST(Shape, OfScalesOfMeanOneIsExact) {
  const std::vector<double> u = {0.3, 1.4, 0.9, 2.2, 0.05, 0.7};
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("u", row, {}, DType::f64);
  m.observe("u", gamma_mean_one(m.latent("a", gamma_shape(2.0, 0.5))), x);
  DataSet data;
  data.rows = std::int64_t(u.size());
  data.columns["u"] = column_of(u);
  State state;
  Workers workers(2);
  CoordinateClimb climb(m, data, state);
  double mean = 0;
  const double evidence = integral(
      [&](double a) {
        double f = 2 * std::log(0.5) + std::log(a) - 0.5 * a;  // Gamma(2, 1/2)
        for (const double v : u)
          f += a * std::log(a) - std::lgamma(a) + (a - 1) * std::log(v) - a * v;
        return f;
      },
      &mean);
  EXPECT_NEAR(climb.sweep(workers), evidence, 1e-10);
  EXPECT_NEAR(climb.elbo(workers), evidence, 1e-10);
  EXPECT_NEAR(*climb.mean(0, workers).data<double>(), mean, 1e-9);
}

// Degrees of freedom are learned with the scales of rows integrated out: no sweep falls, and points
// reach a maximum of Student's density.
TEST(Shape, DegreesOfFreedomOfStudentsT) {
  const std::vector<double> x = {0.3, -1.2, 0.8, 9.0, 0.1, -0.6, 1.4, -7.0, 0.2, 0.5};
  for (const Factors factors : {Factors::mean_field, Factors::likelihood}) {
    Model m(DType::f64);
    const Plate row = m.plate("row");
    const Expr y = m.data("x", row, {}, DType::f64);
    const Expr mean = m.latent("mean", normal_precision(0.0, 1e-2));
    const Expr tau = m.latent("tau", gamma(1.0, 1.0));
    const Expr half_nu = m.latent("half_nu", gamma_shape(2.0, 0.5));
    const Expr u = m.latent("u", gamma_mean_one(half_nu), row);
    m.observe("x", normal_precision(mean, tau * u), y);
    DataSet data;
    data.rows = std::int64_t(x.size());
    data.columns["x"] = column_of(x);
    State state;
    Workers workers(2);
    CoordinateClimb climb(m, data, state, {.factors = factors});
    const Ascent a = ascend(climb, data.rows, {.sweeps = 4000, .tolerance = 1e-12}, workers);
    EXPECT_TRUE(a.converged);
    if (factors == Factors::mean_field) continue;
    const double at = *climb.mean(0, workers).data<double>(),
                 precision = *climb.mean(1, workers).data<double>(),
                 nu = 2 * *climb.mean(2, workers).data<double>();
    const auto density = [&](double dof) {
      double sum = 0;
      for (const double v : x)
        sum += std::lgamma((dof + 1) / 2) - std::lgamma(dof / 2) +
               0.5 * std::log(precision / (dof * 3.14159265358979323846)) -
               (dof + 1) / 2 * std::log1p(precision * (v - at) * (v - at) / dof);
      return sum;
    };
    EXPECT_NEAR(a.elbo(), density(nu), 1e-10 * std::abs(a.elbo()));
    for (const double by : {0.99, 1.01}) EXPECT_LT(density(nu * by), density(nu));
  }
}

// The concentration of probabilities that were observed: one factor, exact.
TEST(Shape, OfAConcentrationIsExact) {
  const std::vector<double> p = {0.2, 0.5, 0.3, 0.1, 0.1, 0.8, 0.6, 0.3, 0.1, 0.4, 0.35, 0.25};
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("p", row, Shape{3}, DType::f64);
  m.observe("p", dirichlet(m.latent("alpha", concentration(3, 1.5, 0.2))), x);
  DataSet data;
  data.rows = 4;
  data.columns["p"] = Array::of<double>(Shape{4, 3}, p);
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);
  double mean = 0;
  const double evidence = integral(
      [&](double a) {
        double f = 1.5 * std::log(0.2) - std::lgamma(1.5) + 0.5 * std::log(a) - 0.2 * a +
                   4 * (std::lgamma(3 * a) - 3 * std::lgamma(a));
        for (const double v : p) f += (a - 1) * std::log(v);
        return f;
      },
      &mean);
  EXPECT_NEAR(climb.sweep(workers), evidence, 1e-10);
  EXPECT_NEAR(*climb.mean(0, workers).data<double>(), mean, 1e-9);
}

// Groups of counts that share a concentration: the bound lies below the evidence, which is an
// integral over it (Minka 2000), and rises with every sweep.
TEST(Shape, ASharedConcentrationOfGroups) {
  const std::vector<double> counts = {9, 1, 0, 2, 7, 3, 0, 0, 12, 5, 5, 4};
  Model m(DType::f64);
  const Plate row = m.plate("row"), group = m.plate("group", 4);
  const Expr x = m.data("x", {row, group}, Shape{3}, DType::f64);
  const Expr alpha = m.latent("alpha", concentration(3, 1.0, 0.5));
  const Expr p = m.latent("p", dirichlet(alpha), group, Shape{3});
  m.observe("x", multinomial_of(m.data("n", {row, group}, {}, DType::f64), p), x);
  DataSet data;
  data.rows = 1;
  data.columns["x"] = Array::of<double>(Shape{1, 4, 3}, counts);
  data.columns["n"] = Array::of<double>(Shape{1, 4}, std::vector<double>{10, 12, 12, 14});
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);
  const Ascent a = ascend(climb, 1, {.sweeps = 2000, .tolerance = 1e-12}, workers);
  const double evidence = integral([&](double c) {
    double f = std::log(0.5) - 0.5 * c;
    for (int g = 0; g < 4; ++g) {
      double n = 0;
      f += std::lgamma(3 * c) - 3 * std::lgamma(c);
      for (int k = 0; k < 3; ++k) {
        const double v = counts[std::size_t(g * 3 + k)];
        f += std::lgamma(c + v) - std::lgamma(v + 1);
        n += v;
      }
      f += std::lgamma(n + 1) - std::lgamma(3 * c + n);
    }
    return f;
  });
  EXPECT_LT(a.elbo(), evidence);
  EXPECT_GT(a.elbo(), evidence - 0.5);
}

TEST(Shape, WithAPriorThatLacksItsMomentsIsRefused) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("x", row, {}, DType::f64);
  m.observe("x", gamma(m.latent("shape", gamma(1.0, 1.0)), 1.0), x);
  DataSet data;
  data.rows = 1;
  data.columns["x"] = column_of({1});
  State state;
  try {
    CoordinateClimb climb(m, data, state);
    FAIL();
  } catch (const ConfigError& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("\"x\""), std::string::npos) << text;
    EXPECT_NE(text.find("gamma_shape"), std::string::npos) << text;
  }
}

TEST(Shape, AConcentrationOfOtherCategoriesIsRefused) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("p", row, Shape{3}, DType::f64);
  m.observe("p", dirichlet(m.latent("alpha", concentration(4, 1.0, 1.0))), x);
  DataSet data;
  data.rows = 1;
  data.columns["p"] = Array::of<double>(Shape{1, 3}, std::vector<double>{0.2, 0.3, 0.5});
  State state;
  EXPECT_THROW(CoordinateClimb(m, data, state), ConfigError);
}

}  // namespace
}  // namespace fathom
