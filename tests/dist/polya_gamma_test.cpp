// Laws of the Polya-Gamma family, whose density is an infinite series: by its Laplace transform,
// its definition as a sum of gammas, and the bound that it gives. Polson, Scott & Windle 2013.
#include "tests/dist/family_cases.h"

namespace fathom::test {
namespace {

const FamilyInfo& polya_gamma_family() { return family<PolyaGamma>(); }

const double kTilts[] = {0, 1e-160, 1e-8, 1e-3, 0.1, 0.1999, 0.2001, 1, 5, 40, 800};

Member member(Graph& g, double b, double c) {
  return Member(g, polya_gamma_family(), {Array::scalar(b), Array::scalar(c)});
}

long double log_cosh(long double x) {
  if (x < 0.1L) {  // sinh^2 is accurate where cosh is near 1
    const long double s = std::sinh(x);
    return 0.5L * std::log1p(s * s);
  }
  return x + std::log1p(std::exp(-2 * x)) - std::log(2.0L);
}

// PG(b, c) is the sum of Gamma(b, 1) / (2 pi^2 ((k - 1/2)^2 + c^2 / (4 pi^2))) over k = 1, 2, ...
// (eq. 1); the sum of means, its tail beyond n as the integral of the midpoints.
long double mean_by_sum(double b, double c) {
  const long double pi = 3.14159265358979323846264338L, a = c / (2 * pi);
  const int n = 20000;
  long double total = 0;
  for (int k = n; k >= 1; --k) total += 1 / ((k - 0.5L) * (k - 0.5L) + a * a);
  total += a > 0 ? std::atan2(a, static_cast<long double>(n)) / a : 1.0L / n;
  return b * total / (2 * pi * pi);
}

TEST(PolyaGamma, LogNormaliserIsTheHyperbolicCosine) {
  for (const double c : kTilts)
    for (const double b : {0.5, 1.0, 7.0}) {
      Graph g(op_table());
      const double want = double(-b * log_cosh(static_cast<long double>(c) / 2));
      const double got = evaluate(g, polya_gamma_family().log_norm(member(g, b, c).natural))[0];
      EXPECT_NEAR(got, want, 1e-15 * b + 1e-14 * std::abs(want)) << b << " " << c;
      if (c < 0.2) {
        EXPECT_NEAR(got, want, 4e-15 * std::abs(want) + 1e-320) << b << " " << c;
      }
    }
}

// E exp(-t omega) of PG(b, c): (cosh(c / 2) / cosh(sqrt((c^2 / 2 + t) / 2)))^b (section 2.1).
TEST(PolyaGamma, NormalisersGiveTheLaplaceTransform) {
  for (const double c : {0.0, 0.05, 1.0, 6.0})
    for (const double t : {0.0, 1e-4, 0.3, 10.0}) {
      Graph g(op_table());
      const Values n = member(g, 3, c).natural, shifted = {n[0] - t, n[1]};
      const double got =
          evaluate(g, polya_gamma_family().log_norm(shifted) - polya_gamma_family().log_norm(n))[0];
      const long double root = std::sqrt((c * c / 2.0L + t) / 2);
      EXPECT_NEAR(got, double(3 * (log_cosh(c / 2.0L) - log_cosh(root))), 1e-13);
    }
}

TEST(PolyaGamma, MeanIsThatOfItsGammasAndTheGradientOfTheLogNormaliser) {
  for (const double c : kTilts) {
    Graph g(op_table());
    const Member m = member(g, 2.5, c);
    const double want = double(mean_by_sum(2.5, c));
    const double by_face = evaluate(g, face(m.d).mean)[0],
                 by_gradient = evaluate(g, moments(polya_gamma_family(), m.natural)[0])[0];
    EXPECT_NEAR(by_face, want, 1e-11 * want) << c;
    EXPECT_NEAR(by_face, by_gradient, 4e-15 * want) << c;
    const long double h = static_cast<long double>(c) / 2;
    if (c >= 1e-8) {
      const double closed = double(2.5L * std::tanh(h) / (2 * static_cast<long double>(c)));
      EXPECT_NEAR(by_face, closed, 1e-15 * closed) << c;
    }
  }
}

TEST(PolyaGamma, NaturalParametersGoThereAndBack) {
  for (const double c : {0.0, 1e-8, 0.1, 3.0}) {
    Graph g(op_table());
    const std::vector<Face> back = polya_gamma_family().from_natural(member(g, 1.5, c).natural);
    EXPECT_EQ(evaluate(g, back[0].mean)[0], 1.5);
    EXPECT_NEAR(evaluate(g, back[1].mean)[0], c, 1e-15 * c);
  }
}

// KL(PG(b, c) || PG(b, 0)) = b (log cosh(c / 2) - c / 4 tanh(c / 2)).
TEST(PolyaGamma, DivergenceIsPositiveZeroAtItselfAndThatOfFaces) {
  for (const double c : {1e-3, 0.15, 1.0, 30.0}) {
    Graph g(op_table());
    const Member q = member(g, 2, c), p = member(g, 2, 0), other = member(g, 2, c + 1);
    const FamilyInfo& f = polya_gamma_family();
    const long double h = c / 2.0L;
    const double want = double(2 * (log_cosh(h) - c / 4.0L * std::tanh(h)));
    const double tolerance = 1e-14 * (1 + c);
    EXPECT_NEAR(evaluate(g, kl_divergence(f, q.natural, p.natural))[0], want, tolerance);
    EXPECT_NEAR(-evaluate(g, entropy(q.d))[0] - evaluate(g, cross_entropy_term(p.d, face(q.d)))[0],
                want, tolerance);
    EXPECT_NEAR(evaluate(g, entropy(f, q.natural))[0], evaluate(g, entropy(q.d))[0], tolerance);
    EXPECT_GT(evaluate(g, kl_divergence(f, other.natural, q.natural))[0], 0);
    EXPECT_NEAR(evaluate(g, kl_divergence(f, q.natural, q.natural))[0], 0, tolerance);
  }
}

// The augmented likelihood integrated over omega ~ PG(n, 0) is that of the log odds: what rows add
// to a bound where psi is known, log_norm at the optimum included.
TEST(PolyaGamma, IntegratesToTheLikelihoodOfLogOdds) {
  for (const double psi : {0.0, 1e-4, 0.15, -3.0, 30.0})
    for (const double n : {1.0, 5.0})
      for (double x = 0; x <= n; ++x) {
        Graph g(op_table());
        const Value odds = g.constant(psi), count = g.constant(n);
        const Face none = Face::at(g.constant(0.0));
        const std::vector<Face> p = {Face::at(count), Face::at(odds), none};
        const Value at_zero = family<Binomial>().expected_log_prob(Face::at(g.constant(x)), p);
        const Values natural = {square(odds) * -0.5, count};
        const double got = evaluate(g, at_zero + polya_gamma_family().log_norm(natural))[0];
        const double want = std::lgamma(n + 1) - std::lgamma(x + 1) - std::lgamma(n - x + 1) +
                            x * psi -
                            n * (std::max(psi, 0.0) + std::log1p(std::exp(-std::abs(psi))));
        EXPECT_NEAR(got, want, 1e-13 * (1 + std::abs(psi) * n)) << psi << " " << n << " " << x;
      }
}

}  // namespace
}  // namespace fathom::test
