// What missing cells of a row may be under a mixture of gaussians: of each component the
// conditional distribution given the cells that were seen, weighted by what these, or all rows of a
// sequence, say of the component.
#include <cmath>
#include <eigen3/Eigen/Cholesky>

#include "fathom/jobs/gaussian_components.h"

namespace fathom {

namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using Places = std::vector<Eigen::Index>;

// The variance of a Student t by its squared scale.
double spread_of(double scale, double dof) {
  return !(dof > 0) ? scale : dof > 2 ? scale * dof / (dof - 2) : INFINITY;
}

// One component beside a row.
struct Conditioned {
  double log_weight = 0;  // and the density of the cells that were seen
  Vector mean, variance;  // of those that were not
};

Conditioned condition_joint(const GaussianComponents& c, std::int64_t k, const double* row,
                            const Places& seen, const Places& missing) {
  const std::int64_t d = c.width;
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Matrix l = Eigen::Map<const Rows>(c.spread.data<double>() + k * d * d, d, d);
  const Matrix scale = l * l.transpose();
  const Vector mean = Eigen::Map<const Vector>(c.mean.data<double>() + k * d, d);
  const double dof = c.dof.data<double>()[k], count = double(seen.size());
  const Vector off = Eigen::Map<const Vector>(row, d)(seen) - mean(seen);
  const Eigen::LLT<Matrix> inner(scale(seen, seen));
  const double square = inner.matrixL().solve(off).squaredNorm();
  Conditioned out;
  out.log_weight =
      log_student(square, dof, count) - inner.matrixLLT().diagonal().array().log().sum();
  const Matrix across = scale(missing, seen);
  out.mean = mean(missing) + across * inner.solve(off);
  const Vector left =
      scale.diagonal()(missing) - (across * inner.solve(across.transpose())).diagonal();
  const double widen = dof > 0 ? (dof + square) / (dof + count) : 1;
  out.variance =
      left.unaryExpr([&](double v) { return spread_of(v * widen, dof > 0 ? dof + count : 0); });
  return out;
}

Conditioned condition_apart(const GaussianComponents& c, std::int64_t k, const double* row,
                            const Places& seen, const Places& missing) {
  const double *mean = c.mean.data<double>() + k * c.width,
               *spread = c.spread.data<double>() + k * c.width, dof = c.dof.data<double>()[k];
  Conditioned out{0, Vector(Eigen::Index(missing.size())), Vector(Eigen::Index(missing.size()))};
  for (const Eigen::Index j : seen)
    out.log_weight +=
        log_student(std::pow((row[j] - mean[j]) / spread[j], 2), dof, 1) - std::log(spread[j]);
  for (std::size_t i = 0; i < missing.size(); ++i) {
    out.mean[Eigen::Index(i)] = mean[missing[i]];
    out.variance[Eigen::Index(i)] = spread_of(std::pow(spread[missing[i]], 2), dof);
  }
  return out;
}

void fill_row(const GaussianComponents& c, const Places& seen, const Places& missing,
              const double* shares, double* row, double* sd) {
  std::vector<Conditioned> all;
  double top = -INFINITY, total = 0;
  for (std::int64_t k = 0; k < c.count; ++k) {
    all.push_back((c.joint() ? condition_joint : condition_apart)(c, k, row, seen, missing));
    double& weight = all.back().log_weight;
    weight = shares ? std::log(shares[k]) : weight + std::log(c.weight.data<double>()[k]);
    top = std::max(top, all.back().log_weight);
  }
  Vector mean = Vector::Zero(Eigen::Index(missing.size())), square = mean;
  for (const Conditioned& a : all) {
    const double w = std::exp(a.log_weight - top);
    if (w == 0) continue;
    total += w;
    mean += w * a.mean;
    square += w * (a.variance + a.mean.cwiseAbs2());
  }
  mean /= total;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    const double m = mean[Eigen::Index(i)];
    row[missing[i]] = m;
    sd[missing[i]] = std::sqrt(std::max(0.0, square[Eigen::Index(i)] / total - m * m));
  }
}

}  // namespace

FilledRows GaussianComponents::fill(const Array& x, Workers& workers, const Array& shares) const {
  const std::int64_t n = x.shape().extent(0), d = width, block = 256;
  FilledRows out{x.copy(), Array(DType::f64, Shape{n, d})};
  workers.each(std::size_t((n + block - 1) / block), [&](std::size_t b, int) {
    for (std::int64_t i = std::int64_t(b) * block; i < std::min(n, std::int64_t(b + 1) * block);
         ++i) {
      double* row = out.values.data<double>() + i * d;
      Places seen, missing;
      for (std::int64_t j = 0; j < d; ++j) (std::isnan(row[j]) ? missing : seen).push_back(j);
      if (missing.empty()) continue;
      fill_row(*this, seen, missing, shares.empty() ? nullptr : shares.data<double>() + i * count,
               row, out.sd.data<double>() + i * d);
    }
  });
  return out;
}

Array GaussianComponents::predictive_variance() const {
  Array out(DType::f64, Shape{count, width});
  for (std::int64_t k = 0; k < count; ++k)
    for (std::int64_t j = 0; j < width; ++j) {
      const double* l = spread.data<double>() + (joint() ? (k * width + j) * width : k * width + j);
      double scale = 0;
      for (std::int64_t i = 0; i < (joint() ? width : 1); ++i) scale += l[i] * l[i];
      out.data<double>()[k * width + j] = spread_of(scale, dof.data<double>()[k]);
    }
  return out;
}

}  // namespace fathom
