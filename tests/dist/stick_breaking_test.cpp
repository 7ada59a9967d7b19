// Laws of stick-breaking probabilities, of which no rule of quadrature covers the support: each
// stick is a Beta (Blei & Jordan 2006, section 3).
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/digamma.hpp>

#include "tests/dist/family_cases.h"

namespace fathom::test {
namespace {

struct Sticks {
  std::vector<double> a, b;
};

template <class F>
void each_stick(F&& f) {
  Random random(41);
  for (int trial = 0; trial < 6; ++trial) {
    SCOPED_TRACE(trial);
    Graph g(op_table());
    const Array a = random_array(random, DType::f64, Shape{4}, 0.5, 6),
                b = random_array(random, DType::f64, Shape{4}, 0.5, 6);
    const std::vector<Face> p = {Face::at(g.constant(a)), Face::at(g.constant(b))};
    f(g, p, Sticks{numbers(a), numbers(b)});
  }
}

TEST(StickBreaking, NormaliserIsThatOfItsBetas) {
  each_stick([](Graph& g, const std::vector<Face>& p, const Sticks& s) {
    double want = 0;
    for (std::size_t k = 0; k < 4; ++k) want += std::log(boost::math::beta(s.a[k], s.b[k]));
    const FamilyInfo& f = family<StickBreaking>();
    EXPECT_NEAR(evaluate(g, f.log_norm(f.natural(p)))[0], want, 1e-12 * (1 + std::abs(want)));
    const std::vector<Face> back = f.from_natural(f.natural(p));
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_NEAR(evaluate(g, back[0].mean)[k], s.a[k], 1e-14 * s.a[k]);
      EXPECT_NEAR(evaluate(g, back[1].mean)[k], s.b[k], 1e-14 * s.b[k]);
    }
  });
}

TEST(StickBreaking, FaceHoldsMomentsAndMeansOfProbabilities) {
  each_stick([](Graph& g, const std::vector<Face>& p, const Sticks& s) {
    const FamilyInfo& f = family<StickBreaking>();
    const Face face = f.face(p);
    const Values m = moments(f, f.natural(p));
    double left = 1, log_left = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      using boost::math::digamma;
      const double total = s.a[k] + s.b[k];
      const double log_v = digamma(s.a[k]) - digamma(total),
                   log_rest = digamma(s.b[k]) - digamma(total);
      EXPECT_NEAR(evaluate(g, face.statistics[0])[k], log_v, 1e-12);
      EXPECT_NEAR(evaluate(g, face.statistics[1])[k], log_rest, 1e-12);
      EXPECT_NEAR(evaluate(g, m[0])[k], log_v, 1e-12);
      EXPECT_NEAR(evaluate(g, m[1])[k], log_rest, 1e-12);
      EXPECT_NEAR(evaluate(g, face.mean)[k], left * s.a[k] / total, 1e-13);
      EXPECT_NEAR(evaluate(g, face.log)[k], log_left + log_v, 1e-12);
      left *= s.b[k] / total;
      log_left += log_rest;
    }
  });
}

// Counts of categories: taken at their stick, left at all before it.
TEST(StickBreaking, CountsGoToTheirStickAndThoseBefore) {
  each_stick([](Graph& g, const std::vector<Face>& p, const Sticks&) {
    const FamilyInfo& f = family<StickBreaking>();
    const double counts[] = {5, 0, 2, 3};
    const Value n = g.constant(Array::of<double>(Shape{4}, std::span<const double>(counts)));
    const Value zero = g.constant(Array(DType::f64, Shape{4}));
    const Values natural =
        f.natural_from_gradient(f.leaves(f.face(p)), std::vector<Value>{zero, zero, n});
    EXPECT_EQ(evaluate(g, natural[0]), (std::vector<double>{5, 0, 2, 3}));
    EXPECT_EQ(evaluate(g, natural[1]), (std::vector<double>{5, 5, 3, 0}));
  });
}

TEST(StickBreaking, DivergenceIsPositiveAndModesAreSticksAtTheirHighest) {
  each_stick([](Graph& g, const std::vector<Face>& p, const Sticks& s) {
    const FamilyInfo& f = family<StickBreaking>();
    const std::vector<Face> other = {p[1], p[0]};
    EXPECT_GT(evaluate(g, kl_divergence(f, f.natural(p), f.natural(other)))[0], 0);
    EXPECT_NEAR(evaluate(g, kl_divergence(f, f.natural(p), f.natural(p)))[0], 0, 1e-13);
    const Face mode = f.mode(f.natural(p));
    for (std::size_t k = 0; k < 4; ++k)
      if (s.a[k] > 1 && s.b[k] > 1) {
        EXPECT_NEAR(std::exp(evaluate(g, mode.statistics[0])[k]),
                    (s.a[k] - 1) / (s.a[k] + s.b[k] - 2), 1e-12);
      }
  });
}

}  // namespace
}  // namespace fathom::test
