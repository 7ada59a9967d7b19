// Laws of the joint families of means and precisions, whose supports no rule of quadrature covers:
// its log-normaliser in closed form, its moments, its divergence, and what a likelihood of vectors
// makes of it. Bishop 2006, sections 2.3.6 and 10.2.
#include <boost/math/quadrature/exp_sinh.hpp>
#include <boost/math/quadrature/sinh_sinh.hpp>
#include <boost/math/special_functions/digamma.hpp>

#include "tests/dist/family_cases.h"

namespace fathom::test {
namespace {

const FamilyInfo& joint() { return family<NormalWishart>(); }

// Degrees of freedom above d - 1, whatever is drawn.
std::vector<Array> draw_member(Random& random) {
  std::vector<Array> p = draw_parameters(joint(), random);
  p[1] = random_array(random, DType::f64, Shape{}, 0.5, 4);
  p[3] = random_array(random, DType::f64, Shape{}, 2.5, 9);
  return p;
}

struct Numbers {
  double m[3], b, v[3][3], nu;

  explicit Numbers(const Member& p) {
    const std::vector<double> mean = numbers(p.parameters[0]), scale = numbers(p.parameters[2]);
    for (std::size_t i = 0; i < 3; ++i) {
      m[i] = mean[i];
      for (std::size_t j = 0; j < 3; ++j) v[i][j] = scale[i * 3 + j];
    }
    b = numbers(p.parameters[1])[0];
    nu = numbers(p.parameters[3])[0];
  }
  double minor_of(int i, int j) const {
    const int r = (i + 1) % 3, s = (i + 2) % 3, t = (j + 1) % 3, u = (j + 2) % 3;
    return v[r][t] * v[s][u] - v[r][u] * v[s][t];
  }
  double det() const {
    return v[0][0] * minor_of(0, 0) + v[0][1] * minor_of(0, 1) + v[0][2] * minor_of(0, 2);
  }
  double w(int i, int j) const { return minor_of(j, i) / det(); }  // V^-1
  double log_norm() const {
    const double pi = 3.14159265358979323846;
    double gamma = 1.5 * std::log(pi);
    for (int i = 0; i < 3; ++i) gamma += std::lgamma((nu - i) / 2);
    return 1.5 * std::log(2 * pi / b) + 1.5 * nu * std::log(2.0) - 0.5 * nu * std::log(det()) +
           gamma;
  }
  double expected_log_det() const {
    double e = 3 * std::log(2.0) - std::log(det());
    for (int i = 0; i < 3; ++i) e += boost::math::digamma((nu - i) / 2);
    return e;
  }
};

template <class F>
void each_joint(F&& f) {
  Random random(17);
  for (int i = 0; i < 8; ++i) {
    SCOPED_TRACE(i);
    Graph g(op_table());
    const std::vector<Array> p = draw_member(random), q = draw_member(random);
    f(g, Member(g, joint(), p), Member(g, joint(), q));
  }
}

TEST(NormalWishart, LogNormaliserIsTheClosedForm) {
  each_joint([](Graph& g, const Member& p, const Member&) {
    const double want = Numbers(p).log_norm();
    EXPECT_NEAR(evaluate(g, joint().log_norm(p.natural))[0], want, 1e-12 * (1 + std::abs(want)));
  });
}

// In one dimension exp(<natural, statistics> - log_norm) is a density over mu and lam > 0.
TEST(NormalWishart, DensityOfOneDimensionIntegratesToOne) {
  Random random(3);
  for (int i = 0; i < 4; ++i) {
    Graph g(op_table());
    const auto number = [&](double low, double high, const Shape& s) {
      return Face::at(g.constant(random_array(random, DType::f64, s, low, high)));
    };
    const std::vector<Face> p = {number(-2, 2, Shape{1}), number(0.5, 4, {}),
                                 number(0.5, 4, Shape{1, 1}), number(1, 6, {})};
    const Values n = joint().natural(p);
    double eta[4];
    for (std::size_t k = 0; k < 4; ++k) eta[k] = evaluate(g, n[k])[0];
    const double norm = evaluate(g, joint().log_norm(n))[0], location = evaluate(g, p[0].mean)[0];
    boost::math::quadrature::sinh_sinh<double> line;
    boost::math::quadrature::exp_sinh<double> half_line;
    const double total = half_line.integrate([&](double lam) {
      const double width = 1 / std::sqrt(lam);
      return width * line.integrate([&](double u) {
        const double mu = location + u * width;
        return std::exp(eta[0] * lam + eta[1] * lam * mu + eta[2] * lam * mu * mu +
                        eta[3] * std::log(lam) - norm);
      });
    });
    EXPECT_NEAR(total, 1, 1e-8);
  }
}

TEST(NormalWishart, NaturalParametersGoThereAndBack) {
  each_joint([](Graph& g, const Member& p, const Member&) {
    const std::vector<Face> back = joint().from_natural(p.natural);
    for (std::size_t k = 0; k < back.size(); ++k) {
      const std::vector<double> got = evaluate(g, back[k].mean), want = numbers(p.parameters[k]);
      for (std::size_t i = 0; i < want.size(); ++i)
        EXPECT_NEAR(got[i], want[i], 1e-13 * (1 + std::abs(want[i])));
    }
  });
}

TEST(NormalWishart, MomentsAreTheTextbooksAndTheGradientOfTheLogNormaliser) {
  each_joint([](Graph& g, const Member& p, const Member&) {
    const Numbers n(p);
    const Face f = face(p.d);
    ASSERT_EQ(f.statistics.size(), 4u);
    const Values m = moments(joint(), p.natural);
    std::vector<double> want[4];
    want[0].resize(9);
    want[1].resize(3);
    double quadratic = 0;
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) {
        want[0][std::size_t(i * 3 + j)] = n.nu * n.w(i, j);
        want[1][std::size_t(i)] += n.nu * n.w(i, j) * n.m[j];
        quadratic += n.m[i] * n.w(i, j) * n.m[j];
      }
    want[2] = {n.nu * quadratic + 3 / n.b};
    want[3] = {n.expected_log_det()};
    for (std::size_t k = 0; k < 4; ++k) {
      const std::vector<double> by_face = evaluate(g, f.statistics[k]);
      std::vector<double> by_gradient = evaluate(g, m[k]);
      ASSERT_EQ(by_face.size(), want[k].size());
      if (k == 0)  // a symmetric statistic: its gradient is defined up to an antisymmetric part
        for (std::size_t i = 0; i < 3; ++i)
          for (std::size_t j = 0; j < i; ++j)
            by_gradient[i * 3 + j] = by_gradient[j * 3 + i] =
                (by_gradient[i * 3 + j] + by_gradient[j * 3 + i]) / 2;
      for (std::size_t i = 0; i < want[k].size(); ++i) {
        EXPECT_NEAR(by_face[i], want[k][i], 1e-12 * (1 + std::abs(want[k][i]))) << k;
        EXPECT_NEAR(by_gradient[i], want[k][i], 1e-11 * (1 + std::abs(want[k][i]))) << k;
      }
    }
  });
}

TEST(NormalWishart, DivergenceIsPositiveAndZeroAtItself) {
  each_joint([](Graph& g, const Member& p, const Member& q) {
    EXPECT_GT(evaluate(g, kl_divergence(joint(), p.natural, q.natural))[0], 0);
    EXPECT_NEAR(evaluate(g, kl_divergence(joint(), p.natural, p.natural))[0], 0, 1e-12);
    // Through faces: E_p log p - E_p log q.
    const Face f = face(p.d);
    const double by_faces =
        -evaluate(g, entropy(p.d))[0] - evaluate(g, cross_entropy_term(q.d, f))[0];
    const double by_natural = evaluate(g, kl_divergence(joint(), p.natural, q.natural))[0];
    EXPECT_NEAR(by_faces, by_natural, 1e-10 * (1 + by_natural));
  });
}

// The mode of (mu, Lam): moving either of them lowers <natural, statistics>.
TEST(NormalWishart, ModeIsHighest) {
  each_joint([](Graph& g, const Member& p, const Member&) {
    const Face f = joint().mode(p.natural);
    const Numbers n(p);
    const std::vector<double> lam = evaluate(g, f.statistics[0]), mu = evaluate(g, f.mean);
    const auto height = [&](const double l[3][3], const double m[3]) {
      double h = 0, quadratic = 0;
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) {
          h -= 0.5 * n.v[i][j] * l[j][i];
          quadratic += (m[i] - n.m[i]) * l[i][j] * (m[j] - n.m[j]);
        }
      const double det = l[0][0] * (l[1][1] * l[2][2] - l[1][2] * l[2][1]) -
                         l[0][1] * (l[1][0] * l[2][2] - l[1][2] * l[2][0]) +
                         l[0][2] * (l[1][0] * l[2][1] - l[1][1] * l[2][0]);
      return h - 0.5 * n.b * quadratic + 0.5 * (n.nu - 3) * std::log(det);
    };
    double l[3][3], m[3];
    for (std::size_t i = 0; i < 9; ++i) l[i / 3][i % 3] = lam[i];
    for (std::size_t i = 0; i < 3; ++i) m[i] = mu[i];
    if (n.nu <= 3.1) return;  // below, no precision is highest
    const double top = height(l, m);
    Random random(11);
    for (int trial = 0; trial < 30; ++trial) {
      const Array step = random_array(random, DType::f64, Shape{9}, -1e-2, 1e-2);
      double l2[3][3], m2[3];
      for (int i = 0; i < 3; ++i) {
        m2[i] = m[i] + step.data<double>()[i];
        for (int j = 0; j < 3; ++j)
          l2[i][j] = l[i][j] * (1 + step.data<double>()[std::min(i, j) + std::max(i, j) + 3]);
      }
      EXPECT_LE(height(l2, m2), top + 1e-12 * (1 + std::abs(top)));
    }
  });
}

