// Driven gaussian states where rows and motion differ in precision by many orders: known values,
// and arrays of f32 against those of f64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "fathom/kernels/gaussian_chain.h"
#include "fathom/kernels/isa.h"

namespace fathom::kernels {
namespace {

// A level, or a level and a slope, of which some rows are observed; numbers that f32 holds.
template <class T>
struct Series {
  std::int64_t rows, n, r;
  std::vector<T> h, half, g, w, motion, reach, begins;
  std::vector<T> log_norm, mean, covariance, drive, drive_covariance;

  Series(std::int64_t rows_, std::int64_t n_, std::int64_t r_)
      : rows(rows_),
        n(n_),
        r(r_),
        h(count(n)),
        half(count(n * n)),
        g(std::size_t(r)),
        w(std::size_t(r * r)),
        motion(n == 1 ? std::vector<T>{1} : std::vector<T>{1, 1, 0, 1}),
        reach(n == 1   ? std::vector<T>{1}
              : r == 1 ? std::vector<T>{0, 1}
                       : std::vector<T>{1, 0, 0, 1}),
        begins(count(1)),
        log_norm(count(1)),
        mean(count(n)),
        covariance(count(n * n)),
        drive(count(r)),
        drive_covariance(count(r * r)) {}

  void noise(std::initializer_list<double> variances) {
    std::size_t k = 0;
    for (const double v : variances) w[(k++) * std::size_t(r + 1)] = T(float(-0.5 / v));
  }
  void observe(std::int64_t row, double y, double variance) {
    h[std::size_t(row * n)] = T(float(y / variance));
    half[std::size_t(row * n * n)] = T(float(-0.5 / variance));
  }
  void run() {
    DrivenGaussians<T> c;
    c.rows = rows;
    c.size = n;
    c.drives = r;
    c.linear = {h.data(), n};
    c.half = {half.data(), n * n};
    c.linear_drive = {g.data(), 0};
    c.half_drive = {w.data(), 0};
    c.motion = motion.data();
    c.reach = reach.data();
    c.begins = begins.data();
    c.log_norm = log_norm.data();
    c.mean = mean.data();
    c.covariance = covariance.data();
    c.drive = drive.data();
    c.drive_covariance = drive_covariance.data();
    driven_gaussians(c);
  }

 private:
  std::size_t count(std::int64_t each) const { return std::size_t(rows * each); }
};

class DrivenGaussian : public ::testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    limit_isa(GetParam());
    if (isa() != GetParam()) GTEST_SKIP() << "this machine has no " << name_of(GetParam());
  }
  void TearDown() override { limit_isa(Isa::avx512); }
};
INSTANTIATE_TEST_SUITE_P(Sets, DrivenGaussian, ::testing::Values(Isa::base, Isa::avx2, Isa::avx512),
                         [](const auto& set) { return name_of(set.param); });

// A level seen at both ends: between them two estimates that know nothing of each other meet, of
// variances s + t and s + k - t.
template <class T>
void check_bridge(double s, double digits) {
  const std::int64_t k = 8;
  Series<T> c(k + 1, 1, 1);
  c.noise({1});
  c.observe(0, 1, s);
  c.observe(k, 3, s);
  c.run();
  s = -0.5 / double(c.half[0]);  // as it was rounded
  const double y = double(c.h[0]) * s, end = double(c.h[std::size_t(k)]) * s;
  for (std::int64_t t = 0; t <= k; ++t) {
    const double left = s + double(t), right = s + double(k - t), whole = left + right;
    const double mean = (y * right + end * left) / whole, variance = left * right / whole;
    EXPECT_NEAR(double(c.mean[std::size_t(t)]), mean, digits * mean) << s << " " << t;
    EXPECT_NEAR(double(c.covariance[std::size_t(t)]), variance, digits * variance) << s << " " << t;
    if (t == 0) continue;
    EXPECT_NEAR(double(c.drive[std::size_t(t)]), (end - y) / whole, digits * 3) << s << " " << t;
    const double of_step = (whole - 1) / whole;  // 1 less what both ends say of it
    EXPECT_NEAR(double(c.drive_covariance[std::size_t(t)]), of_step, digits) << s << " " << t;
  }
}

