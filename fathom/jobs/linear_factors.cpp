#include "fathom/jobs/linear_factors.h"

#include <cmath>
#include <eigen3/Eigen/Cholesky>
#include <eigen3/Eigen/Eigenvalues>
#include <map>
#include <numeric>

#include "fathom/base/constants.h"
#include "fathom/kernels/rng.h"

namespace fathom {

namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<const Rows> matrix(const Array& a, std::int64_t rows, std::int64_t columns) {
  return {a.data<double>(), rows, columns};
}
Eigen::Map<const Vector> vector(const Array& a) { return {a.data<double>(), a.size()}; }

const Array& natural(const State& s, const std::string& latent, int k) {
  return *s.find(fmt::format("{}.natural.{}", latent, k));
}

// The matrix [latent, latent] of a column.
Eigen::Map<const Rows> covariance_of(const LinearFactors& f, std::int64_t column) {
  return {f.loadings_covariance.data<double>() + column * f.latent * f.latent, f.latent, f.latent};
}

// Parameters at one place: a draw of them, or their expectations.
struct Parameters {
  Matrix w;       // [width, latent]
  Matrix second;  // [latent^2, width]: E w w' of each column
  Vector mean, precision;
};

Parameters expected(const LinearFactors& f) {
  Parameters p{matrix(f.loadings, f.width, f.latent), Matrix(f.latent * f.latent, f.width),
               vector(f.mean), vector(f.noise)};
  for (std::int64_t d = 0; d < f.width; ++d) {
    const Matrix e = p.w.row(d).transpose() * p.w.row(d) + covariance_of(f, d);
    p.second.col(d) = Eigen::Map<const Vector>(e.data(), e.size());
  }
  return p;
}

double noise_draw(const LinearFactors& f, std::int64_t column, Key key, std::int64_t draw) {
  const double shape = f.noise_shape.data<double>()[column], mean = f.noise.data<double>()[column];
  return shape > 0 ? kernels::gamma_draw(key, draw, shape) * mean / shape : mean;
}

// Cholesky factors of the loadings' covariances, for draws.
std::vector<Matrix> spreads(const LinearFactors& f) {
  std::vector<Matrix> out;
  for (std::int64_t d = 0; d < f.width; ++d)
    out.push_back(Eigen::LLT<Matrix>(Matrix(covariance_of(f, d))).matrixL());
  return out;
}

Parameters drawn(const LinearFactors& f, const std::vector<Matrix>& spread, Key key,
                 std::int64_t draw) {
  const std::int64_t d = f.width, q = f.latent;
  if (f.points) return expected(f);
  Parameters p{Matrix(d, q), Matrix(q * q, d), Vector(d), Vector(d)};
  std::vector<double> e(std::size_t(d * (q + 1)));
  kernels::fill_normal(fold(key, 0), nullptr, draw, 1, d * (q + 1), e.data());
  const double shared = f.shared_noise ? noise_draw(f, 0, fold(key, 1), draw) : 0;
  for (std::int64_t j = 0; j < d; ++j) {
    const Eigen::Map<const Vector> own(e.data() + j * (q + 1), q);
    p.w.row(j) = matrix(f.loadings, d, q).row(j) + (spread[std::size_t(j)] * own).transpose();
    const Matrix square = p.w.row(j).transpose() * p.w.row(j);
    p.second.col(j) = Eigen::Map<const Vector>(square.data(), square.size());
    p.mean[j] = f.mean.data<double>()[j] +
                std::sqrt(f.mean_variance.data<double>()[j]) * e[std::size_t(j * (q + 1) + q)];
    p.precision[j] =
        f.shared_noise ? shared : noise_draw(f, j, fold(key, std::uint64_t(j + 1)), draw);
  }
  return p;
}

// What rows with the same cells missing share.
struct Pattern {
  std::vector<bool> seen;
  Eigen::LLT<Matrix> precision;  // of the scores
  Matrix covariance;
  double constant = 0;  // of log p(x)
};

// Patterns of a place, each worked out when it is first met.
class Patterns {
 public:
  explicit Patterns(const Parameters& place) : place_(place) {}

  const Pattern& of(const double* row) {
    const auto d = std::size_t(place_.mean.size());
    bool same = last_ != nullptr;
    for (std::size_t j = 0; same && j < d; ++j) same = last_->seen[j] == !std::isnan(row[j]);
    if (same) return *last_;
    std::vector<bool> seen(d);
    for (std::size_t j = 0; j < d; ++j) seen[j] = !std::isnan(row[j]);
    const auto [at, fresh] = known_.try_emplace(seen);
    if (fresh) work_out(seen, at->second);
    last_ = &at->second;
    return *last_;
  }

