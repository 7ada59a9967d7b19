// The chain of states against the sum over all of its paths.
#include "fathom/kernels/isa.h"
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

constexpr std::size_t kEach = 9;  // outputs of a sum, and of the best path after it
constexpr double kImpossible = -std::numeric_limits<double>::infinity();

struct Paths {
  std::vector<double> log_norm;  // of each sequence
  std::vector<double> states, counts, best_states;
  std::vector<double> best;  // of each sequence
};

// Sums over all paths of each sequence, in long double.
Paths enumerate(const std::vector<double>& a, const std::vector<double>& b,
                const std::vector<double>& start, const std::vector<double>& begins,
                const std::vector<double>& weight, std::size_t k) {
  const std::size_t n = begins.size();
  Paths p;
  p.states.assign(n * k, 0);
  p.best_states.assign(n * k, 0);
  p.counts.assign(k * k, 0);
  for (std::size_t first = 0; first < n;) {
    std::size_t last = first + 1;
    while (last < n && begins[last] == 0) ++last;
    std::size_t paths = 1;
    for (std::size_t t = first; t < last; ++t) paths *= k;
    std::vector<std::size_t> z(last - first), best;
    std::vector<long double> scores(paths);
    const auto path = [&](std::size_t code) {
      for (std::size_t& s : z) {
        s = code % k;
        code /= k;
      }
      long double score = 0;
      for (std::size_t t = 0; t < z.size(); ++t) {
        score += static_cast<long double>(a[(first + t) * k + z[t]]);
        if (t == 0 && begins[first] != 0) score += static_cast<long double>(start[z[t]]);
        if (t == 0) continue;
        const double link = b[z[t - 1] * k + z[t]];
        score += link <= -690.7 ? static_cast<long double>(kImpossible) : link;
      }
      return score;
    };
    for (std::size_t c = 0; c < paths; ++c) scores[c] = path(c);
    const long double most = *std::max_element(scores.begin(), scores.end());
    long double all = 0;
    for (const long double s : scores) all += std::exp(s - most);
    for (std::size_t c = 0; c < paths; ++c) {
      const bool is_best = path(c) == most && best.empty();
      if (is_best) best = z;
      const auto share = double(std::exp(scores[c] - most) / all);
      for (std::size_t t = 0; t < z.size(); ++t) {
        p.states[(first + t) * k + z[t]] += share;
        if (is_best) p.best_states[(first + t) * k + z[t]] = 1;
        if (t > 0) p.counts[z[t - 1] * k + z[t]] += share * weight[first];
      }
    }
    p.log_norm.push_back(double(most + std::log(all)));
    p.best.push_back(double(most));
    first = last;
  }
  return p;
}

struct Given {
  std::string name;
  std::size_t k;
  std::vector<double> a, b, start, begins, weight;
};

Given drawn(std::string name, std::size_t k, std::vector<std::size_t> lengths, double spread) {
  Random random(k + lengths.size());
  Given g{std::move(name), k, {}, {}, {}, {}, {}};
  for (const std::size_t n : lengths)
    for (std::size_t t = 0; t < n; ++t) {
      g.begins.push_back(t == 0 ? 1 : 0);
      g.weight.push_back(t == 0 ? uniform_in(random, 0, 2) : g.weight.back());
      for (std::size_t j = 0; j < k; ++j) g.a.push_back(uniform_in(random, -spread, spread));
    }
  for (std::size_t i = 0; i < k * k; ++i) g.b.push_back(uniform_in(random, -2, 0));
  for (std::size_t j = 0; j < k; ++j) g.start.push_back(uniform_in(random, -3, 0));
  return g;
}

