// Laws of every family of dist/all_dists.h: its density integrates to one, and moments, entropy,
// divergence, faces and samples are what the density says.
#include "tests/dist/family_cases.h"

namespace fathom::test {
namespace {

constexpr int kDraws = 6;

// A member, the points of its support, and its density there.
struct Case {
  Graph g{op_table()};
  Member p, q;
  Value x;
  Rule rule;
  Bindings at;
  std::vector<double> log_density;

  Case(const FamilyInfo& family, Random& random)
      : p(g, family, draw_parameters(family, random)),
        q(g, family, draw_parameters(family, random)) {
    const Face f = face(p.d);
    const double mean = evaluate(g, f.mean)[0],
                 spread = f.variance ? std::sqrt(evaluate(g, f.variance)[0]) : 1;
    rule = rule_for(family.doc.support, mean, spread);
    x = g.data("x", DType::f64, rule.x.shape());
    at = {{"x", rule.x}};
    log_density = evaluate(g, log_prob(p.d, x), at);
  }

  // E_p of what `value` holds at the points, for element `k` of `width` there.
  double expectation(const std::vector<double>& value, std::size_t k = 0,
                     std::size_t width = 1) const {
    long double e = 0;
    for (std::size_t i = 0; i < rule.weight.size(); ++i)
      if (const double p_x = std::exp(log_density[i]); p_x > 0)
        e += static_cast<long double>(rule.weight[i] * p_x) * value[i * width + k];
    return double(e);
  }
};

// Counts are observed, never latents: the expectation of a factorial has no closed form.
bool observed_only(const FamilyInfo& family) {
  return family.doc.support == Support::count || family.doc.support == Support::counts;
}

template <class F>
void each_case(F&& f) {
  for (const FamilyInfo& family : all_families()) {
    // normal_wishart_test.cpp, wishart_test.cpp, polya_gamma_test.cpp
    if (family.doc.support == Support::joint || family.doc.support == Support::matrix) continue;
    if (family.doc.relative || family.doc.sequences) continue;  // tests/climb/chain_test.cpp
    SCOPED_TRACE(std::string(family.doc.name));
    Random random(std::hash<std::string_view>{}(family.doc.name));
    for (int i = 0; i < kDraws; ++i) {
      SCOPED_TRACE(i);
      Case c(family, random);
      f(family, c);
    }
  }
}

TEST(Families, DensityIntegratesToOne) {
  each_case([](const FamilyInfo&, Case& c) {
    const std::vector<double> ones(c.rule.weight.size(), 1.0);
    EXPECT_NEAR(c.expectation(ones), 1, 1e-9);
  });
}

TEST(Families, DensityIsTheExponentialForm) {
  each_case([](const FamilyInfo& family, Case& c) {
    if (!family.exponential()) return;
    const std::vector<double> other =
        evaluate(c.g, expfam_log_prob(family, c.p.natural, c.x), c.at);
    for (std::size_t i = 0; i < other.size(); ++i)
      ASSERT_NEAR(other[i], c.log_density[i], 1e-11 * (1 + std::abs(c.log_density[i])));
  });
}

TEST(Families, NaturalParametersGoThereAndBack) {
  each_case([](const FamilyInfo& family, Case& c) {
    if (!family.exponential()) return;
    const std::vector<Face> back = family.from_natural(c.p.natural);
    ASSERT_EQ(back.size(), c.p.parameters.size());
    for (std::size_t k = 0; k < back.size(); ++k) {
      const std::vector<double> got = evaluate(c.g, back[k].mean),
                                want = numbers(c.p.parameters[k]);
      for (std::size_t i = 0; i < want.size(); ++i)
        EXPECT_NEAR(got[i], want[i], 1e-14 * (1 + std::abs(want[i])));
    }
  });
}

TEST(Families, MomentsAreExpectationsOfStatistics) {
  each_case([](const FamilyInfo& family, Case& c) {
    if (!family.exponential()) return;
    const Values m = moments(family, c.p.natural), stats = family.stats(c.x);
    ASSERT_EQ(m.size(), stats.size());
    for (std::size_t k = 0; k < m.size(); ++k) {
      const std::vector<double> t = evaluate(c.g, stats[k], c.at), want = evaluate(c.g, m[k]);
      for (std::size_t j = 0; j < want.size(); ++j)
        EXPECT_NEAR(c.expectation(t, j, want.size()), want[j], 1e-8 * (1 + std::abs(want[j])))
            << "statistic " << k;
    }
  });
}

// Parameters that are equal are parameters apart: E log x of Beta(2, 2), not twice it.
TEST(Families, MomentsOfEqualParametersAreApart) {
  Graph g(op_table());
  const Member m(g, family<Beta>(), {Array::scalar(2.0), Array::scalar(2.0)});
  for (const Value& v : moments(family<Beta>(), m.natural))
    EXPECT_NEAR(evaluate(g, v)[0], -5.0 / 6, 1e-14);  // digamma(2) - digamma(4)
}

TEST(Families, FaceHoldsMeanVarianceAndMeanLogarithm) {
  each_case([](const FamilyInfo&, Case& c) {
    const Face f = face(c.p.d);
    const std::vector<double> x = numbers(c.rule.x), mean = evaluate(c.g, f.mean);
    for (std::size_t j = 0; j < mean.size(); ++j)
      EXPECT_NEAR(c.expectation(x, j, mean.size()), mean[j], 1e-8 * (1 + std::abs(mean[j])));
    if (f.variance) {
      const std::vector<double> variance = evaluate(c.g, f.variance);
      for (std::size_t j = 0; j < mean.size(); ++j) {
        std::vector<double> square(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) square[i] = (x[i] - mean[j]) * (x[i] - mean[j]);
        // A midpoint rule has an error of its own where a density ends at once.
        EXPECT_NEAR(c.expectation(square, j, mean.size()), variance[j], 1e-6 * (1 + variance[j]));
      }
    }
    if (f.log) {
      const std::vector<double> want = evaluate(c.g, f.log), logs = evaluate(c.g, log(c.x), c.at);
      for (std::size_t j = 0; j < want.size(); ++j)
        EXPECT_NEAR(c.expectation(logs, j, want.size()), want[j], 1e-8 * (1 + std::abs(want[j])));
    }
  });
}

TEST(Families, EntropyIsMinusExpectedLogDensity) {
  each_case([](const FamilyInfo& family, Case& c) {
    if (observed_only(family)) {
      EXPECT_THROW(entropy(c.p.d), ShapeError);
      if (family.exponential()) {
        EXPECT_THROW(entropy(family, c.p.natural), ShapeError);
      }
      return;
    }
    const double want = -c.expectation(c.log_density);
    // At fixed parameters log p needs x and log x alone; indicators of categories are their own
    // mean.
    EXPECT_NEAR(evaluate(c.g, entropy(c.p.d))[0], want, 1e-8 * (1 + std::abs(want)));
    if (family.exponential()) {
      EXPECT_NEAR(evaluate(c.g, entropy(family, c.p.natural))[0], want,
                  1e-8 * (1 + std::abs(want)));
    }
  });
}

TEST(Families, DivergenceIsItsIntegralPositiveAndZeroAtItself) {
  each_case([](const FamilyInfo& family, Case& c) {
    if (!family.exponential()) return;
    const std::vector<double> other = evaluate(c.g, log_prob(c.q.d, c.x), c.at);
    std::vector<double> ratio(other.size());
    for (std::size_t i = 0; i < ratio.size(); ++i) ratio[i] = c.log_density[i] - other[i];
    const double want = c.expectation(ratio);
    const double got = evaluate(c.g, kl_divergence(family, c.p.natural, c.q.natural))[0];
    EXPECT_NEAR(got, want, 1e-8 * (1 + want));
    EXPECT_GT(got, 0);
    EXPECT_NEAR(evaluate(c.g, kl_divergence(family, c.p.natural, c.p.natural))[0], 0, 1e-13);
  });
}

// E_q log p through the face of q is the integral: what bounds are made of.
TEST(Families, CrossEntropyThroughTheFaceIsItsIntegral) {
  each_case([](const FamilyInfo& family, Case& c) {
    if (family.doc.name == "uniform") return;  // minus infinity where the supports differ
    if (observed_only(family)) return;
    const std::vector<double> other = evaluate(c.g, log_prob(c.q.d, c.x), c.at);
    const double want = c.expectation(other);
    EXPECT_NEAR(evaluate(c.g, cross_entropy_term(c.q.d, face(c.p.d)))[0], want,
                1e-8 * (1 + std::abs(want)));
  });
}

// A point mass lies where <natural, stats(x)> is highest: no place of the support is higher.
TEST(Families, ModeIsHighest) {
  int modes = 0;
  each_case([&](const FamilyInfo& family, Case& c) {
    if (!family.mode) return;
    ++modes;
    const auto height = [&](const Values& stats) {
      std::vector<double> total;
      for (std::size_t k = 0; k < stats.size(); ++k) {
        const std::vector<double> t = evaluate(c.g, stats[k], c.at),
                                  n = evaluate(c.g, c.p.natural[k]);
        total.resize(t.size() / n.size());
        for (std::size_t i = 0; i < t.size(); ++i) total[i / n.size()] += t[i] * n[i % n.size()];
      }
      return total;
    };
    const Face f = family.mode(c.p.natural);
    // Its own statistics, logarithms as the face gives them.
    Values at_mode;
    for (const Value& leaf : family.leaves(f)) at_mode.push_back(leaf);
    const bool centred = !f.log;  // mean and a variance of zero: statistics x and x^2 or x x'
    if (centred) at_mode = family.stats(f.mean);
    const double top = height(at_mode)[0];
    for (const double h : height(family.stats(c.x))) ASSERT_LE(h, top + 1e-9 * (1 + std::abs(top)));
    if (centred) {
      for (const double v : evaluate(c.g, f.variance)) EXPECT_EQ(v, 0);
    }
  });
  EXPECT_GE(modes, 4 * kDraws);
}

TEST(Families, SamplesHaveTheMomentsOfTheFace) {
  for (const FamilyInfo& family : all_families()) {
    if (!family.sample) continue;
    SCOPED_TRACE(std::string(family.doc.name));
    Random random(5);
    for (const DType t : {DType::f32, DType::f64}) {
      Graph g(op_table());
      std::vector<Array> parameters;
      for (const Array& a : draw_parameters(family, random)) parameters.push_back(a.cast(t));
      const Member m(g, family, parameters);
      const std::int64_t n = 100000, k = family.doc.event_axes ? kCategories : 1;
      const Shape s = family.doc.event_axes ? Shape{n, k} : Shape{n};
      const Value x = sample(m.d, {g.key("key"), t, s, {}});
      ASSERT_EQ(x.shape(), s);
      const Bindings b = {{"key", key_array({42, 7})}};
      const std::vector<double> draws = evaluate(g, x, b);
      EXPECT_EQ(first_difference(run_planned(g, std::vector{x}, b, {}, 2)[0],
                                 evaluate_reference(g, std::vector{x}, b)[0],
                                 t == DType::f32 ? 1e-5 : 1e-13),
                "");
      const Face f = face(m.d);
      const std::vector<double> mean = evaluate(g, f.mean), variance = evaluate(g, f.variance);
      for (std::int64_t j = 0; j < k; ++j) {
        double s1 = 0, s2 = 0;
        for (std::int64_t i = 0; i < n; ++i) {
          const double d = draws[std::size_t(i * k + j)] - mean[std::size_t(j)];
          s1 += d / double(n);
          s2 += d * d / double(n);
        }
        const double v = variance[std::size_t(j)];
        EXPECT_LE(std::abs(s1), 5 * std::sqrt(v / double(n)));
        EXPECT_NEAR(s2, v, 5 * v * std::sqrt(3 / double(n)) + 5 * std::sqrt(v * v / double(n)));
      }
      const std::vector<double> lp =
          numbers(evaluate_reference(g, std::vector{log_prob(m.d, x)}, b)[0]);
      EXPECT_TRUE(std::all_of(lp.begin(), lp.end(), [](double v) { return std::isfinite(v); }))
          << "a draw outside the support";
    }
  }
}

}  // namespace
}  // namespace fathom::test
