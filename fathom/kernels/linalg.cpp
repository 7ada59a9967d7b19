#include "fathom/kernels/linalg.h"

#include <cblas.h>
#include <dnnl.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "fathom/kernels/isa.h"
#include "fathom/kernels/thin.h"

extern "C" void omp_set_num_threads(int);  // <omp.h> belongs to one compiler; the library to all

namespace fathom::kernels {

namespace {

// Below this many multiply-adds a library call costs more than the product.
constexpr std::int64_t kSmall = 4096;

// Operands that stay in the second-level cache while the product of a tile of rows is formed.
constexpr std::int64_t kTileWidth = 256, kTileOperand = 1 << 17;
// The same of f32, beyond which the library is faster.
constexpr std::int64_t kTileSingles = 1 << 13;

template <class T>
void gemm_loops(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
                std::int64_t lda, const T* b, std::int64_t ldb, T* c, std::int64_t ldc, bool add) {
  for (std::int64_t i = 0; i < m; ++i) {
    T* ci = c + i * ldc;
    if (!add) std::fill_n(ci, n, T(0));
    if (tb) {
      for (std::int64_t j = 0; j < n; ++j) {
        T s = 0;
        for (std::int64_t p = 0; p < k; ++p)
          s += (ta ? a[p * lda + i] : a[i * lda + p]) * b[j * ldb + p];
        ci[j] += s;
      }
    } else {
      for (std::int64_t p = 0; p < k; ++p) {
        const T x = ta ? a[p * lda + i] : a[i * lda + p];
        const T* bp = b + p * ldb;
        for (std::int64_t j = 0; j < n; ++j) ci[j] += x * bp[j];
      }
    }
  }
}

const ThinProducts<float>& thin(float) { return thin_table().f32; }
const ThinProducts<double>& thin(double) { return thin_table().f64; }

// One operand is a vector and the matrix has few columns.
template <class T>
bool thin_gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
               std::int64_t lda, const T* b, std::int64_t ldb, T* c, std::int64_t ldc, bool add) {
  if (m != 1 && n != 1) return false;
  const ThinProducts<T>& t = thin(T());
  if (n == 1 && !ta && k <= t.widest && (tb || ldb == 1) && ldc == 1) {
    t.times_vector(m, k, a, lda, b, c, add);
  } else if (n == 1 && ta && m <= t.widest && ldc == 1) {
    t.vector_times(k, m, a, lda, b, tb ? 1 : ldb, c, add);
  } else if (m == 1 && !tb && n <= t.widest) {
    t.vector_times(k, n, b, ldb, a, ta ? lda : 1, c, add);
  } else if (m == 1 && tb && k <= t.widest && (!ta || lda == 1)) {
    t.times_vector(n, k, b, ldb, a, c, add);
  } else {
    return false;
  }
  return true;
}

// The matrix on the right is small: few columns, and all of it in cache with what it multiplies.
constexpr std::int64_t kSmallOperand = 2048, kSmallRows = 64;

template <class T>
bool small_gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
                std::int64_t lda, const T* b, std::int64_t ldb, T* c, std::int64_t ldc, bool add) {
  const ThinProducts<T>& t = thin(T());
  if (n > t.widest) return false;
  if (ta) {
    if (tb || m > kSmallRows || m * n > kSmallOperand) return false;
    t.small_times(m, n, k, a, lda, b, ldb, c, ldc, add);
    return true;
  }
  const std::int64_t padded = (n + t.pack - 1) / t.pack * t.pack;
  if (m < 4 || k * padded > kSmallOperand) return false;
  if (!tb) {
    t.tile_times(m, n, k, a, lda, b, ldb, c, ldc, add);
    return true;
  }
  alignas(64) T rows[kSmallOperand];
  for (std::int64_t p = 0; p < k; ++p)
    for (std::int64_t j = 0; j < n; ++j) rows[p * padded + j] = b[j * ldb + p];
  t.tile_times(m, n, k, a, lda, rows, padded, c, ldc, add);
  return true;
}

template <class T>
bool tile_gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, const T* a,
               std::int64_t lda, const T* b, std::int64_t ldb, T* c, std::int64_t ldc, bool add) {
  if (tb || k == 0) return false;
  const ThinProducts<T>& t = thin(T());
  if (ta) {
    if (m > kTileWidth || m % 4 != 0 || k * n > 2 * kTileOperand) return false;
    if (std::is_same_v<T, float> && m * n > kTileSingles) return false;
    t.tile_outer(m, n, k, a, lda, b, ldb, c, ldc, add);
  } else {
    if (m < 4 || !stays_in_cache(std::is_same_v<T, float> ? DType::f32 : DType::f64, n, k))
      return false;
    t.tile_times(m, n, k, a, lda, b, ldb, c, ldc, add);
  }
  return true;
}