  // sum over seen cells of precision * residual * w.
  Vector pull(const Pattern& p, const double* row) const {
    Vector b = Vector::Zero(place_.w.cols());
    for (Eigen::Index j = 0; j < place_.mean.size(); ++j)
      if (p.seen[std::size_t(j)])
        b += place_.precision[j] * (row[j] - place_.mean[j]) * place_.w.row(j).transpose();
    return b;
  }

  double log_density(const double* row) {
    const Pattern& p = of(row);
    double squares = 0;
    for (Eigen::Index j = 0; j < place_.mean.size(); ++j)
      if (p.seen[std::size_t(j)])
        squares += place_.precision[j] * std::pow(row[j] - place_.mean[j], 2);
    return p.constant - 0.5 * (squares - p.precision.matrixL().solve(pull(p, row)).squaredNorm());
  }

 private:
  void work_out(const std::vector<bool>& seen, Pattern& p) const {
    const Eigen::Index q = place_.w.cols();
    p.seen = seen;
    Vector weight = place_.precision;
    for (Eigen::Index j = 0; j < weight.size(); ++j) {
      if (seen[std::size_t(j)]) {
        p.constant += 0.5 * (std::log(weight[j]) - kLogTwoPi);
      } else {
        weight[j] = 0;
      }
    }
    const Vector flat = place_.second * weight;
    const Matrix precision = Matrix::Identity(q, q) + Eigen::Map<const Matrix>(flat.data(), q, q);
    p.precision.compute(precision);
    p.covariance = p.precision.solve(Matrix::Identity(q, q));
    p.constant -= p.precision.matrixLLT().diagonal().array().log().sum();
  }

  const Parameters& place_;
  std::map<std::vector<bool>, Pattern> known_;
  const Pattern* last_ = nullptr;
};

// Calls body(first row, past) for blocks of rows.
template <class F>
void for_blocks(std::int64_t n, Workers& workers, F&& body) {
  constexpr std::int64_t kBlock = 1024;
  workers.each(std::size_t((n + kBlock - 1) / kBlock), [&](std::size_t b, int) {
    body(std::int64_t(b) * kBlock, std::min(std::int64_t(b + 1) * kBlock, n));
  });
}

// The axes that the header speaks of, as columns.
Matrix principal_axes(const LinearFactors& f) {
  const Matrix w = matrix(f.loadings, f.width, f.latent);
  Matrix axes = Matrix::Zero(f.latent, f.latent);
  if (f.relevance.empty()) {
    const Eigen::SelfAdjointEigenSolver<Matrix> e(w.transpose() * vector(f.noise).asDiagonal() * w);
    axes = e.eigenvectors().rowwise().reverse();
  } else {
    std::vector<Eigen::Index> order(std::size_t(f.latent));
    std::iota(order.begin(), order.end(), 0);
    const Vector size = w.colwise().squaredNorm();
    std::stable_sort(order.begin(), order.end(),
                     [&](Eigen::Index a, Eigen::Index b) { return size[a] > size[b]; });
    for (std::size_t j = 0; j < order.size(); ++j) axes(order[j], Eigen::Index(j)) = 1;
  }
  const Matrix turned = w * axes;
  for (Eigen::Index j = 0; j < axes.cols(); ++j) {
    Eigen::Index top = 0;
    turned.col(j).cwiseAbs().maxCoeff(&top);
    if (turned(top, j) < 0) axes.col(j) *= -1;
  }
  return axes;
}

void turn(LinearFactors& f) {
  const Matrix axes = principal_axes(f);
  const std::int64_t q = f.latent;
  Eigen::Map<Rows> w(f.loadings.data<double>(), f.width, q);
  w = (w * axes).eval();
  for (std::int64_t d = 0; d < f.width; ++d) {
    Eigen::Map<Rows> v(f.loadings_covariance.data<double>() + d * q * q, q, q);
    v = (axes.transpose() * v * axes).eval();
  }
  if (!f.relevance.empty()) {
    Eigen::Map<Vector> alpha(f.relevance.data<double>(), q);
    alpha = (axes.cwiseAbs().transpose() * alpha).eval();
  }
}

}  // namespace

