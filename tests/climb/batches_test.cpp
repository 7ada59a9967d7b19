// Climbs in batches and accelerated ones against plain coordinate ascent.
#include "fathom/climb/batches.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "fathom/climb/squarem.h"
#include "fathom/climb/start.h"
#include "fathom/io/csv.h"
#include "fathom/zoo/factor_analysis.h"
#include "fathom/zoo/gaussian_mixture.h"
#include "tests/support/tables.h"

namespace fathom {
namespace {

struct FaithfulMixture {
  Array x = shipped_table("faithful.csv", "0:2");
  GaussianMixture mixture{2, 2, GaussianMixturePrior::of_rows(x, 1.0)};
  State state;
  Workers workers{2};
  DataSet data;

  FaithfulMixture() {
    data.rows = x.shape().extent(0);
    data.columns["x"] = x;
    CoordinateClimb whole(mixture.model, data, state);
    whole.start({{"which", block_start(x, 2)}}, workers);
  }
};

void expect_same(const State& a, const State& b) {
  for (const auto& [name, array] : a.slots())
    if (name.find(".natural.") != std::string::npos) {
      const Array& other = *b.find(name);
      for (std::int64_t i = 0; i < array.size(); ++i)
        EXPECT_EQ(array.data<double>()[i], other.data<double>()[i]) << name << " " << i;
    }
}

// P7 of the reference: the whole data and a step of one are coordinate ascent, bit by bit.
TEST(Stochastic, WithOneBatchAndAWholeStepIsCoordinateAscent) {
  FaithfulMixture a, b;
  CoordinateClimb whole(a.mixture.model, a.data, a.state);
  BatchClimb batches(b.mixture.model, b.data, b.state, {});
  ASSERT_EQ(batches.batches(), 1);
  for (int i = 0; i < 10; ++i) {
    whole.sweep(a.workers);
    batches.stochastic(0, 1, b.workers);
  }
  expect_same(a.state, b.state);
}

// The mean over batches of what a batch stands for is the whole: its estimate of the bound is
// unbiased where batches are of one size.
TEST(Stochastic, EstimatesAreUnbiased) {
  FaithfulMixture m;
  CoordinateOptions options;
  options.batch = m.data.rows / 8;
  ASSERT_EQ(m.data.rows % options.batch, 0);
  BatchClimb batches(m.mixture.model, m.data, m.state, options);
  const State before = m.state.copy();
  const double whole = batches.elbo(m.workers);
  double mean = 0;
  for (std::int64_t b = 0; b < batches.batches(); ++b) {
    mean += batches.stochastic(b, 0.5, m.workers) / double(batches.batches());
    m.state.assign(before);
  }
  EXPECT_NEAR(mean, whole, 1e-9 * std::abs(whole));
}

TEST(Stochastic, ComesCloseToTheBoundOfTheWhole) {
  FaithfulMixture m;
  CoordinateOptions options;
  options.batch = 34;
  BatchClimb batches(m.mixture.model, m.data, m.state, options);
  std::mt19937_64 random(5);
  for (std::int64_t t = 1; t <= 400; ++t)
    batches.stochastic(std::int64_t(random() % std::uint64_t(batches.batches())),
                       step_size({.delay = 10, .forgetting = 0.7}, t), m.workers);
  EXPECT_NEAR(batches.elbo(m.workers), -1178.57183828, 2.0);
}

TEST(Memoised, NeverLowersTheBoundAndReachesTheSameOptimum) {
  FaithfulMixture m;
  CoordinateOptions options;
  options.batch = 60;  // the last one is shorter
  BatchClimb batches(m.mixture.model, m.data, m.state, options);
  double last = -1e300;
  for (int lap = 0; lap < 60; ++lap)
    for (std::int64_t b = 0; b < batches.batches(); ++b) {
      const double now = batches.memoised(b, m.workers);
      if (lap == 0 && b + 1 < batches.batches()) {
        EXPECT_TRUE(std::isnan(now));
        continue;
      }
      ASSERT_GE(now, last - 1e-10 * std::abs(now)) << lap << " " << b;
      last = now;
    }
  EXPECT_NEAR(last, -1178.57183828, 1e-8);  // the published limit, as for the whole
  EXPECT_NEAR(batches.elbo(m.workers), last, 1e-8);
}

TEST(Batches, OfAModelWithoutStatisticsAreRefused) {
  FaithfulMixture m;
  m.mixture.model.missing(m.mixture.x);
  CoordinateOptions options;
  options.batch = 50;
  State fresh;
  EXPECT_THROW(BatchClimb(m.mixture.model, m.data, fresh, options), ConfigError);
}

// Reference case 15: probabilistic PCA by EM takes 181, 400 and 865 sweeps to 1e-8.
TEST(Accelerated, ProbabilisticPcaNeedsAFifthOfTheSweeps) {
  const double want[] = {-470.66945832, -404.96278016, -379.91463012};
  const int plain[] = {181, 400, 865};
  Array x = shipped_table("iris.csv", "0:4");
  const std::int64_t n = x.shape().extent(0), d = x.shape().extent(1);
  for (std::int64_t j = 0; j < d; ++j) {
    double mean = 0;
    for (std::int64_t i = 0; i < n; ++i) mean += x.data<double>()[i * d + j] / double(n);
    for (std::int64_t i = 0; i < n; ++i) x.data<double>()[i * d + j] -= mean;
  }
  for (const std::int64_t q : {1, 2, 3}) {
    FactorAnalysis fa(d, q, {});
    DataSet data;
    data.rows = n;
    data.columns["x"] = x;
    State state;
    Workers workers(2);
    CoordinateClimb climb(fa.model, data, state, {.factors = Factors::likelihood});
    Array &h = *state.find("loadings.natural.0"), &half = *state.find("loadings.natural.1");
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < q; ++j) {
        h.data<double>()[i * q + j] = i < q ? double(i == j) : 0.5;
        for (std::int64_t k = 0; k < q; ++k)
          half.data<double>()[(i * q + j) * q + k] = j == k ? -0.5 : 0;
      }
    *state.find("noise.natural.0")->data<double>() = 1;
    *state.find("noise.natural.1")->data<double>() = -1;
    Squarem fast(climb);
    double last = -1e300;
    int sweeps = 0;
    while (want[q - 1] - last > 1e-8 && sweeps < 1000) {
      const SquaremStep s = fast.step(workers);
      ASSERT_GE(s.elbo, last - 1e-10 * std::abs(s.elbo));
      last = s.elbo;
      sweeps += s.sweeps;
    }
    RecordProperty(fmt::format("sweeps_{}", q), sweeps);
    EXPECT_LE(sweeps * 5, plain[q - 1]) << q << " latents";
  }
}

}  // namespace
}  // namespace fathom