// From how many rows and columns on a product of bits repays its table of sums.
constexpr std::int64_t kBitRows = 32, kBitColumns = 32;

template <class T>
void matmul_of(const View& a, const View& b, const View& c, const MatMulSpec& s, bool add) {
  const int mk = a.rank - s.nb - s.nk, nk = b.rank - s.nb - s.nk;
  const int a_split = s.nb + (s.ta ? s.nk : mk), b_split = s.nb + (s.tb ? nk : s.nk);
  const std::int64_t batch = c.size(0, s.nb), m = c.size(s.nb, s.nb + mk),
                     n = c.size(s.nb + mk, c.rank);
  const std::int64_t k = s.ta ? a.size(s.nb, a_split) : a.size(a_split, a.rank);
  // The leading dimension: the step between rows of the stored matrix.
  const auto row_step = [](const View& v, int split) {
    if (split == v.rank || split == 0) return v.size(split, v.rank);
    return std::max(v.stride[split - 1], v.size(split, v.rank));
  };
  const std::int64_t lda = std::max<std::int64_t>(1, row_step(a, a_split));
  const std::int64_t ldb = std::max<std::int64_t>(1, row_step(b, b_split));
  const std::int64_t step_a = s.nb ? a.stride[s.nb - 1] : 0, step_b = s.nb ? b.stride[s.nb - 1] : 0;
  for (std::int64_t i = 0; i < batch; ++i)
    gemm(s.ta, s.tb, m, n, k, a.data<T>() + i * step_a, lda, b.data<T>() + i * step_b, ldb,
         c.data<T>() + i * m * n, std::max<std::int64_t>(1, n), add);
}

// A product of f32 onto sums of f64, which is dense.
void widened(const View& a, const View& b, const View& c, const MatMulSpec& s, bool add) {
  thread_local std::vector<float> product;
  const auto size = std::size_t(c.size());
  if (product.size() < size) product.resize(size);
  View narrow = c;
  narrow.dtype = DType::f32;
  narrow.raw = reinterpret_cast<std::byte*>(product.data());
  matmul_of<float>(a, b, narrow, s, false);
  double* to = c.data<double>();
  if (!add) std::fill_n(to, size, 0.0);
  thin_table().add_widened(c.size(), product.data(), to);
}

}  // namespace

const ThinTable& thin_table() { return FATHOM_BY_ISA(thin_table); }

void single_threaded_libraries() {
  thread_local const bool done = [] {  // each thread has a count of OpenMP threads of its own
    omp_set_num_threads(1);
    openblas_set_num_threads(1);
    return true;
  }();
  (void)done;
}

bool stays_in_cache(DType dtype, std::int64_t n, std::int64_t k) {
  return n <= kTileWidth && n * k <= (dtype == DType::f64 ? kTileOperand : kTileSingles);
}

void gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
          std::int64_t lda, const float* b, std::int64_t ldb, float* c, std::int64_t ldc,
          bool add) {
  if (m == 0 || n == 0) return;
  if (k > 0 && thin_gemm(ta, tb, m, n, k, a, lda, b, ldb, c, ldc, add)) return;
  if (k > 0 && small_gemm(ta, tb, m, n, k, a, lda, b, ldb, c, ldc, add)) return;
  if (m * n * k <= kSmall) return gemm_loops(ta, tb, m, n, k, a, lda, b, ldb, c, ldc, add);
  if (m >= kBitRows && n >= kBitColumns && !tb &&
      thin_table().bits_times(ta, m, n, k, a, lda, b, ldb, c, ldc, add))
    return;
  if (tile_gemm(ta, tb, m, n, k, a, lda, b, ldb, c, ldc, add)) return;
  single_threaded_libraries();
  dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1.0f, a, lda, b, ldb, add ? 1.0f : 0.0f, c,
             ldc);
}

void gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, const double* a,
          std::int64_t lda, const double* b, std::int64_t ldb, double* c, std::int64_t ldc,
          bool add) {
  if (m == 0 || n == 0) return;
  if (k > 0 && thin_gemm(ta, tb, m, n, k, a, lda, b, ldb, c, ldc, add)) return;
  if (k > 0 && small_gemm(ta, tb, m, n, k, a, lda, b, ldb, c, ldc, add)) return;
  if (m * n * k <= kSmall) return gemm_loops(ta, tb, m, n, k, a, lda, b, ldb, c, ldc, add);
  if (tile_gemm(ta, tb, m, n, k, a, lda, b, ldb, c, ldc, add)) return;
  single_threaded_libraries();
  cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, int(m),
              int(n), int(k), 1.0, a, int(lda), b, int(ldb), add ? 1.0 : 0.0, c, int(ldc));
}