// E log N(x | mu, Lam^-1), Bishop 2006, eq. 10.64 and 10.65.
TEST(NormalWishart, LikelihoodOfVectorsTakesItsStatistics) {
  each_joint([](Graph& g, const Member& p, const Member&) {
    Random random(9);
    const Array rows = random_array(random, DType::f64, Shape{5, 3}, -3, 3);
    Axis axes[] = {{5, g.label("row", true)}, {3, kNoLabel}};
    const Value x = g.data("x", DType::f64, Shape(std::span<const Axis>(axes, 2)));
    const Face f = face(p.d);
    const Value value = family<MvNormal>().expected_log_prob(Face::at(x), std::span(&f, 1));
    const std::vector<double> got = evaluate(g, value, {{"x", rows}});
    const Numbers n(p);
    ASSERT_EQ(got.size(), 5u);
    for (std::size_t r = 0; r < 5; ++r) {
      double quadratic = 0;
      const double* at = rows.data<double>() + r * 3;
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) quadratic += (at[i] - n.m[i]) * n.w(i, j) * (at[j] - n.m[j]);
      const double want = 0.5 * n.expected_log_det() - 1.5 * std::log(2 * 3.14159265358979323846) -
                          0.5 * (3 / n.b + n.nu * quadratic);
      EXPECT_NEAR(got[r], want, 1e-11 * (1 + std::abs(want)));
    }
  });
}

