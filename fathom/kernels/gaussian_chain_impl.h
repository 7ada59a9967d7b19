// Included once by each gaussian_chain_<isa>.cpp, after FATHOM_ISA is defined. Sizes that are
// template arguments are known when it is compiled, so that loops over them are unrolled; 0: not.
#include "fathom/kernels/gaussian_chain.h"

namespace fathom::wide::FATHOM_ISA {

static constexpr double kHalfLog2Pi = 0.91893853320467274178;

// c [rows, columns] += a b, a [rows, inner].
template <int kRows, int kInner, int kColumns>
[[gnu::always_inline]] static inline void add_product(std::int64_t rows, std::int64_t inner,
                                                      std::int64_t columns,
                                                      const double* __restrict a,
                                                      const double* __restrict b,
                                                      double* __restrict c) {
  const std::int64_t m = kRows ? kRows : rows, k = kInner ? kInner : inner,
                     n = kColumns ? kColumns : columns;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t x = 0; x < k; ++x) {
      const double f = a[i * k + x];
      for (std::int64_t j = 0; j < n; ++j) c[i * n + j] += f * b[x * n + j];
    }
}

// c [rows, columns] += sign a' b, a [inner, rows].
template <int kRows, int kInner, int kColumns>
[[gnu::always_inline]] static inline void add_inner(std::int64_t rows, std::int64_t inner,
                                                    std::int64_t columns, double sign,
                                                    const double* __restrict a,
                                                    const double* __restrict b,
                                                    double* __restrict c) {
  const std::int64_t m = kRows ? kRows : rows, k = kInner ? kInner : inner,
                     n = kColumns ? kColumns : columns;
  for (std::int64_t x = 0; x < k; ++x)
    for (std::int64_t i = 0; i < m; ++i) {
      const double f = sign * a[x * m + i];
      for (std::int64_t j = 0; j < n; ++j) c[i * n + j] += f * b[x * n + j];
    }
}

[[gnu::always_inline]] static inline void set(std::int64_t count, double* to, double value) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = value;
}
[[gnu::always_inline]] static inline void copy(std::int64_t count, const double* __restrict from,
                                               double* __restrict to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = from[i];
}

// The precision whose half, negative, is `half`; added to `to` [n, n].
template <int kSize>
[[gnu::always_inline]] static inline void add_precision(std::int64_t size,
                                                        const double* __restrict half,
                                                        double* __restrict to) {
  const std::int64_t n = kSize ? kSize : size;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) to[i * n + j] -= half[i * n + j] + half[j * n + i];
}

// a = L L' becomes L^-1, zeros above; *log_root: -log |L|. False where it is not positive definite.
template <int kSize>
[[gnu::always_inline]] static inline bool factor(std::int64_t size, double* __restrict a,
                                                 double* __restrict inverse, double* log_root) {
  const std::int64_t n = kSize ? kSize : size;
  double product = 1, logs = 0;
  for (std::int64_t j = 0; j < n; ++j) {
    double s = a[j * n + j];
    for (std::int64_t k = 0; k < j; ++k) s -= a[j * n + k] * a[j * n + k];
    if (!(s > 0)) return false;
    const double r = 1 / __builtin_sqrt(s);
    inverse[j] = r;
    product *= r;
    if (j % 4 == 3) {
      logs += __builtin_log(product);
      product = 1;
    }
    for (std::int64_t i = j + 1; i < n; ++i) {
      double v = a[i * n + j];
      for (std::int64_t k = 0; k < j; ++k) v -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = v * r;
    }
  }
  *log_root = n % 4 == 0 ? logs : logs + __builtin_log(product);
  for (std::int64_t i = 0; i < n; ++i) {
    const double r = inverse[i];
    for (std::int64_t j = 0; j < i; ++j) {
      double v = 0;
      for (std::int64_t k = j; k < i; ++k) v -= a[i * n + k] * a[k * n + j];
      // Rows above hold the inverse already; this one still holds L.
      inverse[n + j] = v * r;
    }
    for (std::int64_t j = 0; j < i; ++j) a[i * n + j] = inverse[n + j];
    a[i * n + i] = r;
    for (std::int64_t j = i + 1; j < n; ++j) a[i * n + j] = 0;
  }
  return true;
}

// The last state, of which lam and xi say all that is left: its mean and covariance.
template <int kSize>
[[gnu::always_inline]] static inline bool finish(std::int64_t size, double* lam, const double* xi,
                                                 double* spare, double* log_norm, double* mean,
                                                 double* covariance) {
  const std::int64_t n = kSize ? kSize : size;
  double root = 0, square = 0;
  double* u = spare + 2 * n;
  if (!factor<kSize>(n, lam, spare, &root)) return false;
  set(n, u, 0);
  add_product<kSize, kSize, 1>(n, n, 1, lam, xi, u);
  for (std::int64_t i = 0; i < n; ++i) square += u[i] * u[i];
  *log_norm += double(n) * kHalfLog2Pi + root + 0.5 * square;
  set(n, mean, 0);
  add_inner<1, kSize, kSize>(1, n, n, 1, u, lam, mean);
  set(n * n, covariance, 0);
  add_inner<kSize, kSize, kSize>(n, n, n, 1, lam, lam, covariance);
  return true;
}