void matmul(const View& a, const View& b, const View& c, const MatMulSpec& spec, bool add) {
  if (a.dtype != c.dtype) return widened(a, b, c, spec, add);
  if (c.dtype == DType::f32) return matmul_of<float>(a, b, c, spec, add);
  matmul_of<double>(a, b, c, spec, add);
}

namespace {

template <class T>
void cholesky_one(const T* a, std::int64_t n, T* l) {
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j <= i; ++j) {
      T s = a[i * n + j];
      for (std::int64_t k = 0; k < j; ++k) s -= l[i * n + k] * l[j * n + k];
      if (i == j) {
        l[i * n + i] = s > 0 ? std::sqrt(s) : std::numeric_limits<T>::quiet_NaN();
      } else {
        l[i * n + j] = s / l[j * n + j];
      }
    }
    for (std::int64_t j = i + 1; j < n; ++j) l[i * n + j] = 0;
  }
}

template <class T>
void solve_one(const T* l, std::int64_t n, std::int64_t m, bool transposed, T* x) {
  for (std::int64_t step = 0; step < n; ++step) {
    const std::int64_t i = transposed ? n - 1 - step : step;
    const std::int64_t first = transposed ? i + 1 : 0, last = transposed ? n : i;
    for (std::int64_t k = first; k < last; ++k) {
      const T f = transposed ? l[k * n + i] : l[i * n + k];
      for (std::int64_t j = 0; j < m; ++j) x[i * m + j] -= f * x[k * m + j];
    }
    for (std::int64_t j = 0; j < m; ++j) x[i * m + j] /= l[i * n + i];
  }
}

// Calls f(index of the matrix) over the leading axes of `v`.
template <class F>
void each_matrix(const View& v, F&& f) {
  const std::int64_t count = v.size(0, v.rank - 2);
  for (std::int64_t i = 0; i < count; ++i) f(i);
}

template <class F>
void real(DType t, F&& f) {
  if (t == DType::f32) return f(float{});
  f(double{});
}

}  // namespace

void cholesky(const View& a, const View& l) {
  real(l.dtype, [&](auto t) {
    using T = decltype(t);
    const std::int64_t n = a.extent[a.rank - 1];
    each_matrix(a, [&](std::int64_t i) {
      cholesky_one(a.data<T>() + i * n * n, n, l.data<T>() + i * n * n);
    });
  });
}

void triangular_solve(const View& l, const View& b, bool transposed, const View& x) {
  real(x.dtype, [&](auto t) {
    using T = decltype(t);
    const std::int64_t n = b.extent[b.rank - 2], m = b.extent[b.rank - 1];
    std::copy_n(b.data<T>(), b.size(), x.data<T>());
    each_matrix(b, [&](std::int64_t i) {
      solve_one(l.data<T>() + i * n * n, n, m, transposed, x.data<T>() + i * n * m);
    });
  });
}

void tril(const View& in, double diagonal_factor, const View& out) {
  real(out.dtype, [&](auto t) {
    using T = decltype(t);
    const std::int64_t n = in.extent[in.rank - 2], m = in.extent[in.rank - 1];
    each_matrix(in, [&](std::int64_t at) {
      const T* p = in.data<T>() + at * n * m;
      T* q = out.data<T>() + at * n * m;
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < m; ++j)
          q[i * m + j] = j < i ? p[i * m + j] : j == i ? T(diagonal_factor) * p[i * m + j] : T(0);
    });
  });
}

void diagonal(const View& in, const View& out) {
  real(out.dtype, [&](auto t) {
    using T = decltype(t);
    const std::int64_t n = in.extent[in.rank - 1];
    each_matrix(in, [&](std::int64_t at) {
      for (std::int64_t i = 0; i < n; ++i)
        out.data<T>()[at * n + i] = in.data<T>()[at * n * n + i * n + i];
    });
  });
}

void diagonal_matrix(const View& in, const View& out) {
  real(out.dtype, [&](auto t) {
    using T = decltype(t);
    const std::int64_t n = out.extent[out.rank - 1];
    each_matrix(out, [&](std::int64_t at) {
      T* q = out.data<T>() + at * n * n;
      std::fill_n(q, n * n, T(0));
      for (std::int64_t i = 0; i < n; ++i) q[i * n + i] = in.data<T>()[at * n + i];
    });
  });
}

}  // namespace fathom::kernels
