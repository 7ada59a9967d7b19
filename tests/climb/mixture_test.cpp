// A mixture of regressions written with public calls, climbed factor by factor, against the
// textbook updates of its factors (Bishop 2006, sections 10.2 and 10.3) written out in doubles.
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/coordinate.h"
#include "fathom/exec/reference.h"
#include "tests/oracles/special.h"

namespace fathom {
namespace {

constexpr std::int64_t kRows = 40, kSlopes = 2, kParts = 2;
constexpr double kWeightPrior = 1.5, kSlopePrior = 0.01, kShape = 2, kRate = 1.5;

struct Rows {
  double x[kRows][kSlopes], y[kRows];
};

// Two lines and noise, from a key.
Rows two_lines() {
  Rows r;
  for (std::int64_t i = 0; i < kRows; ++i) {
    const Random4 u = philox(Key{4, 4}, std::uint64_t(i), 0);
    const auto unit = [&](int k) { return (double(u.word[k]) + 0.5) * 0x1p-32; };
    r.x[i][0] = 1;
    r.x[i][1] = 4 * unit(0) - 2;
    const bool first = unit(1) < 0.4;
    r.y[i] = (first ? 1 + 2 * r.x[i][1] : -0.5 - r.x[i][1]) + 0.3 * (unit(2) + unit(3) - 1);
  }
  return r;
}

// The factors in textbook form.
struct ByHand {
  double alpha[kParts], a[kParts], b[kParts], m[kParts][kSlopes], precision[kParts][2][2];

  void covariance(int k, double s[2][2]) const {
    const auto& p = precision[k];
    const double det = p[0][0] * p[1][1] - p[0][1] * p[1][0];
    s[0][0] = p[1][1] / det;
    s[1][1] = p[0][0] / det;
    s[0][1] = s[1][0] = -p[0][1] / det;
  }
  // E (y - x'w)^2
  double squared_error(const Rows& d, std::int64_t n, int k) const {
    double s[2][2], mean = 0, spread = 0;
    covariance(k, s);
    for (int i = 0; i < 2; ++i) {
      mean += m[k][i] * d.x[n][i];
      for (int j = 0; j < 2; ++j) spread += d.x[n][i] * s[i][j] * d.x[n][j];
    }
    return (d.y[n] - mean) * (d.y[n] - mean) + spread;
  }
  double log_weight(int k) const {
    return oracle::digamma(alpha[k]) - oracle::digamma(alpha[0] + alpha[1]);
  }
  double log_precision(int k) const { return oracle::digamma(a[k]) - std::log(b[k]); }

  // log p(y_n, which = k) in expectation.
  double score(const Rows& d, std::int64_t n, int k) const {
    return log_weight(k) + 0.5 * log_precision(k) - 0.91893853320467274178 -
           0.5 * a[k] / b[k] * squared_error(d, n, k);
  }
  void responsibilities(const Rows& d, double r[kRows][kParts]) const {
    for (std::int64_t n = 0; n < kRows; ++n) {
      const double s0 = score(d, n, 0), s1 = score(d, n, 1), top = std::max(s0, s1);
      const double total = std::exp(s0 - top) + std::exp(s1 - top);
      r[n][0] = std::exp(s0 - top) / total;
      r[n][1] = std::exp(s1 - top) / total;
    }
  }

  // One E step, then every factor in turn. Returns the bound with these responsibilities.
  double sweep(const Rows& d) {
    double r[kRows][kParts];
    responsibilities(d, r);
    update_weights(r);
    update_slopes(d, r);
    update_noise(d, r);
    return elbo(d, r);
  }
  void update_weights(const double r[kRows][kParts]) {
    for (int k = 0; k < kParts; ++k) {
      alpha[k] = kWeightPrior;
      for (std::int64_t n = 0; n < kRows; ++n) alpha[k] += r[n][k];
    }
  }
  void update_slopes(const Rows& d, const double r[kRows][kParts]) {
    for (int k = 0; k < kParts; ++k) {
      double h[2] = {};
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j) {
          precision[k][i][j] = i == j ? kSlopePrior : 0;
          for (std::int64_t n = 0; n < kRows; ++n)
            precision[k][i][j] += r[n][k] * a[k] / b[k] * d.x[n][i] * d.x[n][j];
        }
      for (std::int64_t n = 0; n < kRows; ++n)
        for (int i = 0; i < 2; ++i) h[i] += r[n][k] * a[k] / b[k] * d.y[n] * d.x[n][i];
      double s[2][2];
      covariance(k, s);
      for (int i = 0; i < 2; ++i) m[k][i] = s[i][0] * h[0] + s[i][1] * h[1];
    }
  }
  void update_noise(const Rows& d, const double r[kRows][kParts]) {
    for (int k = 0; k < kParts; ++k) {
      double shape = kShape, rate = kRate;
      for (std::int64_t n = 0; n < kRows; ++n) {
        shape += 0.5 * r[n][k];
        rate += 0.5 * r[n][k] * squared_error(d, n, k);
      }
      a[k] = shape;
      b[k] = rate;
    }
  }

