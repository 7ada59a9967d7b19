// Gaussian mixtures with one covariance for all components (tied) and with one variance for all
// columns (spherical), on Old Faithful: EM against its updates written out, the evidence of one
// component in closed form, and VB against the update of a single shared Wishart (section 3.1 of
// the formulas of Bishop 2006, chapter 10, with one Lam).
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

#include "fathom/climb/ascend.h"
#include "fathom/climb/start.h"
#include "fathom/io/csv.h"
#include "fathom/zoo/gaussian_mixture.h"

namespace fathom {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kTwoPi = 2 * std::numbers::pi;

// Rows less their mean.
struct Rows {
  Array x = read_csv(FATHOM_SOURCE_DIR "/data/faithful.csv").values.copy();
  MatrixXd m;
  Rows() {
    const std::int64_t n = x.shape().extent(0), d = x.shape().extent(1);
    m = Eigen::Map<Eigen::Matrix<double, -1, -1, Eigen::RowMajor>>(x.data<double>(), n, d);
    m.rowwise() -= m.colwise().mean().eval();
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < d; ++j) x.data<double>()[i * d + j] = m(i, j);
  }
};

struct CovarianceFit {
  GaussianMixture mixture;
  DataSet data;
  State state;
  Workers workers{2};
  std::unique_ptr<CoordinateClimb> climb;

  CovarianceFit(const Rows& rows, std::int64_t count, Covariance covariance, Factors factors)
      : mixture(count, 2, GaussianMixturePrior::of_rows(rows.x, 1.0), covariance) {
    data.rows = rows.x.shape().extent(0);
    data.columns["x"] = rows.x;
    climb = std::make_unique<CoordinateClimb>(mixture.model, data, state,
                                              CoordinateOptions{.factors = factors});
    climb->start({{"which", block_start(rows.x, count)}}, workers);
  }
};

// Weights, means and covariances of an EM for Gaussian mixtures, and its steps.
struct Em {
  MatrixXd x, r;
  bool tied;
  VectorXd weight;
  MatrixXd mean;
  std::vector<MatrixXd> covariance;

  void m_step() {
    const Eigen::Index n = x.rows(), d = x.cols(), k = r.cols();
    const VectorXd count = r.colwise().sum();
    weight = count / double(n);
    mean = (r.transpose() * x).array().colwise() / count.array();
    covariance.assign(std::size_t(k), MatrixXd::Zero(d, d));
    MatrixXd within = MatrixXd::Zero(d, d);
    for (Eigen::Index c = 0; c < k; ++c) {
      const MatrixXd e = x.rowwise() - mean.row(c);
      const MatrixXd s = e.transpose() * r.col(c).asDiagonal() * e;
      within += s;
      covariance[std::size_t(c)] = MatrixXd::Identity(d, d) * (s.trace() / (double(d) * count[c]));
    }
    if (tied) covariance.assign(std::size_t(k), within / double(n));
  }
  // Responsibilities; returns the log-likelihood.
  double e_step() {
    double total = 0;
    for (Eigen::Index i = 0; i < x.rows(); ++i) {
      for (Eigen::Index c = 0; c < r.cols(); ++c) {
        const MatrixXd& s = covariance[std::size_t(c)];
        const VectorXd e = (x.row(i) - mean.row(c)).transpose();
        r(i, c) = weight[c] * std::exp(-0.5 * e.dot(s.inverse() * e)) /
                  std::sqrt((kTwoPi * s).determinant());
      }
      total += std::log(r.row(i).sum());
      r.row(i) /= r.row(i).sum();
    }
    return total;
  }
};

void follows_em(Covariance covariance) {
  const Rows rows;
  CovarianceFit fit(rows, 3, covariance, Factors::likelihood);
  const Array start = block_start(rows.x, 3);
  Em em{rows.m, MatrixXd(rows.m.rows(), 3), covariance == Covariance::tied, {}, {}, {}};
  for (Eigen::Index i = 0; i < em.r.rows(); ++i)
    for (Eigen::Index c = 0; c < 3; ++c) em.r(i, c) = start.data<double>()[i * 3 + c];
  for (int sweep = 0; sweep < 25; ++sweep) {
    em.m_step();
    const double want = em.e_step();
    EXPECT_NEAR(fit.climb->elbo(fit.workers), want, 1e-9 * std::abs(want)) << sweep;
    fit.climb->sweep(fit.workers);
  }
  EXPECT_TRUE(fit.climb->keeps_statistics());
}

TEST(TiedCovariance, MaximumLikelihoodFollowsItsUpdates) { follows_em(Covariance::tied); }
TEST(SphericalCovariance, MaximumLikelihoodFollowsItsUpdates) { follows_em(Covariance::spherical); }

