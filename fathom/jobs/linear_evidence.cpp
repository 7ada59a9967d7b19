#include "fathom/jobs/linear_evidence.h"

#include <cmath>
#include <eigen3/Eigen/Cholesky>
#include <eigen3/Eigen/Eigenvalues>

#include "fathom/base/constants.h"
#include "fathom/kernels/special.h"

namespace fathom {

namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

Eigen::Map<const Matrix> square(const RegressionSums& s) {  // symmetric: either order of axes
  return {s.xx.data<double>(), s.xy.size(), s.xy.size()};
}

double log_density_of_log(const GammaPrior& p, double log_x) {
  return p.shape * std::log(p.rate) - double(kernels::lgamma(p.shape)) + p.shape * log_x -
         p.rate * std::exp(log_x);
}

struct Range {
  double low, high;
};

// Around `near`, to where f is e^-40 of its highest value there, found in steps.
template <class F>
Range range_around(double near, double step, F&& f) {
  constexpr double kFar = 60;
  double top = f(near);
  Range r{near, near};
  for (const double side : {-1.0, 1.0}) {
    double at = near, value = top;
    do {
      at += side * step;
      value = f(at);
      top = std::max(top, value);
    } while (value > top - 40 && std::abs(at - near) < kFar);
    (side < 0 ? r.low : r.high) = at;
  }
  return r;
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
  const auto log_joint = [&](double at_a, double at_t) {
    const double alpha_here = std::exp(at_a), tau_here = std::exp(at_t);
    double v = 0.5 * s.n * (at_t - kLogTwoPi) - 0.5 * tau_here * s.yy +
               0.5 * std::log(intercept / (intercept + tau_here * s.n)) +
               log_density_of_log(alpha, at_a) + log_density_of_log(tau, at_t);
    for (Eigen::Index i = 0; i < p; ++i) {
      const double worth = alpha_here + tau_here * values[i];
      v += 0.5 * (std::log(alpha_here / worth) + tau_here * tau_here * pulls[i] * pulls[i] / worth);
    }
    return v;
  };
  const double log_a = std::log(near_alpha), log_t = std::log(near_tau);
  const Range a = range_around(log_a, 0.25, [&](double v) { return log_joint(v, log_t); });
  const Range t =
      range_around(log_t, std::sqrt(2 / s.n), [&](double v) { return log_joint(log_a, v); });
  constexpr int kSteps = 400;
  const double step_a = (a.high - a.low) / kSteps, step_t = (t.high - t.low) / kSteps;
  double top = -INFINITY, sum = 0;
  for (int i = 0; i <= kSteps; ++i)
    for (int j = 0; j <= kSteps; ++j) {
      const double v = log_joint(a.low + i * step_a, t.low + j * step_t);
      if (v > top) {
        sum *= std::exp(top - v);
        top = v;
      }
      sum += std::exp(v - top);
    }
  return top + std::log(sum * step_a * step_t);
}

}  // namespace fathom
