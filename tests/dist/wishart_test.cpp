// Laws of the Wishart family, whose support no rule of quadrature covers, and of normal vectors
// with a random precision. Bishop 2006, appendix B.
#include <boost/math/quadrature/exp_sinh.hpp>
#include <boost/math/quadrature/sinh_sinh.hpp>
#include <boost/math/special_functions/digamma.hpp>

#include "tests/dist/family_cases.h"

namespace fathom::test {
namespace {

const FamilyInfo& wishart() { return family<Wishart>(); }

Array matrix(std::initializer_list<double> values, std::int64_t d) {
  return array_of(DType::f64, Shape{d, d}, values);
}

// V of three dimensions and degrees of freedom above 2.
std::vector<Array> draw_member(Random& random) {
  std::vector<Array> p = draw_parameters(wishart(), random);
  p[1] = random_array(random, DType::f64, Shape{}, 2.1, 9);
  return p;
}

struct Numbers {
  double v[3][3], nu;

  explicit Numbers(const Member& p) {
    const std::vector<double> scale = numbers(p.parameters[0]);
    for (std::size_t i = 0; i < 9; ++i) v[i / 3][i % 3] = scale[i];
    nu = numbers(p.parameters[1])[0];
  }
  double cofactor(int i, int j) const {
    const int r = (i + 1) % 3, s = (i + 2) % 3, t = (j + 1) % 3, u = (j + 2) % 3;
    return v[r][t] * v[s][u] - v[r][u] * v[s][t];
  }
  double det() const {
    return v[0][0] * cofactor(0, 0) + v[0][1] * cofactor(0, 1) + v[0][2] * cofactor(0, 2);
  }
  double mean(int i, int j) const { return nu * cofactor(j, i) / det(); }
  double log_norm() const {
    double a = 1.5 * nu * std::log(2.0) - 0.5 * nu * std::log(det()) +
               1.5 * std::log(3.14159265358979323846);
    for (int i = 0; i < 3; ++i) a += std::lgamma((nu - i) / 2);
    return a;
  }
  double expected_log_det() const {
    double e = 3 * std::log(2.0) - std::log(det());
    for (int i = 0; i < 3; ++i) e += boost::math::digamma((nu - i) / 2);
    return e;
  }
};

template <class F>
void each_wishart(F&& f) {
  Random random(31);
  for (int i = 0; i < 8; ++i) {
    SCOPED_TRACE(i);
    Graph g(op_table());
    const std::vector<Array> p = draw_member(random), q = draw_member(random);
    f(g, Member(g, wishart(), p), Member(g, wishart(), q));
  }
}

TEST(Wishart, LogNormaliserAndMomentsAreTheTextbooks) {
  each_wishart([](Graph& g, const Member& p, const Member&) {
    const Numbers n(p);
    EXPECT_NEAR(evaluate(g, wishart().log_norm(p.natural))[0], n.log_norm(),
                1e-12 * (1 + std::abs(n.log_norm())));
    const Face f = face(p.d);
    const Values m = moments(wishart(), p.natural);
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) {
        const double want = n.mean(i, j);
        const auto at = std::size_t(i * 3 + j), mirrored = std::size_t(j * 3 + i);
        EXPECT_NEAR(evaluate(g, f.mean)[at], want, 1e-12 * (1 + std::abs(want)));
        // A symmetric statistic: its gradient is defined up to an antisymmetric part.
        EXPECT_NEAR((evaluate(g, m[0])[at] + evaluate(g, m[0])[mirrored]) / 2, want,
                    1e-11 * (1 + std::abs(want)));
      }
    EXPECT_NEAR(evaluate(g, f.log)[0], n.expected_log_det(), 1e-12 * 20);
    EXPECT_NEAR(evaluate(g, m[1])[0], n.expected_log_det(), 1e-11 * 20);
  });
}

TEST(Wishart, NaturalParametersGoThereAndBack) {
  each_wishart([](Graph& g, const Member& p, const Member&) {
    const std::vector<Face> back = wishart().from_natural(p.natural);
    for (std::size_t k = 0; k < 2; ++k) {
      const std::vector<double> got = evaluate(g, back[k].mean), want = numbers(p.parameters[k]);
      for (std::size_t i = 0; i < want.size(); ++i)
        EXPECT_NEAR(got[i], want[i], 1e-14 * (1 + std::abs(want[i])));
    }
  });
}

TEST(Wishart, DensityIsTheExponentialForm) {
  each_wishart([](Graph& g, const Member& p, const Member& q) {
    const Value x = g.constant(q.parameters[0]);
    const double by_family = evaluate(g, log_prob(p.d, x))[0];
    EXPECT_NEAR(evaluate(g, expfam_log_prob(wishart(), p.natural, x))[0], by_family,
                1e-12 * (1 + std::abs(by_family)));
  });
}

TEST(Wishart, DivergenceIsPositiveZeroAtItselfAndThatOfFaces) {
  each_wishart([](Graph& g, const Member& p, const Member& q) {
    const double kl = evaluate(g, kl_divergence(wishart(), p.natural, q.natural))[0];
    EXPECT_GT(kl, 0);
    EXPECT_NEAR(evaluate(g, kl_divergence(wishart(), p.natural, p.natural))[0], 0, 1e-12);
    const double by_faces =
        -evaluate(g, entropy(p.d))[0] - evaluate(g, cross_entropy_term(q.d, face(p.d)))[0];
    EXPECT_NEAR(by_faces, kl, 1e-11 * (1 + kl));
    EXPECT_NEAR(evaluate(g, entropy(p.d))[0], evaluate(g, entropy(wishart(), p.natural))[0], 1e-11);
  });
}

// Of one dimension it is Gamma(dof / 2, V / 2); of two, the density integrates to one over
// a, c > 0 and b of [a b; b c], with b = r sqrt(a c).
TEST(Wishart, OneDimensionIsAGamma) {
  for (const double nu : {1e-3, 0.5, 3.0})
    for (const double x : {0.2, 4.0}) {
      Graph g(op_table());
      const Member w(g, wishart(), {matrix({1.5}, 1), Array::scalar(nu)}),
          k(g, family<Gamma>(), {Array::scalar(nu / 2), Array::scalar(0.75)});
      EXPECT_NEAR(evaluate(g, log_prob(w.d, g.constant(matrix({x}, 1))))[0],
                  evaluate(g, log_prob(k.d, g.constant(x)))[0], 1e-12);
      EXPECT_NEAR(evaluate(g, face(w.d).log)[0], evaluate(g, face(k.d).log)[0],
                  1e-13 * (1 + 1 / nu));
    }
}

TEST(Wishart, DensityOfTwoDimensionsIntegratesToOne) {
  Graph g(op_table());
  const Member m(g, wishart(), {matrix({1.2, 0.4, 0.4, 0.9}, 2), Array::scalar(3.5)});
  double v[2][2], eta = evaluate(g, m.natural[1])[0];
  const std::vector<double> half = evaluate(g, m.natural[0]);
  for (std::size_t i = 0; i < 4; ++i) v[i / 2][i % 2] = half[i];
  const double norm = evaluate(g, wishart().log_norm(m.natural))[0];
  boost::math::quadrature::exp_sinh<double> half_line;
  boost::math::quadrature::sinh_sinh<double> line;
  const double total = half_line.integrate(
      [&](double a) {
        return half_line.integrate(
            [&](double c) {
              const double width = std::sqrt(a * c);
              return line.integrate(
                  [&](double t) {
                    const double r = std::tanh(t), s = 1 / std::cosh(t), b = r * width;
                    const double log_det = std::log(a) + std::log(c) + 2 * std::log(s);
                    const double at = v[0][0] * a + 2 * v[0][1] * b + v[1][1] * c + eta * log_det;
                    return s > 0 && width > 0 ? std::exp(at - norm) * width * s * s : 0.0;
                  },
                  1e-7);
            },
            1e-7);
      },
      1e-7);
  EXPECT_NEAR(total, 1, 1e-5);
}

// Draws by Bartlett's decomposition (Bartlett 1933): Lam = C A A' C' with C C' = V^-1, A lower, its
// squared diagonal chi-squared with nu, nu - 1, ... degrees of freedom, standard normals below.
Array bartlett(const Numbers& n, std::int64_t count, Random& random) {
  double c[3][3] = {};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j <= i; ++j) {
      double s = n.mean(i, j) / n.nu;
      for (int k = 0; k < j; ++k) s -= c[i][k] * c[j][k];
      c[i][j] = i == j ? std::sqrt(s) : s / c[j][j];
    }
  Array out(DType::f64, Shape{count, 3, 3});
  std::normal_distribution<double> normal;
  for (std::int64_t r = 0; r < count; ++r) {
    double a[3][3] = {}, b[3][3] = {};
    for (int i = 0; i < 3; ++i) {
      a[i][i] = std::sqrt(std::chi_squared_distribution<double>(n.nu - i)(random));
      for (int j = 0; j < i; ++j) a[i][j] = normal(random);
    }
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j)
        for (int k = 0; k < 3; ++k) b[i][j] += c[i][k] * a[k][j];
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j)
        for (int k = 0; k < 3; ++k) out.data<double>()[r * 9 + i * 3 + j] += b[i][k] * b[j][k];
  }
  return out;
}

