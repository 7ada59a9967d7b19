#include "fathom/jobs/gaussian_components.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "fathom/base/constants.h"
#include "fathom/kernels/gamma_draw.h"
#include "fathom/kernels/linalg.h"
#include "fathom/kernels/rng.h"
#include "fathom/kernels/special.h"

namespace fathom {

namespace {

View view_of(const Array& a) {
  return dense_view(const_cast<std::byte*>(a.raw()), a.dtype(), a.shape());
}

const double* natural(const State& s, const std::string& latent, int k) {
  return s.find(fmt::format("{}.natural.{}", latent, k))->data<double>();
}

// natural: -(V + sum_k b_k m_k m_k') / 2, b m, -b / 2, (nu + K - d - 1) / 2, where V is that of
// each component, K = 1 (dist/families/normal_wishart.h), or of all (tied_normal_wishart.h).
void read_matrices(const State& s, bool points, GaussianComponents& c) {
  const std::int64_t d = c.width;
  const bool tied = c.kind == Covariance::tied;
  const double *n0 = natural(s, "components", 0), *n1 = natural(s, "components", 1),
               *n2 = natural(s, "components", 2), *n3 = natural(s, "components", 3);
  const auto share = double(tied ? c.count : 1);
  const auto squares = [&](std::int64_t k, std::int64_t i, std::int64_t j) {
    return n1[k * d + i] * n1[k * d + j] / (-2 * n2[k]);
  };
  for (std::int64_t k = 0; k < c.count; ++k) {
    const std::int64_t of = tied ? 0 : k;
    const double b = -2 * n2[k], nu = 2 * n3[of] + double(d) + 1 - share;
    const double worth = points ? (n3[of] > 0 ? 2 * n3[of] : 1) : nu;  // covariance = V / worth
    const double dof = points ? 0 : nu + 1 - double(d);
    const double widen = points ? 1 / worth : (1 + b) / (b * dof);
    double *cov = c.covariance.data<double>() + k * d * d,
           *scale = c.spread.data<double>() + k * d * d;
    c.dof.data<double>()[k] = dof;
    for (std::int64_t j = 0; j < d; ++j) c.mean.data<double>()[k * d + j] = n1[k * d + j] / b;
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < d; ++j) {
        double v = -2 * n0[(of * d + i) * d + j];
        for (std::int64_t l = tied ? 0 : k; l < (tied ? c.count : k + 1); ++l)
          v -= squares(l, i, j);
        cov[i * d + j] = v / worth;
        scale[i * d + j] = v * widen;
      }
  }
  const Array scales = c.spread.copy();
  kernels::cholesky(view_of(scales), view_of(c.spread));
}

// natural: -(rate + sum_j b_j m_j^2 / 2), b m, -b / 2, shape + d / 2 - 1
// (dist/families/spherical_normal_gamma.h).
void read_spherical(const State& s, bool points, GaussianComponents& c) {
  const std::int64_t d = c.width;
  const double *n0 = natural(s, "components", 0), *n1 = natural(s, "components", 1),
               *n2 = natural(s, "components", 2), *n3 = natural(s, "components", 3);
  for (std::int64_t k = 0; k < c.count; ++k) {
    double rate = -n0[k];
    for (std::int64_t j = k * d; j < (k + 1) * d; ++j) {
      c.mean.data<double>()[j] = n1[j] / (-2 * n2[j]);
      rate -= n1[j] * c.mean.data<double>()[j] / 2;
    }
    const double shape = points ? (n3[k] > 0 ? n3[k] : 0.5) : n3[k] + 1 - double(d) / 2;
    c.dof.data<double>()[k] = points ? 0 : 2 * shape;
    for (std::int64_t j = 0; j < d; ++j) {
      const double b = -2 * n2[k * d + j];
      c.covariance.data<double>()[(k * d + j) * d + j] = rate / shape;
      c.spread.data<double>()[(k * d + j) * d + j] =
          std::sqrt(rate / shape * (points ? 1 : (1 + b) / b));
    }
  }
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

double log_student(double q, double dof, double d) {
  return log_constant(dof, d) + log_kernel(q, dof, d);
}

void GaussianComponents::factorise() {
  spread = covariance.copy();
  kernels::cholesky(view_of(covariance), view_of(spread));
}

GaussianComponents components_of(const State& state, Covariance kind,
                                 const MixtureSettings& settings) {
  return components_of(state, kind, settings.points(), component_weights(state, settings));
}

double weak_dof(Covariance kind, std::int64_t width, bool mode) {
  const bool matrix = kind == Covariance::full || kind == Covariance::tied;
  return double(matrix ? width : 2) + (mode ? 2 : 0);
}

GaussianComponents components_of(const State& state, Covariance kind, bool points,
                                 const ComponentWeights& w) {
  const Shape means = state.find("components.natural.1")->shape();
  GaussianComponents c;
  c.count = means.extent(0);
  c.width = means.extent(1);
  c.kind = kind;
  c.weight = w.weight;
  c.rows = w.rows;
  c.dof = Array(DType::f64, Shape{c.count});
  c.mean = Array(DType::f64, Shape{c.count, c.width});
  c.covariance = Array(DType::f64, Shape{c.count, c.width, c.width});
  c.spread = c.joint() ? c.covariance.copy() : c.mean.copy();
  switch (kind) {
    case Covariance::full:
    case Covariance::tied: read_matrices(state, points, c); break;
    case Covariance::diagonal: read_diagonal(state, points, c); break;
    case Covariance::spherical: read_spherical(state, points, c); break;
  }
  return c;
}

namespace {

// A component's density of the cells `seen` of a row, others integrated over: of the same family,
// with the rows and columns of the scale matrix that are seen.
class Marginal {
 public:
  Marginal(const GaussianComponents& c, std::int64_t k, std::vector<std::int64_t> seen)
      : seen_(std::move(seen)),
        size_(std::int64_t(seen_.size())),
        full_(c.joint()),
        dof_(c.dof.data<double>()[k]),
        mean_(c.mean.data<double>() + k * c.width),
        factor_(std::size_t(size_ * size_), 0) {
    const std::int64_t d = c.width;
    const double* spread = c.spread.data<double>() + (full_ ? k * d * d : k * d);
    constant_ = std::log(c.weight.data<double>()[k]) +
                (full_ ? log_constant(dof_, double(size_)) : double(size_) * log_constant(dof_, 1));
    for (std::int64_t i = 0; i < size_; ++i) {
      const std::int64_t a = seen_[std::size_t(i)];
      if (full_) {
        for (std::int64_t j = 0; j <= i; ++j) {
          const std::int64_t b = seen_[std::size_t(j)];
          double s = 0;
          for (std::int64_t l = 0; l <= b; ++l) s += spread[a * d + l] * spread[b * d + l];
          for (std::int64_t l = 0; l < j; ++l) s -= at(i, l) * at(j, l);
          at(i, j) = i == j ? std::sqrt(s) : s / at(j, j);
        }
      } else {
        at(i, i) = spread[a];
      }
      constant_ -= std::log(at(i, i));
    }
  }
  double log_joint(const double* row) const {
    std::vector<double> e(seen_.size());
    double s = constant_, q = 0;
    for (std::int64_t i = 0; i < size_; ++i) {
      const std::int64_t a = seen_[std::size_t(i)];
      double v = row[a] - mean_[a];
      for (std::int64_t l = 0; full_ && l < i; ++l)
        v -= factor_[std::size_t(i * size_ + l)] * e[std::size_t(l)];
      e[std::size_t(i)] = v /= factor_[std::size_t(i * size_ + i)];
      q += v * v;
      if (!full_) s += log_kernel(v * v, dof_, 1);
    }
    return full_ ? s + log_kernel(q, dof_, double(size_)) : s;
  }

 private:
  double& at(std::int64_t i, std::int64_t j) { return factor_[std::size_t(i * size_ + j)]; }

  std::vector<std::int64_t> seen_;
  std::int64_t size_;
  bool full_;
  double dof_, constant_ = 0;
  const double* mean_;
  std::vector<double> factor_;  // lower, of the scale matrix of what is seen
};

// Rows first .. past that lack cells: their densities into `out`. One factorisation serves all rows
// that lack the same cells.
void rows_with_gaps(const GaussianComponents& c, const double* x, std::int64_t first,
                    std::int64_t past, double* out) {
  std::map<std::vector<std::int64_t>, std::vector<std::int64_t>> patterns;
  for (std::int64_t i = first; i < past; ++i) {
    std::vector<std::int64_t> seen;
    for (std::int64_t j = 0; j < c.width; ++j)
      if (!std::isnan(x[i * c.width + j])) seen.push_back(j);
    if (std::int64_t(seen.size()) < c.width) patterns[std::move(seen)].push_back(i);
  }
  for (const auto& [seen, rows] : patterns)
    for (std::int64_t k = 0; k < c.count; ++k) {
      const Marginal m(c, k, seen);
      for (const std::int64_t i : rows) out[i * c.count + k] = m.log_joint(x + i * c.width);
    }
}

}  // namespace

Array GaussianComponents::log_joint(const Array& x, Workers& workers) const {
  const std::int64_t n = x.shape().extent(0), d = width, block = 256;
  Array out(DType::f64, Shape{n, count});
  const bool full = joint();
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
    rows_with_gaps(*this, x.data<double>(), first, first + rows_here, out.data<double>());
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
      if (joint()) {
        for (std::int64_t l = 0; l <= j; ++l)
          e += spread.data<double>()[(k * d + j) * d + l] * z.data<double>()[i * d + l];
      } else {
        e = spread.data<double>()[k * d + j] * z.data<double>()[i * d + j];
      }
      // A Student t is a normal over the root of a chi-squared: one for the row, or for each
      // column.
      if (nu > 0 && (j == 0 || !joint()))
        stretch =
            std::sqrt(nu / (2 * kernels::gamma_draw(fold(key, std::uint64_t(2 + j)), i, nu / 2)));
      out.data<double>()[i * d + j] = mean.data<double>()[k * d + j] + e * stretch;
    }
  }
  return out;
}

}  // namespace fathom
