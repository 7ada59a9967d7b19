// Factor analysis, probabilistic and Bayesian PCA, and regression from the zoo, against closed
// forms and published values.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fathom/climb/ascend.h"
#include "fathom/io/csv.h"
#include "fathom/kernels/rng.h"
#include "fathom/zoo/factor_analysis.h"
#include "fathom/zoo/regression.h"
#include "tests/support/tables.h"

namespace fathom {
namespace {

// Less the means of columns, from which a fit finds its own the sooner.
// A start that tells latent elements apart: loadings by key, known to a precision of one.
void scatter(State& state, std::uint64_t key) {
  Array &h = *state.find("loadings.natural.0"), &half = *state.find("loadings.natural.1");
  const std::int64_t d = h.shape().extent(0), q = h.shape().extent(1);
  for (std::int64_t i = 0; i < d * q; ++i)
    h.data<double>()[i] = double(philox(Key{key, 9}, std::uint64_t(i), 0).word[0]) * 0x1p-31 - 1;
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t j = 0; j < q * q; ++j)
      half.data<double>()[i * q * q + j] = j / q == j % q ? -0.5 : 0;
}

struct LinearFit {
  FactorAnalysis fa;
  DataSet data;
  State state;
  Workers workers{2};
  std::unique_ptr<CoordinateClimb> climb;