  // E log p of rows and choices and the entropy of the choices, less the divergences of the factors
  // from their priors; at the best choices the first two are the sum over rows of log sum over
  // components.
  double elbo(const Rows& d) const {
    double r[kRows][kParts];
    responsibilities(d, r);
    return elbo(d, r);
  }
  double elbo(const Rows& d, const double r[kRows][kParts]) const {
    double total = 0;
    for (std::int64_t n = 0; n < kRows; ++n)
      for (int k = 0; k < kParts; ++k)
        if (r[n][k] > 0) total += r[n][k] * (score(d, n, k) - std::log(r[n][k]));
    total -= std::lgamma(alpha[0] + alpha[1]) - std::lgamma(2 * kWeightPrior);
    for (int k = 0; k < kParts; ++k) {
      total -= std::lgamma(kWeightPrior) - std::lgamma(alpha[k]) +
               (alpha[k] - kWeightPrior) * log_weight(k);
      total -= (a[k] - kShape) * oracle::digamma(a[k]) - std::lgamma(a[k]) + std::lgamma(kShape) +
               kShape * (std::log(b[k]) - std::log(kRate)) + a[k] * (kRate - b[k]) / b[k];
      double s[2][2];
      covariance(k, s);
      const double det = s[0][0] * s[1][1] - s[0][1] * s[1][0];
      total -= 0.5 * (kSlopePrior * (s[0][0] + s[1][1] + m[k][0] * m[k][0] + m[k][1] * m[k][1]) -
                      kSlopes - std::log(det) - kSlopes * std::log(kSlopePrior));
    }
    return total;
  }
};

class MixtureOfRegressions : public ::testing::Test {
 protected:
  MixtureOfRegressions() {
    const Plate row = m.plate("row"), component = m.plate("component", kParts);
    const Expr x = m.data("x", row, Shape{kSlopes}, DType::f64);
    const Expr y = m.data("y", row, {}, DType::f64);
    const Expr weights = m.latent("weights", dirichlet(kWeightPrior), Shape{kParts});
    const Expr slopes = m.latent("slopes", mvnormal(0.0, kSlopePrior), component, Shape{kSlopes});
    const Expr noise = m.latent("noise", gamma(kShape, kRate), component);
    const Expr which = m.latent("which", categorical_of(weights), row, Shape{kParts});
    m.observe("y", normal_precision(inner(x, gate(which, slopes)), gate(which, noise)), y);

    data.rows = kRows;
    data.columns["x"] = Array::of<double>(Shape{kRows, kSlopes},
                                          std::span<const double>(&d.x[0][0], kRows * kSlopes));
    data.columns["y"] = Array::of<double>(Shape{kRows}, std::span<const double>(d.y, kRows));
    for (int k = 0; k < kParts; ++k) {  // the start: priors, one slope pulled away
      q.alpha[k] = kWeightPrior;
      q.a[k] = kShape;
      q.b[k] = kRate;
      q.m[k][0] = 0;
      q.m[k][1] = k == 0 ? 0.7 : 0;
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j) q.precision[k][i][j] = i == j ? kSlopePrior : 0;
    }
  }
  void start(State& state) const {
    double* h = state.find("slopes.natural.0")->data<double>();
    h[1] = kSlopePrior * 0.7;
  }

  const Rows d = two_lines();
  Model m{DType::f64};
  DataSet data;
  ByHand q;
};

