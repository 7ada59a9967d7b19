#include "fathom/jobs/table_moments.h"

#include <algorithm>
#include <cmath>

#include "fathom/jobs/row_blocks.h"
#include "fathom/kernels/linalg.h"

namespace fathom {

namespace {

// Fixed by shape: the same sums for any workers.
constexpr std::int64_t kGroups = 16, kBlockRows = 512;

// Calls body(group, first, past) for groups of rows.
template <class F>
void for_groups(std::int64_t n, Workers& workers, F&& body) {
  const std::int64_t groups = std::min(kGroups, (n + kBlockRows - 1) / kBlockRows);
  workers.each(std::size_t(groups), [&](std::size_t g, int) {
    body(std::int64_t(g), std::int64_t(g) * n / groups, (std::int64_t(g) + 1) * n / groups);
  });
}

// Calls body(values, count) for blocks of rows first .. past, which may be made for it.
template <class F>
void for_blocks(const Array& rows, std::int64_t first, std::int64_t past, F&& body) {
  for (std::int64_t at = first; at < past; at += kBlockRows) {
    const std::int64_t count = std::min(kBlockRows, past - at);
    const Array block = rows.part(at, count).made();
    body(block.data<double>(), count);
  }
}

// sum_n (x_n - mean)(x_n - mean)' over rows first .. past, onto `out`.
void add_scatter(const Array& rows, const double* mean, std::int64_t first, std::int64_t past,
                 std::int64_t d, double* out) {
  std::vector<double> centred(std::size_t(std::min(kBlockRows, past - first) * d));
  for_blocks(rows, first, past, [&](const double* x, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t j = 0; j < d; ++j) centred[std::size_t(i * d + j)] = x[i * d + j] - mean[j];
    kernels::gemm(true, false, d, d, count, centred.data(), d, centred.data(), d, out, d, true);
  });
}

}  // namespace

double TableMoments::sd(std::int64_t j) const { return std::sqrt(at(j, j)); }

TableMoments moments_of(const Array& rows, Workers& workers) {
  const std::int64_t n = rows.shape().extent(0), d = rows.size() / n;
  TableMoments m{n, Array(DType::f64, Shape{d}), Array(DType::f64, Shape{d, d})};
  Array sums(DType::f64, Shape{kGroups, d}), scatters(DType::f64, Shape{kGroups, d, d});
  for_groups(n, workers, [&](std::int64_t g, std::int64_t first, std::int64_t past) {
    double* s = sums.data<double>() + g * d;
    for_blocks(rows, first, past, [&](const double* x, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t j = 0; j < d; ++j) s[j] += x[i * d + j];
    });
  });
  double *mean = m.mean.data<double>(), *covariance = m.covariance.data<double>();
  for (std::int64_t i = 0; i < sums.size(); ++i) mean[i % d] += sums.data<double>()[i] / double(n);
  if (n < 2) return m;
  for_groups(n, workers, [&](std::int64_t g, std::int64_t first, std::int64_t past) {
    add_scatter(rows, mean, first, past, d, scatters.data<double>() + g * d * d);
  });
  for (std::int64_t i = 0; i < scatters.size(); ++i)
    covariance[i % (d * d)] += scatters.data<double>()[i] / double(n - 1);
  return m;
}

TableMoments moments_of_some(const Array& rows, const Array& weights) {
  const std::int64_t n = rows.shape().extent(0), d = rows.size() / n;
  const double* w = weights.size() > 0 ? weights.data<double>() : nullptr;
  TableMoments m{0, Array(DType::f64, Shape{d}), Array(DType::f64, Shape{d, d})};
  double *mean = m.mean.data<double>(), *covariance = m.covariance.data<double>();
  std::vector<double> seen(std::size_t(d), 0);  // weight of the cells of each column
  each_row(rows, [&](std::int64_t i, const double* x) {
    const double count = w ? w[i] : 1;
    m.rows += count > 0;
    for (std::int64_t j = 0; j < d; ++j) {
      if (std::isnan(x[j])) continue;
      seen[std::size_t(j)] += count;
      mean[j] += count * x[j];
    }
  });
  for (std::int64_t j = 0; j < d; ++j) mean[j] /= seen[std::size_t(j)];
  std::vector<double> centred(std::size_t(std::min(kBlockRows, n) * d));
  std::int64_t at = 0;
  for_blocks(rows, 0, n, [&](const double* x, std::int64_t here) {
    for (std::int64_t i = 0; i < here; ++i)
      for (std::int64_t j = 0; j < d; ++j) {
        const double v = x[i * d + j] - mean[j];
        centred[std::size_t(i * d + j)] = std::isnan(v) ? 0 : v * (w ? std::sqrt(w[at + i]) : 1.0);
      }
    kernels::gemm(true, false, d, d, here, centred.data(), d, centred.data(), d, covariance, d,
                  true);
    at += here;
  });
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t j = 0; j < d; ++j) {
      const double a = seen[std::size_t(i)], b = seen[std::size_t(j)];
      covariance[i * d + j] /= std::sqrt(std::max(a - 1, a / 2) * std::max(b - 1, b / 2));
    }
  return m;
}

