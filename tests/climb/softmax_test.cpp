// Categories by logits that are normal quantities: bounds that damped steps climb.
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/coordinate.h"
#include "fathom/dist/quadrature.h"

namespace fathom {
namespace {

// Rows of classes, or of classes and a covariate, with a score for each class.
struct Classes {
  Model m{DType::f64};
  DataSet data;
  State state;
  Workers workers{2};
  std::unique_ptr<CoordinateClimb> climb;

  Classes(std::int64_t k, const std::vector<std::int64_t>& of, const std::vector<double>& x,
          double precision, bool tilted) {
    const Plate row = m.plate("row"), classes = m.plate("class", k);
    const std::int64_t d = std::int64_t(x.size() / of.size());
    const Expr xs = m.data("x", row, Shape{d}, DType::f64),
               ys = m.data("y", row, Shape{k}, DType::f64);
    const Expr w = m.latent("w", mvnormal(0.0, precision), classes, Shape{d});
    const Expr scores = across(inner(xs, w), classes);
    m.observe("y", tilted ? categorical_tilted(scores) : categorical_bohning(scores), ys);
    data.rows = std::int64_t(of.size());
    Array y(DType::f64, Shape{data.rows, k});
    for (std::size_t i = 0; i < of.size(); ++i) y.data<double>()[std::int64_t(i) * k + of[i]] = 1;
    data.columns = {{"x", Array::of<double>(Shape{data.rows, d}, x)}, {"y", y}};
    climb = std::make_unique<CoordinateClimb>(m, data, state);
  }
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

// log of the integral of prior and likelihood of three scores, by nodes.
double evidence_of_counts(const double* n) {
  const HermiteRule& r = hermite_rule();
  double total = 0;
  for (int i = 0; i < kHermiteNodes; ++i)
    for (int j = 0; j < kHermiteNodes; ++j)
      for (int k = 0; k < kHermiteNodes; ++k) {
        const double f[] = {r.node[std::size_t(i)], r.node[std::size_t(j)], r.node[std::size_t(k)]};
        const double norm = std::log(std::exp(f[0]) + std::exp(f[1]) + std::exp(f[2]));
        total += r.weight[std::size_t(i)] * r.weight[std::size_t(j)] * r.weight[std::size_t(k)] *
                 std::exp(n[0] * f[0] + n[1] * f[1] + n[2] * f[2] - (n[0] + n[1] + n[2]) * norm);
      }
  return std::log(total);
}

// Highest bounds by an independent optimiser over all means and variances, the tilt by Lambert's W.
TEST(Softmax, BoundsLieBelowTheEvidenceAndTheTiltedOneIsTighter) {
  const std::vector<std::int64_t> of = {0, 0, 0, 1, 0, 2, 0, 1};
  const double counts[] = {5, 2, 1}, exact = evidence_of_counts(counts);
  Classes tilted(3, of, std::vector<double>(8, 1.0), 1, true),
      bohning(3, of, std::vector<double>(8, 1.0), 1, false);
  const double by_tilt = tilted.run(80), by_curvature = bohning.run(200);
  EXPECT_NEAR(by_tilt, -9.057315146, 1e-8);
  EXPECT_NEAR(by_curvature, -9.589796844, 1e-8);
  EXPECT_LT(by_tilt, exact);
}

// At the optimum of Bohning's bound precisions are V0^-1 + (1 - 1/K)/2 sum x x', and means solve
// V0^-1 m_k = sum_n x_n (y_nk - softmax(x_n' m)_k).
TEST(Softmax, BohningsOptimumIsThatOfAFixedCurvature) {
  const std::vector<std::int64_t> of = {0, 2, 1, 1, 0, 2, 2, 1, 0};
  const std::vector<double> x = {1,   -0.4, 1, 1.3, 1,   0.2, 1,    -1, 1,
                                 0.7, 1,    2, 1,   0.9, 1,   -0.2, 1,  -1.5};
  Classes c(3, of, x, 0.5, false);
  c.run(400);
  const Array m = c.climb->mean(0, c.workers);
  const Array& precision = *c.state.find("w.natural.1");
  double second[2][2] = {{0.5, 0}, {0, 0.5}}, slope[3][2];
  for (int k = 0; k < 3; ++k)
    for (int j = 0; j < 2; ++j) slope[k][j] = -0.5 * m.data<double>()[k * 2 + j];
  for (std::size_t n = 0; n < of.size(); ++n) {
    double f[3], total = 0;
    for (int k = 0; k < 3; ++k) {
      f[k] =
          std::exp(m.data<double>()[k * 2] * x[2 * n] + m.data<double>()[k * 2 + 1] * x[2 * n + 1]);
      total += f[k];
    }
    for (int j = 0; j < 2; ++j) {
      for (int k = 0; k < 3; ++k)
        slope[k][j] += x[2 * n + std::size_t(j)] * ((of[n] == k ? 1 : 0) - f[k] / total);
      for (int i = 0; i < 2; ++i)
        second[i][j] += x[2 * n + std::size_t(i)] * x[2 * n + std::size_t(j)] / 3;
    }
  }
  for (int k = 0; k < 3; ++k)
    for (int j = 0; j < 2; ++j) {
      EXPECT_NEAR(slope[k][j], 0, 1e-7);
      for (int i = 0; i < 2; ++i)
        EXPECT_NEAR(-2 * precision.data<double>()[(k * 2 + i) * 2 + j], second[i][j], 1e-9);
    }
}

// Two classes are a bit whose log odds are the difference of two scores, here N(0, 4 x^2). The
// bound by the optimiser above; the evidence by quadrature.
TEST(Softmax, OfTwoClassesLiesBelowTheLogistic) {
  const std::vector<double> x = {-2, -1.5, -1, -.5, .5, 1, 1.5, 2, .3, -.3};
  Classes c(2, {0, 0, 0, 1, 0, 1, 1, 1, 1, 0}, x, 0.5, true);
  const double bound = c.run(200);
  EXPECT_NEAR(bound, -5.548057413, 1e-8);
  EXPECT_LT(bound, -5.08704466);
}

TEST(Across, IsAVectorOfThePlatesNumbers) {
  double bound[2];
  for (const bool vector : {false, true}) {
    Model m(DType::f64);
    const Plate row = m.plate("row"), column = m.plate("column", 3);
    const Expr mu = m.latent("mu", normal_precision(0.3, 2.0), column);
    const Expr y = vector ? m.data("y", row, Shape{3}, DType::f64)
                          : m.data("y", {row, column}, {}, DType::f64);
    m.observe("y", normal_precision(vector ? across(mu, column) : mu, 1.5), y);
    DataSet data;
    data.rows = 2;
    data.columns["y"] = Array::of<double>(Shape{2, 3}, std::vector<double>{1, 2, 3, -1, 0, 0.5});
    State state;
    Workers workers(1);
    CoordinateClimb climb(m, data, state);
    bound[vector] = climb.sweep(workers);
  }
  EXPECT_NEAR(bound[0], bound[1], 1e-12);
}

TEST(Across, WhatItsElementsShareIsRefused) {
  Model m(DType::f64);
  const Plate row = m.plate("row"), classes = m.plate("class", 3);
  const Expr w = m.latent("w", normal_precision(0.0, 1.0), classes);
  const Expr b = m.latent("b", normal_precision(0.0, 1.0));
  EXPECT_THROW(across(w + b, classes), ConfigError);
  EXPECT_THROW(across(b, classes), ConfigError);
  EXPECT_THROW(across(w, row), ConfigError);
  // Elements that are factors of their own do not meet in a matrix.
  const Expr y = m.data("y", row, Shape{3}, DType::f64);
  Array lam(DType::f64, Shape{3, 3});
  for (int i = 0; i < 3; ++i) lam.data<double>()[i * 4] = 1;
  m.observe("y", mvnormal(across(w, classes), m.constant(lam)), y);
  DataSet data;
  data.rows = 1;
  data.columns["y"] = Array(DType::f64, Shape{1, 3});
  State state;
  EXPECT_THROW(CoordinateClimb(m, data, state), ConfigError);
}

}  // namespace
}  // namespace fathom
