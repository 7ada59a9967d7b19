// Discrete Bayesian networks against closed forms, published networks and sums written out.
#include "fathom/zoo/discrete_network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "fathom/climb/ascend.h"
#include "fathom/kernels/rng.h"

namespace fathom {
namespace {

double network_unit(std::uint64_t key, std::int64_t i) {
  return (double(philox(Key{key, 31}, std::uint64_t(i), 0).word[0]) + 0.5) * 0x1p-32;
}

// a -> b, a -> c, (b, c) -> d, with 2, 3, 2 and 2 states.
DiscreteNetworkConfig diamond() {
  DiscreteNetworkConfig c;
  c.names = {"a", "b", "c", "d"};
  c.structure.states = {2, 3, 2, 2};
  c.structure.parents = {{}, {0}, {0}, {1, 2}};
  return c;
}

// States of every variable in `n` rows that follow the diamond; -1: missing.
std::vector<std::vector<int>> diamond_rows(std::int64_t n, double missing) {
  std::vector<std::vector<int>> rows;
  for (std::int64_t i = 0; i < n; ++i) {
    const int a = network_unit(1, i) < 0.6;
    const int b = std::min(2, int(network_unit(2, i) * (a ? 2.0 : 3.6)));
    const int c = network_unit(3, i) < (a ? 0.8 : 0.3);
    const int d = network_unit(4, i) < (b == 1 || c ? 0.9 : 0.2);
    rows.push_back({a, b, c, d});
    for (int v = 0; v < 4; ++v)
      if (network_unit(std::uint64_t(10 + v), i) < missing) rows.back()[std::size_t(v)] = -1;
  }
  return rows;
}

struct NetworkFit {
  DiscreteNetworkConfig config;
  DiscreteNetworkModel network;
  DataSet data;
  State state;
  Workers workers{2};
  std::unique_ptr<CoordinateClimb> climb;

  NetworkFit(const DiscreteNetworkConfig& c, const std::vector<std::vector<int>>& rows,
             Factors factors = Factors::mean_field)
      : config(c), network(c) {
    const std::int64_t states = c.structure.total_states();
    data.rows = std::int64_t(rows.size());
    Array cells(DType::u8, Shape{data.rows, states});
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::int64_t at = std::int64_t(i) * states;
      for (std::size_t v = 0; v < rows[i].size(); ++v) {
        if (rows[i][v] >= 0) cells.data<std::uint8_t>()[at + rows[i][v]] = 1;
        at += c.structure.states[v];
      }
    }
    data.columns["cells"] = cells;
    climb = std::make_unique<CoordinateClimb>(network.model, data, state,
                                              CoordinateOptions{.factors = factors});
  }
  double terms_total() {
    double total = 0;
    for (const auto& [name, value] : climb->terms(workers)) total += value;
    return total;
  }
};

// log BD: Heckerman, Geiger & Chickering 1995, theorem 2, by counts of every cell.
double log_bd(const DiscreteNetworkConfig& c, const std::vector<std::vector<int>>& rows) {
  double total = 0;
  for (std::size_t v = 0; v < c.names.size(); ++v) {
    const double alpha = c.pseudo_count(v);
    const std::int64_t n = c.structure.states[v];
    std::map<std::int64_t, std::vector<double>> counts;
    for (const auto& row : rows) {
      std::int64_t j = 0;
      for (const int p : c.structure.parents[v])
        j = j * c.structure.states[std::size_t(p)] + row[std::size_t(p)];
      auto& of = counts[j];
      of.resize(std::size_t(n));
      ++of[std::size_t(row[v])];
    }
    for (const auto& [j, of] : counts) {
      double all = 0;
      for (const double k : of) {
        total += std::lgamma(alpha + k) - std::lgamma(alpha);
        all += k;
      }
      total += std::lgamma(double(n) * alpha) - std::lgamma(double(n) * alpha + all);
    }
  }
  return total;
}

TEST(DiscreteNetwork, OfCompleteRowsTheBoundIsTheMarginalLikelihood) {
  const auto rows = diamond_rows(300, 0);
  for (const double sample : {0.0, 1.0, 10.0}) {
    DiscreteNetworkConfig c = diamond();
    c.sample = sample;
    NetworkFit f(c, rows);
    EXPECT_TRUE(f.climb->keeps_statistics());
    const Ascent a = ascend(*f.climb, f.data.rows, {}, f.workers);
    const double want = log_bd(c, rows);
    EXPECT_NEAR(a.elbo(), want, 1e-10 * std::abs(want));
    EXPECT_NEAR(f.terms_total(), want, 1e-10 * std::abs(want));
    EXPECT_LE(a.sweeps, 3);
  }
}

// Equivalent structures have one score under BDeu (Heckerman et al. 1995, theorem 5).
TEST(DiscreteNetwork, ReversedArcsScoreAlikeUnderBdeu) {
  const auto rows = diamond_rows(200, 0);
  double score[2];
  for (const int way : {0, 1}) {
    DiscreteNetworkConfig c = diamond();
    c.structure.parents = way == 0 ? std::vector<std::vector<int>>{{}, {0}, {0}, {1, 2}}
                                   : std::vector<std::vector<int>>{{1}, {}, {0}, {1, 2}};
    c.sample = 4;
    NetworkFit f(c, rows);
    score[way] = ascend(*f.climb, f.data.rows, {}, f.workers).elbo();
  }
  EXPECT_NEAR(score[0], score[1], 1e-9);
}

// All completions of the missing cells, each with its marginal likelihood.
TEST(DiscreteNetwork, WithMissingCellsTheBoundLiesBelowTheEvidence) {
  auto rows = diamond_rows(40, 0.05);
  std::vector<std::pair<std::size_t, std::size_t>> gaps;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t v = 0; v < 4; ++v)
      if (rows[i][v] < 0) gaps.emplace_back(i, v);
  ASSERT_GE(gaps.size(), 4u);
  ASSERT_LE(gaps.size(), 12u);
  const DiscreteNetworkConfig c = diamond();
  NetworkFit f(c, rows);
  const double bound = ascend(*f.climb, f.data.rows, {1000, 1e-13}, f.workers).elbo();
  EXPECT_NEAR(f.terms_total(), bound, 1e-10 * std::abs(bound));
  std::vector<double> all;
  const auto complete = [&](auto&& self, std::size_t k) -> void {
    if (k == gaps.size()) return all.push_back(log_bd(c, rows));
    auto& cell = rows[gaps[k].first][gaps[k].second];
    for (cell = 0; cell < c.structure.states[gaps[k].second]; ++cell) self(self, k + 1);
  };
  complete(complete, 0);
  const double top = *std::max_element(all.begin(), all.end());
  double sum = 0;
  for (const double v : all) sum += std::exp(v - top);
  const double evidence = top + std::log(sum);
  EXPECT_LT(bound, evidence);
  EXPECT_GT(bound, top);  // that of the likeliest completion alone is a bound too
}

