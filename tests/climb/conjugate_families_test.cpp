// One latent with a conjugate prior: a sweep reaches the exact posterior, and the bound is the
// evidence, here in closed form. Bishop 2006, chapter 2; Gelman et al. 2013, chapter 2.
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/coordinate.h"
#include "tests/support/tables.h"

namespace fathom {
namespace {

constexpr double kPi = 3.14159265358979323846;

Array table(const Shape& shape, const std::vector<double>& values) {
  return Array::of<double>(shape, std::span<const double>(values));
}

double log_factorial(double x) { return std::lgamma(x + 1); }
double log_beta(double a, double b) { return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b); }

// One sweep gives the evidence and E z; another changes nothing; terms add up.
void expect_exact(const Model& m, const DataSet& data, double evidence,
                  const std::vector<double>& mean) {
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);
  const double tolerance = 1e-12 * (10 + std::abs(evidence));
  EXPECT_NEAR(climb.sweep(workers), evidence, tolerance);
  EXPECT_NEAR(climb.elbo(workers), evidence, tolerance);
  EXPECT_NEAR(climb.sweep(workers), evidence, tolerance);
  const Array got = climb.mean(0, workers);
  ASSERT_EQ(std::size_t(got.size()), mean.size());
  for (std::size_t i = 0; i < mean.size(); ++i)
    EXPECT_NEAR(got.data<double>()[i], mean[i], 1e-13 * (1 + std::abs(mean[i])));
  double total = 0;
  for (const auto& [name, value] : climb.terms(workers)) total += value;
  EXPECT_NEAR(total, evidence, tolerance);
}

TEST(ConjugateFamilies, BetaAndBernoulli) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("x", row, {}, DType::f64);
  const Expr p = m.latent("p", beta(2.0, 7.0));
  m.observe("x", bernoulli_of(p), x);
  std::vector<double> bits(5000, 0);
  std::fill_n(bits.begin(), 3743, 1.0);
  DataSet data;
  data.rows = 5000;
  data.columns["x"] = column_of(bits);
  // The free energy of this model in the tests of RxInfer: 2828.05333436.
  const double evidence = log_beta(3745, 1264) - log_beta(2, 7);
  EXPECT_NEAR(evidence, -2828.05333436, 1e-8);
  expect_exact(m, data, evidence, {3745.0 / 5009});
}

TEST(ConjugateFamilies, BetaAndBinomial) {
  const std::vector<double> n = {5, 1, 12, 0, 30}, x = {2, 1, 0, 0, 30};
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr count = m.data("n", row, {}, DType::f64), ones = m.data("x", row, {}, DType::f64);
  const Expr p = m.latent("p", beta(0.5, 1.5));
  m.observe("x", binomial_of(count, p), ones);
  DataSet data;
  data.rows = 5;
  data.columns = {{"n", column_of(n)}, {"x", column_of(x)}};
  double evidence = log_beta(0.5 + 33, 1.5 + 15) - log_beta(0.5, 1.5);
  for (std::size_t i = 0; i < n.size(); ++i)
    evidence += log_factorial(n[i]) - log_factorial(x[i]) - log_factorial(n[i] - x[i]);
  expect_exact(m, data, evidence, {33.5 / 50});
}

TEST(ConjugateFamilies, GammaAndPoisson) {
  const std::vector<double> x = {0, 3, 1, 7, 2, 0}, exposure = {0.5, 2, 1, 4, 1, 0.1};
  for (const bool exposed : {false, true}) {
    SCOPED_TRACE(exposed);
    Model m(DType::f64);
    const Plate row = m.plate("row");
    const Expr counts = m.data("x", row, {}, DType::f64);
    const Expr rate = m.latent("rate", gamma(1.5, 0.5));
    m.observe("x", poisson_of(exposed ? rate * m.data("e", row, {}, DType::f64) : rate), counts);
    DataSet data;
    data.rows = 6;
    data.columns["x"] = column_of(x);
    if (exposed) data.columns["e"] = column_of(exposure);
    double shape = 1.5, inverse = 0.5;
    double evidence = 1.5 * std::log(0.5) - std::lgamma(1.5);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double weight = exposed ? exposure[i] : 1;
      shape += x[i];
      inverse += weight;
      evidence += x[i] * std::log(weight) - log_factorial(x[i]);
    }
    evidence += std::lgamma(shape) - shape * std::log(inverse);
    expect_exact(m, data, evidence, {shape / inverse});
  }
}

