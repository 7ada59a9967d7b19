// Draws: the generator's published answers, the map from words to numbers, moments and
// distributions, and that neither instruction set nor cut changes a bit.
#include "fathom/kernels/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "fathom/kernels/isa.h"
#include "fathom/kernels/special.h"
#include "tests/kernels/oracles.h"

namespace fathom::kernels {
namespace {

// Random123 (github.com/DEShawResearch/random123), tests/kat_vectors, lines "philox4x32 10":
// counter, key, answer.
struct KnownAnswer {
  std::uint32_t counter[4], key[2], answer[4];
};
constexpr KnownAnswer kKnownAnswers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

constexpr std::uint64_t pair(std::uint32_t low, std::uint32_t high) {
  return low | std::uint64_t(high) << 32;
}

class EachIsa : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (GetParam() > isa()) GTEST_SKIP() << "this machine lacks " << name_of(GetParam());
    limit_isa(GetParam());
  }
  void TearDown() override { limit_isa(Isa::avx512); }
};

TEST(Philox, GivesThePublishedAnswers) {
  for (const KnownAnswer& k : kKnownAnswers) {
    // mix64(0) is 0: with stream 0 the seed is Philox's key.
    const Random4 r = philox({pair(k.key[0], k.key[1]), 0}, pair(k.counter[2], k.counter[3]),
                             pair(k.counter[0], k.counter[1]));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(r.word[i], k.answer[i]);
  }
}

TEST_P(EachIsa, UniformsAreThePublishedAnswers) {
  float u[4];
  const Key key{0, 0};
  fill_uniform(key, nullptr, 0, 1, 4, u);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(u[i], (float(kKnownAnswers[0].answer[i] >> 9) + 0.5f) * 0x1p-23f);
  double d[2];
  fill_uniform(key, nullptr, 0, 1, 2, d);
  for (int i = 0; i < 2; ++i) {
    const auto* w = kKnownAnswers[0].answer + 2 * i;
    EXPECT_EQ(d[i], (double(pair(w[0], w[1]) >> 12) + 0.5) * 0x1p-52);
  }
}

constexpr Key kKey{20240607, 42};

// Word j of row r as rng.h describes it.
std::uint32_t word32(std::uint64_t row, std::int64_t j) {
  return philox(kKey, row, std::uint64_t(j) / 4).word[j % 4];
}
std::uint64_t word64(std::uint64_t row, std::int64_t j) {
  const Random4 r = philox(kKey, row, std::uint64_t(j) / 2);
  return pair(r.word[2 * (j % 2)], r.word[2 * (j % 2) + 1]);
}

TEST_P(EachIsa, ElementsAreFunctionsOfRowAndColumn) {
  const std::int64_t ids[] = {7, -1, std::int64_t(1) << 40, 0, 7};
  for (std::int64_t columns : {1, 2, 3, 4, 5, 31, 257, 300}) {
    const auto n = std::size_t(5 * columns);
    std::vector<float> f(n), fz(n);
    std::vector<double> d(n), dz(n);
    fill_uniform(kKey, ids, 0, 5, columns, f.data());
    fill_uniform(kKey, ids, 0, 5, columns, d.data());
    fill_normal(kKey, ids, 0, 5, columns, fz.data());
    fill_normal(kKey, ids, 0, 5, columns, dz.data());
    for (std::int64_t r = 0; r < 5; ++r) {
      for (std::int64_t j = 0; j < columns; ++j) {
        const auto at = std::size_t(r * columns + j);
        const std::uint32_t w = word32(std::uint64_t(ids[r]), j);
        const std::uint64_t v = word64(std::uint64_t(ids[r]), j);
        ASSERT_EQ(f[at], (float(w >> 9) + 0.5f) * 0x1p-23f);
        ASSERT_EQ(d[at], (double(v >> 12) + 0.5) * 0x1p-52);
        // The probability of a float is rounded to a float before its quantile is taken.
        const bool left = !(w >> 31);
        const float p = (float(left ? w : ~w) + 0.5f) * 0x1p-32f;
        const long double z = normal_quantile(p);
        ASSERT_LE(tests::ulps<float>(left ? fz[at] : -fz[at], z), 6) << p;
        const long double q = (static_cast<long double>(v >> 11) + 0.5L) * 0x1p-53L;
        ASSERT_LE(tests::ulps<double>(dz[at], normal_quantile(q)), 7) << double(q);
      }
    }
  }
}

template <class T, class Fill>
void expect_same_for_any_cut(Fill fill) {
  constexpr std::int64_t rows = 37, columns = 53;
  std::vector<T> whole(rows * columns), cut(rows * columns);
  fill(nullptr, 100, rows, whole.data());
  for (std::int64_t step : {1, 2, 5, 36}) {
    std::fill(cut.begin(), cut.end(), T(0));
    for (std::int64_t r = 0; r < rows; r += step)
      fill(nullptr, 100 + r, std::min(step, rows - r), cut.data() + r * columns);
    EXPECT_EQ(std::memcmp(whole.data(), cut.data(), whole.size() * sizeof(T)), 0) << step;
  }
  std::vector<std::int64_t> ids(rows);
  for (std::int64_t r = 0; r < rows; ++r) ids[std::size_t(r)] = 100 + rows - 1 - r;
  fill(ids.data(), 0, rows, cut.data());
  for (std::int64_t r = 0; r < rows; ++r)
    EXPECT_EQ(std::memcmp(&whole[std::size_t(r * columns)],
                          &cut[std::size_t((rows - 1 - r) * columns)], columns * sizeof(T)),
              0);
}

