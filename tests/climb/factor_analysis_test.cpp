// Latents of rows that are vectors: probabilistic PCA through the model, integrated over its
// latent, by EM against the closed form, and its bound against the density of the rows.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fathom/climb/coordinate.h"
#include "tests/oracles/gaussian.h"
#include "tests/support/tables.h"

namespace fathom {
namespace {

// Iris, centred: [150, 4].
Array centred_iris() { return centred(shipped_table("iris.csv", "0:4")); }

struct Pca {
  Model m{DType::f64};
  DataSet data;
  State state;
  Workers workers{2};
  std::unique_ptr<CoordinateClimb> climb;
  std::int64_t q;

  // Of every `gaps` cells one is missing, going along the rows; 0: none.
  Pca(std::int64_t latent, Factors factors, std::int64_t gaps = 0) : q(latent) {
    Array x = centred_iris();
    for (std::int64_t i = 0; gaps > 0 && i < x.size(); i += gaps)
      x.data<double>()[i] = std::numeric_limits<double>::quiet_NaN();
    const std::int64_t n = x.shape().extent(0), d = x.shape().extent(1);
    const Plate row = m.plate("row"), feature = m.plate("feature", d);
    const Expr y = m.data("x", {row, feature}, {}, DType::f64);
    if (gaps > 0) m.missing(y);
    const Expr w = m.latent("loadings", mvnormal(0.0, 1e-3), feature, Shape{q});
    const Expr tau = m.latent("precision", gamma(1e-3, 1e-3));
    const Expr z = m.latent("z", mvnormal(0.0, 1.0), row, Shape{q});
    m.observe("x", normal_precision(inner(w, z), tau), y);
    data.rows = n;
    data.columns["x"] = x;
    climb = std::make_unique<CoordinateClimb>(m, data, state, CoordinateOptions{factors});
    // W = [I; 0.5], one for the precision.
    Array &h = *state.find("loadings.natural.0"), &half = *state.find("loadings.natural.1");
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < q; ++j) {
        h.data<double>()[i * q + j] = i < q ? double(i == j) : 0.5;
        for (std::int64_t k = 0; k < q; ++k)
          half.data<double>()[(i * q + j) * q + k] = j == k ? -0.5 : 0;
      }
    *state.find("precision.natural.0")->data<double>() = 1;
    *state.find("precision.natural.1")->data<double>() = -1;
  }
};

// sum over rows of log N(x; 0, W W' + I / tau), of the cells that are not missing.
double log_density(const Array& x, const Array& w, double tau) {
  const std::int64_t n = x.shape().extent(0), d = x.shape().extent(1), q = w.size() / d;
  std::vector<double> c(std::size_t(d * d)), zeros(std::size_t(d), 0.0);
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t j = 0; j < d; ++j) {
      double& cell = c[std::size_t(i * d + j)] = i == j ? 1 / tau : 0;
      for (std::int64_t l = 0; l < q; ++l)
        cell += w.data<double>()[i * q + l] * w.data<double>()[j * q + l];
    }
  double total = 0;
  for (std::int64_t i = 0; i < n; ++i)
    total += oracle::log_normal({x.data<double>() + i * d, std::size_t(d)}, zeros, c);
  return total;
}

// With point masses for all but z the bound is the density of the rows, wherever the points are.
TEST(FactorAnalysis, BoundIsTheDensityWithZIntegratedOut) {
  for (const auto& [q, gaps] : {std::pair{1, 0}, {2, 0}, {3, 0}, {1, 3}, {2, 7}, {3, 3}}) {
    SCOPED_TRACE(fmt::format("{} latents, one cell in {} missing", q, gaps));
    Pca pca(q, Factors::likelihood, gaps);
    for (int sweep = 0; sweep < 4; ++sweep) {
      const Array w = pca.climb->mean(0, pca.workers), tau = pca.climb->mean(1, pca.workers);
      const double want = log_density(pca.data.columns["x"], w, *tau.data<double>());
      EXPECT_NEAR(pca.climb->elbo(pca.workers), want, 1e-10 * std::abs(want));
      pca.climb->sweep(pca.workers);
    }
  }
}