double expected_inverse(double mean, double shape) {
  return shape > 1 ? shape / (shape - 1) / mean : 1 / mean;
}

double LinearFactors::noise_variance(std::int64_t d) const {
  return expected_inverse(noise.data<double>()[d], noise_shape.data<double>()[d]);
}

double LinearFactors::told(std::int64_t j) const {
  double s = 0;
  for (std::int64_t d = 0; d < width; ++d)
    s += noise.data<double>()[d] * std::pow(loadings.data<double>()[d * latent + j], 2);
  return s / (1 + s);
}

std::int64_t LinearFactors::active() const {
  std::int64_t count = 0;
  for (std::int64_t j = 0; j < latent; ++j) count += told(j) >= kTold;
  return count;
}

double LinearFactors::explained(std::int64_t j, const std::vector<double>& units) const {
  double sum = 0;
  for (std::int64_t d = 0; d < width; ++d)
    sum += std::pow(loadings.data<double>()[d * latent + j] / units[std::size_t(d)], 2);
  return sum;
}

double LinearFactors::variance(const std::vector<double>& units) const {
  double sum = 0;
  for (std::int64_t j = 0; j < latent; ++j) sum += explained(j, units);
  for (std::int64_t d = 0; d < width; ++d)
    sum += noise_variance(d) / (units[std::size_t(d)] * units[std::size_t(d)]);
  return sum;
}

FactorScores LinearFactors::scores(const Array& rows, Workers& workers) const {
  const std::int64_t n = rows.shape().extent(0), q = latent;
  const Parameters p = expected(*this);
  FactorScores out{Array(DType::f64, Shape{n, q}), Array(DType::f64, Shape{n, q})};
  for_blocks(n, workers, [&](std::int64_t first, std::int64_t past) {
    Patterns patterns(p);
    for (std::int64_t i = first; i < past; ++i) {
      const double* row = rows.data<double>() + i * width;
      const Pattern& seen = patterns.of(row);
      Eigen::Map<Vector>(out.mean.data<double>() + i * q, q) =
          seen.covariance * patterns.pull(seen, row);
      Eigen::Map<Vector>(out.sd.data<double>() + i * q, q) = seen.covariance.diagonal().cwiseSqrt();
    }
  });
  return out;
}

std::vector<double> LinearFactors::log_density(const Array& rows, Workers& workers) const {
  const std::int64_t n = rows.shape().extent(0), draws = points ? 1 : kDraws;
  const std::vector<Matrix> spread = points ? std::vector<Matrix>() : spreads(*this);
  std::vector<Parameters> places;
  for (std::int64_t s = 0; s < draws; ++s) places.push_back(drawn(*this, spread, Key{1, 23}, s));
  std::vector<double> out(std::size_t(n), 0);
  for_blocks(n, workers, [&](std::int64_t first, std::int64_t past) {
    std::vector<double> top(std::size_t(past - first), -INFINITY), sum(top.size(), 0);
    for (const Parameters& p : places) {
      Patterns patterns(p);
      for (std::int64_t i = first; i < past; ++i) {
        const double v = patterns.log_density(rows.data<double>() + i * width);
        const auto at = std::size_t(i - first);
        if (v > top[at]) {
          sum[at] *= std::exp(top[at] - v);
          top[at] = v;
        }
        sum[at] += std::exp(v - top[at]);
      }
    }
    for (std::size_t at = 0; at < top.size(); ++at)
      out[std::size_t(first) + at] = top[at] + std::log(sum[at] / double(draws));
  });
  return out;
}

FilledRows LinearFactors::fill(const Array& rows, Workers& workers) const {
  const std::int64_t n = rows.shape().extent(0);
  const Parameters p = expected(*this);
  FilledRows out{rows.copy(), Array(DType::f64, Shape{n, width})};
  for_blocks(n, workers, [&](std::int64_t first, std::int64_t past) {
    Patterns patterns(p);
    for (std::int64_t i = first; i < past; ++i) {
      const double* row = rows.data<double>() + i * width;
      const Pattern& seen = patterns.of(row);
      const Vector z = seen.covariance * patterns.pull(seen, row);
      for (std::int64_t d = 0; d < width; ++d) {
        if (seen.seen[std::size_t(d)]) continue;
        out.values.data<double>()[i * width + d] = p.mean[d] + p.w.row(d).dot(z);
        const double own = z.dot(covariance_of(*this, d) * z),
                     score = p.second.col(d).dot(
                         Eigen::Map<const Vector>(seen.covariance.data(), latent * latent));
        out.sd.data<double>()[i * width + d] =
            std::sqrt(own + score + mean_variance.data<double>()[d] + noise_variance(d));
      }
    }
  });
  return out;
}

