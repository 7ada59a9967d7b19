// Quadratic forms (U x - z)' D (U x - z) of unit upper triangles U and weights D: of a few numbers
// each, computed one by one. Included by driven_gaussian_impl.h. Sizes that are template arguments
// are known when it is compiled; 0: not.
#include <cstdint>
#include <utility>

namespace fathom::wide::FATHOM_ISA {

static constexpr std::int64_t kLanes = 8;

#ifdef NDEBUG
static constexpr bool kWrittenOut = true;
#else
static constexpr bool kWrittenOut = false;  // sanitizers take minutes over it
#endif

// f(from), ..., f(count - 1), written out where the count is known.
template <int kCount, class F>
[[gnu::always_inline]] static inline void each(std::int64_t from, std::int64_t count, F&& f) {
  if constexpr (kCount > 0 && kWrittenOut) {
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      ((std::int64_t(i) >= from ? f(std::int64_t(i)) : void()), ...);
    }
    (std::make_index_sequence<std::size_t(kCount)>());
  } else {
    for (std::int64_t i = from; i < count; ++i) f(i);
  }
}

// to[from], ..., to[count - 1] += f x[...]
template <int kCount>
[[gnu::always_inline]] static inline void add_scaled(std::int64_t from, std::int64_t count,
                                                     double f, const double* __restrict x,
                                                     double* __restrict to) {
  each<kCount>(from, count, [&](std::int64_t i) { to[i] += f * x[i]; });
}

// The first `columns` of a [rows, stride] become orthogonal under the weights w; `width` are looked
// at. square [columns]: of each. u [columns, to_stride], from its diagonal of ones on: how much of
// a column was in those behind; nothing of one that is zero. Where sizes are not known, rows are
// read and written up to the next multiple of kLanes, and u before its diagonal.
template <int kRows, int kColumns, int kWidth>
[[gnu::always_inline]] static inline void orthogonal(
    std::int64_t rows, std::int64_t columns, std::int64_t width, std::int64_t stride,
    std::int64_t to_stride, const double* __restrict w, double* __restrict a,
    double* __restrict square, double* __restrict u) {
  each<kColumns>(0, columns, [&](std::int64_t j) {
    double* to = u + j * to_stride;
    if constexpr (kRows > 0) {
      each<kWidth>(j, width, [&](std::int64_t k) { to[k] = 0; });
      each<kRows>(0, rows, [&](std::int64_t i) {
        add_scaled<kWidth>(j, width, w[i] * a[i * stride + j], a + i * stride, to);
      });
    } else {
      for (std::int64_t k = j / kLanes * kLanes; k < width; k += kLanes) {
        double sum[kLanes] = {};
        for (std::int64_t i = 0; i < rows; ++i) {
          if (w[i] == 0) continue;
          const double f = w[i] * a[i * stride + j];
          for (std::int64_t l = 0; l < kLanes; ++l) sum[l] += f * a[i * stride + k + l];
        }
        for (std::int64_t l = 0; l < kLanes; ++l) to[k + l] = sum[l];
      }
    }
    square[j] = to[j];
    const double by = square[j] > 0 ? 1 / square[j] : 0;
    each<kWidth>(j + 1, width, [&](std::int64_t k) { to[k] *= by; });
    if constexpr (kRows > 0) {
      each<kRows>(0, rows, [&](std::int64_t i) {
        add_scaled<kWidth>(j + 1, width, -a[i * stride + j], to, a + i * stride);
      });
    } else {
      for (std::int64_t i = 0; i < rows; ++i) {
        if (w[i] == 0) continue;
        const double f = a[i * stride + j];
        for (std::int64_t k = (j + 1) / kLanes * kLanes; k < width; k += kLanes)
          for (std::int64_t l = 0; l < kLanes; ++l) a[i * stride + k + l] -= f * to[k + l];
      }
    }
    to[j] = 1;
  });
}

