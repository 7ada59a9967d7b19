// Kinds of climbs: choices as points, temperatures, and what is said of a climb that cannot be.
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/ascend.h"

namespace fathom {
namespace {

// Numbers in two or three groups, on which components have a mean and a precision of their own.
struct SmallMixture {
  Model m{DType::f64};
  DataSet data;
  State state;
  Workers workers{2};
  std::vector<double> x = {-2.1, -1.9, -2.4, -1.2, 0.1, 0.4, 1.9, 2.2, 2.6, 3.1, 1.7, 2.0};
  std::unique_ptr<CoordinateClimb> climb;

  explicit SmallMixture(CoordinateOptions options, std::int64_t k = 2) {
    const Plate row = m.plate("row"), component = m.plate("component", k);
    const Expr xs = m.data("x", row, {}, DType::f64);
    const Expr weights = m.latent("weights", dirichlet(1.0), Shape{k});
    const Expr mean = m.latent("mean", normal_precision(0.0, 0.1), component);
    const Expr tau = m.latent("tau", gamma(2.0, 1.0), component);
    const Expr which = m.latent("which", categorical_of(weights), row, Shape{k});
    m.observe("x", normal_precision(gate(which, mean), gate(which, tau)), xs);
    data.rows = std::int64_t(x.size());
    data.columns["x"] = Array::of<double>(Shape{data.rows}, x);
    climb = std::make_unique<CoordinateClimb>(m, data, state, options);
  }
  // Row i belongs to component i k / n.
  double start(std::int64_t k = 2) {
    Array r(DType::f64, Shape{data.rows, k});
    for (std::int64_t i = 0; i < data.rows; ++i) r.data<double>()[i * k + i * k / data.rows] = 1;
    return climb->start({{"which", r}}, workers);
  }
};

// Hard EM climbs the likelihood of rows and choices together; at its end each row lies where that
// is highest (Celeux & Govaert 1992).
TEST(Hard, ChoicesAreTheLikeliest) {
  SmallMixture f({.factors = Factors::likelihood, .hard = true});
  f.start();
  double last = -INFINITY;
  for (int sweep = 0; sweep < 30; ++sweep) {
    const double now = f.climb->sweep(f.workers);
    ASSERT_GE(now, last - 1e-12 * std::abs(now)) << sweep;
    last = now;
  }
  const Array pi = f.climb->mean(0, f.workers), mean = f.climb->mean(1, f.workers),
              tau = f.climb->mean(2, f.workers), which = f.climb->mean(3, f.workers);
  double total = 0;
  std::vector<int> sizes(2, 0);
  for (std::size_t i = 0; i < f.x.size(); ++i) {
    double best = -INFINITY;
    std::int64_t at = 0;
    for (std::int64_t k = 0; k < 2; ++k) {
      const double d = f.x[i] - mean.data<double>()[k], t = tau.data<double>()[k];
      const double p = std::log(pi.data<double>()[k]) +
                       0.5 * (std::log(t) - std::log(2 * 3.14159265358979323846) - t * d * d);
      if (p > best) at = k;
      best = std::max(best, p);
    }
    total += best;
    ++sizes[std::size_t(at)];
    for (std::int64_t k = 0; k < 2; ++k)
      EXPECT_EQ(which.data<double>()[std::int64_t(i) * 2 + k], k == at ? 1 : 0) << i;
  }
  EXPECT_NEAR(f.climb->elbo(f.workers), total, 1e-10 * std::abs(total));
  for (std::int64_t k = 0; k < 2; ++k)
    EXPECT_NEAR(pi.data<double>()[k], double(sizes[std::size_t(k)]) / 12, 1e-12);
  double sum = 0;
  for (const auto& [name, value] : f.climb->terms(f.workers)) {
    EXPECT_NE(name, "which.entropy");
    sum += value;
  }
  EXPECT_NEAR(sum, total, 1e-10 * std::abs(total));
}

TEST(Hard, IsForChoicesAlone) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("x", row, {}, DType::f64);
  const Expr z = m.latent("z", normal_precision(0.0, 1.0), row);
  m.observe("x", normal_precision(z, 1.0), x);
  DataSet data;
  data.rows = 1;
  data.columns["x"] = Array::of<double>(Shape{1}, std::vector<double>{1});
  State state;
  EXPECT_THROW(CoordinateClimb(m, data, state, {.hard = true}), ConfigError);
}

// One factor at temperature t: q is the posterior to the power 1 / t, and the objective
// t log of the integral of p(x, z)^(1 / t).
TEST(Tempered, OneFactorIsThePosteriorToAPower) {
  const std::vector<double> x = {0.3, 1.2, -0.4};
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr xs = m.data("x", row, {}, DType::f64);
  const Expr mu = m.latent("mu", normal_precision(0.5, 2.0));
  m.observe("x", normal_precision(mu, 1.5), xs);
  DataSet data;
  data.rows = 3;
  data.columns["x"] = Array::of<double>(Shape{3}, x);
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state, {.tempered = true});
  for (const double t : {1.0, 2.5}) {
    climb.temperature(t);
    const double objective = climb.sweep(workers);
    const double precision = 2 + 3 * 1.5, mean = (2 * 0.5 + 1.5 * (0.3 + 1.2 - 0.4)) / precision;
    EXPECT_NEAR(*climb.mean(0, workers).data<double>(), mean, 1e-12);
    EXPECT_NEAR(-0.5 / *state.find("mu.natural.1")->data<double>(), t / precision, 1e-12);
    const double two_pi = 2 * 3.14159265358979323846;
    double peak = 0.5 * std::log(2 / two_pi) - (mean - 0.5) * (mean - 0.5);
    for (const double v : x) peak += 0.5 * std::log(1.5 / two_pi) - 0.75 * (v - mean) * (v - mean);
    EXPECT_NEAR(objective, peak + t * 0.5 * std::log(two_pi * t / precision), 1e-12);
  }
  EXPECT_THROW(climb.temperature(0), ConfigError);
}

