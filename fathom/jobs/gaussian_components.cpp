#include "fathom/jobs/gaussian_components.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fathom/kernels/gamma_draw.h"
#include "fathom/kernels/linalg.h"
#include "fathom/kernels/rng.h"
#include "fathom/kernels/special.h"

namespace fathom {

namespace {

constexpr double kLogTwoPi = 1.83787706640934548356;

View view_of(const Array& a) {
  return dense_view(const_cast<std::byte*>(a.raw()), a.dtype(), a.shape());
}

const double* natural(const State& s, const std::string& latent, int k) {
  return s.find(fmt::format("{}.natural.{}", latent, k))->data<double>();
}

void read_weights(const State& s, bool points, bool process, double prior_rows,
                  GaussianComponents& c) {
  const double *n0 = natural(s, "weights", 0), *n1 = process ? natural(s, "weights", 1) : nullptr;
  double *w = c.weight.data<double>(), left = 1, total = 0;
  for (std::int64_t k = 0; k < c.count; ++k) {
    c.rows.data<double>()[k] = std::max(0.0, n0[k] - prior_rows);
    const double a = points ? std::max(n0[k], 0.0) : n0[k] + 1;
    if (process) {
      const double b = points ? std::max(n1[k], 0.0) : n1[k] + 1, v = a + b > 0 ? a / (a + b) : 0.5;
      w[k] = left * v;
      left *= 1 - v;
    } else {
      w[k] = a;
    }
    total += w[k];
  }
  for (std::int64_t k = 0; k < c.count; ++k) w[k] = total > 0 ? w[k] / total : 1 / double(c.count);
}

// natural: -(V + b m m') / 2, b m, -b / 2, (nu - d) / 2 (dist/families/normal_wishart.h).
void read_full(const State& s, bool points, GaussianComponents& c) {
  const std::int64_t d = c.width;
  const double *n0 = natural(s, "components", 0), *n1 = natural(s, "components", 1),
               *n2 = natural(s, "components", 2), *n3 = natural(s, "components", 3);
  for (std::int64_t k = 0; k < c.count; ++k) {
    const double b = -2 * n2[k], nu = 2 * n3[k] + double(d);
    const double worth = points ? (n3[k] > 0 ? 2 * n3[k] : 1) : nu;  // covariance = V / worth
    const double dof = points ? 0 : nu + 1 - double(d);
    const double widen = points ? 1 / worth : (1 + b) / (b * dof);
    double *m = c.mean.data<double>() + k * d, *cov = c.covariance.data<double>() + k * d * d,
           *scale = c.spread.data<double>() + k * d * d;
    c.dof.data<double>()[k] = dof;
    for (std::int64_t j = 0; j < d; ++j) m[j] = n1[k * d + j] / b;
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < d; ++j) {
        const double v = -2 * n0[(k * d + i) * d + j] - b * m[i] * m[j];
        cov[i * d + j] = v / worth;
        scale[i * d + j] = v * widen;
      }
  }
  const Array scales = c.spread.copy();
  kernels::cholesky(view_of(scales), view_of(c.spread));
}

// natural: -(rate + b m^2 / 2), b m, -b / 2, shape - 1/2 (dist/families/normal_gamma.h).
void read_diagonal(const State& s, bool points, GaussianComponents& c) {
  const std::int64_t d = c.width;
  const double *n0 = natural(s, "components", 0), *n1 = natural(s, "components", 1),
               *n2 = natural(s, "components", 2), *n3 = natural(s, "components", 3);
  for (std::int64_t i = 0; i < c.count * d; ++i) {
    const double b = -2 * n2[i], m = n1[i] / b, rate = -n0[i] - b * m * m / 2;
    const double shape = points ? (n3[i] > 0 ? n3[i] : 0.5) : n3[i] + 0.5;
    c.mean.data<double>()[i] = m;
    c.covariance.data<double>()[i * d + i % d] = rate / shape;
    c.dof.data<double>()[i / d] = points ? 0 : 2 * shape;
    c.spread.data<double>()[i] = std::sqrt(rate / shape * (points ? 1 : (1 + b) / b));
  }
}

// log of a Student t of dimension d, or with dof 0 a Gaussian, at squared distance q.
double log_kernel(double q, double dof, double d) {
  return dof > 0 ? -0.5 * (dof + d) * std::log1p(q / dof) : -0.5 * q;
}

double log_constant(double dof, double d) {
  if (!(dof > 0)) return -0.5 * d * kLogTwoPi;
  return double(kernels::lgamma((dof + d) / 2) - kernels::lgamma(dof / 2)) -
         0.5 * d * std::log(dof * std::numbers::pi);
}

}  // namespace

