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
  Array x = centred(old_faithful());
  GaussianMixture mixture;
  DataSet data;
  State state;
  Workers workers{2};
  std::unique_ptr<CoordinateClimb> climb;

  Fit(std::int64_t count, double concentration)
      : mixture(count, 2, GaussianMixturePrior::of_rows(x, concentration)) {
    data.rows = x.shape().extent(0);
    data.columns["x"] = x;
    climb = std::make_unique<CoordinateClimb>(mixture.model, data, state);
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
