// Sums over the joint states of discrete Bayesian networks, against enumeration of all of them.
#include "fathom/kernels/network.h"

#include "tests/laws/support.h"

namespace fathom::test {
namespace {

using kernels::NetworkRows;
using kernels::NetworkStructure;

constexpr double kNever = -std::numeric_limits<double>::infinity();

// Up to seven variables of one to four states with up to three parents among those before them.
NetworkStructure random_structure(Random& random, bool mean_field = false) {
  NetworkStructure s;
  s.mean_field = mean_field;
  const auto n = std::size_t(integer_in(random, 1, 7));
  for (std::size_t v = 0; v < n; ++v) {
    s.states.push_back(integer_in(random, 1, 4));
    s.parents.emplace_back();
    for (std::size_t p = 0; p < v && s.parents[v].size() < 3; ++p)
      if (uniform_in(random, 0, 1) < 0.45) s.parents[v].push_back(int(v - 1 - p));
  }
  order_elimination(s);
  return s;
}

struct Row {
  std::vector<double> cells, potentials, tables;
};

Row random_row(Random& random, const NetworkStructure& s, double seen, bool tiny = false) {
  Row r;
  r.cells.resize(std::size_t(s.total_states()));
  std::int64_t at = 0;
  for (const std::int64_t n : s.states) {
    if (uniform_in(random, 0, 1) < seen)
      r.cells[std::size_t(at + integer_in(random, 0, n - 1))] = 1;
    at += n;
  }
  for (std::int64_t k = 0; k < at; ++k) r.potentials.push_back(uniform_in(random, -1, 1));
  for (std::size_t v = 0; v < s.size(); ++v)
    for (std::int64_t j = 0; j < s.configurations(v); ++j) {
      std::vector<double> p;
      double total = 0;
      for (std::int64_t k = 0; k < s.states[v]; ++k) {
        p.push_back(std::exp(tiny ? uniform_in(random, -600, 0) : uniform_in(random, -3, 0)));
        total += p.back();
      }
      for (const double x : p) r.tables.push_back(std::log(x / total));
    }
  return r;
}

struct Sums {
  double norm = kNever;
  std::vector<double> marginals, families;
};

// Every joint state, in long double.
Sums enumerated(const NetworkStructure& s, const Row& r) {
  Sums out;
  out.marginals.resize(r.cells.size());
  out.families.resize(r.tables.size());
  std::vector<long double> m(r.cells.size()), f(r.tables.size());
  std::vector<std::int64_t> x(s.size(), 0);
  long double top = -1e300L, total = 0;
  for (const bool second : {false, true}) {  // the largest first
    for (;;) {
      long double sum = 0;
      bool allowed = true;
      std::int64_t at = 0, from = 0;
      std::vector<std::size_t> states, cells;
      for (std::size_t v = 0; v < s.size(); ++v) {
        std::int64_t j = 0;
        for (const int p : s.parents[v]) j = j * s.states[std::size_t(p)] + x[std::size_t(p)];
        states.push_back(std::size_t(at + x[v]));
        cells.push_back(std::size_t(from + j * s.states[v] + x[v]));
        const bool said = std::any_of(r.cells.begin() + at, r.cells.begin() + at + s.states[v],
                                      [](double c) { return c > 0; });
        allowed = allowed && (!said || r.cells[states.back()] > 0) &&
                  r.potentials[states.back()] > -690 && r.tables[cells.back()] > kNever;
        sum += static_cast<long double>(r.potentials[states.back()]) + r.tables[cells.back()];
        at += s.states[v];
        from += s.configurations(v) * s.states[v];
      }
      if (allowed && !second) top = std::max(top, sum);
      if (allowed && second) {
        const long double p = std::exp(sum - top);
        total += p;
        for (const std::size_t k : states) m[k] += p;
        for (const std::size_t k : cells) f[k] += p;
      }
      std::size_t v = 0;
      while (v < s.size() && ++x[v] == s.states[v]) x[v++] = 0;
      if (v == s.size()) break;
    }
  }
  if (total == 0) return out;
  out.norm = double(top + std::log(total));
  for (std::size_t k = 0; k < m.size(); ++k) out.marginals[k] = double(m[k] / total);
  for (std::size_t k = 0; k < f.size(); ++k) out.families[k] = double(f[k] / total);
  return out;
}

Sums summed(NetworkRows& rows, const Row& r) {
  Sums out;
  out.marginals.resize(r.cells.size());
  out.families.resize(r.tables.size());
  out.norm = rows.run(r.cells.data(), r.potentials.data(), r.tables.data(), out.marginals.data(),
                      out.families.data());
  return out;
}

void expect_same(const Sums& got, const Sums& want) {
  if (want.norm == kNever) {
    EXPECT_EQ(got.norm, kNever);
  } else {
    EXPECT_NEAR(got.norm, want.norm, 1e-12 * (1 + std::abs(want.norm)));
  }
  for (std::size_t k = 0; k < want.marginals.size(); ++k)
    ASSERT_NEAR(got.marginals[k], want.marginals[k], 1e-12);
  for (std::size_t k = 0; k < want.families.size(); ++k)
    ASSERT_NEAR(got.families[k], want.families[k], 1e-12);
}

TEST(Network, SumsAndMarginalsAreThoseOfEnumeration) {
  Random random(3);
  for (int trial = 0; trial < 200; ++trial) {
    SCOPED_TRACE(trial);
    const NetworkStructure s = random_structure(random);
    NetworkRows rows(s);
    for (const double seen : {0.0, 0.3, 0.8, 1.0}) {
      const Row r = random_row(random, s, seen, trial % 4 == 3);
      expect_same(summed(rows, r), enumerated(s, r));
    }
  }
}

// Zeros of tables, states that are ruled out, and rows that nothing explains.
TEST(Network, ZerosAreExact) {
  Random random(4);
  int impossible = 0;
  for (int trial = 0; trial < 200; ++trial) {
    SCOPED_TRACE(trial);
    const NetworkStructure s = random_structure(random);
    NetworkRows rows(s);
    Row r = random_row(random, s, 0.4);
    for (double& t : r.tables)
      if (uniform_in(random, 0, 1) < 0.3) t = kNever;
    for (double& p : r.potentials)
      if (uniform_in(random, 0, 1) < 0.1) p = -690.8;
    const Sums want = enumerated(s, r);
    impossible += want.norm == kNever;
    expect_same(summed(rows, r), want);
  }
  EXPECT_GT(impossible, 20);
  EXPECT_LT(impossible, 180);
}

// Several cells of a variable: it is one of these states.
TEST(Network, CellsMayNameSeveralStates) {
  NetworkStructure s{false, {3, 2}, {{}, {0}}, {}};
  order_elimination(s);
  NetworkRows rows(s);
  Random random(5);
  Row r = random_row(random, s, 0);
  r.cells = {1, 0, 1, 0, 0};
  const Sums got = summed(rows, r);
  expect_same(got, enumerated(s, r));
  EXPECT_EQ(got.marginals[1], 0);
}

// Products far below the least double: a chain of 400 probabilities of about e^-300 each.
TEST(Network, TinyProbabilitiesDoNotVanish) {
  NetworkStructure s;
  Row r;
  for (int v = 0; v < 400; ++v) {
    s.states.push_back(2);
    s.parents.push_back(v > 0 ? std::vector<int>{v - 1} : std::vector<int>{});
    for (int j = 0; j < (v > 0 ? 2 : 1); ++j)
      for (const double t : {-300.0, -300.5}) r.tables.push_back(t);
    for (int k = 0; k < 2; ++k) {
      r.cells.push_back(0);
      r.potentials.push_back(0);
    }
  }
  order_elimination(s);
  NetworkRows rows(s);
  const Sums got = summed(rows, r);
  EXPECT_NEAR(got.norm, 400 * (-300 + std::log1p(std::exp(-0.5))), 1e-9);
  EXPECT_NEAR(got.marginals[0], 1 / (1 + std::exp(-0.5)), 1e-14);
}

// What independent variables give lies below the sum, is the sum where nothing is linked, and is
// its own derivative by tables and potentials.
TEST(Network, MeanFieldIsABound) {
  Random random(6);
  for (int trial = 0; trial < 100; ++trial) {
    SCOPED_TRACE(trial);
    NetworkStructure s = random_structure(random, true);
    if (trial % 5 == 0)
      for (auto& p : s.parents) p.clear();
    NetworkRows rows(s);
    Row r = random_row(random, s, 0.3);
    const Sums exact = enumerated(s, r), got = summed(rows, r);
    EXPECT_LE(got.norm, exact.norm + 1e-12);
    if (trial % 5 == 0) expect_same(got, exact);
    const double h = 1e-5;
    for (auto* of : {&r.tables, &r.potentials}) {
      const std::vector<double>& slope = of == &r.tables ? got.families : got.marginals;
      for (std::size_t k = 0; k < of->size(); ++k) {
        const double at = (*of)[k];
        (*of)[k] = at + h;
        const double up = summed(rows, r).norm;
        (*of)[k] = at - h;
        const double down = summed(rows, r).norm;
        (*of)[k] = at;
        ASSERT_NEAR(slope[k], (up - down) / (2 * h), 1e-8);
      }
    }
  }
}

// The op: planned as interpreted, in both dtypes and for any tiling; gradients by differences.
TEST(Network, TheOpHasItsMarginalsForAGradient) {
  Random random(7);
  for (int trial = 0; trial < 12; ++trial) {
    SCOPED_TRACE(trial);
    const NetworkStructure s = random_structure(random, trial % 3 == 2);
    const std::vector<double> structure = s.numbers();
    const std::int64_t n = 37, states = s.total_states(), width = s.total_cells();
    std::vector<double> cells;
    Row r;
    for (std::int64_t i = 0; i < n; ++i) {
      r = random_row(random, s, i % 3 == 0 ? 1.0 : 0.5);
      cells.insert(cells.end(), r.cells.begin(), r.cells.end());
    }
    for (const bool own : {false, true})
      for (const DType t : {DType::f64, DType::f32}) {
        Graph g(op_table());
        const Label row = g.label("row", true);
        const Value c = g.data("cells", t, shape_of({{n, row}, {states}}));
        const Value p = g.data("potentials", t, own ? c.shape() : Shape{states});
        const Value tables = g.data("tables", t, Shape{width});
        const Value numbers =
            g.constant(Array::of<double>(Shape{std::int64_t(structure.size())}, structure).cast(t));
        const NetworkOutputs z = network_norm(c, p, tables, numbers);
        const Value weight = g.data("weight", t, shape_of({{n, row}}));
        const Value total = sum(z.log_norm * weight);
        std::vector<Value> out = {total, z.log_norm, z.marginals, z.families};
        for (const Value& v : gradient(total, std::vector{p, tables})) out.push_back(v);
        Bindings b;
        b["cells"] = Array::of<double>(Shape{n, states}, cells).cast(t);
        b["potentials"] = random_array(random, t, own ? Shape{n, states} : Shape{states}, -1, 1);
        b["tables"] = Array::of<double>(Shape{width}, r.tables).cast(t);
        b["weight"] = random_array(random, t, Shape{n}, 0.5, 2);
        const std::vector<Array> want = evaluate_reference(g, out, b);
        for (const int threads : {1, 3}) {
          const std::vector<Array> got = run_planned(g, out, b, {}, threads);
          for (std::size_t k = 0; k < out.size(); ++k)
            EXPECT_EQ(first_difference(got[k], want[k], t == DType::f32 ? 1e-5 : 1e-12), "") << k;
        }
        if (t == DType::f32) continue;
        for (const char* name : {"potentials", "tables"})
          for (std::int64_t k = 0; k < std::min<std::int64_t>(b[name].size(), 12); ++k) {
            const double h = 1e-4;
            const auto moved = [&](double by) {
              Bindings at = b;
              at[name] = b[name].copy();
              at[name].data<double>()[k] += by;
              return *evaluate_reference(g, std::vector{total}, at)[0].data<double>();
            };
            const double slope =
                (moved(-2 * h) - 8 * moved(-h) + 8 * moved(h) - moved(2 * h)) / (12 * h);
            const Array& got = want[std::string(name) == "tables" ? 5 : 4];
            EXPECT_NEAR(got.data<double>()[k], slope, 1e-7 * (1 + std::abs(slope))) << name << k;
          }
      }
  }
}

TEST(Network, RefusalsNameWhatDoesNotFit) {
  Graph g(op_table());
  const auto zeros = [&](const Shape& s) { return broadcast_to(g.constant(0.0), s); };
  EXPECT_THROW(network_norm(zeros({5}), zeros({4}), zeros({6}), zeros({7})), ShapeError);
  EXPECT_THROW(network_norm(zeros({5}), zeros({5}), zeros({2, 3}), zeros({7})), ShapeError);
  const std::vector<double> short_one = {0, 2, 3, 0};
  EXPECT_THROW(NetworkStructure::of(short_one), ShapeError);
  const Value t = g.data("t", DType::f64, Shape{2});
  const std::vector<double> structure = {0, 1, 2, 0, 0};
  const NetworkOutputs z =
      network_norm(zeros({2}), zeros({2}), t, g.constant(Array::of<double>(Shape{5}, structure)));
  EXPECT_THROW(gradient(sum(z.families), std::vector{t}), ShapeError);
}

// A structure survives as numbers; the cheapest clique of a chain is a pair.
TEST(Network, StructuresAreNumbers) {
  Random random(8);
  for (int trial = 0; trial < 20; ++trial) {
    const NetworkStructure s = random_structure(random), t = NetworkStructure::of(s.numbers());
    EXPECT_EQ(s.states, t.states);
    EXPECT_EQ(s.parents, t.parents);
    EXPECT_EQ(s.order, t.order);
  }
  NetworkStructure chain{false, {3, 3, 3, 3}, {{}, {0}, {1}, {2}}, {}};
  EXPECT_EQ(order_elimination(chain), 9);
}

}  // namespace
}  // namespace fathom::test