std::vector<Given> cases() {
  std::vector<Given> all = {drawn("one", 3, {1}, 2),
                            drawn("short", 2, {5, 1, 1, 7, 2}, 2),
                            drawn("several", 4, {3, 6, 1}, 5),
                            drawn("far", 3, {6, 4}, 900),
                            drawn("single state", 1, {4, 2}, 1),
                            drawn("wide", 9, {3, 4, 2}, 3),
                            drawn("wider", 19, {3, 2}, 3)};
  // From left to right, and back to nowhere.
  Given left = drawn("left to right", 3, {6, 3, 8}, 2);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      if (j < i || j > i + 1) left.b[i * 3 + j] = kImpossible;
  all.push_back(left);
  // The only way leads through states of a probability below 1e-300 beside the others: sides of
  // transitions of equal probability are then further apart than numbers are.
  Given forced = left;
  forced.name = "forced";
  for (std::size_t t = 0; t < 6; ++t)
    for (std::size_t j = 0; j < 3; ++j) forced.a[t * 3 + j] = (j == 2) == (t < 3) ? 0 : -2000;
  all.push_back(forced);
  Given banned = drawn("banned states", 3, {5, 4}, 1);
  for (const std::size_t i : {0u, 4u, 11u, 12u}) banned.a[i] = kImpossible;
  all.push_back(banned);
  Given zeros = drawn("logarithms of zeros", 4, {6}, 1);
  zeros.b[1] = zeros.b[6] = std::log(1e-300);
  all.push_back(zeros);
  Given fixed = drawn("one start", 5, {4, 1, 3}, 2);
  for (std::size_t j = 1; j < 5; ++j) fixed.start[j] = kImpossible;
  all.push_back(fixed);
  Given torn = drawn("start against rows", 2, {3, 2}, 1);
  torn.start = {-2000, 0};
  torn.a[1] = torn.a[7] = -3000;
  all.push_back(torn);
  // What a start all but forbids, rows bring back.
  Given late = drawn("late", 2, {3}, 1);
  late.b[1] = late.b[2] = kImpossible;
  late.start = {0, -720};
  late.a = {-600, 0, -130, 0, 0, 0};
  all.push_back(late);
  Given unmarked = drawn("unmarked", 3, {4, 3}, 1);
  unmarked.begins[0] = 0;
  all.push_back(unmarked);
  return all;
}

struct Built {
  std::unique_ptr<Graph> graph = std::make_unique<Graph>(op_table());
  std::vector<Value> sum_then_best;
  Bindings bindings;

  Built(const Given& g, DType t) {
    const Label row = graph->label("row", true);
    const auto n = std::int64_t(g.begins.size()), k = std::int64_t(g.k);
    const Axis rows{n, row};
    const Shape r(std::span<const Axis>(&rows, 1));
    const Value a = graph->data("a", t, r.with_back(k)), b = graph->data("b", t, Shape{k, k}),
                begins = graph->data("begins", t, r), weight = graph->data("weight", t, r),
                start = graph->data("start", t, Shape{k});
    // Something before and after, so that loops over rows surround the one over sequences.
    for (const bool best : {false, true}) {
      const ChainParts p = chain_parts(a * 1.0, b, begins * 1.0, weight, start, best);
      const Value total = sum(p.log_norm * weight);
      const std::vector<Value> slope = gradient(total, std::vector<Value>{a, b, start});
      for (const Value& v : {p.log_norm * 1.0, p.states, p.transitions, p.before, p.after, total,
                             slope[0], slope[1], slope[2]})
        sum_then_best.push_back(v);
    }
    const auto array = [&](const std::vector<double>& v, const Shape& s) {
      return Array::of<double>(s, std::span<const double>(v)).cast(t);
    };
    bindings = {{"a", array(g.a, Shape{n, k})},
                {"b", array(g.b, Shape{k, k})},
                {"start", array(g.start, Shape{k})},
                {"begins", array(g.begins, Shape{n})},
                {"weight", array(g.weight, Shape{n})}};
  }
};