// EM with the sums over missing cells written out (Lauritzen 1995).
struct EmByHand {
  std::vector<std::vector<double>> tables;  // [configurations x states]
  double log_likelihood = 0;

  void step(const DiscreteNetworkConfig& c, const std::vector<std::vector<int>>& rows) {
    const auto& s = c.structure;
    std::vector<std::vector<double>> counts;
    for (const auto& t : tables) counts.emplace_back(t.size(), 0.0);
    log_likelihood = 0;
    for (const auto& row : rows) {
      std::vector<std::pair<std::vector<std::size_t>, double>> joint;  // cells, probability
      double total = 0;
      std::vector<int> x(4);
      for (x[0] = 0; x[0] < 2; ++x[0])
        for (x[1] = 0; x[1] < 3; ++x[1])
          for (x[2] = 0; x[2] < 2; ++x[2])
            for (x[3] = 0; x[3] < 2; ++x[3]) {
              double p = 1;
              std::vector<std::size_t> cells;
              for (std::size_t v = 0; v < 4; ++v) {
                if (row[v] >= 0 && row[v] != x[v]) p = 0;
                std::int64_t j = 0;
                for (const int u : s.parents[v])
                  j = j * s.states[std::size_t(u)] + x[std::size_t(u)];
                cells.push_back(std::size_t(j * s.states[v] + x[v]));
                p *= tables[v][cells[v]];
              }
              joint.emplace_back(cells, p);
              total += p;
            }
      log_likelihood += std::log(total);
      for (const auto& [cells, p] : joint)
        for (std::size_t v = 0; v < 4; ++v) counts[v][cells[v]] += p / total;
    }
    for (std::size_t v = 0; v < 4; ++v) {
      const auto n = std::size_t(s.states[v]);
      for (std::size_t j = 0; j < counts[v].size(); j += n) {
        double all = 0;
        for (std::size_t k = 0; k < n; ++k) all += counts[v][j + k];
        for (std::size_t k = 0; k < n; ++k) tables[v][j + k] = counts[v][j + k] / all;
      }
    }
  }
};

