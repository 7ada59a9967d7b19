// Included once by each thin_<isa>.cpp, after FATHOM_ISA is defined: products of matrices that stay
// in the second-level cache, such as those of a tile of rows. Nothing is packed: sums of a block of
// the result are kept in registers while both operands are read as they lie.
#include "fathom/kernels/thin.h"
#include "fathom/kernels/wide/pack.h"

namespace fathom::wide::FATHOM_ISA {

// Registers of a set: a block of the result takes most of them.
static constexpr bool kManyRegisters = sizeof(Native<float>::V) == 64;

// `packs` packs, of the last `last` elements; whole: all of them.
template <class T, int packs, bool whole>
struct Strip {
  using P = Pack<T>;
  P part[packs];

  [[gnu::always_inline]] static Strip zero() {
    Strip s;
    for (P& p : s.part) p = P(0.0);
    return s;
  }
  [[gnu::always_inline]] static Strip load(const T* p, int last) {
    Strip s;
    for (int k = 0; k + 1 < packs; ++k) s.part[k] = P::load(p + k * P::lanes);
    const T* end = p + (packs - 1) * P::lanes;
    s.part[packs - 1] = whole ? P::load(end) : P::load_partial(end, last);
    return s;
  }
  [[gnu::always_inline]] void add_times(P f, const Strip& row) {
    for (int k = 0; k < packs; ++k) part[k] = fma(f, row.part[k], part[k]);
  }
  [[gnu::always_inline]] void put(T* p, int last, bool add) const {
    const Strip old = add ? load(p, last) : zero();
    for (int k = 0; k + 1 < packs; ++k) (part[k] + old.part[k]).store(p + k * P::lanes);
    const P sum = part[packs - 1] + old.part[packs - 1];
    T* end = p + (packs - 1) * P::lanes;
    if (whole) {
      sum.store(end);
    } else {
      sum.store_partial(end, last);
    }
  }
};

// Calls f<packs, whole>(first column, elements of the last pack) for strips of at most `most` packs
// that cover n columns.
template <class T, int most, class F>
[[gnu::always_inline]] static inline void each_strip(std::int64_t n, F&& f) {
  constexpr std::int64_t w = Pack<T>::lanes;
  std::int64_t j = 0;
  for (; j + most * w <= n; j += most * w) f.template operator()<most, true>(j, int(w));
  if (j == n) return;
  const int last = int((n - j - 1) % w) + 1;
  switch ((n - j - 1) / w) {
    case 0: return f.template operator()<1, false>(j, last);
    case 1: return f.template operator()<2, false>(j, last);
    case 2:
      if constexpr (most > 2) return f.template operator()<3, false>(j, last);
      break;
    case 3:
      if constexpr (most > 3) return f.template operator()<4, false>(j, last);
      break;
    default:
      if constexpr (most > 4) return f.template operator()<5, false>(j, last);
  }
}

// `lines` rows of the result, one strip of its columns.
template <class T, int packs, bool whole, int lines>
[[gnu::always_inline]] static inline void times_block(std::int64_t k, int last, const T* a,
                                                      std::int64_t lda, const T* b,
                                                      std::int64_t ldb, T* c, std::int64_t ldc,
                                                      bool add) {
  using S = Strip<T, packs, whole>;
  S sum[lines];
  // Without unrolling, sums do not stay in registers.
#pragma GCC unroll 8
  for (int l = 0; l < lines; ++l) sum[l] = S::zero();
  for (std::int64_t p = 0; p < k; ++p, b += ldb) {
    const S row = S::load(b, last);
#pragma GCC unroll 8
    for (int l = 0; l < lines; ++l) sum[l].add_times(Pack<T>::all_of(a[l * lda + p]), row);
  }
#pragma GCC unroll 8
  for (int l = 0; l < lines; ++l) sum[l].put(c + l * ldc, last, add);
}

template <class T, int packs, bool whole>
static void times_strip(std::int64_t m, int last, std::int64_t k, const T* a, std::int64_t lda,
                        const T* b, std::int64_t ldb, T* c, std::int64_t ldc, bool add) {
  constexpr int lines = kManyRegisters ? (packs > 2 ? 6 : 8) : 4;
  const auto some = [&]<int count>(std::int64_t i) {
    times_block<T, packs, whole, count>(k, last, a + i * lda, lda, b, ldb, c + i * ldc, ldc, add);
  };
  std::int64_t i = 0;
  for (; i + lines <= m; i += lines) some.template operator()<lines>(i);
  for (; i + 2 <= m; i += 2) some.template operator()<2>(i);
  if (i < m) some.template operator()<1>(i);
}

template <class T>
static void tile_times(std::int64_t m, std::int64_t n, std::int64_t k, const T* a, std::int64_t lda,
                       const T* b, std::int64_t ldb, T* c, std::int64_t ldc, bool add) {
  each_strip<T, kManyRegisters ? 4 : 3>(n, [&]<int packs, bool whole>(std::int64_t j, int last) {
    times_strip<T, packs, whole>(m, last, k, a, lda, b + j, ldb, c + j, ldc, add);
  });
}

// Columns of a that share a list of the rows in which some of them are not zero.
static constexpr int kGroup = 4;
static constexpr int kListRows = 256, kListColumns = 64;

// A group of columns of a, one strip of columns of the result.
template <class T, int packs, bool whole>
[[gnu::always_inline]] static inline void outer_block(const std::uint16_t* list, int count,
                                                      int last, const T* a, std::int64_t lda,
                                                      const T* b, std::int64_t ldb, T* c,
                                                      std::int64_t ldc, bool add) {
  using S = Strip<T, packs, whole>;
  S sum[kGroup];
#pragma GCC unroll 4
  for (int l = 0; l < kGroup; ++l) sum[l] = S::zero();
  for (int r = 0; r < count; ++r) {
    const std::int64_t i = list[r];
    const S row = S::load(b + i * ldb, last);
#pragma GCC unroll 4
    for (int l = 0; l < kGroup; ++l) sum[l].add_times(Pack<T>::all_of(a[i * lda + l]), row);
  }
#pragma GCC unroll 4
  for (int l = 0; l < kGroup; ++l) sum[l].put(c + l * ldc, last, add);
}

// Of each group of columns of a [rows, m], the rows that are not all zero.
template <class T>
static void active_rows(std::int64_t m, std::int64_t rows, const T* a, std::int64_t lda,
                        std::uint16_t (*list)[kListRows], int* count) {
  using P = Pack<T>;
  constexpr int step = P::lanes > kGroup ? P::lanes : kGroup;
  for (std::int64_t g = 0; g < m / kGroup; ++g) count[g] = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    const T* row = a + i * lda;
    for (std::int64_t j = 0; j < m; j += step) {
      unsigned bits = 0;
      for (int k = 0; k < step; k += P::lanes) {
        const std::int64_t left = m - j - k;
        if (left <= 0) break;
        const P x =
            left >= P::lanes ? P::load(row + j + k) : P::load_partial(row + j + k, int(left));
        bits |= as_bits(x != P(0.0)) << k;
      }
      for (int g = 0; g < step / kGroup && j + g * kGroup < m; ++g) {
        const std::int64_t at = j / kGroup + g;
        list[at][count[at]] = static_cast<std::uint16_t>(i);
        count[at] += (bits >> (g * kGroup) & 15u) != 0;
      }
    }
  }
}