// At 1 it is the climb without temperatures; at any other the objective rises too, choices are
// nearer to even the higher it is, and annealing ends where an ascent stays.
TEST(Tempered, EveryTemperatureHasItsOwnAscent) {
  SmallMixture plain({}), f({.tempered = true});
  plain.start();
  f.start();
  for (int i = 0; i < 5; ++i)
    EXPECT_NEAR(f.climb->sweep(f.workers), plain.climb->sweep(plain.workers), 1e-11);
  const auto sharpness = [&] {
    const Array r = f.climb->mean(3, f.workers);
    double s = 0;
    for (std::int64_t i = 0; i < r.size(); ++i) s += r.data<double>()[i] * r.data<double>()[i];
    return s;
  };
  double sharp = sharpness();
  for (const double t : {1.5, 3.0, 10.0}) {
    f.climb->temperature(t);
    f.climb->sweep(f.workers);
    EXPECT_LT(sharpness(), sharp);
    sharp = sharpness();
    double last = f.climb->elbo(f.workers), sum = 0;
    for (int i = 0; i < 10; ++i) {
      const double now = f.climb->sweep(f.workers);
      EXPECT_GE(now, last - 1e-11 * std::abs(last));
      last = now;
    }
    for (const auto& [name, value] : f.climb->terms(f.workers)) sum += value;
    EXPECT_NEAR(sum, f.climb->elbo(f.workers), 1e-11 * std::abs(sum));
  }
  f.start();
  int calls = 0;
  const int sweeps =
      anneal(*f.climb, {.start = 3, .cooling = 0.7, .sweeps = 4}, f.workers, [&](double t, double) {
        EXPECT_GT(t, 1);
        ++calls;
      });
  EXPECT_EQ(calls, sweeps);
  EXPECT_EQ(sweeps, 16);  // 3, 2.1, 1.47, 1.029
  EXPECT_TRUE(ascend(*f.climb, 12, {.sweeps = 500}, f.workers).converged);
}

TEST(Tempered, IsAskedFor) {
  SmallMixture plain({});
  EXPECT_THROW(plain.climb->temperature(2), ConfigError);
  EXPECT_THROW(anneal(*plain.climb, {.start = 1}, plain.workers), ConfigError);
}

TEST(Ascend, ComponentsThatAreAllAlikeAreRefused) {
  SmallMixture f({});
  EXPECT_EQ(f.climb->alike(), "which (component)");
  try {
    ascend(*f.climb, 12, {}, f.workers);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("which (component)"), std::string::npos) << e.what();
  }
  f.start();
  EXPECT_EQ(f.climb->alike(), "");
  ascend(*f.climb, 12, {}, f.workers);
  SmallMixture one({}, 1);  // no choice, no start
  EXPECT_EQ(one.climb->alike(), "");
}

// A function that says it is affine and is not: updates of what it reads lower the bound.
TEST(Ascend, AFallNamesTheBlockAndTheTerm) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("x", row, {}, DType::f64);
  const Expr tau = m.latent("tau", gamma(2000.0, 1000.0));
  const Expr mu = m.latent("mu", normal_precision(0.9, 1.0));
  const Expr bent = m.function(
      "bent", {mu}, {}, [](std::span<const Value> v) { return square(v[0]) * 3.0; },
      [](std::span<const Face> f) { return Face::real(square(f[0].mean) * 3.0, f[0].variance); });
  m.observe("x", normal_precision(bent, tau), x);
  DataSet data;
  data.rows = 3;
  data.columns["x"] = Array::of<double>(Shape{3}, std::vector<double>{3, 3.5, 2.5});
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state, {.order = {"mu"}});
  try {
    ascend(climb, 3, {.sweeps = 50, .tolerance = 0}, workers);
    FAIL() << "no fall";
  } catch (const NumericError& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("the update of mu"), std::string::npos) << text;
    EXPECT_NE(text.find("term \""), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace fathom