template <int kSize>
static bool linked_of(const kernels::LinkedGaussians& c, std::int64_t first, std::int64_t last,
                      double* room) {
  const std::int64_t n = kSize ? kSize : c.size, nn = n * n;
  double *lam = room, *xi = lam + nn, *s = xi + n, *shift = s + nn, *turned = shift + n,
         *y = turned + nn, *u = y + nn, *back = u + n, *spare = back + nn;
  const auto turn = [&](const double* g) {
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) turned[j * n + i] = g[i * n + j];
  };
  turn(c.link.at);
  set(nn, lam, 0);
  add_precision<kSize>(n, c.half.of(first), lam);
  copy(n, c.linear.of(first), xi);
  c.log_norm[first] = 0;
  for (std::int64_t t = first + 1; t < last; ++t) {
    copy(nn, lam, s);
    add_precision<kSize>(n, c.half_before.of(t), s);
    const double* pull = c.linear_before.of(t);
    for (std::int64_t i = 0; i < n; ++i) shift[i] = xi[i] + pull[i];
    double root = 0, square = 0;
    if (!factor<kSize>(n, s, spare, &root)) return false;
    set(n, u, 0);
    add_product<kSize, kSize, 1>(n, n, 1, s, shift, u);
    if (c.link.step != 0) turn(c.link.of(t));
    set(nn, y, 0);
    add_product<kSize, kSize, kSize>(n, n, n, s, turned, y);
    for (std::int64_t i = 0; i < n; ++i) square += u[i] * u[i];
    c.log_norm[t] = double(n) * kHalfLog2Pi + root + 0.5 * square;
    // Given x_t, the one before is back' x_t + s' u, with covariance s' s.
    double *to = c.cross + t * nn, *mean = c.mean + (t - 1) * n,
           *spread = c.covariance + (t - 1) * nn;
    set(nn, to, 0);
    add_inner<kSize, kSize, kSize>(n, n, n, 1, y, s, to);
    set(n, mean, 0);
    add_inner<1, kSize, kSize>(1, n, n, 1, u, s, mean);
    set(nn, spread, 0);
    add_inner<kSize, kSize, kSize>(n, n, n, 1, s, s, spread);
    set(nn, lam, 0);
    add_precision<kSize>(n, c.half.of(t), lam);
    add_inner<kSize, kSize, kSize>(n, n, n, -1, y, y, lam);
    copy(n, c.linear.of(t), xi);
    add_inner<1, kSize, kSize>(1, n, n, 1, u, y, xi);
  }
  if (!finish<kSize>(n, lam, xi, spare, c.log_norm + last - 1, c.mean + (last - 1) * n,
                     c.covariance + (last - 1) * nn))
    return false;
  for (std::int64_t t = last - 1; t > first; --t) {
    double *cross = c.cross + t * nn, *mean = c.mean + (t - 1) * n,
           *spread = c.covariance + (t - 1) * nn;
    copy(nn, cross, back);
    set(nn, cross, 0);
    add_product<kSize, kSize, kSize>(n, n, n, c.covariance + t * nn, back, cross);
    add_inner<kSize, kSize, kSize>(n, n, n, 1, back, cross, spread);
    add_product<1, kSize, kSize>(1, n, n, c.mean + t * n, back, mean);
    if (c.mean_before) copy(n, mean, c.mean_before + t * n);
    if (c.covariance_before) copy(nn, spread, c.covariance_before + t * nn);
  }
  set(nn, c.cross + first * nn, 0);
  if (c.mean_before) set(n, c.mean_before + first * n, 0);
  if (c.covariance_before) set(nn, c.covariance_before + first * nn, 0);
  return true;
}

static bool linked_sequence(const kernels::LinkedGaussians& c, std::int64_t first,
                            std::int64_t last, double* room) {
  switch (c.size) {
    case 1: return linked_of<1>(c, first, last, room);
    case 2: return linked_of<2>(c, first, last, room);
    case 3: return linked_of<3>(c, first, last, room);
    case 4: return linked_of<4>(c, first, last, room);
    default: return linked_of<0>(c, first, last, room);
  }
}

}  // namespace fathom::wide::FATHOM_ISA

#include "fathom/kernels/driven_gaussian_impl.h"

constinit const fathom::kernels::GaussianChainTable fathom::kernels::FATHOM_TABLE = {
    fathom::wide::FATHOM_ISA::linked_sequence, fathom::wide::FATHOM_ISA::driven_sequence<double>,
    fathom::wide::FATHOM_ISA::driven_sequence<float>};
