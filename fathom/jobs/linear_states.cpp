#include "fathom/jobs/linear_states.h"

#include <algorithm>
#include <cmath>
#include <eigen3/Eigen/Cholesky>
#include <eigen3/Eigen/Eigenvalues>
#include <eigen3/Eigen/LU>

#include "fathom/base/constants.h"
#include "fathom/jobs/sequences.h"
#include "fathom/kernels/gaussian_chain.h"
#include "fathom/kernels/rng.h"

namespace fathom {

namespace {

using StateMatrix = Eigen::MatrixXd;
using StateVector = Eigen::VectorXd;
using StateRows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Rows of which a filter starts for a draw of the parameters: what is further back matters no more.
constexpr std::int64_t kRemembered = 2000;

StateMatrix state_matrix(const Array& a, std::int64_t rows, std::int64_t columns) {
  return Eigen::Map<const StateRows>(a.data<double>(), rows, columns);
}
StateVector state_vector(const Array& a) {
  return Eigen::Map<const StateVector>(a.data<double>(), a.size());
}

// Parameters at one place: a draw of them, or their expectations.
struct StatePlace {
  StateMatrix a, step, c;     // motion, covariance of a step, loadings
  StateMatrix reach, drives;  // of driven states: R, and the precision of what drives them
  StateVector mean, noise, first;
  bool driven = false;
};

StatePlace expected_place(const LinearStates& s) {
  StatePlace p;
  const std::int64_t n = s.size;
  p.driven = s.driven;
  p.a = state_matrix(s.motion, n, n);
  p.c = state_matrix(s.loadings, s.width, n);
  p.mean = state_vector(s.mean);
  p.noise = StateVector(s.width);
  for (std::int64_t j = 0; j < s.width; ++j) p.noise[j] = 1 / s.noise.data<double>()[j];
  p.first = state_vector(s.first);
  p.step = StateMatrix::Identity(n, n);
  if (s.driven) {
    const std::int64_t r = s.drives.size();
    p.reach = state_matrix(s.reach, n, r);
    p.drives = state_vector(s.drives).asDiagonal();
    p.step = p.reach * state_vector(s.drives).cwiseInverse().asDiagonal() * p.reach.transpose();
  }
  return p;
}

StatePlace drawn_place(const LinearStates& s, Key key, std::int64_t draw) {
  StatePlace p = expected_place(s);
  if (s.points) return p;
  const std::int64_t n = s.size, d = s.width;
  const auto normals = [&](std::uint64_t what, std::int64_t count) {
    StateVector e(count);
    kernels::fill_normal(fold(key, what), nullptr, draw, 1, count, e.data());
    return e;
  };
  const auto gamma = [&](std::uint64_t what, double mean, double shape) {
    return shape > 0 ? kernels::gamma_draw(fold(key, what), draw, shape) * mean / shape : mean;
  };
  const auto spread = [&](const Array& covariances, std::uint64_t what, std::int64_t rows,
                          StateMatrix& to) {
    if (covariances.empty()) return;
    const StateVector e = normals(what, rows * n);
    for (std::int64_t i = 0; i < rows; ++i) {
      const StateMatrix cov =
          Eigen::Map<const StateRows>(covariances.data<double>() + i * n * n, n, n);
      to.row(i) += (Eigen::LLT<StateMatrix>(cov).matrixL() * e.segment(i * n, n)).transpose();
    }
  };
  spread(s.motion_covariance, 1, n, p.a);
  spread(s.loadings_covariance, 2, d, p.c);
  const StateVector e = normals(3, d);
  for (std::int64_t j = 0; j < d; ++j) {
    p.mean[j] += std::sqrt(s.mean_variance.data<double>()[j]) * e[j];
    p.noise[j] = 1 / gamma(16 + std::uint64_t(j), s.noise.data<double>()[j],
                           s.noise_shape.data<double>()[j]);
  }
  if (s.driven) {
    StateVector q = state_vector(s.drives);
    for (std::int64_t j = 0; j < q.size(); ++j)
      q[j] = gamma(8 + std::uint64_t(j), q[j], s.drive_shape.data<double>()[j]);
    p.drives = q.asDiagonal();
    p.step = p.reach * q.cwiseInverse().asDiagonal() * p.reach.transpose();
  }
  return p;
}

// The filter: what is known of a state given its row and those before it. By its precision as long
// as something of the state is not known at all, then by its covariance (Kalman 1960).
class StateFilter {
 public:
  explicit StateFilter(const StatePlace& place) : p_(place), n_(place.a.rows()) { restart(); }

