// Densities against Boost.Math, and the Bernoulli family at extreme log odds.
#include <boost/math/distributions/bernoulli.hpp>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/uniform.hpp>

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

TEST(KnownValues, RefusesWhatAFamilyHasNot) {
  Graph g(op_table());
  const Values none;
  EXPECT_THROW(moments(family<UniformFamily>(), none), ShapeError);
  const Member gamma(g, family<Gamma>(), {number(2), number(1)});
  if (!gamma.d.family->sample) {
    EXPECT_THROW(sample(gamma.d, {g.key("k"), DType::f64, Shape{}, {}}), ShapeError);
  }
  EXPECT_THROW(Face::real(g.constant(0.0), g.constant(1.0)).expected_log(), ShapeError);
}

}  // namespace
}  // namespace fathom::test
