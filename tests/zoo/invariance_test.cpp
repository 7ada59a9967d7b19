// What a mixture does not depend on: the order of rows and of components, where the origin lies,
// and, but for the Jacobian, the scale of its columns. Offsets of 1e6 standard deviations are taken
// off by those who read tables (tests/jobs/fit_gmm_test.cpp).
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "fathom/climb/coordinate.h"
#include "fathom/climb/start.h"
#include "fathom/io/csv.h"
#include "fathom/zoo/gaussian_mixture.h"

namespace fathom {
namespace {

constexpr int kSweeps = 12;

std::vector<double> bounds(const Array& x, const Array& start, Covariance covariance,
                           Factors factors) {
  const std::int64_t k = start.shape().extent(1);
  GaussianMixture mixture(k, 2, GaussianMixturePrior::of_rows(x, 0.7), covariance);
  DataSet data;
  data.rows = x.shape().extent(0);
  data.columns["x"] = x;
  State state;
  Workers workers(2);
  CoordinateClimb climb(mixture.model, data, state, {.factors = factors});
  std::vector<double> out = {climb.start({{"which", start}}, workers)};
  for (int i = 0; i < kSweeps; ++i) out.push_back(climb.sweep(workers));
  return out;
}

// Elements [i, j] of an array of two axes from elsewhere.
Array rearranged(const Array& a, const std::function<double(std::int64_t, std::int64_t)>& at) {
  Array b = a.copy();
  const std::int64_t n = a.shape().extent(0), d = a.shape().extent(1);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j) b.data<double>()[i * d + j] = at(i, j);
  return b;
}

class Invariance : public testing::Test {
 protected:
  void expect_same(const Array& other_x, const Array& other_start) {
    for (const Covariance c : {Covariance::full, Covariance::diagonal})
      for (const Factors f : {Factors::mean_field, Factors::mode, Factors::likelihood}) {
        const std::vector<double> want = bounds(x, start, c, f),
                                  got = bounds(other_x, other_start, c, f);
        for (std::size_t i = 0; i < want.size(); ++i)
          EXPECT_NEAR(got[i], want[i], 1e-8 * std::abs(want[i]))
              << "sweep " << i << ", covariance " << int(c) << ", factors " << int(f);
      }
  }
  static Array centred() {
    const Array raw = read_csv(FATHOM_SOURCE_DIR "/data/faithful.csv").values;
    double mean[2] = {};
    for (std::int64_t i = 0; i < raw.size(); ++i) mean[i % 2] += raw.data<double>()[i] / 272;
    return rearranged(raw, [&](std::int64_t i, std::int64_t j) {
      return raw.data<double>()[i * 2 + j] - mean[j];
    });
  }
  double x_at(std::int64_t i, std::int64_t j) const { return x.data<double>()[i * 2 + j]; }
  double start_at(std::int64_t i, std::int64_t k) const { return start.data<double>()[i * 3 + k]; }

  Array x = centred(), start = block_start(x, 3);
};

TEST_F(Invariance, OrderOfRows) {
  const auto other = [](std::int64_t i) { return i * 101 % 272; };
  expect_same(rearranged(x, [&](auto i, auto j) { return x_at(other(i), j); }),
              rearranged(start, [&](auto i, auto k) { return start_at(other(i), k); }));
}

TEST_F(Invariance, OrderOfComponents) {
  expect_same(x, rearranged(start, [&](auto i, auto k) { return start_at(i, (k + 1) % 3); }));
}

TEST_F(Invariance, Origin) {
  expect_same(rearranged(x, [&](auto i, auto j) { return x_at(i, j) + (j == 0 ? 10.0 : -200.0); }),
              start);
}

TEST_F(Invariance, ScaleButForTheJacobian) {
  const double s[] = {0.25, 8};
  const double rows = -272 * (std::log(s[0]) + std::log(s[1]));
  // The density of (mu, Lam) of a component gains |Lam|'s and mu's scales: s^-1 for a mean, and for
  // an element of a precision matrix s_i s_j, 3 of them (2 on a diagonal).
  const Array scaled = rearranged(x, [&](auto i, auto j) { return x_at(i, j) * s[j]; });
  for (const Covariance c : {Covariance::full, Covariance::diagonal})
    for (const Factors f : {Factors::mean_field, Factors::mode, Factors::likelihood}) {
      const std::vector<double> want = bounds(x, start, c, f), got = bounds(scaled, start, c, f);
      const double logs = std::log(s[0]) + std::log(s[1]);
      const double own = f != Factors::mode      ? 0
                         : c == Covariance::full ? 3 * (-logs + 3 * logs)
                                                 : 3 * (-logs + 2 * logs);
      for (std::size_t i = 0; i < want.size(); ++i)
        EXPECT_NEAR(got[i], want[i] + rows + own, 1e-8 * std::abs(want[i]))
            << "sweep " << i << ", covariance " << int(c) << ", factors " << int(f);
    }
}

}  // namespace
}  // namespace fathom