  void restart() {
    known_ = p_.first.minCoeff() > 0;
    fresh_ = true;
    mean_ = StateVector::Zero(n_);
    cov_ = StateMatrix::Zero(n_, n_);
    precision_ = p_.first.asDiagonal();
    pull_ = StateVector::Zero(n_);
    if (known_) cov_ = p_.first.cwiseInverse().asDiagonal();
  }

  // log p(row | before), NaN where there is none.
  double take(const double* row) {
    if (!fresh_) advance();
    fresh_ = false;
    std::vector<Eigen::Index> seen;
    for (Eigen::Index j = 0; j < p_.c.rows(); ++j)
      if (!std::isnan(row[j])) seen.push_back(j);
    if (seen.empty()) return NAN;
    const StateMatrix c = p_.c(seen, Eigen::all);
    const StateVector noise = p_.noise(seen),
                      y = Eigen::Map<const StateVector>(row, p_.c.rows())(seen) - p_.mean(seen);
    if (!known_) {
      precision_ += c.transpose() * noise.cwiseInverse().asDiagonal() * c;
      pull_ += c.transpose() * noise.cwiseInverse().cwiseProduct(y);
      settle();
      return NAN;
    }
    const StateVector off = y - c * mean_;
    StateMatrix f = c * cov_ * c.transpose();
    f.diagonal() += noise;
    const Eigen::LLT<StateMatrix> inner(f);
    const StateMatrix gain = inner.solve(c * cov_).transpose(),
                      rest = StateMatrix::Identity(n_, n_) - gain * c;
    mean_ += gain * off;
    cov_ = (rest * cov_ * rest.transpose() + gain * noise.asDiagonal() * gain.transpose()).eval();
    return -0.5 * (double(seen.size()) * kLogTwoPi + inner.matrixL().solve(off).squaredNorm()) -
           inner.matrixLLT().diagonal().array().log().sum();
  }

  void advance() {  // to the next row
    if (known_) {
      mean_ = (p_.a * mean_).eval();
      cov_ = (p_.a * cov_ * p_.a.transpose() + p_.step).eval();
      return;
    }
    const StateMatrix back = p_.a.inverse(), m = back.transpose() * precision_ * back;
    const StateVector mu = back.transpose() * pull_;
    const Eigen::LLT<StateMatrix> k(p_.reach.transpose() * m * p_.reach + p_.drives);
    const StateMatrix told = m * p_.reach;
    precision_ = m - told * k.solve(told.transpose());
    pull_ = mu - told * k.solve(p_.reach.transpose() * mu);
  }

  bool known() const { return known_; }
  StateVector mean_of_cells() const { return p_.c * mean_ + p_.mean; }
  StateVector variance_of_cells() const {
    return (p_.c * cov_ * p_.c.transpose()).diagonal() + p_.noise;
  }

 private:
  // Whether all of the state has been found.
  void settle() {
    const Eigen::LDLT<StateMatrix> l(precision_);
    const StateVector d = l.vectorD();
    if (l.info() != Eigen::Success || !(d.minCoeff() > 1e-9 * d.maxCoeff())) return;
    known_ = true;
    cov_ = l.solve(StateMatrix::Identity(n_, n_));
    mean_ = l.solve(pull_);
  }

