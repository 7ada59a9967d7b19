// Mixtures of columns of any kind against sums over components written out, and their laws.
#include "fathom/zoo/column_mixture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fathom/climb/coordinate.h"
#include "fathom/kernels/rng.h"
#include "tests/oracles/special.h"

namespace fathom {
namespace {

constexpr std::int64_t kRows = 60, kBits = 3, kCounts = 2, kLevels = 4;

double unit(std::uint64_t key, std::int64_t i) {
  return (double(philox(Key{key, 11}, std::uint64_t(i), 0).word[0]) + 0.5) * 0x1p-32;
}

// Two groups that differ in every column.
struct MixedTable {
  Array real{DType::f64, Shape{kRows, 2}}, bits{DType::f64, Shape{kRows, kBits}},
      counts{DType::f64, Shape{kRows, kCounts}}, level{DType::f64, Shape{kRows, kLevels}},
      start{DType::f64, Shape{kRows, 2}};

  MixedTable() {
    for (std::int64_t i = 0; i < kRows; ++i) {
      const bool first = unit(1, i) < 0.4;
      for (std::int64_t j = 0; j < 2; ++j)
        real.data<double>()[2 * i + j] = (first ? 2.0 : -1.0) + unit(2, 2 * i + j);
      for (std::int64_t j = 0; j < kBits; ++j)
        bits.data<double>()[kBits * i + j] = unit(3, kBits * i + j) < (first ? 0.8 : 0.3);
      for (std::int64_t j = 0; j < kCounts; ++j)
        counts.data<double>()[kCounts * i + j] =
            std::floor((first ? 6.0 : 2.0) * unit(4, kCounts * i + j) * 1.5);
      const auto l = std::int64_t(std::floor((first ? 2.0 : 4.0) * unit(5, i)));
      for (std::int64_t j = 0; j < kLevels; ++j) level.data<double>()[kLevels * i + j] = j == l;
      for (std::int64_t k = 0; k < 2; ++k)
        start.data<double>()[2 * i + k] = (k == 0) == (unit(6, i) < 0.5);
    }
  }
};

struct ColumnsFit {
  MixedTable t;
  ColumnMixtureConfig config;
  std::unique_ptr<ColumnMixture> mixture;
  DataSet data;
  State state;
  Workers workers{2};
  std::unique_ptr<CoordinateClimb> climb;

  explicit ColumnsFit(bool missing = false, Factors factors = Factors::mean_field,
                      bool all = true) {
    config.components = 2;
    config.bits = kBits;
    config.counts = kCounts;
    config.missing = missing;
    data.rows = kRows;
    data.columns = {{"bits", t.bits}, {"counts", t.counts}};
    if (all) {
      config.levels = {kLevels};
      config.real = GaussianMixturePrior::of_rows(t.real, 1);
      data.columns["level.0"] = t.level;
      data.columns["real"] = t.real;
    }
    mixture = std::make_unique<ColumnMixture>(config);
    climb =
        std::make_unique<CoordinateClimb>(mixture->model, data, state, CoordinateOptions{factors});
  }
};

TEST(ColumnMixture, NoSweepLowersTheBoundAndOneSweepIsOnePass) {
  for (const Factors f : {Factors::mean_field, Factors::mode}) {
    ColumnsFit fit(false, f);
    EXPECT_TRUE(fit.climb->keeps_statistics());
    double last = fit.climb->start({{"which", fit.t.start}}, fit.workers);
    for (int i = 0; i < 60; ++i) {
      const double now = fit.climb->sweep(fit.workers);
      ASSERT_GE(now, last - 1e-10 * std::abs(now)) << i;
      last = now;
    }
  }
}

// E log p(x, component k) of a row, from the natural parameters of the factors.
TEST(ColumnMixture, TheBoundOfRowsIsTheSumOverComponents) {
  ColumnsFit fit(false, Factors::mean_field, false);
  fit.climb->start({{"which", fit.t.start}}, fit.workers);
  for (int i = 0; i < 5; ++i) fit.climb->sweep(fit.workers);
  const auto natural = [&](const char* name, int k) {
    return fit.state.find(fmt::format("{}.natural.{}", name, k))->data<double>();
  };
  using oracle::digamma;
  const double* w = natural("weights", 0);
  double total = 0;
  for (std::int64_t i = 0; i < kRows; ++i) {
    double p = 0;
    for (std::int64_t k = 0; k < 2; ++k) {
      double l = digamma(w[k] + 1) - digamma(w[0] + w[1] + 2);
      for (std::int64_t j = 0; j < kBits; ++j) {
        const double a = natural("bits.probability", 0)[k * kBits + j] + 1,
                     b = natural("bits.probability", 1)[k * kBits + j] + 1;
        l += digamma(fit.t.bits.data<double>()[i * kBits + j] > 0 ? a : b) - digamma(a + b);
      }
      for (std::int64_t j = 0; j < kCounts; ++j) {
        const double a = natural("counts.rate", 0)[k * kCounts + j] + 1,
                     b = -natural("counts.rate", 1)[k * kCounts + j];
        const double x = fit.t.counts.data<double>()[i * kCounts + j];
        l += x * (digamma(a) - std::log(b)) - a / b - std::lgamma(x + 1);
      }
      p += std::exp(l);
    }
    total += std::log(p);
  }
  double rows = 0;
  for (const auto& [name, value] : fit.climb->terms(fit.workers))
    if (name == "bits" || name == "counts" || name.rfind("which.", 0) == 0) rows += value;
  EXPECT_NEAR(rows, total, 1e-9 * std::abs(total));
}

TEST(ColumnMixture, MissingCellsAreLeftOut) {
  ColumnsFit whole(false), open(true);
  // Nothing missing: the same model.
  whole.climb->start({{"which", whole.t.start}}, whole.workers);
  open.climb->start({{"which", open.t.start}}, open.workers);
  for (int i = 0; i < 8; ++i) {
    whole.climb->sweep(whole.workers);
    open.climb->sweep(open.workers);
  }
  EXPECT_NEAR(open.climb->elbo(open.workers), whole.climb->elbo(whole.workers), 1e-9);
  // Half of the cells missing: still a climb.
  ColumnsFit half(true);
  for (const char* name : {"real", "bits", "counts"}) {
    Array& a = half.data.columns[name];
    for (std::int64_t i = 0; i < a.size(); i += 2)
      a.data<double>()[i] = std::numeric_limits<double>::quiet_NaN();
  }
  double last = half.climb->start({{"which", half.t.start}}, half.workers);
  for (int i = 0; i < 40; ++i) {
    const double now = half.climb->sweep(half.workers);
    ASSERT_GE(now, last - 1e-10 * std::abs(now)) << i;
    last = now;
  }
}

}  // namespace
}  // namespace fathom