// Of one element it is the Wishart of one dimension: tau = Lam, shape = dof / 2, rate = V / 2.
TEST(NormalGamma, IsTheNormalWishartOfOneDimension) {
  Random random(23);
  const FamilyInfo& gamma = family<NormalGamma>();
  for (int trial = 0; trial < 6; ++trial) {
    Graph g(op_table());
    const auto number = [&](double low, double high) {
      return random_array(random, DType::f64, Shape{1}, low, high);
    };
    const Array m = number(-2, 2), b = number(0.5, 4), v = number(0.5, 4), nu = number(2, 9);
    const auto at = [&](const Array& a, const Shape& s, double scale = 1) {
      return Face::at(g.constant(a.reshaped(s)) * scale);
    };
    const std::vector<Face> w = {at(m, Shape{1}), at(b, {}), at(v, Shape{1, 1}), at(nu, {})},
                            q = {at(m, Shape{1}), at(b, Shape{1}), at(nu, Shape{1}, 0.5),
                                 at(v, Shape{1}, 0.5)};
    const Values nw = joint().natural(w), nq = gamma.natural(q);
    // log |Lam| / 2 against log tau: the exponents differ by none, the normalisers by the factor 2
    // of the rate alone, which both contain.
    EXPECT_NEAR(evaluate(g, joint().log_norm(nw))[0], evaluate(g, gamma.log_norm(nq))[0], 1e-12);
    const Face fw = joint().face(w), fq = gamma.face(q);
    const Face mw = joint().mode(nw), mq = gamma.mode(nq);
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_NEAR(evaluate(g, fw.statistics[k])[0], evaluate(g, fq.statistics[k])[0], 1e-12);
      EXPECT_NEAR(evaluate(g, mw.statistics[k])[0], evaluate(g, mq.statistics[k])[0], 1e-12);
      EXPECT_NEAR(evaluate(g, nw[k])[0], evaluate(g, nq[k])[0], 1e-12);
    }
    EXPECT_NEAR(evaluate(g, joint().entropy(w))[0], evaluate(g, gamma.entropy(q))[0], 1e-12);
  }
}