// Tipping & Bishop 1999: the likelihood at its maximum is that of the eigenvalues.
TEST(FactorAnalysis, EmReachesTheClosedFormOfProbabilisticPca) {
  const double want[] = {-470.66945832, -404.96278016, -379.91463012},
               variance[] = {0.1141390796, 0.0506821479, 0.0236761924};
  for (const std::int64_t q : {1, 2, 3}) {
    SCOPED_TRACE(q);
    Pca pca(q, Factors::likelihood);
    EXPECT_TRUE(pca.climb->keeps_statistics());
    double last = -1e300;
    for (int sweep = 0; sweep < 1000; ++sweep) {
      const double now = pca.climb->sweep(pca.workers);
      ASSERT_GE(now, last - 1e-10 * std::abs(now)) << sweep;
      last = now;
    }
    EXPECT_NEAR(last, want[q - 1], 1e-8);
    EXPECT_NEAR(1 / *pca.climb->mean(1, pca.workers).data<double>(), variance[q - 1], 1e-6);
  }
}

TEST(FactorAnalysis, NoSweepWithMissingCellsLowersTheBound) {
  for (const Factors f : {Factors::mean_field, Factors::mode, Factors::likelihood}) {
    Pca pca(2, f, 5);
    double last = -1e300;
    for (int sweep = 0; sweep < 60; ++sweep) {
      const double now = pca.climb->sweep(pca.workers);
      ASSERT_GE(now, last - 1e-10 * std::abs(now)) << sweep;
      last = now;
    }
  }
}

TEST(FactorAnalysis, VariationalBoundNeverFallsAndItsTermsAddUp) {
  Pca pca(2, Factors::mean_field);
  double last = -1e300;
  for (int sweep = 0; sweep < 100; ++sweep) {
    const double now = pca.climb->sweep(pca.workers);
    ASSERT_GE(now, last - 1e-10 * std::abs(now)) << sweep;
    last = now;
  }
  double total = 0, size = 0;
  for (const auto& [name, value] : pca.climb->terms(pca.workers)) {
    total += value;
    size += std::abs(value);
  }
  EXPECT_NEAR(total, pca.climb->elbo(pca.workers), 1e-12 * size);
  EXPECT_LT(last, -404.96);  // the bound pays for what it does not know
}

// Bayesian PCA with a precision for each column of the loadings (Bishop 1999): the trace of
// BayesPy 0.5.22 and of the formulas, to 1e-8, from W = [I; 0.5] known exactly.
TEST(FactorAnalysis, BayesianPcaFollowsThePublishedTrace) {
  const Array x = centred_iris();
  const std::int64_t n = x.shape().extent(0), d = x.shape().extent(1), q = 3;
  Model m(DType::f64);
  const Plate row = m.plate("row"), feature = m.plate("feature", d);
  const Expr y = m.data("x", {row, feature}, {}, DType::f64);
  const Expr alpha = m.latent("alpha", gamma(1e-3, 1e-3), Shape{q});
  const Expr w = m.latent("loadings", mvnormal_diagonal(0.0, alpha), feature, Shape{q});
  const Expr tau = m.latent("precision", gamma(1e-3, 1e-3));
  const Expr z = m.latent("z", mvnormal(0.0, 1.0), row, Shape{q});
  m.observe("x", normal_precision(inner(w, z), tau), y);
  DataSet data;
  data.rows = n;
  data.columns["x"] = x;
  State state;
  Workers workers(2);
  CoordinateOptions options;
  options.order = {"loadings", "alpha", "precision"};
  CoordinateClimb climb(m, data, state, options);
  EXPECT_TRUE(climb.keeps_statistics());
  Array &h = *state.find("loadings.natural.0"), &half = *state.find("loadings.natural.1");
  constexpr double known = 1e14;  // precision of a start that has no variance
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t j = 0; j < q; ++j) {
      h.data<double>()[i * q + j] = known * (i < q ? double(i == j) : 0.5);
      for (std::int64_t k = 0; k < q; ++k)
        half.data<double>()[(i * q + j) * q + k] = j == k ? -0.5 * known : 0;
    }
  for (const char* name : {"alpha", "precision"}) {  // gamma(1, 1): a mean of one
    Array &shape = *state.find(std::string(name) + ".natural.0"),
          &rate = *state.find(std::string(name) + ".natural.1");
    std::fill_n(shape.data<double>(), shape.size(), 0.0);
    std::fill_n(rate.data<double>(), rate.size(), -1.0);
  }
  const std::map<int, double> want = {{1, -763.92482034},   {2, -601.00769034},
                                      {3, -548.10069965},   {10, -478.90825899},
                                      {100, -454.28108613}, {3000, -451.59988954}};
  double last = -1e300;
  for (int sweep = 1; sweep <= 3000; ++sweep) {
    const double now = climb.sweep(workers);
    ASSERT_GE(now, last - 1e-10 * std::abs(now)) << sweep;
    last = now;
    if (want.count(sweep)) {
      EXPECT_NEAR(now, want.at(sweep), 1e-8) << sweep;
    }
  }
}

}  // namespace
}  // namespace fathom