TEST_P(DrivenGaussian, RowsAsPreciseAsTheyLike) {
  for (const double s : {1.0, 1e-4, 1e-8, 1e-12, 1e-16, 1e-20, 1e-28}) {
    check_bridge<double>(s, 1e-14);
    check_bridge<float>(s, 0x1p-23);
  }
}

// Far from both ends, a level of which each row is seen has the variance
// (1 / s^2 + 4 / (s q))^-1/2: the mean of the inverse of 1 / s + (2 - 2 cos a) / q over all a.
TEST_P(DrivenGaussian, OfALongSeriesTheVariance) {
  const std::int64_t rows = 100000;
  for (const double q : {1e2, 1.0, 1e-4, 1e-6}) {
    Series<double> c(rows, 1, 1);
    c.noise({q});
    for (std::int64_t t = 0; t < rows; ++t) c.observe(t, std::sin(double(t) * 1e-3), 1);
    c.run();
    const double w = -2 * c.w[0], want = 1 / std::sqrt(1 + 4 * w);
    // A rounding of a row is remembered for about sqrt(w) rows.
    const double bound = 8 * 0x1p-52 * (1 + std::sqrt(w));
    EXPECT_NEAR(c.covariance[std::size_t(rows / 2)], want, bound * want) << q;
  }
}

// Both forms of arrays go through the same numbers: what f32 holds is what f64 holds, rounded.
TEST_P(DrivenGaussian, ArraysOfSingleNumbers) {
  const std::int64_t rows = 100000;
  for (const std::int64_t n : {1, 2})
    for (const std::int64_t r : {1, 2})
      for (const double q : {1e8, 1.0, 1e-6, 1e-8}) {
        if (r > n) continue;
        std::mt19937_64 random(11);
        std::normal_distribution<double> normal;
        Series<double> a(rows, n, r);
        Series<float> b(rows, n, r);
        for (auto* w : {&a}) r == 1 ? w->noise({q}) : w->noise({q, q / 100});
        for (auto* w : {&b}) r == 1 ? w->noise({q}) : w->noise({q, q / 100});
        for (std::int64_t t = 0; t < rows; ++t) {
          const double y = 2 + std::sin(double(t) * 1e-3) + normal(random);
          if (t % 7 == 3 || t % 1000 < 100) continue;
          a.observe(t, y, 1);
          b.observe(t, y, 1);
        }
        a.run();
        b.run();
        const auto same = [&](const std::vector<double>& wide, const std::vector<float>& single,
                              const char* what) {
          for (std::size_t i = 0; i < wide.size(); ++i)
            ASSERT_EQ(float(wide[i]), single[i]) << what << " " << i << " " << n << r << " " << q;
        };
        same(a.log_norm, b.log_norm, "log norm");
        same(a.mean, b.mean, "mean");
        same(a.covariance, b.covariance, "covariance");
        same(a.drive, b.drive, "drive");
        same(a.drive_covariance, b.drive_covariance, "covariance of the drive");
        for (std::int64_t t = 0; t < rows; ++t)
          for (std::int64_t i = 0; i < n; ++i)
            ASSERT_GE(b.covariance[std::size_t((t * n + i) * n + i)], 0) << t;
      }
}

// The mean is where the gradient vanishes:
// (y_t - m_t) / s = (m_t - m_{t-1}) / q - (m_{t+1} - m_t) / q, the steps being the drives' means.
TEST_P(DrivenGaussian, TheMeanIsWhereTheGradientVanishes) {
  const std::int64_t rows = 100000;
  for (const double q : {1e4, 1.0, 1e-6, 1e-8}) {
    Series<double> c(rows, 1, 1);
    c.noise({q});
    for (std::int64_t t = 0; t < rows; ++t)
      if (t % 7 != 3) c.observe(t, 2 + std::sin(double(t) * 1e-3), 1);
    c.run();
    const double w = -2 * c.w[0];
    for (std::int64_t t = 1; t + 1 < rows; ++t) {
      const auto i = std::size_t(t);
      const double pulls = c.h[i] + 2 * c.half[i] * c.mean[i],
                   steps = w * (c.drive[i] - c.drive[i + 1]);
      // Steps are rounded as differences of means of about 3.
      ASSERT_NEAR(pulls, steps, 32 * 0x1p-52 * (3 + 3 * w)) << t << " " << q;
    }
  }
}