TEST(Wishart, DrawsHaveItsMomentsEntropyAndDivergence) {
  Random random(8);
  for (int trial = 0; trial < 3; ++trial) {
    SCOPED_TRACE(trial);
    Graph g(op_table());
    std::vector<Array> p = draw_member(random), q = p;
    q[0] = draw_member(random)[0];
    q[1] = random_array(random, DType::f64, Shape{}, 3, 8);
    const Member from(g, wishart(), p), to(g, wishart(), q);
    const std::int64_t count = 40000;
    const Array draws = bartlett(Numbers(from), count, random);
    const Value x = g.constant(draws);
    // The mean over draws is within five of its standard errors.
    const auto expect_mean = [&](const std::vector<double>& values, double want) {
      double m = 0, v = 0;
      for (const double e : values) m += e / double(count);
      for (const double e : values) v += (e - m) * (e - m) / double(count);
      EXPECT_NEAR(m, want, 5 * std::sqrt(v / double(count)));
    };
    const Value log_p = log_prob(from.d, x), log_q = log_prob(to.d, x);
    expect_mean(evaluate(g, -log_p), evaluate(g, entropy(from.d))[0]);
    expect_mean(evaluate(g, log_p - log_q),
                evaluate(g, kl_divergence(wishart(), from.natural, to.natural))[0]);
    expect_mean(evaluate(g, log_determinant(x)), evaluate(g, face(from.d).log)[0]);
    const std::vector<double> all = numbers(draws), mean = evaluate(g, face(from.d).mean);
    for (std::size_t k = 0; k < 9; ++k) {
      std::vector<double> element;
      for (std::size_t i = k; i < all.size(); i += 9) element.push_back(all[i]);
      expect_mean(element, mean[k]);
    }
  }
}