void expect_close(std::span<const double> got, std::span<const double> want, double tolerance,
                  const char* what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (std::size_t i = 0; i < want.size(); ++i)
    ASSERT_NEAR(got[i], want[i], tolerance * (1 + std::abs(want[i]))) << what << " " << i;
}

void check(const Given& g, const std::vector<Array>& out, std::size_t at, bool best, double tol) {
  const Paths want = enumerate(g.a, g.b, g.start, g.begins, g.weight, g.k);
  const std::vector<double> steps = numbers(out[at]), states = numbers(out[at + 1]),
                            counts = numbers(out[at + 2]), before = numbers(out[at + 3]),
                            after = numbers(out[at + 4]);
  std::vector<double> norms;
  for (std::size_t t = 0; t < steps.size(); ++t)
    if (g.begins[t] != 0 || t == 0) {
      norms.push_back(steps[t]);
    } else {
      norms.back() += steps[t];
    }
  expect_close(norms, best ? want.best : want.log_norm, tol, "log norm");
  expect_close(states, best ? want.best_states : want.states, tol, "states");
  if (!best) expect_close(counts, want.counts, tol, "transitions");
  // The transitions into rows add up to those, and their states are right.
  std::vector<double> sums(g.k * g.k, 0.0);
  double often = 1, total = 0;
  std::size_t sequence = 0;
  for (std::size_t t = 0; t < steps.size(); ++t) {
    if (g.begins[t] != 0 || t == 0) {
      often = g.weight[t];
      total += often * norms[sequence++];
    }
    for (std::size_t i = 0; i < g.k; ++i)
      for (std::size_t j = 0; j < g.k; ++j) {
        const double b = g.b[i * g.k + j];
        sums[i * g.k + j] += often * before[t * g.k + i] * after[t * g.k + j] *
                             (best          ? 1
                              : b <= -690.7 ? 0
                                            : std::exp(b));
      }
  }
  if (g.name != "forced") expect_close(sums, counts, 10 * tol, "products");
  EXPECT_NEAR(numbers(out[at + 5])[0], total, tol * (1 + std::abs(total)));
  // The gradient: states and transitions, of sequences that count so often.
  std::vector<double> slope = numbers(out[at + 6]);
  for (std::size_t i = 0; i < slope.size(); ++i)
    ASSERT_NEAR(slope[i], g.weight[i / g.k] * states[i], tol);
  expect_close(numbers(out[at + 7]), counts, tol, "slope of links");
  std::vector<double> firsts(g.k);
  for (std::size_t t = 0; t < steps.size(); ++t)
    for (std::size_t j = 0; j < g.k && g.begins[t] != 0; ++j)
      firsts[j] += g.weight[t] * states[t * g.k + j];
  expect_close(numbers(out[at + 8]), firsts, tol, "slope of the start");
}

TEST(Chain, IsTheSumOverAllPaths) {
  for (const Given& g : cases()) {
    SCOPED_TRACE(g.name);
    Built f(g, DType::f64);
    const std::vector<Array> reference = evaluate_reference(*f.graph, f.sum_then_best, f.bindings);
    check(g, reference, 0, false, 1e-12);
    check(g, reference, kEach, true, 1e-13);
    for (const kernels::Isa most : {kernels::Isa::base, kernels::Isa::avx2, kernels::Isa::avx512}) {
      kernels::limit_isa(most);
      for (const int threads : {1, 3}) {
        const std::vector<Array> planned =
            run_planned(*f.graph, f.sum_then_best, f.bindings, {}, threads);
        check(g, planned, 0, false, 1e-12);
        check(g, planned, kEach, true, 1e-13);
      }
    }
    kernels::limit_isa(kernels::Isa::avx512);
  }
}

TEST(Chain, InSinglePrecision) {
  for (const Given& g : cases()) {
    SCOPED_TRACE(g.name);
    Built f(g, DType::f32);
    check(g, run_planned(*f.graph, f.sum_then_best, f.bindings), 0, false, 1e-4);
  }
}