GaussianComponents components_of(const State& state, Covariance kind, bool points, bool process,
                                 double prior_rows) {
  const Shape means = state.find("components.natural.1")->shape();
  GaussianComponents c;
  c.count = means.extent(0);
  c.width = means.extent(1);
  c.kind = kind;
  for (Array* a : {&c.weight, &c.rows, &c.dof}) *a = Array(DType::f64, Shape{c.count});
  c.mean = Array(DType::f64, Shape{c.count, c.width});
  c.covariance = Array(DType::f64, Shape{c.count, c.width, c.width});
  c.spread = kind == Covariance::full ? c.covariance.copy() : c.mean.copy();
  read_weights(state, points, process, prior_rows, c);
  kind == Covariance::full ? read_full(state, points, c) : read_diagonal(state, points, c);
  return c;
}

Array GaussianComponents::log_joint(const Array& x, Workers& workers) const {
  const std::int64_t n = x.shape().extent(0), d = width, block = 256;
  Array out(DType::f64, Shape{n, count});
  const bool full = kind == Covariance::full;
  // Inverses of the spreads: distances are then products with rows.
  Array inverse(DType::f64, spread.shape());
  if (full) {
    Array identity(DType::f64, spread.shape());
    for (std::int64_t i = 0; i < count * d; ++i) identity.data<double>()[i * d + i % d] = 1;
    kernels::triangular_solve(view_of(spread), view_of(identity), false, view_of(inverse));
  }
  std::vector<double> constant(std::size_t(count), 0);
  for (std::int64_t k = 0; k < count; ++k) {
    const double nu = dof.data<double>()[k];
    double c = std::log(weight.data<double>()[k]) +
               (full ? log_constant(nu, double(d)) : double(d) * log_constant(nu, 1));
    for (std::int64_t j = 0; j < d; ++j)
      c -= std::log(spread.data<double>()[full ? (k * d + j) * d + j : k * d + j]);
    constant[std::size_t(k)] = c;
  }
  workers.each(std::size_t((n + block - 1) / block), [&](std::size_t b, int) {
    const std::int64_t first = std::int64_t(b) * block, rows_here = std::min(block, n - first);
    std::vector<double> centred(std::size_t(rows_here * d)), scaled(full ? centred.size() : 0);
    const double* from = x.data<double>() + first * d;
    for (std::int64_t k = 0; k < count; ++k) {
      const double *m = mean.data<double>() + k * d, nu = dof.data<double>()[k];
      for (std::int64_t i = 0; i < rows_here * d; ++i) centred[std::size_t(i)] = from[i] - m[i % d];
      if (full)
        kernels::gemm(false, true, rows_here, d, d, centred.data(), d,
                      inverse.data<double>() + k * d * d, d, scaled.data(), d, false);
      for (std::int64_t i = 0; i < rows_here; ++i) {
        double s = constant[std::size_t(k)], q = 0;
        for (std::int64_t j = 0; j < d; ++j) {
          const double e = full
                               ? scaled[std::size_t(i * d + j)]
                               : centred[std::size_t(i * d + j)] / spread.data<double>()[k * d + j];
          if (full) {
            q += e * e;
          } else {
            s += log_kernel(e * e, nu, 1);
          }
        }
        if (full) s += log_kernel(q, nu, double(d));
        out.data<double>()[(first + i) * count + k] = s;
      }
    }
  });
  return out;
}

Array GaussianComponents::sample(std::int64_t n, Key key) const {
  const std::int64_t d = width;
  Array out(DType::f64, Shape{n, d}), which(DType::f64, Shape{n}), z(DType::f64, Shape{n, d});
  kernels::fill_uniform(fold(key, 0), nullptr, 0, n, 1, which.data<double>());
  kernels::fill_normal(fold(key, 1), nullptr, 0, n, d, z.data<double>());
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t k = 0;
    for (double u = which.data<double>()[i]; k < count - 1; ++k)
      if ((u -= weight.data<double>()[k]) < 0) break;
    const double nu = dof.data<double>()[k];
    double stretch = 1;
    for (std::int64_t j = 0; j < d; ++j) {
      double e = 0;
      if (kind == Covariance::full) {
        for (std::int64_t l = 0; l <= j; ++l)
          e += spread.data<double>()[(k * d + j) * d + l] * z.data<double>()[i * d + l];
      } else {
        e = spread.data<double>()[k * d + j] * z.data<double>()[i * d + j];
      }
      // A Student t is a normal over the root of a chi-squared: one for the row, or for each
      // column.
      if (nu > 0 && (j == 0 || kind != Covariance::full))
        stretch =
            std::sqrt(nu / (2 * kernels::gamma_draw(fold(key, std::uint64_t(2 + j)), i, nu / 2)));
      out.data<double>()[i * d + j] = mean.data<double>()[k * d + j] + e * stretch;
    }
  }
  return out;
}

}  // namespace fathom