  const StatePlace& p_;
  Eigen::Index n_;
  bool known_ = false, fresh_ = true;
  StateVector mean_, pull_;
  StateMatrix cov_, precision_;
};

}  // namespace

double LinearStates::noise_variance(std::int64_t j) const {
  return expected_inverse(noise.data<double>()[j], noise_shape.data<double>()[j]);
}

double LinearStates::drive_variance(std::int64_t j) const {
  return expected_inverse(drives.data<double>()[j], drive_shape.data<double>()[j]);
}

std::vector<std::pair<double, double>> LinearStates::modes() const {
  const Eigen::EigenSolver<StateMatrix> e(state_matrix(motion, size, size), false);
  std::vector<std::pair<double, double>> out;
  for (const auto& v : e.eigenvalues())
    if (v.imag() >= 0) out.emplace_back(std::abs(v), std::arg(v));
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  return out;
}

// The potentials of the bound at this posterior: E log p of rows and motion.
LinearStates::Smoothed LinearStates::smooth(const Array& rows, const Array& begins) const {
  const std::int64_t count = rows.shape().extent(0), n = size, nn = n * n;
  Smoothed out{Array(DType::f64, Shape{count, n}), Array(DType::f64, Shape{count, n, n})};
  std::vector<double> linear(std::size_t(count * n), 0.0), half(std::size_t(count * nn), 0.0);
  for (std::int64_t i = 0; i < count; ++i) {
    const bool begin = begins.data<double>()[i] != 0;
    double *h = linear.data() + i * n, *to = half.data() + i * nn;
    for (std::int64_t k = 0; k < n; ++k)
      to[k * n + k] = begin ? -0.5 * first.data<double>()[k] : driven ? 0 : -0.5;
    for (std::int64_t j = 0; j < width; ++j) {
      const double y = rows.data<double>()[i * width + j];
      if (std::isnan(y)) continue;
      const double tau = noise.data<double>()[j], off = y - mean.data<double>()[j];
      const double* c = loadings.data<double>() + j * n;
      for (std::int64_t k = 0; k < n; ++k) {
        h[k] += tau * off * c[k];
        for (std::int64_t l = 0; l < n; ++l)
          to[k * n + l] -=
              0.5 * tau *
              (c[k] * c[l] + (loadings_covariance.empty()
                                  ? 0
                                  : loadings_covariance.data<double>()[(j * n + k) * n + l]));
      }
    }
  }
  if (driven) {
    const std::int64_t r = drives.size();
    std::vector<double> none(std::size_t(r), 0.0), weights(std::size_t(r * r), 0.0);
    for (std::int64_t k = 0; k < r; ++k)
      weights[std::size_t(k * r + k)] = -0.5 * drives.data<double>()[k];
    kernels::DrivenGaussians<double> c;
    c.rows = count;
    c.size = n;
    c.drives = r;
    c.linear = {linear.data(), n};
    c.half = {half.data(), nn};
    c.linear_drive = {none.data(), 0};
    c.half_drive = {weights.data(), 0};
    c.motion = motion.data<double>();
    c.reach = reach.data<double>();
    c.begins = begins.data<double>();
    c.mean = out.mean.data<double>();
    c.covariance = out.covariance.data<double>();
    kernels::driven_gaussians(c);
    return out;
  }
  const StateMatrix a = state_matrix(motion, n, n);
  StateRows before = -0.5 * a.transpose() * a, link = a;
  for (std::int64_t i = 0; i < n && !motion_covariance.empty(); ++i)
    before -= 0.5 * Eigen::Map<const StateRows>(motion_covariance.data<double>() + i * nn, n, n);
  const std::vector<double> none(std::size_t(n), 0.0);
  kernels::LinkedGaussians c;
  c.rows = count;
  c.size = n;
  c.linear = {linear.data(), n};
  c.half = {half.data(), nn};
  c.linear_before = {none.data(), 0};
  c.half_before = {before.data(), 0};
  c.link = {link.data(), 0};
  c.begins = begins.data<double>();
  c.mean = out.mean.data<double>();
  c.covariance = out.covariance.data<double>();
  kernels::linked_gaussians(c);
  return out;
}

FilledRows LinearStates::signal(const Smoothed& s) const {
  const std::int64_t count = s.mean.shape().extent(0), n = size;
  FilledRows out{Array(DType::f64, Shape{count, width}), Array(DType::f64, Shape{count, width})};
  for (std::int64_t i = 0; i < count; ++i) {
    const double *m = s.mean.data<double>() + i * n, *v = s.covariance.data<double>() + i * n * n;
    for (std::int64_t j = 0; j < width; ++j) {
      const double* c = loadings.data<double>() + j * n;
      double value = mean.data<double>()[j], variance = mean_variance.data<double>()[j];
      for (std::int64_t k = 0; k < n; ++k) {
        value += c[k] * m[k];
        for (std::int64_t l = 0; l < n; ++l) {
          variance += c[k] * v[k * n + l] * c[l];
          if (!loadings_covariance.empty())
            variance += loadings_covariance.data<double>()[(j * n + k) * n + l] *
                        (v[k * n + l] + m[k] * m[l]);
        }
      }
      out.values.data<double>()[i * width + j] = value;
      out.sd.data<double>()[i * width + j] = std::sqrt(std::max(0.0, variance));
    }
  }
  return out;
}

FilledRows LinearStates::fill(const Array& rows, const Array& begins) const {
  FilledRows out = signal(smooth(rows, begins));
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const double y = rows.data<double>()[i];
    double &value = out.values.data<double>()[i], &sd = out.sd.data<double>()[i];
    sd = std::isnan(y) ? std::sqrt(sd * sd + noise_variance(i % width)) : 0;
    if (!std::isnan(y)) value = y;
  }
  return out;
}