  LinearFit(const Array& x, std::int64_t latent, const FactorAnalysisConfig& config,
            Factors factors)
      : fa(x.shape().extent(1), latent, config) {
    data.rows = x.shape().extent(0);
    data.columns["x"] = x;
    climb = std::make_unique<CoordinateClimb>(fa.model, data, state, CoordinateOptions{factors});
    scatter(state, 3);
    for (const char* name : {"noise", "relevance"})
      if (state.find(std::string(name) + ".natural.0")) {
        Array &shape = *state.find(std::string(name) + ".natural.0"),
              &rate = *state.find(std::string(name) + ".natural.1");
        std::fill_n(shape.data<double>(), shape.size(), 1.0);
        std::fill_n(rate.data<double>(), rate.size(), -1.0);
      }
  }
  double run(int sweeps) {
    double last = -1e300;
    for (int i = 0; i < sweeps; ++i) {
      const double now = climb->sweep(workers);
      EXPECT_GE(now, last - 1e-10 * std::abs(now)) << i;
      last = now;
    }
    return climb->elbo(workers);
  }
};

// Tipping & Bishop 1999: the likelihood at its maximum is that of the eigenvalues; the reference's
// figures are of centred rows, which the column means here find by themselves.
TEST(FactorAnalysisZoo, ProbabilisticPcaWithItsMeanReachesTheClosedForm) {
  const double want[] = {-470.66945832, -404.96278016, -379.91463012};
  for (const std::int64_t q : {1, 2, 3}) {
    LinearFit fit(shipped_table("iris.csv", "0:4"), q, {}, Factors::likelihood);
    EXPECT_TRUE(fit.climb->keeps_statistics());
    EXPECT_NEAR(fit.run(2500), want[q - 1], 1e-7) << q;
  }
}

// Factor analysis has no closed form, but its implied covariance reproduces variances exactly at
// the maximum (Lawley & Maxwell 1971, section 4.2).
TEST(FactorAnalysisZoo, FactorAnalysisReproducesTheVariances) {
  FactorAnalysisConfig config;
  config.noise_per_column = true;
  const Array x = centred(shipped_table("wine.csv", "5:10"));
  LinearFit fit(x, 1, config, Factors::likelihood);
  fit.run(5000);
  const Array w = fit.climb->mean(0, fit.workers), mu = fit.climb->mean(1, fit.workers),
              tau = fit.climb->mean(2, fit.workers);
  const std::int64_t n = x.shape().extent(0), d = x.shape().extent(1);
  for (std::int64_t j = 0; j < d; ++j) {
    double squares = 0;
    for (std::int64_t i = 0; i < n; ++i)
      squares += std::pow(x.data<double>()[i * d + j], 2) / double(n);
    EXPECT_NEAR(std::pow(w.data<double>()[j], 2) + 1 / tau.data<double>()[j], squares,
                1e-5 * squares);
    EXPECT_NEAR(mu.data<double>()[j], 0, 1e-5 * std::sqrt(squares));
  }
}

TEST(FactorAnalysisZoo, RelevanceTurnsOffWhatIsNotNeeded) {
  FactorAnalysisConfig config;
  config.relevance = true;
  LinearFit fit(shipped_table("iris.csv", "0:4"), 3, config, Factors::mean_field);
  fit.run(3000);
  Array& rate = *fit.state.find("relevance.natural.1");
  int needed = 0;
  for (std::int64_t j = 0; j < 3; ++j) needed += -rate.data<double>()[j] > 0.5;
  EXPECT_LT(needed, 3);
  EXPECT_GE(needed, 1);
}

TEST(FactorAnalysisZoo, WhatCannotBeIsRefused) {
  EXPECT_THROW(FactorAnalysis(4, 0, {}), ConfigError);
  EXPECT_THROW(FactorAnalysis(4, 4, {}), ConfigError);
}

struct Diabetes {
  Array x, y;
  explicit Diabetes(bool centred) {
    const Array all = shipped_table("diabetes.csv", "0:11");
    const std::int64_t n = all.shape().extent(0);
    x = Array(DType::f64, Shape{n, 11});
    y = Array(DType::f64, Shape{n});
    double mean = 0;
    for (std::int64_t i = 0; i < n; ++i) mean += all.data<double>()[i * 11 + 10] / double(n);
    for (std::int64_t i = 0; i < n; ++i) {
      x.data<double>()[i * 11] = 1;
      for (std::int64_t j = 0; j < 10; ++j)
        x.data<double>()[i * 11 + j + 1] = all.data<double>()[i * 11 + j];
      y.data<double>()[i] = all.data<double>()[i * 11 + 10] - (centred ? mean : 0);
    }
  }
};

// scikit-learn's BayesianRidge on the same data: log evidence -2405.771326965745 at a noise
// precision of .000341019507 and a weight precision of 1.14622962e-5. Its intercept is taken out
// beforehand, which a tight prior on it does here; its hyperpriors gamma(1e-6, 1e-6) are modes of
// the logarithm, hence the shape.
TEST(RegressionZoo, EvidenceIsMaximisedOverPrecisions) {
  const Diabetes d(true);
  RegressionConfig config;
  config.relevance = false;
  config.shape = 1 + 1e-6;
  config.rate = 1e-6;
  config.intercept = 1e12;
  Regression r(11, config);
  DataSet data;
  data.rows = d.y.size();
  data.columns = {{"x", d.x}, {"y", d.y}};
  State state;
  Workers workers(2);
  CoordinateOptions options;
  options.points = {"relevance", "noise"};
  CoordinateClimb climb(r.model, data, state, options);
  EXPECT_TRUE(climb.keeps_statistics());
  for (int i = 0; i < 3000; ++i) climb.sweep(workers);
  double evidence = 0;
  for (const auto& [name, value] : climb.terms(workers))
    if (name != "relevance.prior" && name != "noise.prior") evidence += value;
  EXPECT_NEAR(evidence, -2405.771326965745, 2e-4);
  EXPECT_NEAR(*climb.mean(0, workers).data<double>(), 1.14622962e-5, 2e-9);
  EXPECT_NEAR(*climb.mean(2, workers).data<double>(), .000341019507, 2e-9);
}

// The logistic bound with relevance only rises, and irrelevant columns lose their weights.
TEST(RegressionZoo, LogisticRegressionFindsTheColumnsThatMatter) {
  const std::int64_t n = 400, d = 6;
  Array x(DType::f64, Shape{n, d}), y(DType::f64, Shape{n});
  for (std::int64_t i = 0; i < n; ++i) {
    const auto u = [&](std::int64_t j) {
      return double(philox(Key{4, 4}, std::uint64_t(i * d + j), 0).word[0]) * 0x1p-31 - 1;
    };
    x.data<double>()[i * d] = 1;
    for (std::int64_t j = 1; j < d; ++j) x.data<double>()[i * d + j] = 2 * u(j);
    const double f = 0.5 + 2 * x.data<double>()[i * d + 1] - 1.5 * x.data<double>()[i * d + 2];
    y.data<double>()[i] = (u(0) + 1) / 2 < 1 / (1 + std::exp(-f)) ? 1 : 0;
  }
  RegressionConfig config;
  config.link = Link::logistic;
  Regression r(d, config);
  DataSet data;
  data.rows = n;
  data.columns = {{"x", x}, {"y", y}};
  State state;
  Workers workers(2);
  CoordinateClimb climb(r.model, data, state, {});
  const Ascent a = ascend(climb, n, {.sweeps = 2000, .tolerance = 1e-9}, workers);
  EXPECT_TRUE(a.converged);
  const Array w = climb.mean(1, workers);
  EXPECT_NEAR(w.data<double>()[1], 2, 0.6);
  EXPECT_NEAR(w.data<double>()[2], -1.5, 0.6);
  for (int j = 3; j < 6; ++j) EXPECT_NEAR(w.data<double>()[j], 0, 0.3) << j;
}

}  // namespace
}  // namespace fathom