// Degrees of freedom just above d - 1: finite, and E log |Lam| as the least of the digammas says.
TEST(Wishart, DegreesOfFreedomNearTheirLeast) {
  for (const double above : {1e-12, 1e-6, 1e-2}) {
    Graph g(op_table());
    const Member m(g, wishart(), {matrix({2, 0, 0, 2}, 2), Array::scalar(1 + above)});
    const double nu = 1 + above;  // as a double
    using boost::math::digamma;
    const double want = digamma(nu / 2) + digamma((nu - 1) / 2);
    EXPECT_NEAR(evaluate(g, face(m.d).log)[0], want, 1e-13 * std::abs(want));
    EXPECT_NEAR(evaluate(g, face(m.d).mean)[0], nu / 2, 1e-15);
    EXPECT_TRUE(std::isfinite(evaluate(g, entropy(m.d))[0]));
    for (const Value& v : moments(wishart(), m.natural))
      for (const double e : evaluate(g, v)) EXPECT_TRUE(std::isfinite(e));
  }
}

// (dof - d - 1) V^-1: no other matrix is higher.
TEST(Wishart, ModeIsHighest) {
  each_wishart([](Graph& g, const Member& p, const Member&) {
    const Numbers n(p);
    const Face f = wishart().mode(p.natural);
    if (n.nu <= 4.1) {
      for (const double e : evaluate(g, f.mean)) EXPECT_TRUE(std::isfinite(e));
      return;
    }
    const std::vector<double> mode = evaluate(g, f.mean);
    for (int i = 0; i < 9; ++i)
      EXPECT_NEAR(mode[std::size_t(i)], n.mean(i / 3, i % 3) * (n.nu - 4) / n.nu, 1e-12);
    const Value at = g.constant(Array::of<double>(Shape{3, 3}, std::span<const double>(mode)));
    const double top = evaluate(g, log_prob(p.d, at))[0];
    EXPECT_NEAR(evaluate(g, f.log)[0], evaluate(g, log_determinant(at))[0], 1e-12);
    Random random(2);
    for (int trial = 0; trial < 20; ++trial) {
      std::vector<double> near = mode;
      for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j <= i; ++j)
          near[i * 3 + j] = near[j * 3 + i] += uniform_in(random, -1e-3, 1e-3);
      const Array x = Array::of<double>(Shape{3, 3}, std::span<const double>(near));
      EXPECT_LE(evaluate(g, log_prob(p.d, g.constant(x)))[0], top + 1e-12 * std::abs(top));
    }
  });
}

