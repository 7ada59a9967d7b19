// Included once by each thin_<isa>.cpp, after FATHOM_ISA is defined.
#include "fathom/kernels/thin.h"
#include "fathom/kernels/tile_impl.h"
#include "fathom/kernels/wide/pack.h"

namespace fathom::wide::FATHOM_ISA {

// The row in `packs` packs, the last of them partial.
template <class T, int packs>
struct Row {
  using P = Pack<T>;
  P part[packs];

  [[gnu::always_inline]] static Row load(const T* p, int rest) {
    Row r;
    for (int k = 0; k + 1 < packs; ++k) r.part[k] = P::load(p + k * P::lanes);
    r.part[packs - 1] = P::load_partial(p + (packs - 1) * P::lanes, rest);
    return r;
  }
};

template <class T, int packs>
static void times_vector(std::int64_t rows, int rest, const T* a, std::int64_t lda, const T* x,
                         T* y, bool add) {
  using P = Pack<T>;
  const auto v = Row<T, packs>::load(x, rest);
  for (std::int64_t i = 0; i < rows; ++i, a += lda) {
    const auto r = Row<T, packs>::load(a, rest);
    P s = r.part[0] * v.part[0];
    for (int k = 1; k < packs; ++k) s = fma(r.part[k], v.part[k], s);
    const T dot = reduce_add(s);
    y[i] = add ? y[i] + dot : dot;
  }
}

template <class T, int packs>
static void vector_times(std::int64_t rows, int rest, const T* a, std::int64_t lda, const T* x,
                         std::int64_t step, T* y, bool add) {
  using P = Pack<T>;
  constexpr int lines = packs <= 2 ? 4 : 2;  // rows at a time, each with sums of its own
  P sum[lines][packs];
  for (auto& line : sum)
    for (P& s : line) s = P(0.0);
  const auto take = [&](int line, std::int64_t i) {
    const auto r = Row<T, packs>::load(a + i * lda, rest);
    const P f = P::all_of(x[i * step]);
    for (int k = 0; k < packs; ++k) sum[line][k] = fma(f, r.part[k], sum[line][k]);
  };
  std::int64_t i = 0;
  for (; i + lines <= rows; i += lines)
    for (int l = 0; l < lines; ++l) take(l, i + l);
  for (; i < rows; ++i) take(0, i);
  for (int k = 0; k < packs; ++k) {
    P s = sum[0][k];
    for (int l = 1; l < lines; ++l) s = s + sum[l][k];
    T* to = y + k * P::lanes;
    const int n = k + 1 < packs ? P::lanes : rest;
    if (add) s = s + P::load_partial(to, n);
    s.store_partial(to, n);
  }
}

template <class T, int packs>
static inline void put(const Pack<T>* sum, int rest, T* to, bool add) {
  using P = Pack<T>;
  for (int k = 0; k < packs; ++k, to += P::lanes) {
    const int n = k + 1 < packs ? P::lanes : rest;
    (add ? sum[k] + P::load_partial(to, n) : sum[k]).store_partial(to, n);
  }
}

template <class T, int packs>
static void small_times(std::int64_t m, int rest, std::int64_t rows, const T* a, std::int64_t lda,
                        const T* b, std::int64_t ldb, T* c, std::int64_t ldc, bool add) {
  using P = Pack<T>;
  constexpr int lines = packs <= 2 ? 8 : 4;
  const auto some = [&]<int count>(std::int64_t first) {
    P sum[count][packs];
#pragma GCC unroll 8  // or sums do not stay in registers
    for (int l = 0; l < count; ++l)
      for (P& s : sum[l]) s = P(0.0);
    for (std::int64_t i = 0; i < rows; ++i) {
      const auto row = Row<T, packs>::load(b + i * ldb, rest);
#pragma GCC unroll 8
      for (int l = 0; l < count; ++l) {
        const P f = P::all_of(a[i * lda + first + l]);
        for (int q = 0; q < packs; ++q) sum[l][q] = fma(f, row.part[q], sum[l][q]);
      }
    }
    for (int l = 0; l < count; ++l) put<T, packs>(sum[l], rest, c + (first + l) * ldc, add);
  };
  std::int64_t i = 0;
  for (; i + lines <= m; i += lines) some.template operator()<lines>(i);
  if (i + 4 <= m && lines > 4) {
    some.template operator()<4>(i);
    i += 4;
  }
  if (i + 2 <= m) {
    some.template operator()<2>(i);
    i += 2;
  }
  for (; i < m; ++i) some.template operator()<1>(i);
}

template <class T>
static void any_small_times(std::int64_t m, std::int64_t n, std::int64_t rows, const T* a,
                            std::int64_t lda, const T* b, std::int64_t ldb, T* c, std::int64_t ldc,
                            bool add) {
  constexpr std::int64_t w = Pack<T>::lanes;
  const int rest = int((n - 1) % w) + 1;
  switch ((n - 1) / w) {
    case 0: return small_times<T, 1>(m, rest, rows, a, lda, b, ldb, c, ldc, add);
    case 1: return small_times<T, 2>(m, rest, rows, a, lda, b, ldb, c, ldc, add);
    case 2: return small_times<T, 3>(m, rest, rows, a, lda, b, ldb, c, ldc, add);
    default: return small_times<T, 4>(m, rest, rows, a, lda, b, ldb, c, ldc, add);
  }
}

template <class T>
static void any_times_vector(std::int64_t rows, std::int64_t columns, const T* a, std::int64_t lda,
                             const T* x, T* y, bool add) {
  constexpr std::int64_t w = Pack<T>::lanes;
  const int rest = int((columns - 1) % w) + 1;
  switch ((columns - 1) / w) {
    case 0: return times_vector<T, 1>(rows, rest, a, lda, x, y, add);
    case 1: return times_vector<T, 2>(rows, rest, a, lda, x, y, add);
    case 2: return times_vector<T, 3>(rows, rest, a, lda, x, y, add);
    default: return times_vector<T, 4>(rows, rest, a, lda, x, y, add);
  }
}

template <class T>
static void any_vector_times(std::int64_t rows, std::int64_t columns, const T* a, std::int64_t lda,
                             const T* x, std::int64_t step, T* y, bool add) {
  constexpr std::int64_t w = Pack<T>::lanes;
  const int rest = int((columns - 1) % w) + 1;
  switch ((columns - 1) / w) {
    case 0: return vector_times<T, 1>(rows, rest, a, lda, x, step, y, add);
    case 1: return vector_times<T, 2>(rows, rest, a, lda, x, step, y, add);
    case 2: return vector_times<T, 3>(rows, rest, a, lda, x, step, y, add);
    default: return vector_times<T, 4>(rows, rest, a, lda, x, step, y, add);
  }
}

static void add_widened(std::int64_t n, const float* x, double* y) {
  using P = Pack<double>;
  std::int64_t i = 0;
  for (; i + 2 * P::lanes <= n; i += 2 * P::lanes) {
    const Pack<float> v = Pack<float>::load(x + i);
    double* high = y + i + P::lanes;
    (P::load(y + i) + P::of(Halves::low(v.v))).store(y + i);
    (P::load(high) + P::of(Halves::high(v.v))).store(high);
  }
  for (; i < n; ++i) y[i] += double(x[i]);
}

template <class T>
static constexpr kernels::ThinProducts<T> kThin{
    4 * Pack<T>::lanes, any_times_vector<T>, any_vector_times<T>, any_small_times<T>,
    Pack<T>::lanes,     tile_times<T>,       tile_outer<T>};

}  // namespace fathom::wide::FATHOM_ISA
