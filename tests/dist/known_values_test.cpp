// Densities against Boost.Math, and the Bernoulli family at extreme log odds.
#include <boost/math/distributions/bernoulli.hpp>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/exponential.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/inverse_gamma.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <boost/math/distributions/uniform.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <limits>

#include "tests/dist/family_cases.h"

namespace fathom::test {
namespace {

double density_at(const FamilyInfo& family, const std::vector<Array>& p, const Array& x) {
  Graph g(op_table());
  const Member m(g, family, p);
  return evaluate(g, log_prob(m.d, g.constant(x)))[0];
}

Array number(double v) { return Array::scalar(v); }

TEST(KnownValues, DensitiesAgreeWithBoostMath) {
  Random random(9);
  for (int i = 0; i < 50; ++i) {
    const double a = uniform_in(random, -3, 3), b = uniform_in(random, 0.2, 5),
                 c = uniform_in(random, 0.2, 5), x = uniform_in(random, -4, 4),
                 u = uniform_in(random, 0.01, 0.99);
    EXPECT_NEAR(density_at(family<Normal>(), {number(a), number(1 / (b * b))}, number(x)),
                std::log(boost::math::pdf(boost::math::normal(a, b), x)),
                1e-11 * (1 + 1000 / (b * b)));
    EXPECT_NEAR(
        density_at(family<Gamma>(), {number(b), number(c)}, number(std::abs(x))),
        std::log(boost::math::pdf(boost::math::gamma_distribution<>(b, 1 / c), std::abs(x))),
        1e-11 * 50);
    EXPECT_NEAR(density_at(family<UniformFamily>(), {number(a), number(a + b)}, number(a + b * u)),
                std::log(boost::math::pdf(boost::math::uniform(a, a + b), a + b * u)), 1e-13);
    EXPECT_NEAR(density_at(family<Dirichlet>(), {array_of(DType::f64, Shape{2}, {b, c})},
                           array_of(DType::f64, Shape{2}, {u, 1 - u})),
                std::log(boost::math::pdf(boost::math::beta_distribution<>(b, c), u)), 1e-11);
    EXPECT_NEAR(density_at(family<Beta>(), {number(b), number(c)}, number(u)),
                std::log(boost::math::pdf(boost::math::beta_distribution<>(b, c), u)), 1e-11);
    EXPECT_NEAR(
        density_at(family<InverseGamma>(), {number(b), number(c)}, number(std::abs(x))),
        std::log(boost::math::pdf(boost::math::inverse_gamma_distribution<>(b, c), std::abs(x))),
        1e-11 * (1 + c / std::abs(x)));
    EXPECT_NEAR(density_at(family<Exponential>(), {number(b)}, number(std::abs(x))),
                std::log(boost::math::pdf(boost::math::exponential(b), std::abs(x))), 1e-12 * 50);
    const double n = double(i), k = std::floor(u * (n + 1));
    EXPECT_NEAR(density_at(family<Poisson>(), {number(b)}, number(k)),
                std::log(boost::math::pdf(boost::math::poisson(b), k)), 1e-11);
    EXPECT_NEAR(density_at(family<Binomial>(), {number(n), number(u)}, number(k)),
                std::log(boost::math::pdf(boost::math::binomial(n, u), k)), 1e-11);
    EXPECT_NEAR(
        density_at(family<Multinomial>(), {number(n), array_of(DType::f64, Shape{2}, {u, 1 - u})},
                   array_of(DType::f64, Shape{2}, {k, n - k})),
        std::log(boost::math::pdf(boost::math::binomial(n, u), k)), 1e-11);
    for (const double bit : {0.0, 1.0})
      EXPECT_NEAR(density_at(family<Bernoulli>(), {number(std::log(u / (1 - u)))}, number(bit)),
                  std::log(boost::math::pdf(boost::math::bernoulli(u), bit)), 1e-13);
  }
}

// log p(x) = -log(1 + e^-l) or -log(1 + e^l): to full accuracy whatever the log odds.
TEST(KnownValues, BernoulliAtExtremeLogOdds) {
  for (const DType t : {DType::f32, DType::f64})
    for (const double l : {-1e4, -80.0, -1.0, 0.0, 1.0, 80.0, 1e4})
      for (const double x : {0.0, 1.0}) {
        Graph g(op_table());
        const Value logits = g.data("l", t, Shape{});
        const Distribution d{&family<Bernoulli>(), {Face::at(logits)}};
        const Value lp = log_prob(d, g.constant(x, t));
        const std::vector<Value> wrt = {logits}, out = {lp, gradient(lp, wrt)[0]};
        const Bindings b = {{"l", Array::scalar(l).cast(t)}};
        const long double away = x == 1 ? -l : l;  // the log odds of the other outcome
        const long double want =
            -(away > 0 ? away + std::log1p(std::exp(-away)) : std::log1p(std::exp(away)));
        const long double slope = x - 1 / (1 + std::exp(static_cast<long double>(-l)));
        for (const auto& r : {evaluate_reference(g, out, b), run_planned(g, out, b)}) {
          const double eps = t == DType::f32 ? 0x1p-23 : 0x1p-52;
          // x l - softplus(l) cancels to 0 where the outcome is certain: an error of one unit of l.
          EXPECT_NEAR(numbers(r[0])[0], double(want), 4 * eps * (1 + std::abs(l))) << l << " " << x;
          EXPECT_NEAR(numbers(r[1])[0], double(slope), 4 * eps);
        }
      }
}

// Rates and probabilities at the ends of their intervals: certain outcomes have probability one,
// impossible ones none, and slopes where the density is finite are finite.
TEST(KnownValues, CountsAtRatesAndProbabilitiesOfZeroAndOne) {
  const double none = -std::numeric_limits<double>::infinity();
  EXPECT_EQ(density_at(family<Poisson>(), {number(0)}, number(0)), 0);
  EXPECT_EQ(density_at(family<Poisson>(), {number(0)}, number(2)), none);
  EXPECT_DOUBLE_EQ(density_at(family<Poisson>(), {number(1e-300)}, number(0)), -1e-300);
  EXPECT_EQ(density_at(family<Binomial>(), {number(3), number(0)}, number(0)), 0);
  EXPECT_EQ(density_at(family<Binomial>(), {number(3), number(0)}, number(1)), none);
  EXPECT_EQ(density_at(family<Binomial>(), {number(3), number(1)}, number(3)), 0);
  EXPECT_EQ(density_at(family<Binomial>(), {number(3), number(1)}, number(2)), none);
  EXPECT_DOUBLE_EQ(density_at(family<Binomial>(), {number(4), number(1e-20)}, number(0)), -4e-20);
  for (const double outside : {-1.0, 4.0})
    EXPECT_EQ(density_at(family<Binomial>(), {number(3), number(0.5)}, number(outside)), none);
  const Array p = array_of(DType::f64, Shape{3}, {0, 0.25, 0.75});
  const auto multinomial = [&](double n, std::initializer_list<double> x) {
    return density_at(family<Multinomial>(), {number(n), p}, array_of(DType::f64, Shape{3}, x));
  };
  EXPECT_NEAR(multinomial(3, {0, 1, 2}), std::log(3 * 0.25 * 0.75 * 0.75), 1e-14);
  EXPECT_EQ(multinomial(3, {1, 1, 1}), none);
  EXPECT_EQ(multinomial(4, {0, 1, 2}), none);
  for (const double end : {0.0, 1.0}) {
    Graph g(op_table());
    const Value q = g.data("q", DType::f64, Shape{});
    const Distribution d{&family<Binomial>(), {Face::at(g.constant(3.0)), Face::at(q)}};
    const Value slope = gradient(log_prob(d, g.constant(3 * end)), std::vector{q})[0];
    EXPECT_EQ(evaluate(g, slope, {{"q", number(end)}})[0], end == 1 ? 3 : -3);
  }
}

// A million trials: terms of 1e7 cancel to the log density of the central limit, -log sqrt(2 pi v).
TEST(KnownValues, ManyTrials) {
  const double n = 1e6, p = 0.25, v = n * p * (1 - p);
  EXPECT_NEAR(density_at(family<Binomial>(), {number(n), number(p)}, number(n * p)),
              -0.5 * std::log(2 * 3.14159265358979323846 * v), 1e-6);
  EXPECT_NEAR(density_at(family<Poisson>(), {number(n)}, number(n)),
              -0.5 * std::log(2 * 3.14159265358979323846 * n), 1e-6);
}

// E log p and E log (1 - p) where pseudo-counts are small: digamma(a) - digamma(a + b), of which
// the first is -1 / a + digamma(1 + a).
TEST(KnownValues, MomentsOfConcentratedProbabilities) {
  for (const double a : {1e-8, 1e-3, 1.0, 1e6})
    for (const double b : {1e-8, 0.5, 1e6}) {
      Graph g(op_table());
      const Member m(g, family<Beta>(), {number(a), number(b)});
      const Face f = face(m.d);
      const auto expected_log = [](double k, double rest) {
        using boost::math::digamma;
        return digamma(static_cast<long double>(k)) - digamma(static_cast<long double>(k) + rest);
      };
      const double log_p = double(expected_log(a, b)), log_rest = double(expected_log(b, a));
      EXPECT_NEAR(evaluate(g, f.log)[0], log_p, 1e-14 * (10 + std::abs(log_p)));
      EXPECT_NEAR(evaluate(g, f.log_complement)[0], log_rest, 1e-14 * (10 + std::abs(log_rest)));
      EXPECT_NEAR(evaluate(g, f.mean)[0], a / (a + b), 1e-15);
    }
}

TEST(KnownValues, InverseGammaOffersWhatIsFinite) {
  Graph g(op_table());
  const auto moments_at = [&](double shape) {
    const Member m(g, family<InverseGamma>(), {number(shape), number(2)});
    const Face f = face(m.d);
    return std::vector{evaluate(g, f.mean)[0], evaluate(g, f.variance)[0],
                       evaluate(g, f.inverse)[0]};
  };
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_EQ(moments_at(0.5), (std::vector{infinite, infinite, 0.25}));
  EXPECT_EQ(moments_at(2), (std::vector{2.0, infinite, 1.0}));
  EXPECT_EQ(moments_at(4), (std::vector{2.0 / 3, 2.0 / 9, 2.0}));
}

TEST(KnownValues, RefusesWhatAFamilyHasNot) {
  Graph g(op_table());
  const Values none;
  EXPECT_THROW(moments(family<UniformFamily>(), none), ShapeError);
  const Member gamma(g, family<Gamma>(), {number(2), number(1)});
  if (!gamma.d.family->sample) {
    EXPECT_THROW(sample(gamma.d, {g.key("k"), DType::f64, Shape{}, {}}), ShapeError);
  }
  const Face real = Face::real(g.constant(0.0), g.constant(1.0));
  EXPECT_THROW(real.expected_log(), ShapeError);
  EXPECT_THROW(real.expected_log_complement(), ShapeError);
  EXPECT_THROW(real.expected_inverse(), ShapeError);
  // A gamma quantity has no E log (1 - p), nor has a random matrix without E log |x|.
  const Face rate = face(gamma.d), one = Face::at(g.constant(1.0)),
             no_log = Face::real(rate.mean, {});
  EXPECT_THROW(family<Binomial>().expected_log_prob(one, std::vector{one, rate}), ShapeError);
  const Face vector = Face::at(g.constant(Array(DType::f64, Shape{1})));
  EXPECT_THROW(family<MvNormal>().expected_log_prob(vector, std::vector{vector, no_log}),
               ShapeError);
}

}  // namespace
}  // namespace fathom::test