// Nobody reads some outputs; the others are what they were.
TEST_P(DrivenGaussian, OutputsThatNobodyReads) {
  Series<double> all(20, 2, 2), some(20, 2, 2);
  for (auto* c : {&all, &some}) {
    c->noise({1, 0.5});
    for (std::int64_t t = 0; t < 20; t += 2) c->observe(t, double(t % 5), 0.25);
    c->begins[9] = 1;
  }
  all.run();
  DrivenGaussians<double> c;
  c.rows = 20;
  c.size = c.drives = 2;
  c.linear = {some.h.data(), 2};
  c.half = {some.half.data(), 4};
  c.linear_drive = {some.g.data(), 0};
  c.half_drive = {some.w.data(), 0};
  c.motion = some.motion.data();
  c.reach = some.reach.data();
  c.begins = some.begins.data();
  c.log_norm = some.log_norm.data();
  driven_gaussians(c);
  EXPECT_EQ(some.log_norm, all.log_norm);
  c.log_norm = nullptr;
  c.covariance = some.covariance.data();
  driven_gaussians(c);
  EXPECT_EQ(some.covariance, all.covariance);
}

// A step of which nothing is known but a pull, g e: without it the rows are apart, and
// log Z = log 2 pi. With it, e = x_2 - x_1 has been shifted: means g and -g, and g^2 more.
TEST_P(DrivenGaussian, StepsThatArePulledAndNotHeld) {
  Series<double> c(2, 1, 1);
  c.half = {-0.5, -0.5};
  for (const double g : {0.0, 1.0, -0.3}) {
    c.g = {g};
    c.run();
    EXPECT_NEAR(c.log_norm[0] + c.log_norm[1], std::log(2 * std::numbers::pi) + g * g, 1e-14);
    EXPECT_NEAR(c.mean[0], -g, 1e-15);
    EXPECT_NEAR(c.mean[1], g, 1e-15);
    EXPECT_NEAR(c.drive[1], 2 * g, 1e-15);
    EXPECT_NEAR(c.covariance[0], 1, 1e-15);
    EXPECT_NEAR(c.covariance[1], 1, 1e-15);
  }
  // The same of one of two, beside a step that is held, over several rows: a third row's slope
  // is what the pull says and nothing else does.
  Series<double> two(3, 2, 2), level(3, 1, 1);
  two.motion = {1, 0, 0, 1};
  for (std::int64_t t = 0; t < 3; ++t) {
    two.observe(t, double(t + 1), 0.5);
    two.half[std::size_t(t * 4 + 3)] = -0.5;
    level.observe(t, double(t + 1), 0.5);
  }
  two.noise({0.25});  // of the second nothing is known
  level.noise({0.25});
  two.g = {0, 0.75};
  two.run();
  level.run();
  for (std::size_t t = 0; t < 3; ++t) {
    EXPECT_NEAR(two.mean[2 * t], level.mean[t], 1e-14);
    EXPECT_NEAR(two.mean[2 * t + 1], t == 0 ? -0.75 : t == 1 ? 0.0 : 0.75, 1e-14);
    EXPECT_NEAR(two.covariance[4 * t + 3], 1, 1e-14);
  }
}

// Precisions that are none: indefinite ones, whose zero pivots have elements beside them, and
// infinite ones.
TEST_P(DrivenGaussian, WhatIsNoPrecisionIsNoNumber) {
  const auto none = [](Series<double>& c) {
    c.run();
    for (const double v : c.mean) EXPECT_TRUE(std::isnan(v));
    for (const double v : c.log_norm) EXPECT_TRUE(std::isnan(v));
  };
  Series<double> c(2, 2, 2);
  c.motion = {1, 0, 0, 1};
  c.noise({0.25, 0.25});
  c.half = {0, -0.25, -0.25, -0.5, -2, 0, 0, -2};
  none(c);
  for (const bool row : {false, true}) {
    Series<double> level(2, 1, 1);
    level.half = {row ? -INFINITY : -0.5, -0.5};
    level.w = {row ? -0.5 : -INFINITY};
    none(level);
  }
}

}  // namespace
}  // namespace fathom::kernels
