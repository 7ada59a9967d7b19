// Exact evidence and posteriors: one component is exact, a mixture of few rows is enumerated.
// Bishop 2006, chapter 2 and appendix B.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/random_model.h"

namespace fathom::test {
namespace {

constexpr double kLogTwoPi = 1.83787706640934548356;

enum class Kind : std::uint8_t { bernoulli, poisson, categorical, normal_gamma, mean, exponential };

double log_beta(double a, double b) { return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b); }

// Rows of one kind, and what their evidence is in one component of hyperparameters a and b.
struct Rows {
  Kind kind;
  double a, b, c, d;
  std::vector<double> x;

  // log evidence of the rows of `in`, and E of the latent given these.
  double evidence(const std::vector<bool>& in, double* posterior = nullptr) const {
    double n = 0, sum = 0, squares = 0, base = 0, ones[3] = {};
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (!in[i]) continue;
      n += 1;
      sum += x[i];
      squares += x[i] * x[i];
      base -= std::lgamma(x[i] + 1);
      if (kind == Kind::categorical) ones[std::size_t(x[i])] += 1;
    }
    double at = 0, value = 0;
    switch (kind) {
      case Kind::bernoulli:
        value = log_beta(a + sum, b + n - sum) - log_beta(a, b);
        at = (a + sum) / (a + b + n);
        break;
      case Kind::poisson:
        value = base + a * std::log(b) - std::lgamma(a) + std::lgamma(a + sum) -
                (a + sum) * std::log(b + n);
        at = (a + sum) / (b + n);
        break;
      case Kind::exponential:
        value = a * std::log(b) - std::lgamma(a) + std::lgamma(a + n) - (a + n) * std::log(b + sum);
        at = (a + n) / (b + sum);
        break;
      case Kind::categorical:
        value = std::lgamma(3 * a) - std::lgamma(3 * a + n);
        for (const double o : ones) value += std::lgamma(a + o) - std::lgamma(a);
        at = (a + ones[0]) / (3 * a + n);
        break;
      case Kind::mean: {  // mean ~ N(c, 1 / a), precision b known
        const double p = a + n * b, h = a * c + b * sum;
        value = 0.5 * (std::log(a) - std::log(p) + n * std::log(b) - n * kLogTwoPi - b * squares -
                       a * c * c + h * h / p);
        at = h / p;
        break;
      }
      case Kind::normal_gamma: {  // mean c, strength d, shape a, rate b
        const double strength = d + n, m = (d * c + sum) / strength,
                     rate = b + 0.5 * (squares + d * c * c - strength * m * m);
        value = 0.5 * (std::log(d) - std::log(strength) - n * kLogTwoPi) + a * std::log(b) -
                (a + n / 2) * std::log(rate) + std::lgamma(a + n / 2) - std::lgamma(a);
        at = m;
        break;
      }
    }
    if (posterior) *posterior = at;
    return value;
  }
};

Rows draw_rows(Kind kind, std::int64_t n, Stream& r) {
  Rows rows{kind, r.between(0.4, 3), r.between(0.4, 3), r.normal(), r.between(0.3, 2), {}};
  for (std::int64_t i = 0; i < n; ++i) switch (kind) {
      case Kind::bernoulli: rows.x.push_back(double(r.dice(2))); break;
      case Kind::poisson: rows.x.push_back(double(r.dice(7))); break;
      case Kind::categorical: rows.x.push_back(double(r.dice(3))); break;
      case Kind::exponential: rows.x.push_back(-2 * std::log(r.unit())); break;
      default: rows.x.push_back(2 * r.normal());
    }
  return rows;
}

