// Included once by each thin_<isa>.cpp, after FATHOM_ISA is defined: products of bits.
#include <bit>
#include <cstring>

#include "fathom/kernels/thin.h"
#include "fathom/kernels/wide/pack.h"

namespace fathom::wide::FATHOM_ISA {

using BitsPack = Pack<float>;
static constexpr int kBitLanes = BitsPack::lanes;
static constexpr int kStrip = kBitLanes;         // columns of b and c that are summed at once
static constexpr int kGroups = 256 / kBitLanes;  // of four rows of b: 16 KB of sums
static constexpr int kBlock = 256;               // rows of c that share patterns

[[gnu::always_inline]] static inline Mask<float> is_bit(BitsPack x) {
  return (x == BitsPack(0.0)) | (x == BitsPack(1.0));
}

// Whether all of rows x columns are 0 or 1.
static bool all_bits(std::int64_t rows, std::int64_t columns, const float* a, std::int64_t lda) {
  for (std::int64_t i = 0; i < rows; ++i) {
    const float* r = a + i * lda;
    std::int64_t j = 0;
    for (; j + kBitLanes <= columns; j += kBitLanes)
      if (!all(is_bit(BitsPack::load(r + j)))) return false;
    if (j < columns && !all(is_bit(BitsPack::load_partial(r + j, int(columns - j))))) return false;
  }
  return true;
}

// Where the sums for bits p, ..., p + 3 of `count` rows of op(a) lie, in floats, for up to kGroups
// such p from `first` on. Bits from k on are 0.
static void patterns(bool ta, std::int64_t count, std::int64_t first, std::int64_t k,
                     const float* a, std::int64_t lda, std::uint16_t (*to)[kGroups]) {
  const std::int64_t last = first + 4 * kGroups < k ? first + 4 * kGroups : k;
  const auto put = [&](std::int64_t group, std::int64_t row, unsigned bits) {
    to[row][group] = static_cast<std::uint16_t>((unsigned(group) * 16 + bits) * kStrip);
  };
  if (!ta) {
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t p = first; p < last; p += kBitLanes) {
        const int n = last - p < kBitLanes ? int(last - p) : kBitLanes;
        const unsigned bits = as_bits(BitsPack::load_partial(a + i * lda + p, n) > BitsPack(0.0));
        for (int q = 0; q < n; q += 4) put((p - first + q) / 4, i, (bits >> q) & 15);
      }
    return;
  }
  for (std::int64_t p = first; p < last; p += 4)
    for (std::int64_t i = 0; i < count; i += kBitLanes) {
      const int n = count - i < kBitLanes ? int(count - i) : kBitLanes;
      BitsPack s(0.0);
      for (std::int64_t r = p; r < last && r < p + 4; ++r)
        s = fma(BitsPack::load_partial(a + r * lda + i, n), BitsPack(double(1 << (r - p))), s);
      float number[kBitLanes];
      s.store(number);
      for (int j = 0; j < n; ++j) put((p - first) / 4, i + j, unsigned(int(number[j])));
    }
}

// The sixteen sums of up to four rows of b, `width` columns of them: [16][kStrip].
template <bool whole>
static void sums_of_four(std::int64_t rows, int width, const float* b, std::int64_t ldb,
                         float* to) {
  BitsPack s[16];
  s[0] = BitsPack(0.0);
  for (int r = 0; r < 4; ++r) {
    const BitsPack row = whole      ? BitsPack::load(b + r * ldb)
                         : r < rows ? BitsPack::load_partial(b + r * ldb, width)
                                    : BitsPack(0.0);
    for (int j = 0; j < 1 << r; ++j) s[j | 1 << r] = s[j] + row;
  }
  for (int j = 0; j < 16; ++j) s[j].store(to + j * kStrip);
}

template <bool whole>
static void look_up(int groups, std::int64_t count, int width, const float* sums,
                    const std::uint16_t (*pattern)[kGroups], float* c, std::int64_t ldc, bool add) {
  for (std::int64_t i = 0; i < count; ++i, c += ldc) {
    BitsPack s = !add    ? BitsPack(0.0)
                 : whole ? BitsPack::load(c)
                         : BitsPack::load_partial(c, width);
    // Four places are read at once: loads are what limits this loop.
    if (whole && std::endian::native == std::endian::little) {
      for (int g = 0; g < kGroups; g += 4) {
        std::uint64_t places;
        std::memcpy(&places, pattern[i] + g, sizeof places);
        s = s + BitsPack::load(sums + (places & 0xffff));
        s = s + BitsPack::load(sums + (places >> 16 & 0xffff));
        s = s + BitsPack::load(sums + (places >> 32 & 0xffff));
        s = s + BitsPack::load(sums + (places >> 48));
      }
    } else {
      for (int g = 0; g < groups; ++g) s = s + BitsPack::load(sums + pattern[i][g]);
    }
    if (whole) {
      s.store(c);
    } else {
      s.store_partial(c, width);
    }
  }
}

static bool bits_times(bool ta, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
                       std::int64_t lda, const float* b, std::int64_t ldb, float* c,
                       std::int64_t ldc, bool add) {
  if (!(ta ? all_bits(k, m, a, lda) : all_bits(m, k, a, lda))) return false;
  alignas(64) float sums[kGroups * 16 * kStrip];
  std::uint16_t pattern[kBlock][kGroups];
  for (std::int64_t i = 0; i < m; i += kBlock) {
    const std::int64_t count = m - i < kBlock ? m - i : kBlock;
    for (std::int64_t p = 0; p < k; p += 4 * kGroups) {
      patterns(ta, count, p, k, ta ? a + i : a + i * lda, lda, pattern);
      const int groups = int(k - p < 4 * kGroups ? (k - p + 3) / 4 : kGroups);
      for (std::int64_t j = 0; j < n; j += kStrip) {
        const int width = n - j < kStrip ? int(n - j) : kStrip;
        for (int g = 0; g < groups; ++g) {
          const std::int64_t rows = k - p - 4 * g;
          const float* from = b + (p + 4 * g) * ldb + j;
          float* to = sums + g * 16 * kStrip;
          if (rows >= 4 && width == kStrip) {
            for (int r = 0; r < 4 && rows - 4 * kGroups > r; ++r)
              __builtin_prefetch(from + (4 * kGroups + r) * ldb);
            sums_of_four<true>(4, width, from, ldb, to);
          } else {
            sums_of_four<false>(rows, width, from, ldb, to);
          }
        }
        const bool more = add || p > 0;
        float* to = c + i * ldc + j;
        if (width == kStrip && groups == kGroups) {
          look_up<true>(kGroups, count, width, sums, pattern, to, ldc, more);
        } else {
          look_up<false>(groups, count, width, sums, pattern, to, ldc, more);
        }
      }
    }
  }
  return true;
}

}  // namespace fathom::wide::FATHOM_ISA
