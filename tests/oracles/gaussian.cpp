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

Filled fill_normal(std::span<const double> x, std::span<const double> mean,
                   std::span<const double> covariance) {
  const auto d = Eigen::Index(x.size());
  std::vector<Eigen::Index> seen, missing;
  for (Eigen::Index j = 0; j < d; ++j)
    (std::isnan(x[std::size_t(j)]) ? missing : seen).push_back(j);
  const Rows c(covariance.data(), d, d);
  const Eigen::MatrixXd inner = c(seen, seen), across = c(missing, seen), own = c(missing, missing);
  const Eigen::Map<const Eigen::VectorXd> value(x.data(), d), centre(mean.data(), d);
  const Eigen::MatrixXd inverse = inner.inverse();
  const Eigen::VectorXd off = value(seen) - centre(seen);
  const Eigen::VectorXd filled = across * (inverse * off);
  const Eigen::MatrixXd left = own - across * (inverse * across.transpose());
  Filled out{{x.begin(), x.end()}, std::vector<double>(x.size())};
  for (std::size_t k = 0; k < missing.size(); ++k) {
    const auto at = std::size_t(missing[k]);
    out.mean[at] = mean[at] + filled[Eigen::Index(k)];
    out.sd[at] = std::sqrt(left(Eigen::Index(k), Eigen::Index(k)));
  }
  return out;
}

Canonical canonical(std::span<const double> precision, std::span<const double> linear) {
  const auto d = Eigen::Index(linear.size());
  const Eigen::Map<const Eigen::MatrixXd> lambda(precision.data(), d, d);
  const Eigen::Map<const Eigen::VectorXd> h(linear.data(), d);
  const Eigen::LLT<Eigen::MatrixXd> llt(lambda);
  const Eigen::MatrixXd covariance = llt.solve(Eigen::MatrixXd::Identity(d, d));
  const Eigen::VectorXd mean = llt.solve(h);
  Canonical out{{mean.data(), mean.data() + d}, {covariance.data(), covariance.data() + d * d}, 0};
  out.log_integral = 0.5 * h.dot(mean) + 0.5 * double(d) * std::log(2 * M_PI);
  for (Eigen::Index i = 0; i < d; ++i) out.log_integral -= std::log(llt.matrixL()(i, i));
  return out;
}

Moments moments(std::span<const double> x, std::size_t d) {
  const std::size_t n = x.size() / d;
  Moments m{std::vector<double>(d), std::vector<double>(d * d)};
  for (std::size_t i = 0; i < n * d; ++i) m.mean[i % d] += x[i] / double(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < d; ++j)
      for (std::size_t k = 0; k < d; ++k)
        m.covariance[j * d + k] +=
            (x[i * d + j] - m.mean[j]) * (x[i * d + k] - m.mean[k]) / double(n);
  return m;
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
