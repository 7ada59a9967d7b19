// The Bayesian Gaussian mixture on Old Faithful against published traces: start from blocks of rows
// sorted by waiting time, priors from the data. Values to 1e-8, computed from the formulas of
// Bishop 2006, section 10.2, and equal to scikit-learn's bound up to its dropped constants.
#include "fathom/zoo/gaussian_mixture.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fathom/climb/ascend.h"
#include "fathom/climb/start.h"
#include "fathom/io/csv.h"
#include "tests/support/tables.h"

namespace fathom {
namespace {

Array old_faithful() { return read_csv(FATHOM_SOURCE_DIR "/data/faithful.csv").values; }

// Rows less their mean; the density does not change by a shift.
std::int64_t first_difference_of(const Array& a, const Array& b) {
  for (std::int64_t i = 0; i < a.size(); ++i)
    if (a.data<double>()[i] != b.data<double>()[i]) return i;
  return -1;
}

struct Fit {
  Array x;
  GaussianMixture mixture;
  DataSet data;
  State state;
  Workers workers{2};
  std::unique_ptr<CoordinateClimb> climb;

  Fit(std::int64_t count, double concentration, const CoordinateOptions& options = {},
      const Array& rows = centred(old_faithful()))
      : x(rows), mixture(count, 2, GaussianMixturePrior::of_rows(x, concentration)) {
    data.rows = x.shape().extent(0);
    data.columns["x"] = x;
    climb = std::make_unique<CoordinateClimb>(mixture.model, data, state, options);
  }
  // ELBO after global steps 1, 2, ...: the first from the blocks.
  double step(int number) {
    return number == 1 ? climb->start({{"which", block_start(x, mixture_count())}}, workers)
                       : climb->sweep(workers);
  }
  std::int64_t mixture_count() const { return state.find("weights.natural.0")->size(); }
  std::vector<double> alpha() const {
    const auto natural = state.find("weights.natural.0")->values<double>();
    std::vector<double> a;
    for (const double v : natural) a.push_back(v + 1);
    std::sort(a.begin(), a.end());
    return a;
  }
};

TEST(GaussianMixture, SweepIsOnePassAndOneBlock) {
  const Fit fit(2, 1);
  EXPECT_TRUE(fit.climb->keeps_statistics());
  EXPECT_EQ(fit.climb->blocks(), (std::vector<std::vector<std::size_t>>{{0, 1}}));
}

TEST(GaussianMixture, OneComponentIsTheExactEvidence) {
  Fit fit(1, 1);
  EXPECT_NEAR(fit.step(1), -1303.89751779, 1e-8);
  EXPECT_NEAR(fit.step(2), -1303.89751779, 1e-8);
  EXPECT_NEAR(fit.climb->elbo(fit.workers), -1303.89751779, 1e-8);
}

TEST(GaussianMixture, TwoComponentsFollowThePublishedTrace) {
  Fit fit(2, 1);
  const std::map<int, double> want = {{1, -1278.72224480},  {2, -1232.62639957},
                                      {3, -1218.68050129},  {5, -1191.35383020},
                                      {10, -1178.57198600}, {200, -1178.57183828}};
  double last = -1e300;
  for (int i = 1; i <= 200; ++i) {
    const double now = fit.step(i);
    EXPECT_GE(now, last - 1e-10 * std::abs(last)) << i;
    last = now;
    if (want.count(i)) {
      EXPECT_NEAR(now, want.at(i), 1e-8) << i;
    }
  }
  EXPECT_NEAR(fit.alpha()[0], 98.173559, 1e-6);
  EXPECT_NEAR(fit.alpha()[1], 175.826441, 1e-6);
}

TEST(GaussianMixture, SixComponentsLeaveFourAtThePrior) {
  Fit fit(6, 1.0 / 6);
  const std::map<int, double> want = {{1, -1398.12713459},  {2, -1269.97610240},
                                      {5, -1244.01829586},  {10, -1239.28965171},
                                      {50, -1199.70592311}, {400, -1184.51293211}};
  for (int i = 1; i <= 400; ++i) {
    const double now = fit.step(i);
    if (want.count(i)) {
      EXPECT_NEAR(now, want.at(i), 1e-8) << i;
    }
  }
  for (std::size_t k = 0; k < 4; ++k) EXPECT_NEAR(fit.alpha()[k], 0.1669, 1e-4);
}

// EM from a hard start at waiting < 68; R's mclust (VVV, 2) has the same limit and parameters.
TEST(GaussianMixture, MaximumLikelihoodFollowsThePublishedTrace) {
  const Array raw = old_faithful();
  Fit fit(2, 1, {.factors = Factors::likelihood});
  const std::int64_t n = raw.shape().extent(0);
  Array r(DType::f64, Shape{n, 2});
  for (std::int64_t i = 0; i < n; ++i)
    r.data<double>()[i * 2 + (raw.data<double>()[i * 2 + 1] < 68 ? 1 : 0)] = 1;
  fit.climb->start({{"which", r}}, fit.workers);
  const double want[] = {-1143.41914370, -1131.52946910, -1130.30406236, -1130.26584828,
                         -1130.26406511};
  double now = 0;
  for (int i = 0; i < 100; ++i) {
    now = fit.climb->elbo(fit.workers);
    if (i < 5) {
      EXPECT_NEAR(now, want[i], 1e-8) << i;
    }
    fit.climb->sweep(fit.workers);
  }
  EXPECT_NEAR(now, -1130.26396018, 1e-8);
  const Array weights = fit.climb->mean(0, fit.workers), means = fit.climb->mean(1, fit.workers);
  EXPECT_NEAR(weights.data<double>()[0], 0.644128, 1e-6);
  const double shift[] = {raw.data<double>()[0] - fit.x.data<double>()[0],
                          raw.data<double>()[1] - fit.x.data<double>()[1]};
  const double where[] = {4.28966, 79.96812, 2.03639, 54.47852};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(means.data<double>()[i] + shift[i % 2], where[i], 1e-5);
}

TEST(GaussianMixture, PosteriorModeClimbsAPenalisedLikelihood) {
  Fit fit(3, 1.5, {.factors = Factors::mode});
  double last = fit.step(1);
  for (int i = 2; i < 60; ++i) {
    const double now = fit.step(i);
    EXPECT_GE(now, last - 1e-10 * std::abs(last)) << i;
    last = now;
  }
  double total = 0, size = 0;
  for (const auto& [name, value] : fit.climb->terms(fit.workers)) {
    total += value;
    size += std::abs(value);
  }
  EXPECT_NEAR(total, fit.climb->elbo(fit.workers), 1e-12 * size);
  // Weights at the mode of their Dirichlet: (N_k + a - 1) / (N + K (a - 1)).
  const Array which = fit.climb->mean(2, fit.workers);
  fit.climb->sweep(fit.workers);
  const Array weights = fit.climb->mean(0, fit.workers);
  for (int k = 0; k < 3; ++k) {
    double count = 0;
    for (std::int64_t i = 0; i < 272; ++i) count += which.data<double>()[i * 3 + k];
    EXPECT_NEAR(weights.data<double>()[k], (count + 0.5) / (272 + 1.5), 1e-12);
  }
}

TEST(GaussianMixture, NamedTermsAddUpToTheBound) {
  Fit fit(3, 1);
  for (int i = 1; i < 5; ++i) fit.step(i);
  double total = 0, size = 0;
  for (const auto& [name, value] : fit.climb->terms(fit.workers)) {
    total += value;
    size += std::abs(value);
  }
  EXPECT_NEAR(total, fit.climb->elbo(fit.workers), 1e-12 * size);
}

// Whatever rows the first centres are, two clusters as clear as these are found.
TEST(GaussianMixture, KMeansStartsReachTheMaximum) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    Fit fit(2, 1, {.factors = Factors::likelihood});
    const Array r = kmeans_start(fit.x, 2, Key{seed, 0});
    EXPECT_EQ(first_difference_of(r, kmeans_start(fit.x, 2, Key{seed, 0})), -1);
    fit.climb->start({{"which", r}}, fit.workers);
    int calls = 0;
    const Ascent a = ascend(*fit.climb, 272, {.sweeps = 500, .tolerance = 1e-13}, fit.workers,
                            [&](const SweepRecord& s) { return s.sweep == ++calls; });
    EXPECT_TRUE(a.converged);
    EXPECT_EQ(int(a.bounds.size()), calls);
    EXPECT_NEAR(a.elbo(), -1130.26396018, 1e-7);
  }
}

