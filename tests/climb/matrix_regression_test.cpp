// Regression of vectors with unknown coefficients and unknown covariance of the residuals: one
// factor, so that variational Bayes is exact. Posterior and evidence in closed form (Rossi, Allenby
// & McCulloch 2005, section 2.8.5), written with Eigen.
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>

#include "fathom/climb/coordinate.h"
#include "fathom/kernels/rng.h"

namespace fathom {
namespace {

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::int64_t kPairs = 40, kInputs = 3, kOutputs = 2;

RowMatrix drawn(std::uint64_t key, std::int64_t n, std::int64_t d) {
  RowMatrix m(n, d);
  kernels::fill_normal(Key{8, key}, nullptr, 0, n, d, m.data());
  return m;
}
Array array_of(const RowMatrix& m) {
  Array a(DType::f64, Shape{m.rows(), m.cols()});
  std::copy(m.data(), m.data() + m.size(), a.data<double>());
  return a;
}

struct ByFormula {
  RowMatrix mean, strength, inverse_scale;
  double dof;

  // log of the integral of exp <eta, t>: that of the density without its constant.
  double log_norm() const {
    const double d = kOutputs, k = kInputs;
    double gammas = d * (d - 1) / 4 * std::log(M_PI);
    for (int i = 0; i < kOutputs; ++i) gammas += std::lgamma((dof - i) / 2);
    return k * d / 2 * std::log(2 * M_PI) - d / 2 * std::log(strength.determinant()) +
           dof * d / 2 * std::log(2.0) + gammas - dof / 2 * std::log(inverse_scale.determinant());
  }
  ByFormula after(const RowMatrix& x, const RowMatrix& y) const {
    ByFormula p;
    p.strength = strength + x.transpose() * x;
    p.mean = p.strength.inverse() * (strength * mean + x.transpose() * y);
    p.inverse_scale = inverse_scale + y.transpose() * y + mean.transpose() * strength * mean -
                      p.mean.transpose() * p.strength * p.mean;
    p.dof = dof + double(x.rows());
    return p;
  }
};

class MatrixRegression : public ::testing::Test {
 protected:
  void SetUp() override {
    x = drawn(1, kPairs, kInputs);
    RowMatrix truth(kInputs, kOutputs);
    truth << 1, -2, 0.5, 3, -1, 0;
    y = x * truth + 0.5 * drawn(2, kPairs, kOutputs);
    y.col(1) += 0.4 * y.col(0);
    const RowMatrix a = drawn(3, kInputs, kInputs), v = drawn(4, kOutputs, kOutputs);
    prior = {0.3 * drawn(5, kInputs, kOutputs), a * a.transpose() + RowMatrix::Identity(3, 3),
             v * v.transpose() + RowMatrix::Identity(2, 2), 4.5};
    const Plate row = m.plate("row");
    const Expr in = m.data("x", row, Shape{kInputs}, DType::f64);
    const Expr out = m.data("y", row, Shape{kOutputs}, DType::f64);
    const Expr c =
        m.latent("coefficients",
                 matrix_normal_wishart(m.constant(array_of(prior.mean)),
                                       m.constant(array_of(prior.strength)),
                                       m.constant(array_of(prior.inverse_scale)), prior.dof),
                 Shape{kInputs, kOutputs});
    m.observe("y", mvnormal_of(regressed(in, c)), out);
    data.rows = kPairs;
    data.columns["x"] = array_of(x);
    data.columns["y"] = array_of(y);
  }

  Model m{DType::f64};
  RowMatrix x, y;
  ByFormula prior;
  DataSet data;
  State state;
  Workers workers{2};
};

TEST_F(MatrixRegression, OneSweepIsThePosteriorAndTheEvidence) {
  CoordinateClimb climb(m, data, state);
  const ByFormula posterior = prior.after(x, y);
  const double evidence =
      posterior.log_norm() - prior.log_norm() - double(kPairs * kOutputs) / 2 * std::log(2 * M_PI);
  EXPECT_NEAR(climb.sweep(workers), evidence, 1e-9 * std::abs(evidence));
  EXPECT_NEAR(climb.sweep(workers), evidence, 1e-9 * std::abs(evidence));
  const Array mean = climb.mean(0, workers);
  for (std::int64_t i = 0; i < mean.size(); ++i)
    EXPECT_NEAR(mean.data<double>()[i], posterior.mean.data()[i], 1e-10);
  EXPECT_TRUE(climb.keeps_statistics());
}

// Rows one after another: the evidence is the product of what each adds (the chain rule).
TEST_F(MatrixRegression, EvidenceIsThatOfHalvesInTurn) {
  const RowMatrix x1 = x.topRows(15), y1 = y.topRows(15), x2 = x.bottomRows(25),
                  y2 = y.bottomRows(25);
  const ByFormula half = prior.after(x1, y1), whole = half.after(x2, y2),
                  at_once = prior.after(x, y);
  EXPECT_NEAR(whole.log_norm(), at_once.log_norm(), 1e-9);
}

// Maximum likelihood: least squares, and the covariance of its residuals.
TEST_F(MatrixRegression, MaximumLikelihoodIsLeastSquares) {
  CoordinateClimb climb(m, data, state, {.factors = Factors::likelihood});
  for (int i = 0; i < 3; ++i) climb.sweep(workers);
  const RowMatrix least = (x.transpose() * x).inverse() * x.transpose() * y;
  const RowMatrix rest = y - x * least, covariance = rest.transpose() * rest / double(kPairs);
  const Array mean = climb.mean(0, workers);
  for (std::int64_t i = 0; i < mean.size(); ++i)
    EXPECT_NEAR(mean.data<double>()[i], least.data()[i], 1e-10);
  const double likelihood =
      -double(kPairs) / 2 *
      (kOutputs * std::log(2 * M_PI) + std::log(covariance.determinant()) + kOutputs);
  EXPECT_NEAR(climb.elbo(workers), likelihood, 1e-9 * std::abs(likelihood));
}

TEST_F(MatrixRegression, WantsAMatrixPrior) {
  Model other(DType::f64);
  const Plate row = other.plate("row");
  const Expr in = other.data("x", row, Shape{kInputs}, DType::f64);
  const Expr w = other.latent("w", normal(0.0, 1.0), Shape{kInputs, kOutputs});
  const Expr out = other.data("y", row, Shape{kOutputs}, DType::f64);
  other.observe("y", mvnormal_of(regressed(in, w)), out);
  State fresh;
  EXPECT_THROW(CoordinateClimb(other, data, fresh), Error);
  EXPECT_THROW(regressed(out, w), ShapeError);
}

}  // namespace
}  // namespace fathom
