// Bounds on expected log sums of exponentials against quadrature.
#include "fathom/dist/softmax.h"

#include <cmath>

#include "fathom/dist/quadrature.h"
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

std::vector<double> evaluate(Graph& g, Value v) {
  return numbers(evaluate_reference(g, std::vector{v}, {})[0]);
}

// E log sum_k exp f_k of three independent normal logits, by nodes.
double expected_log_sum_exp(const std::vector<double>& m, const std::vector<double>& v) {
  const HermiteRule& r = hermite_rule();
  long double total = 0;
  for (int i = 0; i < kHermiteNodes; ++i)
    for (int j = 0; j < kHermiteNodes; ++j)
      for (int k = 0; k < kHermiteNodes; ++k) {
        const double f[] = {m[0] + std::sqrt(v[0]) * r.node[std::size_t(i)],
                            m[1] + std::sqrt(v[1]) * r.node[std::size_t(j)],
                            m[2] + std::sqrt(v[2]) * r.node[std::size_t(k)]};
        const double top = std::max({f[0], f[1], f[2]});
        const double w =
            r.weight[std::size_t(i)] * r.weight[std::size_t(j)] * r.weight[std::size_t(k)];
        total += w * (top +
                      std::log(std::exp(f[0] - top) + std::exp(f[1] - top) + std::exp(f[2] - top)));
      }
  return double(total);
}

struct Logits {
  Graph g{op_table()};
  std::vector<double> m, v;
  Value mean, variance;

  Logits(std::vector<double> means, std::vector<double> variances)
      : m(std::move(means)), v(std::move(variances)) {
    const Shape s{std::int64_t(m.size())};
    mean = keep(g.constant(Array::of<double>(s, m)));
    variance = keep(g.constant(Array::of<double>(s, v)));
  }
  // What is subtracted from the first mean.
  Value bound(const Face& probabilities) { return slice(mean - probabilities.log, 0, 0, 1); }
  double at(const Face& probabilities) { return evaluate(g, bound(probabilities))[0]; }
};

TEST(Softmax, BoundsLieAboveTheExpectation) {
  Random random(3);
  for (int i = 0; i < 8; ++i) {
    Logits l(numbers(random_array(random, DType::f64, Shape{3}, -2, 2)),
             numbers(random_array(random, DType::f64, Shape{3}, 0, 2.5)));
    const double exact = expected_log_sum_exp(l.m, l.v);
    const Face f = Face::real(l.mean, l.variance);
    const double tilted = l.at(softmax_tilted(f)), bohning = l.at(softmax_bohning(f));
    EXPECT_GE(tilted, exact - 1e-6);
    EXPECT_GE(bohning, exact - 1e-6);
    EXPECT_LT(tilted - exact, 0.25);
  }
}

TEST(Softmax, BoundsOfFixedLogitsAreExact) {
  Logits l({0.3, -1, 40}, {0, 0, 0});
  for (const Face& f : {Face::at(l.mean), Face::real(l.mean, l.variance)}) {
    EXPECT_NEAR(l.at(softmax_tilted(f)), 40, 1e-14);
    EXPECT_NEAR(l.at(softmax_bohning(f)), 40, 1e-14);
  }
}

// At the minimum a = softmax(m + (1 - 2 a) v / 2), and no other tilt gives less.
TEST(Softmax, TheTiltIsTheBest) {
  Random random(4);
  for (const double spread : {0.01, 1.0, 30.0, 1000.0})
    for (const std::int64_t k : {2, 5, 40}) {
      const std::vector<double> m = numbers(random_array(random, DType::f64, Shape{k}, -6, 6)),
                                v = numbers(random_array(random, DType::f64, Shape{k}, 0, spread));
      std::vector<double> a(std::size_t(k), 0.0), z(std::size_t(k), 0.0);
      kernels::tilt(k, m.data(), v.data(), a.data());
      double top = -INFINITY, total = 0;
      for (std::size_t i = 0; i < z.size(); ++i)
        top = std::max(top, z[i] = m[i] + (1 - 2 * a[i]) * v[i] / 2);
      for (const double t : z) total += std::exp(t - top);
      for (std::size_t i = 0; i < z.size(); ++i)
        EXPECT_NEAR(a[i], std::exp(z[i] - top) / total, 1e-12 * (1 + v[i]));
    }
}

// Slopes are those of the bound by differences: a tilt at its best does not move it.
TEST(Softmax, SlopesAreThoseOfTheBound) {
  for (const bool tilted : {true, false}) {
    const auto bound = [&](double dm, double dv, std::vector<double>* slopes) {
      Logits l({0.5 + dm, -1, 0.2}, {1.5 + dv, 0.4, 3});
      const Face f = Face::real(l.mean, l.variance);
      const Value b = l.bound(tilted ? softmax_tilted(f) : softmax_bohning(f));
      if (slopes) {
        const std::vector<Value> of = {l.mean, l.variance};
        const std::vector<Value> s = gradient(sum(b), of);
        *slopes = {evaluate(l.g, s[0])[0], evaluate(l.g, s[1])[0]};
      }
      return evaluate(l.g, b)[0];
    };
    std::vector<double> slopes;
    bound(0, 0, &slopes);
    const double h = 1e-5;
    EXPECT_NEAR(slopes[0], (bound(h, 0, nullptr) - bound(-h, 0, nullptr)) / (2 * h), 1e-9);
    EXPECT_NEAR(slopes[1], (bound(0, h, nullptr) - bound(0, -h, nullptr)) / (2 * h), 1e-9);
  }
}

// Covariances enter Bohning's bound by tr(A Cov f) / 2, A = (I - 1 1' / K) / 2: what all logits
// share is of no matter.
TEST(Softmax, CovariancesThatAllShareAreOfNoMatter) {
  Logits l({0.5, -1, 0.2}, {1, 1, 1});
  Face f = Face::real(l.mean, l.variance);
  f.covariance = l.g.constant(Array::of<double>(Shape{3, 3}, std::vector<double>(9, 1.0)));
  Logits fixed({0.5, -1, 0.2}, {0, 0, 0});
  EXPECT_NEAR(l.at(softmax_bohning(f)), fixed.at(softmax_bohning(Face::at(fixed.mean))), 1e-14);
  EXPECT_THROW(softmax_tilted(f), ConfigError);
}

}  // namespace
}  // namespace fathom::test