TableMoments transformed(const TableMoments& m, const std::vector<double>& shift,
                         const std::vector<double>& scale) {
  const std::int64_t d = m.width();
  TableMoments out{m.rows, m.mean.copy(), m.covariance.copy()};
  for (std::int64_t i = 0; i < d; ++i) {
    const auto a = std::size_t(i);
    out.mean.data<double>()[i] = (m.at(i) - shift[a]) / scale[a];
    for (std::int64_t j = 0; j < d; ++j)
      out.covariance.data<double>()[i * d + j] /= scale[a] * scale[std::size_t(j)];
  }
  return out;
}

std::int64_t dependent_column(const TableMoments& m) {
  const std::int64_t d = m.width();
  std::vector<double> l(std::size_t(d * d), 0);  // of the correlation matrix, row by row
  const auto at = [&](std::int64_t i, std::int64_t j) -> double& {
    return l[std::size_t(i * d + j)];
  };
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t j = 0; j <= i; ++j) {
      double s = m.at(i, j) / (m.sd(i) * m.sd(j));
      for (std::int64_t k = 0; k < j; ++k) s -= at(i, k) * at(j, k);
      if (j < i) {
        at(i, j) = s / at(j, j);
      } else if (!(s > 1e-10)) {
        return i;
      } else {
        at(i, i) = std::sqrt(s);
      }
    }
  return -1;
}

Directions principal_directions(const TableMoments& m) {
  const std::int64_t d = m.width();
  std::vector<double> c(std::size_t(d * d)), v(static_cast<std::size_t>(d)), next(v.size());
  for (std::int64_t i = 0; i < d * d; ++i)
    c[std::size_t(i)] = m.at(i / d, i % d) / (m.sd(i / d) * m.sd(i % d));
  Directions out;
  out.axes = Array(DType::f64, Shape{2, d});
  for (int axis = 0; axis < 2; ++axis) {  // power iteration, then the direction is taken off
    for (std::int64_t j = 0; j < d; ++j) v[std::size_t(j)] = 1 + 0.1 * double(j % (axis + 2));
    double value = 0;
    for (int round = 0; round < 300; ++round) {
      double norm = 0;
      for (std::int64_t i = 0; i < d; ++i) {
        double s = 0;
        for (std::int64_t j = 0; j < d; ++j) s += c[std::size_t(i * d + j)] * v[std::size_t(j)];
        next[std::size_t(i)] = s;
        norm += s * s;
      }
      norm = std::sqrt(norm);
      if (!(norm > 1e-300)) break;
      for (std::size_t i = 0; i < v.size(); ++i) v[i] = next[i] / norm;
      const bool still = std::abs(norm - value) < 1e-9 * norm;
      value = norm;
      if (still) break;
    }
    // The largest element is positive: the sign of a direction says nothing.
    const auto top = std::max_element(v.begin(), v.end(),
                                      [](double a, double b) { return std::abs(a) < std::abs(b); });
    const double sign = *top < 0 ? -1 : 1;
    for (std::int64_t j = 0; j < d; ++j)
      out.axes.data<double>()[axis * d + j] = sign * v[std::size_t(j)];
    for (std::int64_t i = 0; i < d * d; ++i)
      c[std::size_t(i)] -= value * v[std::size_t(i / d)] * v[std::size_t(i % d)];
    out.part[axis] = value / double(d);
  }
  return out;
}

}  // namespace fathom