// The bound after some sweeps, and the mean of the component's latent.
double climbed(const Rows& rows, std::int64_t k, double alpha, int sweeps, Stream& r,
               double* mean) {
  const auto n = std::int64_t(rows.x.size());
  Model m(DType::f64);
  const Plate row = m.plate("row"), component = m.plate("component", k);
  const Expr weights = m.latent("weights", dirichlet(alpha), Shape{k});
  const Expr which = m.latent("which", categorical_of(weights), row, Shape{k});
  const bool wide = rows.kind == Kind::categorical;
  const std::int64_t width = wide ? 3 : 1;
  const bool vector = wide || rows.kind == Kind::normal_gamma;
  const Expr x = m.data("x", row, vector ? Shape{width} : Shape{}, DType::f64);
  const double a = rows.a, b = rows.b;
  const auto latent = [&](const Conditional& prior) {
    return gate(which, m.latent("theta", prior, component, vector ? Shape{width} : Shape{}));
  };
  switch (rows.kind) {
    case Kind::bernoulli: m.observe("x", bernoulli_of(latent(beta(a, b))), x); break;
    case Kind::poisson: m.observe("x", poisson_of(latent(gamma(a, b))), x); break;
    case Kind::exponential: m.observe("x", exponential_of(latent(gamma(a, b))), x); break;
    case Kind::categorical: m.observe("x", categorical_of(latent(dirichlet(a))), x); break;
    case Kind::mean:
      m.observe("x", normal_precision(latent(normal_precision(rows.c, a)), b), x);
      break;
    default: m.observe("x", mvnormal_of(latent(normal_gamma(rows.c, rows.d, a, b))), x);
  }
  Array data(DType::f64, vector ? Shape{n, width} : Shape{n}), start(DType::f64, Shape{n, k});
  for (std::int64_t i = 0; i < n; ++i) {
    const double v = rows.x[std::size_t(i)];
    for (std::int64_t j = 0; j < width; ++j)
      data.data<double>()[i * width + j] = wide ? (j == std::int64_t(v) ? 1.0 : 0.0) : v;
    double total = 0;
    for (std::int64_t j = 0; j < k; ++j)
      total += start.data<double>()[i * k + j] = r.between(0.05, 1);
    for (std::int64_t j = 0; j < k; ++j) start.data<double>()[i * k + j] /= total;
  }
  DataSet set;
  set.rows = n;
  set.columns["x"] = data;
  State state;
  Workers one(1);
  CoordinateClimb climb(m, set, state);
  climb.start({{"which", start}}, one);
  double bound = 0;
  for (int s = 0; s < sweeps; ++s) bound = climb.sweep(one);
  *mean = climb.mean(2, one).data<double>()[0];
  return bound;
}

constexpr Kind kKinds[] = {Kind::bernoulli,    Kind::poisson, Kind::categorical,
                           Kind::normal_gamma, Kind::mean,    Kind::exponential};

// P2 and P10: with one component nothing is approximated.
TEST(ExactEvidence, OneComponent) {
  Stream r(11);
  for (int i = 0; i < 60; ++i) {
    const Rows rows = draw_rows(kKinds[i % 6], 1 + r.dice(12), r);
    SCOPED_TRACE(fmt::format("{} of kind {}", i, i % 6));
    double mean = 0, posterior = 0;
    const double bound = climbed(rows, 1, r.between(0.5, 2), 1, r, &mean);
    const double evidence = rows.evidence(std::vector<bool>(rows.x.size(), true), &posterior);
    EXPECT_NEAR(bound, evidence, 1e-11 * (10 + std::abs(evidence)));
    EXPECT_NEAR(mean, posterior, 1e-12 * (1 + std::abs(posterior)));
  }
}

// P8: every bound is below the evidence, which sums over all choices of few rows.
TEST(ExactEvidence, BoundsMixturesFromBelow) {
  Stream r(12);
  for (int i = 0; i < 60; ++i) {
    const std::int64_t n = 2 + r.dice(5);
    const Rows rows = draw_rows(kKinds[i % 6], n, r);
    SCOPED_TRACE(fmt::format("{} of kind {}", i, i % 6));
    const double alpha = r.between(0.5, 2);
    double top = -INFINITY;
    std::vector<double> all;
    for (std::int64_t z = 0; z < (std::int64_t(1) << n); ++z) {
      std::vector<bool> first, second;
      double ones = 0;
      for (std::int64_t j = 0; j < n; ++j) {
        first.push_back((z >> j & 1) != 0);
        second.push_back(!first.back());
        ones += first.back() ? 1 : 0;
      }
      all.push_back(log_beta(alpha + ones, alpha + double(n) - ones) - log_beta(alpha, alpha) +
                    rows.evidence(first) + rows.evidence(second));
      top = std::max(top, all.back());
    }
    double total = 0, mean = 0;
    for (const double v : all) total += std::exp(v - top);
    const double evidence = top + std::log(total), bound = climbed(rows, 2, alpha, 30, r, &mean);
    EXPECT_LE(bound, evidence + 1e-10 * std::abs(evidence));
    EXPECT_GE(bound, evidence - 2 - 0.7 * double(n));  // no more than what choices can cost
  }
}

}  // namespace
}  // namespace fathom::test