// The scaled recursions and those on logarithms: a state of its own that is nearly impossible, but
// the only one at a step, sends a sequence to the latter; without it the sums are what they were.
TEST(Chain, ScaledAndLogarithmicAreEqual) {
  const std::size_t k = 5, n = 300;
  Given g = drawn("long", k, {n}, 3), more = g;
  more.k = k + 1;
  more.a.clear();
  more.b.assign((k + 1) * (k + 1), kImpossible);
  for (std::size_t t = 0; t < n; ++t) {
    for (std::size_t j = 0; j < k; ++j) more.a.push_back(g.a[t * k + j]);
    more.a.push_back(t == 0 ? -3000.0 : t == 1 ? 3000.0 : kImpossible);
  }
  more.start.push_back(0);
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = 0; j < k; ++j) more.b[i * (k + 1) + j] = g.b[i * k + j];
  Built f(g, DType::f64), slow(more, DType::f64);
  const std::vector<Array> scaled = run_planned(*f.graph, f.sum_then_best, f.bindings),
                           logs = run_planned(*slow.graph, slow.sum_then_best, slow.bindings);
  const std::vector<double> want = numbers(scaled[1]), got = numbers(logs[1]);
  for (std::size_t t = 0; t < n; ++t)
    for (std::size_t j = 0; j < k; ++j)
      ASSERT_NEAR(got[t * (k + 1) + j], want[t * k + j], 1e-11) << t << " " << j;
  EXPECT_NEAR(numbers(scaled[5])[0], numbers(logs[5])[0], 1e-9);
}

TEST(Chain, AMillionSteps) {
  Given g = drawn("million", 2, {1}, 1);
  const std::size_t n = 1000000;
  g.a.assign(n * 2, 0);
  for (std::size_t t = 0; t < n; ++t) g.a[2 * t + t / 1000 % 2] = -400;
  g.b = {std::log(0.9), std::log(0.1), std::log(0.1), std::log(0.9)};
  g.start = {0, 0};
  g.begins.assign(n, 0);
  g.weight.assign(n, 1);
  Built f(g, DType::f64);
  const std::vector<Array> out = run_planned(*f.graph, f.sum_then_best, f.bindings);
  // Every thousand steps the other state has all of the probability; rows of the links are equal to
  // each other's reverse, so that a path is 999 moves that stay and one that goes.
  const double want = 1000 * 999 * std::log(0.9) + 999 * std::log(0.1);
  EXPECT_NEAR(numbers(out[5])[0], want, 1e-9 * std::abs(want));
  EXPECT_NEAR(numbers(out[kEach + 5])[0], want, 1e-9 * std::abs(want));
}

TEST(Chain, AnImpossibleSequenceIsMinusInfinity) {
  Given g = drawn("impossible", 2, {4}, 1);
  g.a[4] = g.a[5] = kImpossible;
  Built f(g, DType::f64);
  const std::vector<Array> out = run_planned(*f.graph, f.sum_then_best, f.bindings);
  EXPECT_EQ(numbers(out[5])[0], kImpossible);
  for (const double p : numbers(out[1])) EXPECT_EQ(p, 0);
}

TEST(Chain, NumbersThatAreNoneAreSeen) {
  Given g = drawn("nan", 3, {4, 3}, 1);
  g.a[4] = std::nan("");
  Built f(g, DType::f64);
  EXPECT_TRUE(std::isnan(numbers(run_planned(*f.graph, f.sum_then_best, f.bindings)[5])[0]));
}

TEST(Chain, ShapesThatDoNotFit) {
  Graph g(op_table());
  const Value a = g.data("a", DType::f64, Shape{4, 3}), b = g.data("b", DType::f64, Shape{2, 2}),
              row = g.data("row", DType::f64, Shape{4});
  EXPECT_THROW(chain_parts(a, b, row, row), ShapeError);
}

}  // namespace
}  // namespace fathom::test