TEST(GaussianMixture, AnAscentEndsWhereItIsTold) {
  Fit fit(2, 1);
  fit.climb->start({{"which", block_start(fit.x, 2)}}, fit.workers);
  const Ascent three = ascend(*fit.climb, 272, {.sweeps = 3, .tolerance = 0}, fit.workers);
  EXPECT_EQ(three.bounds.size(), 3u);
  EXPECT_FALSE(three.converged);
  const Ascent stopped =
      ascend(*fit.climb, 272, {}, fit.workers, [](const SweepRecord& s) { return s.sweep < 2; });
  EXPECT_TRUE(stopped.interrupted);
  EXPECT_EQ(stopped.bounds.size(), 2u);
  EXPECT_THROW(ascend(*fit.climb, 272, {.sweeps = 0}, fit.workers), ConfigError);
  // A precision that is not positive definite: the term is named, not a number is not a bound.
  fit.state.find("components.natural.0")->data<double>()[0] = 1e9;
  try {
    ascend(*fit.climb, 272, {}, fit.workers);
    FAIL() << "a bound that is no number";
  } catch (const NumericError& e) {
    EXPECT_NE(std::string(e.what()).find("sweep 1: the bound is"), std::string::npos) << e.what();
  }
}

// One column: waiting times, two components from a split at 68. The optimum of the mixtools
// vignette (Benaglia et al. 2009), by full and by diagonal covariances alike.
TEST(GaussianMixture, OneColumnReachesThePublishedMaximum) {
  const Array raw = old_faithful();
  Array x(DType::f64, Shape{272, 1}), r(DType::f64, Shape{272, 2});
  for (std::int64_t i = 0; i < 272; ++i) {
    x.data<double>()[i] = raw.data<double>()[i * 2 + 1] - 70;
    r.data<double>()[i * 2 + (x.data<double>()[i] < -2 ? 0 : 1)] = 1;
  }
  for (const Covariance covariance : {Covariance::full, Covariance::diagonal}) {
    GaussianMixture mixture(2, 1, GaussianMixturePrior::of_rows(x, 1), covariance);
    DataSet data;
    data.rows = 272;
    data.columns["x"] = x;
    State state;
    Workers workers(1);
    CoordinateClimb climb(mixture.model, data, state, {.factors = Factors::likelihood});
    EXPECT_TRUE(climb.keeps_statistics());
    climb.start({{"which", r}}, workers);
    const Ascent a = ascend(climb, 272, {.sweeps = 1000, .tolerance = 1e-14}, workers);
    EXPECT_NEAR(a.elbo(), -1034.00174983, 1e-8);
    EXPECT_NEAR(climb.mean(0, workers).data<double>()[0], 0.360886, 1e-5);
    EXPECT_NEAR(climb.mean(1, workers).data<double>()[0] + 70, 54.61486, 1e-4);
    EXPECT_NEAR(climb.mean(1, workers).data<double>()[1] + 70, 80.09107, 1e-4);
  }
}