// One component is the Normal-Wishart of the full covariance: reference case 5.
TEST(TiedCovariance, OneComponentIsTheExactEvidence) {
  const Rows rows;
  CovarianceFit fit(rows, 1, Covariance::tied, Factors::mean_field);
  EXPECT_NEAR(fit.climb->sweep(fit.workers), -1303.89751779, 1e-8);
  EXPECT_NEAR(fit.climb->elbo(fit.workers), -1303.89751779, 1e-8);
}

// The evidence of n rows of d columns with one mean and one precision: the quotient of normalisers,
// (2 pi)^(-nd/2) (b0/b)^(d/2) rate0^a0 / rate^a Gamma(a) / Gamma(a0), rows having mean zero.
TEST(SphericalCovariance, OneComponentIsTheExactEvidence) {
  const Rows rows;
  CovarianceFit fit(rows, 1, Covariance::spherical, Factors::mean_field);
  const auto n = double(rows.m.rows()), d = double(rows.m.cols());
  const double trace = rows.m.squaredNorm() / (n - 1);
  const double a0 = d / 2, rate0 = trace / (2 * d), a = a0 + n * d / 2;
  const double rate = rate0 + rows.m.squaredNorm() / 2;  // means agree
  const double want = -0.5 * n * d * std::log(kTwoPi) - 0.5 * d * std::log(n + 1) +
                      a0 * std::log(rate0) - a * std::log(rate) + std::lgamma(a) - std::lgamma(a0);
  EXPECT_NEAR(fit.climb->sweep(fit.workers), want, 1e-8);
  EXPECT_NEAR(fit.climb->elbo(fit.workers), want, 1e-8);
}

// nu = nu0 + N, b_k = b0 + N_k and V + sum_k b_k m_k m_k' = V0 + sum_n x_n x_n' from a hard start,
// the prior's mean being zero.
TEST(TiedCovariance, TheUpdateIsThatOfOneSharedWishart) {
  const Rows rows;
  CovarianceFit fit(rows, 3, Covariance::tied, Factors::mean_field);
  const Array start = block_start(rows.x, 3);
  MatrixXd raw = rows.m.transpose() * rows.m / double(rows.m.rows() - 1);
  for (Eigen::Index c = 0; c < 3; ++c) {
    double count = 0;
    VectorXd sum = VectorXd::Zero(2);
    for (Eigen::Index i = 0; i < rows.m.rows(); ++i) {
      if (start.data<double>()[i * 3 + c] == 0) continue;
      count += 1;
      sum += rows.m.row(i).transpose();
      raw += rows.m.row(i).transpose() * rows.m.row(i);
    }
    EXPECT_NEAR(fit.state.find("components.natural.2")->data<double>()[c], -(1 + count) / 2, 1e-12);
    for (Eigen::Index j = 0; j < 2; ++j)
      EXPECT_NEAR(fit.state.find("components.natural.1")->data<double>()[c * 2 + j], sum[j], 1e-9);
  }
  const Array& n0 = *fit.state.find("components.natural.0");
  for (Eigen::Index j = 0; j < 4; ++j)
    EXPECT_NEAR(n0.data<double>()[j], -raw(j / 2, j % 2) / 2, 1e-8);
  EXPECT_NEAR(*fit.state.find("components.natural.3")->data<double>(), (2 + 272 + 3 - 3) / 2.0,
              1e-10);
}

// Updates are exact with missing cells too: ascend() throws where a sweep lowers the bound.
TEST(SharedPrecisions, RiseMonotonelyWithMissingCells) {
  const Rows rows;
  for (const Covariance covariance : {Covariance::tied, Covariance::spherical})
    for (const Factors factors : {Factors::likelihood, Factors::mode, Factors::mean_field}) {
      GaussianMixture g(2, 2, GaussianMixturePrior::of_rows(rows.x, 1.0), covariance);
      g.model.missing(g.x);
      DataSet data;
      data.rows = 272;
      Array x = rows.x.copy();
      for (std::int64_t i = 0; i < x.size(); i += 3) x.data<double>()[i] = NAN;
      data.columns["x"] = x;
      State state;
      Workers workers(1);
      CoordinateClimb climb(g.model, data, state, {.factors = factors});
      climb.start({{"which", block_start(rows.x, 2)}}, workers);
      EXPECT_NO_THROW(ascend(climb, 272, {.sweeps = 60}, workers));
      double total = 0;
      for (const auto& [name, value] : climb.terms(workers)) total += value;
      EXPECT_NEAR(total, climb.elbo(workers), 1e-9 * std::abs(total));
    }
}

}  // namespace
}  // namespace fathom