TEST_P(EachIsa, AnyCutIntoRowsGivesTheSameBits) {
  const auto uniform = [](const std::int64_t* ids, std::int64_t first, std::int64_t rows,
                          auto* out) { fill_uniform(kKey, ids, first, rows, 53, out); };
  const auto normal = [](const std::int64_t* ids, std::int64_t first, std::int64_t rows,
                         auto* out) { fill_normal(kKey, ids, first, rows, 53, out); };
  expect_same_for_any_cut<float>(uniform);
  expect_same_for_any_cut<double>(uniform);
  expect_same_for_any_cut<float>(normal);
  expect_same_for_any_cut<double>(normal);
}

TEST(Rng, UniformsAreTheSameOnAllSets) {
  const Isa best = isa();
  std::vector<float> f(5000), g(5000);
  std::vector<double> d(5000), e(5000);
  limit_isa(Isa::base);
  fill_uniform(kKey, nullptr, 0, 50, 100, f.data());
  fill_uniform(kKey, nullptr, 0, 50, 100, d.data());
  for (Isa set : {Isa::avx2, Isa::avx512}) {
    if (set > best) continue;
    limit_isa(set);
    fill_uniform(kKey, nullptr, 0, 50, 100, g.data());
    fill_uniform(kKey, nullptr, 0, 50, 100, e.data());
    EXPECT_EQ(f, g) << name_of(set);
    EXPECT_EQ(d, e) << name_of(set);
  }
  limit_isa(Isa::avx512);
}

template <class T>
void check_bernoulli() {
  constexpr std::int64_t rows = 40, columns = 51;
  std::vector<T> u(rows * columns), p(rows * columns), y(rows * columns);
  fill_uniform(kKey, nullptr, 3, rows, columns, u.data());
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = T(i % 11) / T(10);
  fill_bernoulli(kKey, nullptr, 3, rows, columns, p.data(), y.data());
  for (std::size_t i = 0; i < p.size(); ++i) EXPECT_EQ(y[i], u[i] < p[i] ? T(1) : T(0));
  fill_bernoulli(kKey, nullptr, 3, rows, columns, p.data(), p.data());
  EXPECT_EQ(p, y);
}

TEST_P(EachIsa, BernoulliComparesTheUniform) {
  check_bernoulli<float>();
  check_bernoulli<double>();
}

TEST_P(EachIsa, NothingIsWrittenForNoElements) {
  float f = -7;
  fill_uniform(kKey, nullptr, 0, 0, 5, &f);
  fill_normal(kKey, nullptr, 0, 5, 0, &f);
  EXPECT_EQ(f, -7);
}

// Means of n draws within 5 standard errors: wrong once in 1.7 million, and the key is fixed.
template <class T>
void check_moments(const std::vector<T>& x, std::array<double, 4> mean, std::array<double, 4> sd) {
  for (int k = 1; k <= 4; ++k) {
    double sum = 0;
    for (T v : x) sum += std::pow(double(v), k);
    const auto i = std::size_t(k - 1);
    EXPECT_NEAR(sum / double(x.size()), mean[i], 5 * sd[i] / std::sqrt(double(x.size()))) << k;
  }
}

// sup |empirical - exact| of n draws; 1.95 / sqrt(n) is passed once in 1,000 (Kolmogorov).
template <class T, class Cdf>
double kolmogorov(std::vector<T> x, Cdf cdf) {
  std::sort(x.begin(), x.end());
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double f = cdf(double(x[i])), n = double(x.size());
    most = std::max({most, std::fabs(f - double(i) / n), std::fabs(f - double(i + 1) / n)});
  }
  return most;
}

template <class T>
void check_distributions() {
  constexpr std::int64_t n = 200000;
  const double bound = 1.95 / std::sqrt(double(n));
  std::vector<T> x(n);
  fill_uniform(kKey, nullptr, 0, 1, n, x.data());
  EXPECT_GT(*std::min_element(x.begin(), x.end()), 0);
  EXPECT_LT(*std::max_element(x.begin(), x.end()), 1);
  // Var U^k = 1 / (2k + 1) - 1 / (k + 1)^2.
  check_moments(x, {0.5, 1. / 3, 0.25, 0.2}, {0.28868, 0.29814, 0.28347, 0.26667});
  EXPECT_LT(kolmogorov(x, [](double u) { return u; }), bound);
  fill_normal(kKey, nullptr, 1, 1, n, x.data());
  // Var Z^k = E Z^2k - (E Z^k)^2: 1, 2, 15, 96.
  check_moments(x, {0, 1, 0, 3}, {1, 1.41421, 3.87298, 9.79796});
  EXPECT_LT(kolmogorov(x, [](double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; }), bound);
  // One column: each row its own counter.
  fill_normal(kKey, nullptr, 0, n, 1, x.data());
  EXPECT_LT(kolmogorov(x, [](double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; }), bound);
}

TEST_P(EachIsa, MomentsAndDistributions) {
  check_distributions<float>();
  check_distributions<double>();
}

constexpr std::array kSets = {Isa::base, Isa::avx2, Isa::avx512};
INSTANTIATE_TEST_SUITE_P(Sets, EachIsa, testing::ValuesIn(kSets),
                         [](const auto& p) { return std::string(name_of(p.param)); });

}  // namespace
}  // namespace fathom::kernels