Array LinearFactors::sample(std::int64_t n, Key key) const {
  Array out(DType::f64, Shape{n, width});
  const std::vector<Matrix> spread = points ? std::vector<Matrix>() : spreads(*this);
  const Parameters known = points ? expected(*this) : Parameters{};
  std::vector<double> e(std::size_t(latent + width));
  for (std::int64_t i = 0; i < n; ++i) {
    const Parameters p = points ? known : drawn(*this, spread, fold(key, 0), i);
    kernels::fill_normal(fold(key, 1), nullptr, i, 1, latent + width, e.data());
    const Vector f = p.mean + p.w * Eigen::Map<const Vector>(e.data(), latent);
    for (std::int64_t d = 0; d < width; ++d)
      out.data<double>()[i * width + d] =
          f[d] + e[std::size_t(latent + d)] / std::sqrt(p.precision[d]);
  }
  return out;
}

VectorFactors vector_factors(const State& s, const std::string& latent, bool points) {
  const Array &h = natural(s, latent, 0), &half = natural(s, latent, 1);
  const std::int64_t q = h.shape().extent(h.shape().rank() - 1), n = h.size() / q;
  VectorFactors f{Array(DType::f64, Shape{n, q}), Array(DType::f64, Shape{n, q, q})};
  for (std::int64_t i = 0; i < n; ++i) {
    const Eigen::Map<const Rows> n1(half.data<double>() + i * q * q, q, q);
    const Eigen::Map<const Vector> n0(h.data<double>() + i * q, q);
    const Eigen::LLT<Matrix> precision(-2 * n1);
    Eigen::Map<Vector>(f.mean.data<double>() + i * q, q) = precision.solve(n0);
    if (!points)
      Eigen::Map<Rows>(f.covariance.data<double>() + i * q * q, q, q) =
          precision.solve(Matrix::Identity(q, q));
  }
  return f;
}

GammaFactors gamma_factors(const State& s, const std::string& latent, bool points) {
  const Array &n0 = natural(s, latent, 0), &n1 = natural(s, latent, 1);
  GammaFactors f{Array(DType::f64, Shape{n0.size()}), Array(DType::f64, Shape{n0.size()})};
  for (std::int64_t i = 0; i < n0.size(); ++i) {
    const double k = n0.data<double>()[i] + (points ? 0 : 1);
    f.mean.data<double>()[i] = std::max(k, 0.0) / -n1.data<double>()[i];
    if (!points) f.shape.data<double>()[i] = k;
  }
  return f;
}

LinearFactors factors_of(const State& s, bool points) {
  LinearFactors f;
  f.points = points;
  VectorFactors w = vector_factors(s, "loadings", points);
  f.width = w.mean.shape().extent(0);
  f.latent = w.mean.shape().extent(1);
  f.loadings = std::move(w.mean);
  f.loadings_covariance = std::move(w.covariance);
  const std::int64_t d = f.width;
  f.mean = Array(DType::f64, Shape{d});
  f.mean_variance = f.mean.copy();
  for (std::int64_t j = 0; j < d; ++j) {
    const double precision = -2 * natural(s, "mean", 1).data<double>()[j];
    f.mean.data<double>()[j] = natural(s, "mean", 0).data<double>()[j] / precision;
    if (!points) f.mean_variance.data<double>()[j] = 1 / precision;
  }
  const GammaFactors tau = gamma_factors(s, "noise", points);
  f.shared_noise = tau.mean.size() == 1;
  f.noise = Array(DType::f64, Shape{d});
  f.noise_shape = f.noise.copy();
  for (std::int64_t j = 0; j < d; ++j) {
    const std::int64_t at = f.shared_noise ? 0 : j;
    f.noise.data<double>()[j] = tau.mean.data<double>()[at];
    f.noise_shape.data<double>()[j] = tau.shape.data<double>()[at];
  }
  if (s.find("relevance.natural.0")) {
    f.relevance = gamma_factors(s, "relevance", points).mean;
    f.relevance_shape = natural(s, "relevance", 0).data<double>()[0] + 1;
  }
  turn(f);
  return f;
}

}  // namespace fathom
