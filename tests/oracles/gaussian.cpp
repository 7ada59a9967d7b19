#include "tests/oracles/gaussian.h"

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

namespace fathom::oracle {

using Rows = Eigen::Map<const Eigen::Matrix<double, -1, -1, Eigen::RowMajor>>;

double log_normal(std::span<const double> x, std::span<const double> mean,
                  std::span<const double> covariance) {
  const auto d = Eigen::Index(x.size());
  std::vector<Eigen::Index> seen;
  for (Eigen::Index j = 0; j < d; ++j)
    if (!std::isnan(x[std::size_t(j)])) seen.push_back(j);
  if (seen.empty()) return 0;
  const auto count = Eigen::Index(seen.size());
  Eigen::VectorXd r(count);
  for (Eigen::Index i = 0; i < count; ++i) {
    const auto j = std::size_t(seen[std::size_t(i)]);
    r[i] = x[j] - mean[j];
  }
  const Eigen::MatrixXd c = Rows(covariance.data(), d, d)(seen, seen);
  const Eigen::LLT<Eigen::MatrixXd> l(c);
  double log_det = 0;
  for (Eigen::Index i = 0; i < count; ++i) log_det += 2 * std::log(l.matrixLLT()(i, i));
  return -0.5 * (l.matrixL().solve(r).squaredNorm() + log_det +
                 double(count) * std::log(2 * std::numbers::pi));
}

Spectrum spectrum(std::span<const double> x, std::size_t d) {
  const auto width = Eigen::Index(d), n = Eigen::Index(x.size()) / width;
  const Rows rows(x.data(), n, width);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> e(rows.transpose() * rows / double(n));
  Spectrum s;
  for (Eigen::Index j = width; j-- > 0;) {
    s.values.push_back(e.eigenvalues()[j]);
    const Eigen::VectorXd v = e.eigenvectors().col(j);
    s.vectors.emplace_back(v.data(), v.data() + width);
  }
  return s;
}

}  // namespace fathom::oracle