TEST(ConjugateFamilies, GammaAndExponentialAndGammaOfKnownShape) {
  const std::vector<double> x = {0.3, 2.5, 0.01, 7, 1.1};
  double total = 0, logs = 0;
  for (const double v : x) total += v, logs += std::log(v);
  for (const double known : {1.0, 2.5}) {
    SCOPED_TRACE(known);
    Model m(DType::f64);
    const Plate row = m.plate("row");
    const Expr times = m.data("x", row, {}, DType::f64);
    const Expr rate = m.latent("rate", gamma(2.0, 3.0));
    m.observe("x", known == 1 ? exponential_of(rate) : gamma(known, rate), times);
    DataSet data;
    data.rows = 5;
    data.columns["x"] = column_of(x);
    const double shape = 2 + 5 * known;
    const double evidence = 2 * std::log(3.0) - std::lgamma(2.0) + std::lgamma(shape) -
                            shape * std::log(3 + total) + (known - 1) * logs -
                            5 * std::lgamma(known);
    expect_exact(m, data, evidence, {shape / (3 + total)});
  }
}

TEST(ConjugateFamilies, DirichletAndMultinomial) {
  const std::vector<double> x = {2, 0, 1, 0, 0, 4, 1, 1, 1, 0, 0, 0};
  for (const bool known : {true, false}) {  // totals are data, or one number for all rows
    SCOPED_TRACE(known);
    const std::vector<double> counts = known ? x : std::vector<double>{2, 0, 1, 0, 0, 3};
    const std::int64_t rows = std::int64_t(counts.size()) / 3;
    Model m(DType::f64);
    const Plate row = m.plate("row");
    const Expr c = m.data("x", row, Shape{3}, DType::f64);
    const Expr p = m.latent("p", dirichlet(0.5), Shape{3});
    const Arg n = known ? Arg(m.data("n", row, {}, DType::f64)) : Arg(3.0);
    m.observe("x", multinomial_of(n, p), c);
    std::vector<double> totals(std::size_t(rows), 0.0), a(3, 0.5);
    double evidence = std::lgamma(1.5) - 3 * std::lgamma(0.5), all = 1.5;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      totals[i / 3] += counts[i];
      a[i % 3] += counts[i];
      all += counts[i];
      evidence -= log_factorial(counts[i]);
    }
    for (const double t : totals) evidence += log_factorial(t);
    for (const double v : a) evidence += std::lgamma(v);
    evidence -= std::lgamma(all);
    DataSet data;
    data.rows = rows;
    data.columns["x"] = table(Shape{rows, 3}, counts);
    if (known) data.columns["n"] = column_of(totals);
    expect_exact(m, data, evidence, {a[0] / all, a[1] / all, a[2] / all});
  }
}

// log of the normaliser of exp(-tr(V Lam) / 2) |Lam|^((nu - 3) / 2) in two dimensions.
double log_norm(const double v[3], double nu) {
  const double det = v[0] * v[2] - v[1] * v[1];
  return nu * std::log(2.0) - 0.5 * nu * std::log(det) + 0.5 * std::log(kPi) + std::lgamma(nu / 2) +
         std::lgamma((nu - 1) / 2);
}

TEST(ConjugateFamilies, WishartAndNormalVectors) {
  const std::vector<double> x = {1, 2, -0.5, 0.3, 2, 2.5, 0, -1};
  const double mean[] = {0.5, 1}, prior[] = {2, 0.3, 1};
  for (const bool by_number : {false, true}) {
    SCOPED_TRACE(by_number);
    Model m(DType::f64);
    const Plate row = m.plate("row");
    const Expr y = m.data("x", row, Shape{2}, DType::f64);
    const Expr v = m.constant(table(Shape{2, 2}, {2, 0.3, 0.3, 1}));
    const Expr lam = m.latent("lam", wishart(by_number ? Arg(2.0) : Arg(v), 3.5), Shape{2, 2});
    m.observe("x", mvnormal(m.constant(table(Shape{2}, {0.5, 1})), lam), y);
    DataSet data;
    data.rows = 4;
    data.columns["x"] = table(Shape{4, 2}, x);
    double before[] = {2, by_number ? 0 : prior[1], by_number ? 2 : prior[2]};
    double after[] = {before[0], before[1], before[2]};
    for (std::size_t i = 0; i < 4; ++i) {
      const double r = x[i * 2] - mean[0], s = x[i * 2 + 1] - mean[1];
      after[0] += r * r;
      after[1] += r * s;
      after[2] += s * s;
    }
    const double evidence = log_norm(after, 7.5) - log_norm(before, 3.5) - 4 * std::log(2 * kPi);
    const double det = after[0] * after[2] - after[1] * after[1];
    expect_exact(
        m, data, evidence,
        {7.5 * after[2] / det, -7.5 * after[1] / det, -7.5 * after[1] / det, 7.5 * after[0] / det});
  }
}