// E log N(x | mean, Lam^-1) of a random precision, with a mean that is fixed, normal with its
// covariance, or normal element by element.
TEST(Wishart, NormalVectorsTakeItAsTheirPrecision) {
  each_wishart([](Graph& g, const Member& p, const Member& q) {
    const Numbers n(p);
    const double rows[] = {0.5, -1, 2};
    const auto vector = [&](std::initializer_list<double> v) {
      return g.constant(array_of(DType::f64, Shape{3}, v));
    };
    const Value x = vector({0.5, -1, 2}), centre = vector({1, 1, -0.5});
    Face whole = Face::real(centre, diagonal(g.constant(q.parameters[0])));
    whole.covariance = g.constant(q.parameters[0]);
    const Face apart = Face::real(centre, vector({0.3, 0.2, 0.1}));
    const std::vector<double> spread = numbers(q.parameters[0]);
    const double middle[] = {1, 1, -0.5}, own[] = {0.3, 0.2, 0.1};
    for (const Face& mean : {Face::at(centre), whole, apart}) {
      double quadratic = 0;
      for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) {
          double c = (rows[i] - middle[i]) * (rows[j] - middle[j]);
          if (mean.covariance) c += spread[std::size_t(i * 3 + j)];
          if (mean.variance && !mean.covariance && i == j) c += own[i];
          quadratic += n.mean(i, j) * c;
        }
      const double want =
          0.5 * (n.expected_log_det() - quadratic) - 1.5 * std::log(2 * 3.14159265358979323846);
      const Value got =
          family<MvNormal>().expected_log_prob(Face::at(x), std::vector{mean, face(p.d)});
      EXPECT_NEAR(evaluate(g, got)[0], want, 1e-12 * (1 + std::abs(want)));
    }
  });
}

}  // namespace
}  // namespace fathom::test