TEST_F(MixtureOfRegressions, StepsAreTheTextbooksUpdates) {
  State state;
  Workers workers(2);
  CoordinateClimb climb(m, data, state);
  EXPECT_TRUE(climb.keeps_statistics());
  EXPECT_EQ(climb.blocks(), (std::vector<std::vector<std::size_t>>{{0, 1}, {2}}));
  start(state);
  EXPECT_NEAR(climb.elbo(workers), q.elbo(d), 1e-10 * std::abs(q.elbo(d)));
  double last = q.elbo(d);
  for (int sweep = 0; sweep < 30; ++sweep) {
    SCOPED_TRACE(sweep);
    const double now = climb.sweep(workers);
    const double want = q.sweep(d);
    ASSERT_NEAR(now, want, 1e-10 * std::abs(want));
    ASSERT_NEAR(climb.elbo(workers), q.elbo(d), 1e-10 * std::abs(want));
    EXPECT_GE(now, last - 1e-10 * std::abs(last));
    last = now;
    const Array alpha = state.find("weights.natural.0")->reshaped(Shape{kParts}),
                h = *state.find("slopes.natural.0"), lambda = *state.find("slopes.natural.1"),
                shape = *state.find("noise.natural.0"), rate = *state.find("noise.natural.1");
    for (int k = 0; k < kParts; ++k) {
      EXPECT_NEAR(alpha.data<double>()[k] + 1, q.alpha[k], 1e-9);
      EXPECT_NEAR(shape.data<double>()[k] + 1, q.a[k], 1e-9);
      EXPECT_NEAR(-rate.data<double>()[k], q.b[k], 1e-9 * q.b[k]);
      for (int i = 0; i < 2; ++i) {
        double times = 0;
        for (int j = 0; j < 2; ++j) {
          const double p = q.precision[k][i][j];
          EXPECT_NEAR(-2 * lambda.data<double>()[4 * k + 2 * i + j], p, 1e-9 * (1 + std::abs(p)));
          times += p * q.m[k][j];
        }
        EXPECT_NEAR(h.data<double>()[2 * k + i], times, 1e-9 * (1 + std::abs(times)));
      }
    }
  }
  // The lines that the rows were made from: 1 + 2x and -0.5 - x.
  const Array slopes = climb.mean(1, workers);
  EXPECT_NEAR(slopes.data<double>()[1], 2, 0.1);
  EXPECT_NEAR(slopes.data<double>()[3], -1, 0.1);
}

TEST_F(MixtureOfRegressions, NamedTermsAddUpToTheBound) {
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);
  start(state);
  for (int sweep = 0; sweep < 3; ++sweep) climb.sweep(workers);
  double total = 0, size = 0;
  for (const auto& [name, value] : climb.terms(workers)) {
    total += value;
    size += std::abs(value);
  }
  EXPECT_NEAR(total, climb.elbo(workers), 1e-12 * size);
  // Probabilities of the choices: the textbook's responsibilities.
  for (int sweep = 0; sweep < 3; ++sweep) q.sweep(d);
  double r[kRows][kParts];
  q.responsibilities(d, r);
  const Array found = climb.mean(3, workers);
  ASSERT_EQ(found.size(), kRows * kParts);
  for (std::int64_t n = 0; n < kRows; ++n)
    EXPECT_NEAR(found.data<double>()[n * kParts], r[n][0], 1e-9);
}

// The bound and its gradient through the reference interpreter: no plan, no fusion.
TEST_F(MixtureOfRegressions, InterpreterGivesTheSameBound) {
  State state;
  CoordinateClimb climb(m, data, state);
  start(state);
  Graph g(op_table());
  LowerOptions options;
  options.capacity = kRows;
  options.factors = fathom::Factors::mean_field;
  options.collapse = true;
  Lowering lowering(m, g, options);
  Value bound;
  for (const Term& t : lowering.terms()) bound = bound ? bound + sum(t.value) : sum(t.value);
  Bindings b;
  for (const auto& [name, array] : data.columns) b["data." + name] = array;
  for (const InputInfo& i : g.graph_inputs())
    if (i.kind == InputKind::slot) b[i.name] = *state.find(i.name);
  const Array value = evaluate_reference(g, std::vector{bound}, b)[0];
  EXPECT_NEAR(value.data<double>()[0], q.elbo(d), 1e-10 * std::abs(q.elbo(d)));
}

TEST(Gates, AreCheckedWhenWritten) {
  Model m(DType::f64);
  const Plate row = m.plate("row"), component = m.plate("component", 3);
  const Expr mu = m.latent("mu", normal(0.0, 1.0), component);
  const Expr weights = m.latent("weights", dirichlet(1.0), Shape{2});
  const Expr which = m.latent("which", categorical_of(weights), row, Shape{2});
  EXPECT_THROW(gate(which, mu), ConfigError);  // two categories, three elements
  EXPECT_THROW(gate(mu, mu), ConfigError);     // no categorical latent
}

}  // namespace
}  // namespace fathom
