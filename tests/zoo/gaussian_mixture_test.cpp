// The Bayesian Gaussian mixture on Old Faithful against published traces: start from blocks of rows
// sorted by waiting time, priors from the data. Values to 1e-8, computed from the formulas of
// Bishop 2006, section 10.2, and equal to scikit-learn's bound up to its dropped constants.
#include "fathom/zoo/gaussian_mixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "fathom/climb/coordinate.h"
#include "fathom/io/csv.h"

namespace fathom {
namespace {

Array old_faithful() { return read_csv(FATHOM_SOURCE_DIR "/data/faithful.csv").values; }

// Rows less their mean; the density does not change by a shift.
Array centred(const Array& x) {
  Array y = x.copy();
  const std::int64_t n = x.shape().extent(0), d = x.shape().extent(1);
  for (std::int64_t j = 0; j < d; ++j) {
    double mean = 0;
    for (std::int64_t i = 0; i < n; ++i) mean += x.data<double>()[i * d + j] / double(n);
    for (std::int64_t i = 0; i < n; ++i) y.data<double>()[i * d + j] -= mean;
  }
  return y;
}

// Indicators of `count` blocks of equal size in the order of waiting, then eruptions.
Array blocks(const Array& x, std::int64_t count) {
  const std::int64_t n = x.shape().extent(0);
  const auto at = [&](std::int64_t i, int j) { return x.data<double>()[i * 2 + j]; };
  std::vector<std::int64_t> order(std::size_t(n), 0);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return std::pair(at(a, 1), at(a, 0)) < std::pair(at(b, 1), at(b, 0));
  });
  Array r(DType::f64, Shape{n, count});
  for (std::int64_t rank = 0; rank < n; ++rank)
    r.data<double>()[order[std::size_t(rank)] * count + rank * count / n] = 1;
  return r;
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
    return number == 1 ? climb->start({{"which", blocks(x, mixture_count())}}, workers)
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

}  // namespace
}  // namespace fathom
