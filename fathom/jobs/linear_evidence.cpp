#include "fathom/jobs/linear_evidence.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <cmath>

#include "fathom/kernels/special.h"

namespace fathom {

namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr double kLogTwoPi = 1.83787706640934548356;

Eigen::Map<const Matrix> square(const RegressionSums& s) {  // symmetric: either order of axes
  return {s.xx.data<double>(), s.xy.size(), s.xy.size()};
}

double log_density_of_log(const GammaPrior& p, double log_x) {
  return p.shape * std::log(p.rate) - double(kernels::lgamma(p.shape)) + p.shape * log_x -
         p.rate * std::exp(log_x);
}

}  // namespace

double linear_evidence(const RegressionSums& s, const std::vector<double>& alpha, double tau) {
  const Eigen::Map<const Vector> prior(alpha.data(), Eigen::Index(alpha.size())),
      xy(s.xy.data<double>(), s.xy.size());
  Matrix precision = tau * square(s);
  precision.diagonal() += prior;
  const Eigen::LLT<Matrix> l(precision);
  const double explained = tau * tau * xy.dot(l.solve(xy));
  return 0.5 * prior.array().log().sum() - l.matrixLLT().diagonal().array().log().sum() +
         0.5 * s.n * (std::log(tau) - kLogTwoPi) - 0.5 * (tau * s.yy - explained);
}

double ridge_evidence(const RegressionSums& s, double intercept, const GammaPrior& alpha,
                      const GammaPrior& tau, double near_alpha, double near_tau) {
  const Eigen::Index p = s.xy.size() - 1;
  const Eigen::SelfAdjointEigenSolver<Matrix> e(square(s).bottomRightCorner(p, p));
  const Vector values = e.eigenvalues().cwiseMax(0),
               pulls = e.eigenvectors().transpose() *
                       Eigen::Map<const Vector>(s.xy.data<double>() + 1, p);
  const auto log_joint = [&](double log_a, double log_t) {
    const double a = std::exp(log_a), t = std::exp(log_t);
    double v = 0.5 * s.n * (log_t - kLogTwoPi) - 0.5 * t * s.yy +
               0.5 * std::log(intercept / (intercept + t * s.n)) +
               log_density_of_log(alpha, log_a) + log_density_of_log(tau, log_t);
    for (Eigen::Index i = 0; i < p; ++i) {
      const double worth = a + t * values[i];
      v += 0.5 * (std::log(a / worth) + t * t * pulls[i] * pulls[i] / worth);
    }
    return v;
  };
  // tau is sharp: n rows speak of it. alpha is not: few weights do, and small values have a tail.
  constexpr int kSteps = 240;
  const double wide_t = 12 * std::sqrt(2 / s.n), wide_a = std::max(12.0, 20 / std::sqrt(double(p)));
  const double step_t = 2 * wide_t / kSteps, step_a = 2 * wide_a / kSteps;
  double top = -INFINITY, sum = 0;
  for (int i = 0; i <= kSteps; ++i)
    for (int j = 0; j <= kSteps; ++j) {
      const double v = log_joint(std::log(near_alpha) - wide_a + i * step_a,
                                 std::log(near_tau) - wide_t + j * step_t);
      if (v > top) {
        sum *= std::exp(top - v);
        top = v;
      }
      sum += std::exp(v - top);
    }
  return top + std::log(sum * step_a * step_t);
}

}  // namespace fathom
