// Densities whose normaliser is an integral by quadrature, against sums of many terms in long
// double.
#include "fathom/dist/shape_density.h"

#include <cmath>

#include "tests/dist/family_cases.h"

namespace fathom::test {
namespace {

struct ShapeNumbers {
  double log, x, log_gamma, times_log, log_beta, categories;
};

// log of the integral and expectations of log x, x, log G(x), x log x, log B(x, ..., x), by the
// trapezoid rule on log x, to all digits for analytic densities that vanish at both ends.
struct Integral {
  double log_norm = 0, mean[5] = {}, variance = 0;

  explicit Integral(const ShapeNumbers& n) {
    constexpr int count = 240001;
    // Wide enough for the heaviest tail used below, dense enough for the narrowest peak.
    const long double low = -120, high = 12, step = (high - low) / (count - 1);
    std::vector<long double> f(count);
    long double top = -INFINITY;
    const auto stats = [&](long double u, long double* t) {
      const long double x = std::exp(u);
      t[0] = u;
      t[1] = x;
      t[2] = std::lgamma(x);
      t[3] = x * u;
      t[4] = n.categories > 0 ? n.categories * t[2] - std::lgamma(n.categories * x) : 0;
    };
    long double t[5];
    for (int i = 0; i < count; ++i) {
      const long double u = low + i * step;
      stats(u, t);
      f[std::size_t(i)] = u + n.log * t[0] + n.x * t[1] + n.log_gamma * t[2] + n.times_log * t[3] +
                          n.log_beta * t[4];
      top = std::max(top, f[std::size_t(i)]);
    }
    long double total = 0, sums[5] = {}, square = 0;
    for (int i = 0; i < count; ++i) {
      const long double p = std::exp(f[std::size_t(i)] - top);
      if (p == 0) continue;
      stats(low + i * step, t);
      total += p;
      for (int k = 0; k < 5; ++k) sums[k] += p * t[k];
    }
    for (int k = 0; k < 5; ++k) mean[k] = double(sums[k] / total);
    for (int i = 0; i < count; ++i) {
      const long double p = std::exp(f[std::size_t(i)] - top);
      const long double d = std::exp(low + i * step) - mean[1];
      if (p > 0) square += p * d * d;
    }
    variance = double(square / total);
    log_norm = double(top + std::log(total * step));
  }
};

void expect_integral(const ShapeNumbers& n) {
  Graph g(op_table());
  std::vector<Value> at;
  Bindings b;
  for (const double v : {n.log, n.x, n.log_gamma, n.times_log, n.log_beta}) {
    const std::string name = fmt::format("n{}", at.size());
    at.push_back(g.data(name, DType::f64, Shape{}));
    b[name] = Array::scalar(v);
  }
  ShapeDensity d{at[0], at[1], at[2], at[3], {}, {}};
  if (n.categories > 0) {
    d.log_beta = at[4];
    d.categories = g.constant(n.categories, DType::f64);
  } else {
    at.pop_back();
  }
  const Integral want(n);
  const Value norm = d.log_norm();
  EXPECT_NEAR(evaluate(g, norm, b)[0], want.log_norm, 1e-11 * (1 + std::abs(want.log_norm)));
  const std::vector<Value> m = gradient(sum(norm), at);
  for (std::size_t k = 0; k < at.size(); ++k)
    EXPECT_NEAR(evaluate(g, m[k], b)[0], want.mean[k], 1e-10 * (1 + std::abs(want.mean[k]))) << k;
  EXPECT_NEAR(evaluate(g, d.variance(m[1]), b)[0], want.variance, 1e-9 * want.variance);
}

TEST(ShapeDensity, OfAGammaIsTheGammas) {
  for (const double k : {0.1, 0.7, 1.0, 3.5, 40.0, 3000.0})
    for (const double rate : {1e-4, 0.3, 1.0, 70.0}) {
      SCOPED_TRACE(fmt::format("gamma {} {}", k, rate));
      Graph g(op_table());
      const auto c = [&](double v) { return g.constant(v, DType::f64); };
      const ShapeDensity d{c(k - 1), c(-rate), c(0), c(0), {}, {}};
      const double want = std::lgamma(k) - k * std::log(rate);
      EXPECT_NEAR(evaluate(g, d.log_norm())[0], want, 2e-12 * (1 + std::abs(want)));
      EXPECT_NEAR(evaluate(g, d.variance(c(k / rate)))[0], k / rate / rate,
                  1e-10 * k / rate / rate);
      EXPECT_NEAR(evaluate(g, d.mode())[0], std::max(0.0, k - 1) / rate, 1e-9 * k / rate);
    }
}

// A prior that says next to nothing has most of its mass where x is next to nothing.
TEST(ShapeDensity, OfAVaguePriorHasALongTail) {
  Graph g(op_table());
  const auto c = [&](double v) { return g.constant(v, DType::f64); };
  const ShapeDensity d{c(1e-3 - 1), c(-1e-3), c(0), c(0), {}, {}};
  EXPECT_NEAR(evaluate(g, d.log_norm())[0], std::lgamma(1e-3) - 1e-3 * std::log(1e-3), 1e-11);
}

TEST(ShapeDensity, OfShapesIsItsIntegral) {
  expect_integral({0, -1, 0, 0, 0, 0});
  expect_integral({0, 2.5, -10, 0, 0, 0});        // ten gamma quantities of any rate
  expect_integral({0.5, -40, -1000, 0, 0, 0});    // a thousand small ones
  expect_integral({1, 9000, -2000, 0, 0, 0});     // a narrow peak
  expect_integral({0, -31, -30, 30, 0, 0});       // scales of Student's t
  expect_integral({2, -200.5, -170, 150, 0, 0});  // both
}

TEST(ShapeDensity, OfConcentrationsIsItsIntegral) {
  expect_integral({0, -2, 0, 0, -1, 2});
  expect_integral({0, -110, 0, 0, -12, 5});
  expect_integral({1, -19000, 0, 0, -40, 100});  // 40 vectors of 100 categories
  expect_integral({0.2, -3, 0, 0, 0, 7});
}

TEST(ShapeDensity, IsNoneWhereItIsNotFinite) {
  Graph g(op_table());
  const auto c = [&](double v) { return g.constant(v, DType::f64); };
  for (const auto& n : {std::array{-1.5, -1.0, 0.0, 0.0}, std::array{0.0, 1.0, 0.0, 0.0},
                        std::array{0.0, 1.0, -1.0, 2.0}}) {
    const ShapeDensity d{c(n[0]), c(n[1]), c(n[2]), c(n[3]), {}, {}};
    EXPECT_TRUE(std::isnan(evaluate(g, d.log_norm())[0]));
  }
}

TEST(Concentration, NaturalParametersGoThereAndBack) {
  Graph g(op_table());
  const FamilyInfo& f = family<Concentration>();
  const Member m(g, f,
                 {Array::scalar(4.0), Array::scalar(2.0), Array::scalar(0.5), Array::scalar(3.0)});
  const std::vector<Face> back = f.from_natural(m.natural);
  for (std::size_t k = 0; k < 4; ++k)
    EXPECT_NEAR(evaluate(g, back[k].mean)[0], numbers(m.parameters[k])[0], 1e-14);
}

TEST(Concentration, DivergenceIsThatOfFacesAndPositive) {
  Graph g(op_table());
  const FamilyInfo& f = family<Concentration>();
  const auto member = [&](double k, double shape, double rate, double draws) {
    return Member(
        g, f, {Array::scalar(k), Array::scalar(shape), Array::scalar(rate), Array::scalar(draws)});
  };
  const Member q = member(4, 2, 0.5, 3), p = member(4, 1, 1, 0);
  const double kl = evaluate(g, kl_divergence(f, q.natural, p.natural))[0];
  const Value by_faces = -entropy(q.d) - cross_entropy_term(p.d, face(q.d));
  EXPECT_NEAR(evaluate(g, by_faces)[0], kl, 1e-12);
  EXPECT_GT(kl, 0);
  EXPECT_NEAR(evaluate(g, kl_divergence(f, q.natural, q.natural))[0], 0, 1e-13);
  // The prior is gamma.
  const Value x = g.constant(0.7, DType::f64);
  EXPECT_NEAR(evaluate(g, log_prob(member(4, 3, 2, 0).d, x))[0],
              3 * std::log(2.0) - std::lgamma(3.0) + 2 * std::log(0.7) - 1.4, 1e-12);
}

}  // namespace
}  // namespace fathom::test