// A precision that is a random multiple of the identity: E log |tau I| = d E log tau.
TEST(ConjugateFamilies, GammaTimesTheIdentity) {
  const std::vector<double> x = {1, 2, -0.5, 0.3, 2, 2.5};
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr y = m.data("x", row, Shape{2}, DType::f64);
  const Expr tau = m.latent("tau", gamma(2.0, 0.7));
  m.observe("x", mvnormal(0.0, tau), y);
  DataSet data;
  data.rows = 3;
  data.columns["x"] = table(Shape{3, 2}, x);
  double rate = 0.7;
  for (const double v : x) rate += v * v / 2;
  const double evidence = 2 * std::log(0.7) - std::lgamma(2.0) + std::lgamma(5.0) -
                          5 * std::log(rate) - 3 * std::log(2 * kPi);
  expect_exact(m, data, evidence, {5 / rate});
}

TEST(ConjugateFamilies, InverseGammaAndVariance) {
  const std::vector<double> x = {1, 2, -0.5, 0.3, 2};
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr y = m.data("x", row, {}, DType::f64);
  const Expr v = m.latent("v", inverse_gamma(3.0, 0.4));
  m.observe("x", normal_variance(0.25, v), y);
  DataSet data;
  data.rows = 5;
  data.columns["x"] = column_of(x);
  double scale = 0.4;
  for (const double e : x) scale += (e - 0.25) * (e - 0.25) / 2;
  const double evidence = 3 * std::log(0.4) - std::lgamma(3.0) + std::lgamma(5.5) -
                          5.5 * std::log(scale) - 2.5 * std::log(2 * kPi);
  expect_exact(m, data, evidence, {scale / 4.5});
}

// Jaakkola & Jordan 2000 through omega ~ PG(1, 0) on every row (Durante & Rigon 2019): w ~ N(0, 4),
// ten rows; the limit of their iteration by a program of its own, and that of E psi^2.
TEST(ConjugateFamilies, PolyaGammaGivesTheBoundOfJaakkolaAndJordan) {
  const std::vector<double> x = {-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2, 0.3, -0.3},
                            t = {0, 0, 0, 1, 0, 1, 1, 1, 1, 0};
  for (const bool binomial : {false, true}) {
    SCOPED_TRACE(binomial);
    Model m(DType::f64);
    const Plate row = m.plate("row");
    const Expr design = m.data("x", row, Shape{1}, DType::f64);
    const Expr y = m.data("y", row, {}, DType::f64);
    const Arg n = binomial ? Arg(m.data("n", row, {}, DType::f64)) : Arg(1.0);
    const Expr w = m.latent("w", mvnormal(0.0, 0.25), Shape{1});
    const Expr omega = m.latent("omega", polya_gamma(n, 0.0), row);
    const Expr psi = inner(design, w);
    m.observe(
        "y", binomial ? binomial_polya_gamma(n, psi, omega) : bernoulli_polya_gamma(psi, omega), y);
    DataSet data;
    data.rows = 10;
    data.columns = {{"x", table(Shape{10, 1}, x)}, {"y", column_of(t)}};
    if (binomial) data.columns["n"] = column_of(std::vector<double>(10, 1.0));
    State state;
    Workers workers(1);
    CoordinateClimb climb(m, data, state);
    double last = climb.elbo(workers);
    for (int sweep = 0; sweep < 200; ++sweep) {
      const double now = climb.sweep(workers);
      EXPECT_GE(now, last - 1e-12 * std::abs(last));
      last = now;
    }
    EXPECT_NEAR(climb.elbo(workers), -5.43816774, 1e-8);
    EXPECT_NEAR(climb.mean(0, workers).data<double>()[0], 1.630794, 1e-6);
    double total = 0;
    for (const auto& [name, value] : climb.terms(workers)) total += value;
    EXPECT_NEAR(total, last, 1e-10);
  }
}