// Two columns: an M step gives weighted means and variances of each column by itself.
TEST(GaussianMixture, DiagonalCovariancesAreWeightedVariances) {
  const Array x = centred(old_faithful());
  GaussianMixture mixture(3, 2, GaussianMixturePrior::of_rows(x, 1), Covariance::diagonal);
  DataSet data;
  data.rows = 272;
  data.columns["x"] = x;
  State state;
  Workers workers(2);
  CoordinateClimb climb(mixture.model, data, state, {.factors = Factors::likelihood});
  climb.start({{"which", kmeans_start(x, 3, Key{8, 8})}}, workers);
  for (int sweep = 0; sweep < 5; ++sweep) climb.sweep(workers);
  const Array r = climb.mean(2, workers);
  climb.sweep(workers);
  // natural: -(rate + strength mean^2 / 2), strength mean, -strength / 2, shape - 1/2.
  const double *n0 = state.find("components.natural.0")->data<double>(),
               *n1 = state.find("components.natural.1")->data<double>(),
               *n2 = state.find("components.natural.2")->data<double>(),
               *n3 = state.find("components.natural.3")->data<double>();
  for (std::int64_t k = 0; k < 3; ++k)
    for (std::int64_t j = 0; j < 2; ++j) {
      double count = 0, mean = 0, variance = 0;
      for (std::int64_t i = 0; i < 272; ++i) count += r.data<double>()[i * 3 + k];
      for (std::int64_t i = 0; i < 272; ++i)
        mean += r.data<double>()[i * 3 + k] * x.data<double>()[i * 2 + j] / count;
      for (std::int64_t i = 0; i < 272; ++i)
        variance +=
            r.data<double>()[i * 3 + k] * std::pow(x.data<double>()[i * 2 + j] - mean, 2) / count;
      const std::int64_t at = k * 2 + j;
      const double b = -2 * n2[at], m = n1[at] / b;
      EXPECT_NEAR(m, mean, 1e-11 * (1 + std::abs(mean)));
      EXPECT_NEAR((-n0[at] - b * m * m / 2) / n3[at], variance, 1e-10 * variance);
    }
}

