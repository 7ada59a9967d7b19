#include "fathom/jobs/coefficients.h"

#include <cmath>
#include <eigen3/Eigen/Cholesky>

#include "fathom/base/constants.h"
#include "fathom/dist/quadrature.h"
#include "fathom/kernels/quantiles.h"
#include "fathom/kernels/special.h"

namespace fathom {

namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr double kSide = 1.95996398454005423552;  // of a normal, 97.5 %

double logistic(double f) { return 1 / (1 + std::exp(-f)); }

// E g(f), f ~ N(mean, variance).
template <class G>
double expected(double mean, double variance, G&& g) {
  const HermiteRule& rule = hermite_rule();
  const double sd = std::sqrt(variance);
  double sum = 0;
  for (int i = 0; i < kHermiteNodes; ++i)
    sum += rule.weight[std::size_t(i)] * g(mean + sd * rule.node[std::size_t(i)]);
  return sum;
}

// The least count that no less than `p` of the probability lies at or below.
double count_quantile(double p, double f, double variance) {
  const auto below = [&](double count) {
    return expected(f, variance,
                    [&](double v) { return kernels::poisson_cdf(count, std::exp(v)); });
  };
  double high = 1;
  while (below(high) < p && high < 1e15) high *= 2;
  double low = -1;
  while (high - low > 1) {
    const double middle = std::floor((low + high) / 2);
    (below(middle) < p ? low : high) = middle;
  }
  return high;
}

}  // namespace

Estimate95 normal_estimate(double mean, double sd) {
  return {mean, sd, mean - kSide * sd, mean + kSide * sd};
}

std::vector<Estimate95> Coefficients::in_units() const {
  const std::int64_t p = columns();
  Matrix to = Matrix::Identity(p + 1, p + 1);
  for (std::int64_t j = 0; j < p; ++j) {
    to(j + 1, j + 1) = 1 / scale[std::size_t(j)];
    to(0, j + 1) = -shift[std::size_t(j)] / scale[std::size_t(j)];
  }
  const Vector m = to * Eigen::Map<const Vector>(mean.data<double>(), p + 1);
  const Matrix v =
      to * Eigen::Map<const Matrix>(covariance.data<double>(), p + 1, p + 1) * to.transpose();
  std::vector<Estimate95> out;
  for (std::int64_t j = 0; j <= p; ++j)
    out.push_back(normal_estimate(m[j] + (j == 0 ? offset : 0), std::sqrt(v(j, j))));
  return out;
}

std::vector<Estimate95> Coefficients::standardized() const {
  std::vector<Estimate95> out;
  for (std::int64_t j = 1; j <= columns(); ++j)
    out.push_back(normal_estimate(mean.data<double>()[j],
                                  std::sqrt(covariance.data<double>()[j * (columns() + 1) + j])));
  return out;
}

void Coefficients::features(const double* row, double* out) const {
  out[0] = 1;
  for (std::size_t j = 0; j < shift.size(); ++j) out[j + 1] = (row[j] - shift[j]) / scale[j];
}

void Coefficients::linear(const double* row, double* f, double* variance) const {
  const std::int64_t p = columns() + 1;
  Vector x(p);
  features(row, x.data());
  *f = x.dot(Eigen::Map<const Vector>(mean.data<double>(), p));
  *variance = x.dot(Eigen::Map<const Matrix>(covariance.data<double>(), p, p) * x);
}

Estimate95 Coefficients::predict(const double* row) const {
  double f = 0, v = 0;
  linear(row, &f, &v);
  if (link == Link::linear) {
    const double dof = noise_shape > 0 ? 2 * noise_shape : INFINITY, square = v + 1 / noise,
                 widen = dof > 2 && std::isfinite(dof) ? dof / (dof - 2) : 1;
    const double side = kernels::student_quantile(0.975, dof) * std::sqrt(square);
    return {f + offset, std::sqrt(v + widen / noise), f + offset - side, f + offset + side};
  }
  if (link == Link::logistic) {
    const double p = expected(f, v, logistic), side = kSide * std::sqrt(v);
    return {p, std::sqrt(p * (1 - p)), logistic(f - side), logistic(f + side)};
  }
  const double rate = std::exp(f + v / 2);
  return {rate, std::sqrt(rate + rate * rate * std::expm1(v)), count_quantile(0.025, f, v),
          count_quantile(0.975, f, v)};
}

double Coefficients::log_density(const double* row, double y) const {
  double f = 0, v = 0;
  linear(row, &f, &v);
  if (std::isnan(y)) return NAN;
  if (link == Link::logistic)
    return std::log(expected(f, v, [&](double at) { return logistic(y > 0.5 ? at : -at); }));
  // Densities beside the highest of the nodes: far outcomes have none that a double holds.
  const double dof = 2 * noise_shape;
  const double constant = link == Link::poisson ? -double(kernels::lgamma(y + 1))
                          : dof > 0
                              ? double(kernels::lgamma((dof + 1) / 2) - kernels::lgamma(dof / 2)) -
                                    0.5 * std::log(dof * 3.14159265358979323846 / noise)
                              : 0.5 * std::log(noise) - kHalfLogTwoPi;
  const auto log_at = [&](double at) {
    if (link == Link::poisson) return y * at - std::exp(at);
    const double square = noise * (y - offset - at) * (y - offset - at);
    return dof > 0 ? -0.5 * (dof + 1) * std::log1p(square / dof) : -0.5 * square;
  };
  double top = -INFINITY;
  expected(f, v, [&](double at) { return top = std::max(top, log_at(at)); });
  return constant + top +
         std::log(expected(f, v, [&](double at) { return std::exp(log_at(at) - top); }));
}

Coefficients coefficients_of(const State& s, Link link) {
  Coefficients c;
  c.link = link;
  const Array &h = *s.find("weights.natural.0"), &half = *s.find("weights.natural.1");
  const std::int64_t p = h.size();
  const Eigen::LLT<Matrix> precision(-2 * Eigen::Map<const Matrix>(half.data<double>(), p, p));
  c.mean = Array(DType::f64, Shape{p});
  c.covariance = Array(DType::f64, Shape{p, p});
  Eigen::Map<Vector>(c.mean.data<double>(), p) =
      precision.solve(Eigen::Map<const Vector>(h.data<double>(), p));
  Eigen::Map<Matrix>(c.covariance.data<double>(), p, p) = precision.solve(Matrix::Identity(p, p));
  return c;
}

}  // namespace fathom
