#include "fathom/kernels/tilt.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace fathom::kernels {

namespace {

// The a with log a + a v = y: Newton's method on log a, whose function is convex.
double share(double y, double v) {
  double l = y > 1 && v > 0 ? std::min(y, std::log(y / v)) : y;
  for (int i = 0; i < 60; ++i) {
    const double w = v * std::exp(l), step = (l + w - y) / (1 + w);
    l -= step;
    if (std::abs(step) <= 1e-15 * (1 + std::abs(l))) break;
  }
  return std::exp(l);
}

}  // namespace

// At the minimum log a_k + a_k v_k is m_k + v_k / 2 and a number that all k share: the one at which
// the a_k add up to one. Their sum is convex in it, so that Newton's method from the right falls to
// it.
void tilt(std::int64_t count, const double* m, const double* v, double* a) {
  double shared = std::numeric_limits<double>::infinity();
  for (std::int64_t k = 0; k < count; ++k) shared = std::min(shared, v[k] / 2 - m[k]);
  for (int i = 0; i < 100; ++i) {
    double total = 0, slope = 0;
    for (std::int64_t k = 0; k < count; ++k) {
      a[k] = share(m[k] + v[k] / 2 + shared, v[k]);
      total += a[k];
      slope += a[k] / (1 + a[k] * v[k]);
    }
    const double step = (total - 1) / slope;
    if (!(step > 1e-15 * (1 + std::abs(shared)))) break;
    shared -= step;
  }
}

void tilt(const View& mean, const View& variance, const View& out) {
  const std::int64_t k = out.extent[out.rank - 1], rows = k > 0 ? out.size() / k : 0;
  if (out.dtype == DType::f64) {
    for (std::int64_t i = 0; i < rows; ++i)
      tilt(k, mean.data<double>() + i * k, variance.data<double>() + i * k,
           out.data<double>() + i * k);
    return;
  }
  std::vector<double> row(std::size_t(3 * k));
  double *m = row.data(), *v = m + k, *a = v + k;
  for (std::int64_t i = 0; i < rows; ++i) {
    std::copy_n(mean.data<float>() + i * k, k, m);
    std::copy_n(variance.data<float>() + i * k, k, v);
    tilt(k, m, v, a);
    for (std::int64_t j = 0; j < k; ++j) out.data<float>()[i * k + j] = float(a[j]);
  }
}

}  // namespace fathom::kernels
