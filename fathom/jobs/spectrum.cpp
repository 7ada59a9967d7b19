#include "fathom/jobs/spectrum.h"

#include <cmath>
#include <eigen3/Eigen/Eigenvalues>

#include "fathom/base/constants.h"

namespace fathom {

Spectrum spectrum_of(const Array& covariance) {
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Index d = covariance.shape().extent(0);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> e(
      Eigen::Map<const Rows>(covariance.data<double>(), d, d));
  Spectrum s;
  s.axes = Array(DType::f64, Shape{d, d});
  for (Eigen::Index k = 0; k < d; ++k) {
    s.values.push_back(e.eigenvalues()[d - 1 - k]);
    Eigen::VectorXd axis = e.eigenvectors().col(d - 1 - k);
    Eigen::Index top = 0;
    axis.cwiseAbs().maxCoeff(&top);
    if (axis[top] < 0) axis = -axis;
    std::copy_n(axis.data(), d, s.axes.data<double>() + k * d);
  }
  return s;
}

double discarded(const Spectrum& s, std::int64_t latent) {
  double sum = 0;
  for (std::size_t k = std::size_t(latent); k < s.values.size(); ++k) sum += s.values[k];
  return sum / double(s.values.size() - std::size_t(latent));
}

double highest_likelihood(const Spectrum& s, std::int64_t latent, std::int64_t rows) {
  const auto d = double(s.values.size()), n = double(rows), shrink = (n - 1) / n;
  double logs = (d - double(latent)) * std::log(shrink * discarded(s, latent));
  for (std::size_t k = 0; k < std::size_t(latent); ++k) logs += std::log(shrink * s.values[k]);
  return -0.5 * n * (d * kLogTwoPi + logs + d);
}

}  // namespace fathom