TEST(DiscreteNetwork, EmIsThatOfSumsWrittenOut) {
  const auto rows = diamond_rows(200, 0.3);
  const DiscreteNetworkConfig c = diamond();
  NetworkFit f(c, rows, Factors::likelihood);
  EmByHand em;
  for (std::size_t v = 0; v < 4; ++v)
    em.tables.emplace_back(std::size_t(c.structure.configurations(v) * c.structure.states[v]),
                           1.0 / double(c.structure.states[v]));
  double last = -1e300;
  for (int sweep = 0; sweep < 25; ++sweep) {
    em.step(c, rows);
    EXPECT_GE(em.log_likelihood, last - 1e-9);
    EXPECT_NEAR(f.climb->elbo(f.workers), em.log_likelihood, 1e-9);
    last = em.log_likelihood;
    f.climb->sweep(f.workers);
    for (std::size_t v = 0; v < 4; ++v) {
      const Array t = f.climb->mean(v, f.workers);
      for (std::size_t k = 0; k < em.tables[v].size(); ++k)
        ASSERT_NEAR(t.data<double>()[k], em.tables[v][k], 1e-11) << sweep << " " << v;
    }
  }
}

// Counting, where nothing is missing; under the prior, its mode.
TEST(DiscreteNetwork, CompleteRowsAreCounted) {
  const auto rows = diamond_rows(100, 0);
  double a = 0;
  for (const auto& row : rows) a += row[0];
  DiscreteNetworkConfig c = diamond();
  c.cell = 2;
  NetworkFit em(c, rows, Factors::likelihood), map(c, rows, Factors::mode), vb(c, rows);
  for (NetworkFit* f : {&em, &map, &vb}) ascend(*f->climb, f->data.rows, {}, f->workers);
  EXPECT_NEAR(em.climb->mean(0, em.workers).data<double>()[1], a / 100, 1e-14);
  EXPECT_NEAR(map.climb->mean(0, map.workers).data<double>()[1], (a + 1) / 102, 1e-14);
  EXPECT_NEAR(vb.climb->mean(0, vb.workers).data<double>()[1], (a + 2) / 104, 1e-14);
}

// Nothing seen adds nothing to a likelihood.
TEST(DiscreteNetwork, EmptyRowsSayNothing) {
  auto rows = diamond_rows(60, 0.2);
  NetworkFit less(diamond(), rows, Factors::likelihood);
  rows.push_back({-1, -1, -1, -1});
  NetworkFit more(diamond(), rows, Factors::likelihood);
  EXPECT_NEAR(ascend(*more.climb, 61, {1000, 1e-13}, more.workers).elbo(),
              ascend(*less.climb, 60, {1000, 1e-13}, less.workers).elbo(), 1e-9);
}

TEST(DiscreteNetwork, MeanFieldLiesBelowExactAndMeetsItOnCompleteRows) {
  for (const double missing : {0.0, 0.4}) {
    const auto rows = diamond_rows(150, missing);
    DiscreteNetworkConfig c = diamond();
    NetworkFit exact(c, rows);
    c.structure.mean_field = true;
    NetworkFit apart(c, rows);
    const double best = ascend(*exact.climb, 150, {}, exact.workers).elbo();
    const double below = ascend(*apart.climb, 150, {}, apart.workers).elbo();
    if (missing == 0) {
      EXPECT_NEAR(below, best, 1e-9);
    } else {
      EXPECT_LT(below, best - 0.1);
      EXPECT_NEAR(apart.terms_total(), below, 1e-8 * std::abs(below));
    }
  }
}

// A grid of 12 x 12 variables of 4 states, each by its neighbours to the left and above.
TEST(DiscreteNetwork, LargeCliquesAreRefused) {
  DiscreteNetworkConfig c;
  for (int v = 0; v < 144; ++v) {
    c.names.push_back(fmt::format("v{}", v));
    c.structure.states.push_back(4);
    c.structure.parents.emplace_back();
    if (v % 12 > 0) c.structure.parents.back().push_back(v - 1);
    if (v >= 12) c.structure.parents.back().push_back(v - 12);
  }
  try {
    DiscreteNetworkModel refused(c);
    FAIL() << "a clique of more than a million states";
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("meanfield"), std::string::npos) << e.what();
  }
  c.structure.mean_field = true;
  EXPECT_NO_THROW(DiscreteNetworkModel{c});
}

struct Known {
  kernels::NetworkStructure s;
  std::vector<double> tables;

