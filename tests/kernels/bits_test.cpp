// Products of bits: whole numbers add up exactly in f32, so the product must be the exact one.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "fathom/kernels/isa.h"
#include "fathom/kernels/linalg.h"
#include "fathom/kernels/rng.h"
#include "fathom/kernels/thin.h"

namespace fathom {
namespace {

struct Case {
  bool ta;
  std::int64_t m, n, k;
};

class BitsProduct : public testing::TestWithParam<kernels::Isa> {
 protected:
  void SetUp() override {
    kernels::limit_isa(GetParam());
    if (kernels::isa() != GetParam())
      GTEST_SKIP() << "this processor lacks " << kernels::name_of(GetParam());
  }
  void TearDown() override { kernels::limit_isa(kernels::Isa::avx512); }

  static bool product(const Case& s, const std::vector<float>& a, std::int64_t lda,
                      const std::vector<float>& b, std::int64_t ldb, std::vector<float>& c,
                      std::int64_t ldc, bool add) {
    return kernels::thin_table().bits_times(s.ta, s.m, s.n, s.k, a.data(), lda, b.data(), ldb,
                                            c.data(), ldc, add);
  }
};

std::vector<float> numbers(std::int64_t count, std::uint64_t key, std::uint32_t below) {
  std::vector<float> out;
  for (std::int64_t i = 0; i < count; ++i)
    out.push_back(float(philox(Key{key, 3}, std::uint64_t(i), 0).word[0] % below));
  return out;
}

TEST_P(BitsProduct, IsTheExactSumOfRows) {
  for (const Case& s : {Case{false, 32, 32, 1},
                        {false, 125, 500, 784},
                        {true, 131, 500, 128},
                        {false, 33, 37, 21},
                        {true, 300, 65, 35},
                        {true, 40, 129, 3}}) {
    const std::int64_t spare = 5, lda = (s.ta ? s.m : s.k) + spare, ldb = s.n + spare;
    const auto a = numbers((s.ta ? s.k : s.m) * lda, 1, 2);
    const auto b = numbers(s.k * ldb, 2, 1000);
    for (const bool add : {false, true}) {
      const auto before = numbers(s.m * (s.n + spare), 4, 100);
      auto c = before;
      ASSERT_TRUE(product(s, a, lda, b, ldb, c, ldb, add));
      for (std::int64_t i = 0; i < s.m; ++i)
        for (std::int64_t j = 0; j < s.n + spare; ++j) {
          const std::size_t at = std::size_t(i * (s.n + spare) + j);
          float sum = add || j >= s.n ? before[at] : 0;
          for (std::int64_t p = 0; p < s.k && j < s.n; ++p)
            sum += a[std::size_t(s.ta ? p * lda + i : i * lda + p)] * b[std::size_t(p * ldb + j)];
          ASSERT_EQ(c[at], sum) << s.m << " x " << s.n << " x " << s.k << " at " << i << ", " << j;
        }
    }
  }
}

TEST_P(BitsProduct, RefusesWhatIsNoBitAndTouchesNothing) {
  const Case s{false, 40, 40, 40};
  const auto b = numbers(s.k * s.n, 2, 1000);
  for (const float wrong : {2.0f, 0.5f, -1.0f, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity()})
    for (const std::int64_t where : {std::int64_t{0}, s.m * s.k / 2 + 7, s.m * s.k - 1}) {
      auto a = numbers(s.m * s.k, 1, 2);
      a[std::size_t(where)] = wrong;
      std::vector<float> c(std::size_t(s.m * (s.n + 5)), 7);
      EXPECT_FALSE(product(s, a, s.k, b, s.n, c, s.n + 5, false));
      EXPECT_EQ(c, std::vector<float>(c.size(), 7));
    }
}

INSTANTIATE_TEST_SUITE_P(Sets, BitsProduct,
                         testing::Values(kernels::Isa::base, kernels::Isa::avx2,
                                         kernels::Isa::avx512),
                         [](const auto& one) { return std::string(name_of(one.param)); });

}  // namespace
}  // namespace fathom