// Binomial rows of several trials are as many Bernoulli rows, but for the orders of each.
TEST(ConjugateFamilies, PolyaGammaOfSeveralTrials) {
  const std::vector<double> x = {-1, 0.4, 2}, n = {2, 3, 1}, ones = {0, 2, 1};
  std::vector<double> each_x, bits;
  double orders = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    orders += log_factorial(n[i]) - log_factorial(ones[i]) - log_factorial(n[i] - ones[i]);
    for (int k = 0; k < int(n[i]); ++k) {
      each_x.push_back(x[i]);
      bits.push_back(k < int(ones[i]) ? 1 : 0);
    }
  }
  double limits[2];
  for (const bool grouped : {false, true}) {
    Model m(DType::f64);
    const Plate row = m.plate("row");
    const Expr design = m.data("x", row, Shape{1}, DType::f64);
    const Expr y = m.data("y", row, {}, DType::f64), count = m.data("n", row, {}, DType::f64);
    const Expr w = m.latent("w", mvnormal(0.0, 1.0), Shape{1});
    const Expr omega = m.latent("omega", polya_gamma(count, 0.0), row);
    m.observe("y", binomial_polya_gamma(count, inner(design, w), omega), y);
    DataSet data;
    data.rows = grouped ? 3 : 6;
    data.columns = {{"x", table(Shape{data.rows, 1}, grouped ? x : each_x)},
                    {"y", column_of(grouped ? ones : bits)},
                    {"n", column_of(grouped ? n : std::vector<double>(6, 1.0))}};
    State state;
    Workers workers(1);
    CoordinateClimb climb(m, data, state);
    for (int sweep = 0; sweep < 200; ++sweep) climb.sweep(workers);
    limits[grouped] = climb.elbo(workers);
  }
  EXPECT_NEAR(limits[1], limits[0] + orders, 1e-12);
}

// A normal vector read element by element is as its elements.
TEST(ConjugateFamilies, NormalVectorsAreReadElementByElement) {
  const std::vector<double> x = {1, 2, 0, 1, -1, 4};
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr y = m.data("x", row, Shape{2}, DType::f64);
  const Expr z = m.latent("z", mvnormal(0.0, 1.0), Shape{2});
  m.observe("x", normal_precision(z, 2.0), y);
  DataSet data;
  data.rows = 3;
  data.columns["x"] = table(Shape{3, 2}, x);
  double evidence = 0;
  std::vector<double> mean;
  for (std::size_t j = 0; j < 2; ++j) {
    double total = 0, squares = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      total += x[i * 2 + j];
      squares += x[i * 2 + j] * x[i * 2 + j];
    }
    mean.push_back(2 * total / 7);
    evidence += 1.5 * std::log(2 / (2 * kPi)) - 0.5 * std::log(7.0) -
                0.5 * (2 * squares - 7 * mean[j] * mean[j]);
  }
  expect_exact(m, data, evidence, mean);
}

// A term that reads E p of a beta, or E v of an inverse gamma, is not affine in their statistics.
TEST(ConjugateFamilies, MomentsThatAreNoStatisticsAreRefused) {
  for (const Conditional& prior : {beta(2.0, 2.0), inverse_gamma(3.0, 1.0), gamma(2.0, 1.0)}) {
    Model m(DType::f64);
    const Plate row = m.plate("row");
    const Expr y = m.data("x", row, {}, DType::f64);
    const Expr z = m.latent("z", prior);
    m.observe("x", prior.family == &family<Gamma>() ? normal(z, 1.0) : exponential_of(z), y);
    DataSet data;
    data.rows = 2;
    data.columns["x"] = column_of({1, 2});
    State state;
    EXPECT_THROW(CoordinateClimb(m, data, state), ConfigError);
  }
}

// Cells that are missing leave the rows that there are.
TEST(ConjugateFamilies, MissingCellsOfPositiveNumbers) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr y = m.data("x", row, {}, DType::f64);
  m.missing(y);
  const Expr rate = m.latent("rate", gamma(4.0, 2.0));
  m.observe("x", gamma(2.0, rate), y);
  DataSet data;
  data.rows = 3;
  data.columns["x"] = column_of({3, std::nan(""), 0.5});
  const double evidence =
      4 * std::log(2.0) - std::lgamma(4.0) + std::lgamma(8.0) - 8 * std::log(5.5) + std::log(1.5);
  expect_exact(m, data, evidence, {8 / 5.5});
}

