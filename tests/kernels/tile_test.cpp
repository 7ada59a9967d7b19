// Products of tiles: whole numbers add up exactly, so the product must be the exact one.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "fathom/kernels/isa.h"
#include "fathom/kernels/rng.h"
#include "fathom/kernels/thin.h"

namespace fathom {
namespace {

class TileProduct : public testing::TestWithParam<kernels::Isa> {
 protected:
  void SetUp() override {
    kernels::limit_isa(GetParam());
    if (kernels::isa() != GetParam())
      GTEST_SKIP() << "this processor lacks " << kernels::name_of(GetParam());
  }
  void TearDown() override { kernels::limit_isa(kernels::Isa::avx512); }
};

// Whole numbers from 0 to 8, of which one in `rare` is not 0.
template <class T>
std::vector<T> numbers(std::int64_t count, std::uint64_t key, std::uint32_t rare) {
  std::vector<T> out;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto drawn = philox(Key{key, 5}, std::uint64_t(i), 0);
    out.push_back(drawn.word[1] % rare == 0 ? T(drawn.word[0] % 9) : T(0));
  }
  return out;
}

// sum_p a(i, p) b(p, j), onto `start`.
template <class T, class A, class B>
std::vector<T> exact(std::int64_t m, std::int64_t n, std::int64_t k, T start, A&& a, B&& b) {
  std::vector<T> c;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      T s = start;
      for (std::int64_t p = 0; p < k; ++p) s += a(i, p) * b(p, j);
      c.push_back(s);
    }
  return c;
}

template <class T>
void check_times(const kernels::ThinProducts<T>& table) {
  for (const std::int64_t m : {1, 5, 13})
    for (const std::int64_t n : {1, 7, 16, 31, 64, 65})
      for (const std::int64_t k : {1, 21})
        for (const bool add : {false, true}) {
          const std::int64_t lda = k + 2, ldb = n + 3;
          const auto a = numbers<T>(m * lda, 1, 1), b = numbers<T>(k * ldb, 2, 1);
          std::vector<T> c(std::size_t(m * n), T(2));
          table.tile_times(m, n, k, a.data(), lda, b.data(), ldb, c.data(), n, add);
          EXPECT_EQ(c, exact<T>(
                           m, n, k, add ? T(2) : T(0),
                           [&](auto i, auto p) { return a[std::size_t(i * lda + p)]; },
                           [&](auto p, auto j) { return b[std::size_t(p * ldb + j)]; }))
              << m << " x " << n << " x " << k;
        }
}

// Rows of zeros cost nothing and hide what they are multiplied by.
template <class T>
void check_outer(const kernels::ThinProducts<T>& table) {
  for (const std::int64_t m : {4, 12, 68})
    for (const std::int64_t n : {1, 9, 40, 153})
      for (const std::int64_t rows : {1, 40, 300})
        for (const std::uint32_t rare : {1u, 40u})
          for (const bool add : {false, true}) {
            const std::int64_t lda = m + 1, ldb = n + 2;
            const auto a = numbers<T>(rows * lda, 3, rare);
            auto b = numbers<T>(rows * ldb, 4, 1);
            std::vector<T> c(std::size_t(m * n), T(1));
            const std::vector<T> wanted = exact<T>(
                m, n, rows, add ? T(1) : T(0),
                [&](auto i, auto p) { return a[std::size_t(p * lda + i)]; },
                [&](auto p, auto j) { return b[std::size_t(p * ldb + j)]; });
            for (std::int64_t r = 0; r < rows; ++r) {
              bool zero = true;
              for (std::int64_t i = 0; i < m; ++i) zero = zero && a[std::size_t(r * lda + i)] == 0;
              if (zero) b[std::size_t(r * ldb)] = std::numeric_limits<T>::quiet_NaN();
            }
            table.tile_outer(m, n, rows, a.data(), lda, b.data(), ldb, c.data(), n, add);
            EXPECT_EQ(c, wanted) << m << " x " << n << ", " << rows << " rows";
          }
}

TEST_P(TileProduct, OfRowsIsExact) {
  check_times(kernels::thin_table().f32);
  check_times(kernels::thin_table().f64);
}

TEST_P(TileProduct, OverRowsIsExactAndPassesOverZeros) {
  check_outer(kernels::thin_table().f32);
  check_outer(kernels::thin_table().f64);
}

INSTANTIATE_TEST_SUITE_P(Isas, TileProduct,
                         testing::Values(kernels::Isa::base, kernels::Isa::avx2,
                                         kernels::Isa::avx512),
                         [](const auto& isa) { return std::string(name_of(isa.param)); });

}  // namespace
}  // namespace fathom
