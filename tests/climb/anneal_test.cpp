// Deterministic annealing of mixtures against many restarts without it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "fathom/climb/ascend.h"
#include "fathom/climb/start.h"
#include "fathom/kernels/rng.h"
#include "fathom/zoo/column_mixture.h"
#include "fathom/zoo/gaussian_mixture.h"
#include "tests/support/tables.h"

namespace fathom {
namespace {

double unit_at(std::uint64_t key, std::int64_t i) {
  return (double(philox(Key{key, 31}, std::uint64_t(i), 0).word[0]) + 0.5) * 0x1p-32;
}

// Each row belongs to a component drawn for it: nearly no information, which k-means++ would have.
Array drawn_labels(std::int64_t rows, std::int64_t count, std::uint64_t key) {
  Array r(DType::f64, Shape{rows, count});
  for (std::int64_t i = 0; i < rows; ++i)
    r.data<double>()[i * count + std::int64_t(unit_at(key, i) * double(count))] = 1;
  return r;
}

struct Annealed {
  const Model& model;
  DataSet data;
  Factors factors;
  Workers workers{2};

  double plain(const Array& start) {
    State state;
    CoordinateClimb climb(model, data, state, {.factors = factors});
    climb.start({{"which", start}}, workers);
    return ascend(climb, data.rows, {}, workers).elbo();
  }
  // ascend() throws where a sweep lowers the bound.
  double annealed(const Array& start, const AnnealConfig& config) {
    State state;
    CoordinateClimb climb(model, data, state, {.factors = factors, .tempered = true});
    climb.start({{"which", start}}, workers);
    anneal(climb, config, workers);
    return ascend(climb, data.rows, {}, workers).elbo();
  }
};

// The worst of many starts and the best bound of all.
struct Restarts {
  double worst = INFINITY, best = -INFINITY;
  Array from;
  void take(double bound, const Array& start) {
    if (bound < worst) {
      worst = bound;
      from = start;
    }
    best = std::max(best, bound);
  }
};

// Five profiles of twelve bits, by EM. Probabilities have no spread of their own, so that the
// temperature at which components part is well above 1.
TEST(Annealing, OfBitsComesFromTheWorstStartToTheBestOfThirty) {
  constexpr std::int64_t n = 240, d = 12, k = 5;
  Array x(DType::f64, Shape{n, d});
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j) {
      const bool high = unit_at(1, (i % k) * d + j) < 0.5;
      x.data<double>()[i * d + j] = unit_at(2, i * d + j) < (high ? 0.85 : 0.15);
    }
  ColumnMixtureConfig c;
  c.components = k;
  c.bits = d;
  const ColumnMixture mixture(c);
  Annealed a{mixture.model, {}, Factors::likelihood};
  a.data.rows = n;
  a.data.columns["bits"] = x;
  Restarts r;
  for (std::uint64_t key = 100; key < 130; ++key) {
    const Array start = drawn_labels(n, k, key);
    r.take(a.plain(start), start);
  }
  ASSERT_LT(r.worst, r.best - 5);
  EXPECT_NEAR(a.annealed(r.from, {.start = 3, .cooling = 0.8}), r.best, 0.01);
}

// Four clouds on a square, one width each, by variational Bayes: with two centres in one cloud no
// sweep moves one to where it is missed.
TEST(Annealing, OfCloudsComesFromTheWorstStartToTheBestOfTwenty) {
  constexpr std::int64_t n = 400, k = 4;
  Array x(DType::f64, Shape{n, 2});
  kernels::fill_normal(Key{8, 5}, nullptr, 0, n, 2, x.data<double>());
  for (std::int64_t i = 0; i < n; ++i) {
    x.data<double>()[2 * i] += 5 * double(i % 2);
    x.data<double>()[2 * i + 1] += 5 * double(i / 2 % 2);
  }
  const GaussianMixture mixture(k, 2, GaussianMixturePrior::of_rows(x, 1.0), Covariance::spherical);
  Annealed a{mixture.model, {}, Factors::mean_field};
  a.data.rows = n;
  a.data.columns["x"] = x;
  Restarts r;
  for (std::uint64_t key = 0; key < 20; ++key) {
    const Array start = kmeans_start(x, k, Key{key, 3}, 0);
    r.take(a.plain(start), start);
  }
  ASSERT_LT(r.worst, r.best - 5);
  EXPECT_NEAR(a.annealed(r.from, {.start = 4}), r.best, 0.01);
}

// What stays is an ELBO: that of a climb without temperatures at the same factors, whose sweeps go
// on raising it.
TEST(Annealing, EndsAtAnElbo) {
  const Array x = shipped_table("faithful.csv", "0:2");
  const GaussianMixture mixture(2, 2, GaussianMixturePrior::of_rows(x, 1.0));
  DataSet data;
  data.rows = x.shape().extent(0);
  data.columns["x"] = x;
  Workers workers(2);
  State state, plain_state;
  CoordinateClimb climb(mixture.model, data, state, {.tempered = true});
  climb.start({{"which", block_start(x, 2)}}, workers);
  anneal(climb, {.start = 1.5}, workers);
  CoordinateClimb plain(mixture.model, data, plain_state);
  for (std::size_t k = 0; k < climb.naturals().size(); ++k)
    std::copy_n(climb.naturals()[k]->data<double>(), climb.naturals()[k]->size(),
                plain.naturals()[k]->data<double>());
  double last = climb.elbo(workers);
  EXPECT_NEAR(plain.elbo(workers), last, 1e-11 * std::abs(last));
  for (int i = 0; i < 20; ++i) {
    const double now = plain.sweep(workers);
    EXPECT_GE(now, last - 1e-10 * std::abs(now));
    last = now;
  }
  EXPECT_NEAR(ascend(plain, data.rows, {}, workers).elbo(), -1178.57183828, 1e-5);  // case 6
}

TEST(Annealing, RefusesWhatIsNoSchedule) {
  const Array x = shipped_table("faithful.csv", "0:2");
  const GaussianMixture mixture(2, 2, GaussianMixturePrior::of_rows(x, 1.0));
  DataSet data;
  data.rows = x.shape().extent(0);
  data.columns["x"] = x;
  Workers workers(1);
  State state;
  CoordinateClimb climb(mixture.model, data, state, {.tempered = true});
  for (const AnnealConfig& c :
       {AnnealConfig{.start = 1}, AnnealConfig{.cooling = 1}, AnnealConfig{.cooling = 0},
        AnnealConfig{.nudge = 1}, AnnealConfig{.nudge = -0.1}, AnnealConfig{.sweeps = 0}})
    EXPECT_THROW(anneal(climb, c, workers), ConfigError);
}

}  // namespace
}  // namespace fathom