// A Dirichlet process truncated at six: the trace of bnpy's DPMixtureModel from the same blocks.
TEST(GaussianMixture, DirichletProcessFollowsThePublishedTrace) {
  const Array x = old_faithful();
  GaussianMixturePrior prior;
  prior.process = true;
  prior.concentration = 1;
  prior.mean = Array(DType::f64, Shape{2});
  prior.strength = 1e-4;
  prior.inverse_scale = Array(DType::f64, Shape{2, 2});
  prior.inverse_scale.data<double>()[0] = prior.inverse_scale.data<double>()[3] = 1;
  prior.dof = 4;
  GaussianMixture mixture(6, 2, prior);
  DataSet data;
  data.rows = 272;
  data.columns["x"] = x;
  State state;
  Workers workers(2);
  CoordinateClimb climb(mixture.model, data, state);
  double now = climb.start({{"which", block_start(x, 6)}}, workers);
  int step = 0;
  for (const double want : {-1322.214473, -1281.626202, -1277.350000, -1275.281404}) {
    EXPECT_NEAR(now, want, 1e-6) << ++step;
    now = climb.sweep(workers);
  }
  for (int sweep = 0; sweep < 3000; ++sweep) now = climb.sweep(workers);
  EXPECT_NEAR(now, -1208.92251072, 1e-7);
  const auto taken = state.find("weights.natural.0")->values<double>();
  const double want[] = {96.01977, 7.83116, 171.14907, 1, 1, 1};
  for (std::size_t k = 0; k < 6; ++k) EXPECT_NEAR(taken[k] + 1, want[k], 1e-4);
}

TEST(Starts, RefuseMoreComponentsThanDifferentRows) {
  Array rows(DType::f64, Shape{10, 2});
  for (std::int64_t i = 0; i < 10; ++i) rows.data<double>()[i * 2] = double(i % 3);
  EXPECT_NO_THROW(kmeans_start(rows, 3, Key{1, 1}));
  EXPECT_THROW(kmeans_start(rows, 4, Key{1, 1}), DataError);
}

TEST(Starts, SomeRowsAreRowsInTheirOrder) {
  Array rows(DType::f64, Shape{1000, 2});
  for (std::int64_t i = 0; i < 2000; ++i) rows.data<double>()[i] = double(i);
  const Array some = some_rows(rows, 100, Key{4, 2});
  ASSERT_EQ(some.shape(), (Shape{100, 2}));
  for (std::int64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(some.data<double>()[2 * i + 1], some.data<double>()[2 * i] + 1);
    if (i > 0) {
      EXPECT_GT(some.data<double>()[2 * i], some.data<double>()[2 * i - 2]);
    }
  }
  EXPECT_EQ(some_rows(rows, 1000, Key{4, 2}).size(), 2000);
}

}  // namespace
}  // namespace fathom