// Elements are apart: normalisers add up, moments are the gradient, and the way back is exact.
TEST(NormalGamma, ElementsAreIndependentPairs) {
  Random random(29);
  const FamilyInfo& gamma = family<NormalGamma>();
  for (int trial = 0; trial < 6; ++trial) {
    Graph g(op_table());
    std::vector<Face> p;
    std::vector<Array> drawn;
    for (const double low : {-2.0, 0.5, 1.0, 0.5}) {
      drawn.push_back(random_array(random, DType::f64, Shape{3}, low, low + 3));
      p.push_back(Face::at(g.constant(drawn.back())));
    }
    const Values n = gamma.natural(p);
    double total = 0;
    for (std::int64_t i = 0; i < 3; ++i) {
      std::vector<Face> one;
      for (const Array& a : drawn)
        one.push_back(Face::at(g.constant(
            Array::of<double>(Shape{1}, a.values<double>().subspan(std::size_t(i), 1)))));
      total += evaluate(g, gamma.log_norm(gamma.natural(one)))[0];
    }
    EXPECT_NEAR(evaluate(g, gamma.log_norm(n))[0], total, 1e-12 * (1 + std::abs(total)));
    const Values m = moments(gamma, n);
    const Face f = gamma.face(p);
    const std::vector<Face> back = gamma.from_natural(n);
    for (std::size_t k = 0; k < 4; ++k)
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_NEAR(evaluate(g, f.statistics[k])[i], evaluate(g, m[k])[i], 1e-11);
        EXPECT_NEAR(evaluate(g, back[k].mean)[i], drawn[k].data<double>()[i], 1e-12);
      }
    const Face row = Face::at(g.constant(random_array(random, DType::f64, Shape{3}, -2, 2)));
    EXPECT_GT(
        evaluate(
            g, kl_divergence(gamma, n, gamma.natural(std::vector<Face>{row, p[1], p[2], p[3]})))[0],
        0);
  }
}

}  // namespace
}  // namespace fathom::test