// m is a multiple of kGroup, at most kListColumns; rows at most kListRows.
template <class T>
static void outer_rows(std::int64_t m, std::int64_t n, std::int64_t rows, const T* a,
                       std::int64_t lda, const T* b, std::int64_t ldb, T* c, std::int64_t ldc,
                       bool add) {
  std::uint16_t list[kListColumns / kGroup][kListRows];
  int count[kListColumns / kGroup];
  active_rows(m, rows, a, lda, list, count);
  each_strip<T, kManyRegisters ? 5 : 2>(n, [&]<int packs, bool whole>(std::int64_t j, int last) {
    for (std::int64_t g = 0; g < m / kGroup; ++g)
      if (count[g] > 0 || !add)
        outer_block<T, packs, whole>(list[g], count[g], last, a + g * kGroup, lda, b + j, ldb,
                                     c + g * kGroup * ldc + j, ldc, add);
  });
}

template <class T>
static void tile_outer(std::int64_t m, std::int64_t n, std::int64_t rows, const T* a,
                       std::int64_t lda, const T* b, std::int64_t ldb, T* c, std::int64_t ldc,
                       bool add) {
  for (std::int64_t first = 0; first < rows; first += kListRows) {
    const std::int64_t some = rows - first < kListRows ? rows - first : kListRows;
    for (std::int64_t i = 0; i < m; i += kListColumns) {
      const std::int64_t columns = m - i < kListColumns ? m - i : kListColumns;
      outer_rows(columns, n, some, a + first * lda + i, lda, b + first * ldb, ldb, c + i * ldc, ldc,
                 add || first > 0);
    }
  }
}

}  // namespace fathom::wide::FATHOM_ISA