// Point masses: the modes of the same posteriors.
TEST(ConjugateFamilies, ModesOfPosteriors) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("x", row, {}, DType::f64), y = m.data("y", row, {}, DType::f64);
  const Expr z = m.data("z", row, Shape{2}, DType::f64);
  const Expr p = m.latent("p", beta(2.0, 3.0));
  const Expr v = m.latent("v", inverse_gamma(3.0, 0.4));
  const Expr lam = m.latent("lam", wishart(2.0, 5.0), Shape{2, 2});
  m.observe("x", bernoulli_of(p), x);
  m.observe("y", normal_variance(0.0, v), y);
  m.observe("z", mvnormal(0.0, lam), z);
  DataSet data;
  data.rows = 2;
  data.columns = {
      {"x", column_of({1, 0})}, {"y", column_of({1, 3})}, {"z", table(Shape{2, 2}, {1, 0, 0, 2})}};
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state, {Factors::mode, {}, {}});
  climb.sweep(workers);
  EXPECT_NEAR(climb.mean(0, workers).data<double>()[0], 2.0 / 5, 1e-14);
  EXPECT_NEAR(climb.mean(1, workers).data<double>()[0], 5.4 / 5, 1e-14);
  const Array at = climb.mean(2, workers);
  EXPECT_NEAR(at.data<double>()[0], 4.0 / 3, 1e-14);
  EXPECT_NEAR(at.data<double>()[3], 4.0 / 6, 1e-14);
  EXPECT_NEAR(at.data<double>()[1], 0, 1e-14);
}

// Point masses of equal shapes, whose variances are the same zeros.
TEST(ConjugateFamilies, ModesOfTwoMeansAreApart) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("x", row, {}, DType::f64), y = m.data("y", row, {}, DType::f64);
  const Expr a = m.latent("a", normal_precision(0.0, 1.0));
  const Expr b = m.latent("b", normal_precision(0.0, 7.0));
  m.observe("x", normal_precision(a, 2.0), x);
  m.observe("y", normal_precision(b, 100.0), y);
  DataSet data;
  data.rows = 3;
  data.columns = {{"x", column_of({1, 2, 0})}, {"y", column_of({1, 5, 4})}};
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state, {Factors::mode, {}, {}});
  climb.sweep(workers);
  EXPECT_NEAR(climb.mean(0, workers).data<double>()[0], 2 * 3 / 7.0, 1e-14);
  EXPECT_NEAR(climb.mean(1, workers).data<double>()[0], 100 * 10 / 307.0, 1e-14);
}

// Several members on a plate, chosen by a category of each row: a mixture of Poisson counts and
// bits whose bound never falls.
TEST(ConjugateFamilies, GatesOverCountsAndBits) {
  Model m(DType::f64);
  const Plate row = m.plate("row"), component = m.plate("component", 2);
  const Expr x = m.data("x", row, Shape{3}, DType::f64), b = m.data("b", row, Shape{3}, DType::f64);
  const Expr y = m.data("y", row, Shape{2}, DType::f64);
  const Expr weights = m.latent("weights", dirichlet(1.0), Shape{2});
  const Expr rate = m.latent("rate", gamma(1.0, 1.0), component, Shape{3});
  const Expr p = m.latent("p", beta(1.0, 1.0), component, Shape{3});
  const Expr lam = m.latent("lam", wishart(1.0, 3.0), component, Shape{2, 2});
  const Expr which = m.latent("which", categorical_of(weights), row, Shape{2});
  m.observe("x", poisson_of(gate(which, rate)), x);
  m.observe("b", bernoulli_of(gate(which, p)), b);
  m.observe("y", mvnormal(0.0, gate(which, lam)), y);
  DataSet data;
  data.rows = 4;
  data.columns = {{"x", table(Shape{4, 3}, {5, 0, 1, 4, 1, 0, 0, 3, 3, 1, 4, 5})},
                  {"b", table(Shape{4, 3}, {1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0})},
                  {"y", table(Shape{4, 2}, {1, 0.1, -1, 0, 0.1, 1, 0, -1.5})}};
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);
  double last = climb.start(
      {{"which", table(Shape{4, 2}, {0.9, 0.1, 0.8, 0.2, 0.1, 0.9, 0.3, 0.7})}}, workers);
  for (int sweep = 0; sweep < 20; ++sweep) {
    const double now = climb.sweep(workers);
    EXPECT_GE(now, last - 1e-11 * std::abs(last));
    last = now;
  }
  const Array chosen = climb.mean(4, workers);
  for (const std::int64_t i : {0, 1}) EXPECT_GT(chosen.data<double>()[i * 2], 0.9);
  for (const std::int64_t i : {2, 3}) EXPECT_LT(chosen.data<double>()[i * 2], 0.1);
}

}  // namespace
}  // namespace fathom
