// States of a Bayesian network as a family: what each_case() of families_test.cpp asks of others,
// by its joint states.
#include "fathom/kernels/network.h"
#include "tests/dist/family_cases.h"

namespace fathom::test {
namespace {

// a -> b, two and three states: six joint ones.
struct Pair {
  Graph g{op_table()};
  std::vector<double> tables = {0.3, 0.7, 0.2, 0.5, 0.3, 0.6, 0.1, 0.3};
  std::vector<double> potentials = {0.4, -0.2, 0.1, 0, -1}, cells = {0, 0, 1, 1, 0};
  std::vector<Face> parameters;
  double p[2][3] = {}, norm = 0;

  explicit Pair(bool posterior) {
    kernels::NetworkStructure s{false, {2, 3}, {{}, {0}}, {}};
    order_elimination(s);
    const std::vector<double> numbers = s.numbers();
    if (!posterior) potentials.assign(5, 0), cells.assign(5, 0);
    const auto constant = [&](const std::vector<double>& v) {
      return Face::at(g.constant(Array::of<double>(Shape{std::int64_t(v.size())}, v)));
    };
    parameters = {constant(tables), constant(numbers), constant(potentials), constant(cells)};
    for (std::size_t a = 0; a < 2; ++a)
      for (std::size_t b = 0; b < 3; ++b) {
        if (posterior && cells[2 + b] == 0) continue;
        p[a][b] = tables[a] * tables[2 + 3 * a + b] * std::exp(potentials[a] + potentials[2 + b]);
        norm += p[a][b];
      }
    for (auto& row : p)
      for (double& v : row) v /= norm;
  }
  Distribution distribution() const { return {&family<DiscreteNetwork>(), parameters}; }
};

TEST(DiscreteNetworkFamily, NormaliserFaceAndEntropyAreSums) {
  for (const bool posterior : {false, true}) {
    Pair m(posterior);
    const FamilyInfo& f = family<DiscreteNetwork>();
    const Values n = f.natural(m.parameters);
    EXPECT_NEAR(evaluate(m.g, f.log_norm(n))[0], std::log(m.norm), 1e-14);
    double h = 0, cross = 0;
    for (std::size_t a = 0; a < 2; ++a)
      for (std::size_t b = 0; b < 3; ++b)
        if (const double p = m.p[a][b]; p > 0) {
          h -= p * std::log(p);
          cross += p * (std::log(m.tables[a]) + std::log(m.tables[2 + 3 * a + b]));
        }
    EXPECT_NEAR(evaluate(m.g, entropy(m.distribution()))[0], h, 1e-14);
    EXPECT_NEAR(evaluate(m.g, entropy(f, n))[0], h, 1e-14);
    const Face x = face(m.distribution());
    EXPECT_NEAR(evaluate(m.g, cross_entropy_term(m.distribution(), x))[0], cross, 1e-14);
    const std::vector<double> mean = evaluate(m.g, x.mean),
                              families = evaluate(m.g, x.statistics[0]);
    for (std::size_t a = 0; a < 2; ++a) {
      EXPECT_NEAR(mean[a], m.p[a][0] + m.p[a][1] + m.p[a][2], 1e-15);
      for (std::size_t b = 0; b < 3; ++b) EXPECT_NEAR(families[2 + 3 * a + b], m.p[a][b], 1e-15);
    }
    // Moments are the gradient of the normaliser.
    const Values moments = fathom::moments(f, n);
    EXPECT_EQ(evaluate(m.g, moments[0]), mean);
    EXPECT_EQ(evaluate(m.g, moments[1]), families);
    for (const double v : evaluate(m.g, moments[2])) EXPECT_EQ(v, 0);
    // What was seen is certain: its logarithm is 0.
    const std::vector<double> logs = evaluate(m.g, x.expected_log());
    for (std::size_t k = 0; k < 5; ++k)
      EXPECT_NEAR(logs[k], std::log(std::max(mean[k], 1e-300)), 1e-12);
    const std::vector<Face> back = f.from_natural(n);
    for (std::size_t k = 0; k < back.size(); ++k) {
      const auto got = evaluate(m.g, back[k].mean), want = evaluate(m.g, m.parameters[k].mean);
      for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-15);
    }
  }
}

}  // namespace
}  // namespace fathom::test