  void add(std::vector<int> parents, const std::vector<double>& yes) {  // states no, yes
    s.states.push_back(2);
    s.parents.push_back(std::move(parents));
    for (const double p : yes) {
      tables.push_back(std::log(1 - p));
      tables.push_back(std::log(p));
    }
  }
  // P(every variable is yes | seen), and the log evidence.
  std::vector<double> given(const std::map<int, int>& seen, double* log_evidence = nullptr) {
    order_elimination(s);
    kernels::NetworkRows rows(s);
    const auto n = std::size_t(s.total_states());
    std::vector<double> cells(n), none(n), out(n), yes;
    for (const auto& [v, k] : seen) cells[std::size_t(2 * v + k)] = 1;
    const double z = rows.run(cells.data(), none.data(), tables.data(), out.data(), nullptr);
    if (log_evidence) *log_evidence = z;
    for (std::size_t v = 0; v < s.size(); ++v) yes.push_back(out[2 * v + 1]);
    return yes;
  }
};

// The sprinkler of Murphy 2001, "An introduction to graphical models", section 2: with wet grass
// the sprinkler was on with 0.2781 / 0.6471 = 0.430 and it rained with 0.4581 / 0.6471 = 0.708;
// rain explains the sprinkler away, 0.1945.
TEST(DiscreteNetwork, WetGrass) {
  Known n;
  n.add({}, {0.5});
  n.add({0}, {0.5, 0.1});              // sprinkler, by cloudy
  n.add({0}, {0.2, 0.8});              // rain
  n.add({1, 2}, {0, 0.9, 0.9, 0.99});  // wet
  double z = 0;
  const std::vector<double> wet = n.given({{3, 1}}, &z);
  EXPECT_NEAR(std::exp(z), 0.6471, 1e-12);
  EXPECT_NEAR(wet[1], 0.2781 / 0.6471, 1e-12);
  EXPECT_NEAR(wet[2], 0.4581 / 0.6471, 1e-12);
  EXPECT_NEAR(n.given({{3, 1}, {2, 1}})[1], 0.1945, 5e-5);
}

// The chest clinic of Lauritzen & Spiegelhalter 1988, section 2; marginals by its tables' algebra.
TEST(DiscreteNetwork, ChestClinic) {
  Known n;
  n.add({}, {0.01});                    // 0 visit to Asia
  n.add({0}, {0.01, 0.05});             // 1 tuberculosis
  n.add({}, {0.5});                     // 2 smoking
  n.add({2}, {0.01, 0.1});              // 3 lung cancer
  n.add({2}, {0.3, 0.6});               // 4 bronchitis
  n.add({1, 3}, {0, 1, 1, 1});          // 5 either
  n.add({5}, {0.05, 0.98});             // 6 X-ray
  n.add({5, 4}, {0.1, 0.8, 0.7, 0.9});  // 7 dyspnoea, by either and bronchitis
  const std::vector<double> p = n.given({});
  const double tub = 0.01 * 0.05 + 0.99 * 0.01, lung = 0.055, either = 1 - (1 - tub) * (1 - lung);
  EXPECT_NEAR(p[1], tub, 1e-14);
  EXPECT_NEAR(p[3], lung, 1e-14);
  EXPECT_NEAR(p[4], 0.45, 1e-14);
  EXPECT_NEAR(p[5], either, 1e-14);
  EXPECT_NEAR(p[6], 0.98 * either + 0.05 * (1 - either), 1e-14);
  double dyspnoea = 0;
  for (const bool smoker : {false, true}) {
    const double e = 1 - (1 - tub) * (smoker ? 0.9 : 0.99), b = smoker ? 0.6 : 0.3;
    dyspnoea += 0.5 * (e * (b * 0.9 + (1 - b) * 0.7) + (1 - e) * (b * 0.8 + (1 - b) * 0.1));
  }
  EXPECT_NEAR(p[7], dyspnoea, 1e-14);
  EXPECT_NEAR(p[7], 0.436, 5e-4);
  // By Bayes' rule: P(tub | Asia) is its table; a visit to Asia and dyspnoea raise it.
  const std::vector<double> both = n.given({{0, 1}, {7, 1}});
  double joint = 0, evidence = 0;
  for (int x = 0; x < 32; ++x) {
    const bool t = x & 1, s = x & 2, l = x & 4, b = x & 8, d = t || l;
    const double w = (t ? 0.05 : 0.95) * 0.5 * (l ? (s ? 0.1 : 0.01) : (s ? 0.9 : 0.99)) *
                     (b ? (s ? 0.6 : 0.3) : (s ? 0.4 : 0.7)) *
                     (d ? (b ? 0.9 : 0.7) : (b ? 0.8 : 0.1)) * (x < 16 ? 1 : 0);
    evidence += w;
    joint += t ? w : 0;
  }
  EXPECT_NEAR(both[1], joint / evidence, 1e-13);
  EXPECT_GT(both[1], 0.05);
}

}  // namespace
}  // namespace fathom