std::vector<double> LinearStates::log_density(const Array& rows, const Array& begins) const {
  const std::int64_t count = rows.shape().extent(0);
  const StatePlace place = expected_place(*this);
  StateFilter filter(place);
  std::vector<double> out(std::size_t(count), 0.0);
  for (std::int64_t i = 0; i < count; ++i) {
    if (begins.data<double>()[i] != 0) filter.restart();
    out[std::size_t(i)] = filter.take(rows.data<double>() + i * width);
  }
  return out;
}

std::vector<SeriesForecast> LinearStates::forecast(const Array& rows, const Array& begins,
                                                   std::int64_t steps, Key key) const {
  std::vector<StatePlace> places;
  for (int d = 0; d < (points ? 1 : kDraws); ++d) places.push_back(drawn_place(*this, key, d));
  const double share = 1 / double(places.size());
  std::vector<SeriesForecast> out;
  for (const auto& [begin, end] : sequences_of(begins, rows.shape().extent(0))) {
    StateMatrix middle = StateMatrix::Zero(steps, width), square = middle;
    const std::int64_t from = points ? begin : std::max(begin, end - kRemembered);
    for (const StatePlace& place : places) {
      StateFilter filter(place);
      for (std::int64_t i = from; i < end; ++i) filter.take(rows.data<double>() + i * width);
      for (std::int64_t h = 0; h < steps; ++h) {
        filter.advance();
        const StateVector m = filter.mean_of_cells() * (filter.known() ? 1 : NAN);
        middle.row(h) += share * m.transpose();
        square.row(h) += share * (filter.variance_of_cells() + m.cwiseAbs2()).transpose();
      }
    }
    SeriesForecast f{Array(DType::f64, Shape{steps, width}),
                     Array(DType::f64, Shape{steps, width})};
    Eigen::Map<StateRows>(f.mean.data<double>(), steps, width) = middle;
    Eigen::Map<StateRows>(f.sd.data<double>(), steps, width) =
        (square - middle.cwiseAbs2()).cwiseMax(0).cwiseSqrt();
    out.push_back(std::move(f));
  }
  return out;
}

Array LinearStates::sample(std::int64_t count, Key key) const {
  const StatePlace p = expected_place(*this);
  const std::int64_t n = size;
  const StateMatrix root =
      driven ? StateMatrix(p.reach * p.drives.diagonal().cwiseInverse().cwiseSqrt().asDiagonal())
             : StateMatrix(StateMatrix::Identity(n, n));
  const std::int64_t r = root.cols();
  std::vector<double> e(std::size_t(count * (r + width) + n));
  kernels::fill_normal(key, nullptr, 0, 1, std::int64_t(e.size()), e.data());
  Array out(DType::f64, Shape{count, width});
  StateVector x = StateVector::Zero(n);
  for (std::int64_t k = 0; k < n; ++k)
    if (p.first[k] > 0) x[k] = e[e.size() - 1 - std::size_t(k)] / std::sqrt(p.first[k]);
  for (std::int64_t i = 0; i < count; ++i) {
    const double* own = e.data() + i * (r + width);
    if (i > 0) x = (p.a * x + root * Eigen::Map<const StateVector>(own, r)).eval();
    const StateVector y = p.c * x + p.mean;
    for (std::int64_t j = 0; j < width; ++j)
      out.data<double>()[i * width + j] = y[j] + std::sqrt(p.noise[j]) * own[r + j];
  }
  return out;
}

}  // namespace fathom