// h'x + x' half x as rows (U | z) of `a` with weights w; z stands `z` numbers on. What of h they do
// not say is added to `left`; *any: there is some. Pivots that are rounding of T are zero, and so
// are negative ones that rounding to f32 explains. False where one is further below, or is zero
// beside elements that are not, and where one is no number or infinite.
template <int kSize, class T>
[[gnu::always_inline]] static inline bool rows_of(std::int64_t n, const T* h, const T* half,
                                                  std::int64_t stride, std::int64_t z, double* w,
                                                  double* a, double* left, bool* any) {
  constexpr double kEpsilon = sizeof(T) == 4 ? 0x1p-23 : 0x1p-52, kSemidefinite = 0x1p-19;
  each<kSize>(0, n, [&](std::int64_t i) {
    each<kSize>(0, n, [&](std::int64_t j) {
      a[i * stride + j] = j < i ? 0 : -(double(half[i * n + j]) + double(half[j * n + i]));
    });
    a[i * stride + z] = double(h[i]);
  });
  bool fits = true;
  each<kSize>(0, n, [&](std::int64_t j) {
    double* row = a + j * stride;
    const double pivot = row[j], whole = -2 * double(n) * double(half[j * n + j]);
    fits = fits && pivot >= -kSemidefinite * whole && whole <= __DBL_MAX__;
    w[j] = pivot > kEpsilon * whole ? pivot : 0;
    const double by = w[j] > 0 ? 1 / pivot : 0;
    if (by == 0 && row[z] != 0) {
      left[j] += row[z];
      *any = true;
    }
    if (by == 0)
      each<kSize>(j + 1, n, [&](std::int64_t i) {
        const double most = kSemidefinite * whole * -2 * double(n) * double(half[i * n + i]);
        fits = fits && row[i] * row[i] <= most;
      });
    if (kSize > 0 || by != 0)
      each<kSize>(j + 1, n, [&](std::int64_t i) {
        const double f = row[i] * by;
        add_scaled<kSize>(i, n, -f, row, a + i * stride);
        a[i * stride + z] -= f * row[z];
      });
    row[j] = 1;
    each<kSize>(j + 1, n, [&](std::int64_t k) { row[k] *= by; });
    row[z] *= by;
  });
  return fits;
}

// x [size, columns] becomes U^-1 x, U [size, size] on `stride` numbers a row.
template <int kSize, int kColumns>
[[gnu::always_inline]] static inline void solve(std::int64_t n, std::int64_t columns,
                                                std::int64_t stride, const double* u, double* x) {
  each<kSize>(0, n, [&](std::int64_t back) {
    const std::int64_t i = n - 1 - back;
    each<kSize>(i + 1, n, [&](std::int64_t k) {
      add_scaled<kColumns>(0, columns, -u[i * stride + k], x + k * columns, x + i * columns);
    });
  });
}

// U^-1, upper triangle and ones.
template <int kSize>
[[gnu::always_inline]] static inline void inverse_of(std::int64_t n, std::int64_t stride,
                                                     const double* u, double* x) {
  each<kSize>(0, n, [&](std::int64_t i) {
    each<kSize>(0, n, [&](std::int64_t j) { x[i * n + j] = i == j; });
  });
  solve<kSize, kSize>(n, n, stride, u, x);
}

// log of the integral over x of exp(-(U x - z)' D (U x - z) / 2 + z' D z / 2 + left'x). Where there
// is some left, it becomes U'^-1 left, and z says all of it. d becomes its inverse. False: not
// positive definite.
template <int kSize>
[[gnu::always_inline]] static inline bool integral(std::int64_t n, std::int64_t stride,
                                                   std::int64_t z, double* d, double* u,
                                                   double* left, bool any, double* log_norm) {
  if (any)
    each<kSize>(
        0, n, [&](std::int64_t k) { add_scaled<kSize>(k + 1, n, -left[k], u + k * stride, left); });
  double product = 1, logs = 0, square = 0;
  bool fits = true;
  each<kSize>(0, n, [&](std::int64_t j) {
    fits = fits && d[j] > 0;
    const double by = 1 / d[j];
    double& at = u[j * stride + z];
    if (any) at += by * left[j];
    square += d[j] * at * at;
    product *= by;
    if (j % 4 == 3 || j + 1 == n) {
      logs += __builtin_log(product);
      product = 1;
    }
    d[j] = by;
  });
  *log_norm = double(n) * kHalfLog2Pi + 0.5 * (square + logs);
  return fits;
}

// rows' diag(w) rows, of rows [count, n], `stride` apart; `spread` [n, n] is scratch. kUpper: row i
// begins with its i-th number.
template <int kCount, int kSize, bool kUpper, class T>
[[gnu::always_inline]] static inline void square_of(std::int64_t count, std::int64_t n,
                                                    std::int64_t stride, const double* w,
                                                    const double* rows, double* spread, T* to) {
  each<kSize>(0, n, [&](std::int64_t i) {
    each<kSize>(i, n, [&](std::int64_t j) { spread[i * n + j] = 0; });
  });
  each<kCount>(0, count, [&](std::int64_t k) {
    const double* row = rows + k * stride;
    each<kSize>(kUpper ? k : 0, n, [&](std::int64_t i) {
      add_scaled<kSize>(i, n, w[k] * row[i], row, spread + i * n);
    });
  });
  each<kSize>(0, n, [&](std::int64_t i) {
    each<kSize>(0, n, [&](std::int64_t j) {
      to[i * n + j] = T(j < i ? spread[j * n + i] : spread[i * n + j]);
    });
  });
}

}  // namespace fathom::wide::FATHOM_ISA
