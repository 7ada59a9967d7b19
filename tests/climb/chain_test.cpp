// Hidden Markov models written with public calls: against known values, the sum over all paths, and
// the updates of the textbook (Rabiner 1989, section III.C; Beal 2003, section 3.4).
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/ascend.h"
#include "fathom/climb/batches.h"
#include "fathom/kernels/rng.h"
#include "tests/oracles/special.h"
#include "tests/support/states.h"

namespace fathom {
namespace {

Array table_of(std::int64_t rows, std::int64_t columns, std::initializer_list<double> values) {
  return Array::of<double>(Shape{rows, columns},
                           std::span<const double>(values.begin(), values.size()));
}

// Symbols as indicators [n, k], sequences of these lengths one after another.
DataSet symbols(const std::string& text, std::int64_t k, std::vector<std::int64_t> lengths) {
  DataSet data;
  data.rows = std::int64_t(text.size());
  Array y(DType::f64, Shape{data.rows, k}), begins(DType::f64, Shape{data.rows});
  std::fill_n(y.data<double>(), y.size(), 0.0);
  std::fill_n(begins.data<double>(), data.rows, 0.0);
  for (std::int64_t t = 0; t < data.rows; ++t)
    y.data<double>()[t * k + (text[std::size_t(t)] - '0')] = 1;
  std::int64_t at = 0;
  for (const std::int64_t n : lengths) {
    begins.data<double>()[at] = 1;
    at += n;
  }
  data.columns = {{"y", y}, {"begins", begins}};
  return data;
}

const std::string kHundred =
    "1021220222112102222100011022102200112021000001022002211212221122100110022022110010101101021011"
    "220022";

// The model of the reference cases, all of it known.
struct Known {
  Model m{DType::f64};
  DataSet data;
  State state;
  std::unique_ptr<CoordinateClimb> climb;

  Known(const std::string& text, std::vector<std::int64_t> lengths, bool hard = false)
      : data(symbols(text, 3, std::move(lengths))) {
    const Plate step = m.plate("step"), of = m.plate("state", 2);
    const Expr begins = m.data("begins", step, {}, DType::f64),
               y = m.data("y", step, Shape{3}, DType::f64);
    const Expr start = m.constant(Array::of<double>(Shape{2}, std::vector<double>{0.6, 0.4})),
               move = m.constant(table_of(2, 2, {0.7, 0.3, 0.4, 0.6})),
               emit = m.constant(table_of(2, 3, {0.1, 0.4, 0.5, 0.6, 0.3, 0.1}));
    const Expr path = m.latent("path", chain(start, move, begins), step, Shape{2});
    m.observe("y", categorical_of(gate(path, spread(emit, of))), y);
    climb = std::make_unique<CoordinateClimb>(m, data, state, CoordinateOptions{.hard = hard});
  }
};

// hmmlearn's test of a multinomial model: posteriors of the symbols 0, 1, 2, which are fractions of
// 2801 (the sum over the eight paths).
TEST(HiddenMarkov, PosteriorsOfThreeSymbols) {
  Known k("012", {3});
  Workers workers(1);
  k.climb->elbo(workers);
  const Array p = k.climb->mean(0, workers);
  const double want[] = {649. / 2801,  2152. / 2801, 1748. / 2801,
                         1053. / 2801, 2420. / 2801, 381. / 2801};
  for (int i = 0; i < 6; ++i) EXPECT_NEAR(p.data<double>()[i], want[i], 1e-14);
}

// The same: the best path 1, 0, 0 has the probability .01344.
TEST(HiddenMarkov, TheBestPathOfThreeSymbols) {
  Known k("012", {3}, true);
  Workers workers(1);
  EXPECT_NEAR(k.climb->elbo(workers), std::log(.01344), 1e-12);
  const Array p = k.climb->mean(0, workers);
  const double want[] = {0, 1, 1, 0, 1, 0};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(p.data<double>()[i], want[i]);
}

// BayesPy's example: a hundred symbols.
TEST(HiddenMarkov, LogLikelihoodOfAHundredSymbols) {
  Known k(kHundred, {100});
  Workers workers(1);
  EXPECT_NEAR(k.climb->elbo(workers), -109.58828803, 5e-9);
}

TEST(HiddenMarkov, SequencesAreIndependent) {
  Workers workers(2);
  double apart = 0;
  for (const char* text : {"01221", "2", "110"}) {
    Known one(text, {std::int64_t(std::string(text).size())});
    apart += one.climb->elbo(workers);
  }
  Known all("012212110", {5, 1, 3});
  EXPECT_NEAR(all.climb->elbo(workers), apart, 1e-12);
  double sum = 0;
  for (const auto& [name, value] : all.climb->terms(workers)) sum += value;
  EXPECT_NEAR(sum, apart, 1e-11);
}

// All tables learned: symbols of two sequences, three states.
constexpr std::int64_t kStates = 3, kSymbols = 3;
constexpr double kStartPrior = 1.5, kMovePrior = 0.8, kEmitPrior = 1.2;

struct Learned {
  Model m{DType::f64};
  DataSet data = symbols(kHundred, kSymbols, {64, 36});
  State state;
  Workers workers{2};

  Learned() {
    const Plate step = m.plate("step"), of = m.plate("state", kStates);
    const Expr begins = m.data("begins", step, {}, DType::f64),
               y = m.data("y", step, Shape{kSymbols}, DType::f64);
    const Expr start = m.latent("start", dirichlet(kStartPrior), Shape{kStates}),
               move = m.latent("move", dirichlet(kMovePrior), of, Shape{kStates}),
               emit = m.latent("emit", dirichlet(kEmitPrior), of, Shape{kSymbols});
    const Expr path = m.latent("path", chain(start, move, begins), step, Shape{kStates});
    m.observe("y", categorical_of(gate(path, emit)), y);
  }
  static Array probabilities(std::int64_t n) {
    Array r(DType::f64, Shape{n, kStates});
    for (std::int64_t t = 0; t < n; ++t) {
      const Random4 u = philox(Key{7, 1}, std::uint64_t(t), 0);
      double sum = 0;
      for (int j = 0; j < kStates; ++j)
        sum += r.data<double>()[t * kStates + j] = double(u.word[j]) + 1;
      for (int j = 0; j < kStates; ++j) r.data<double>()[t * kStates + j] /= sum;
    }
    return r;
  }
};

// The textbook, in doubles: concentrations of the factors, or the tables themselves.
struct ChainByHand {
  bool bayes;
  std::vector<double> start, move, emit;  // concentrations
  std::vector<int> y;
  std::vector<std::size_t> first;

  std::vector<double> logs(const std::vector<double>& a, std::size_t width, double prior) const {
    std::vector<double> out(a.size());
    for (std::size_t r = 0; r < a.size() / width; ++r) {
      double sum = 0;
      for (std::size_t j = 0; j < width; ++j) sum += a[r * width + j] - (bayes ? 0 : prior);
      for (std::size_t j = 0; j < width; ++j) {
        const double x = a[r * width + j];
        out[r * width + j] =
            bayes ? oracle::digamma(x) - oracle::digamma(sum) : std::log((x - prior) / sum);
      }
    }
    return out;
  }
  static double kl(const std::vector<double>& a, std::size_t width, double prior) {
    double total = 0;
    for (std::size_t r = 0; r < a.size() / width; ++r) {
      double sum = 0;
      for (std::size_t j = 0; j < width; ++j) sum += a[r * width + j];
      total += std::lgamma(sum) - std::lgamma(prior * double(width));
      for (std::size_t j = 0; j < width; ++j) {
        const double x = a[r * width + j];
        total += std::lgamma(prior) - std::lgamma(x) +
                 (x - prior) * (oracle::digamma(x) - oracle::digamma(sum));
      }
    }
    return total;
  }
  // Forward-backward; counts beyond the priors replace what `start`, `move` and `emit` are next.
  // Returns log Z.
  double recursions(std::vector<double>* s, std::vector<double>* m, std::vector<double>* e) const {
    constexpr std::size_t k = kStates;
    const auto ls = logs(start, k, kStartPrior), lm = logs(move, k, kMovePrior),
               le = logs(emit, kSymbols, kEmitPrior);
    s->assign(start.size(), kStartPrior);
    m->assign(move.size(), kMovePrior);
    e->assign(emit.size(), kEmitPrior);
    double z = 0;
    for (std::size_t q = 0; q + 1 < first.size(); ++q) {
      const std::size_t n = first[q + 1] - first[q];
      std::vector<double> a(n * k), b(n * k, 1.0), c(n);
      const auto out = [&](std::size_t t, std::size_t j) {
        return std::exp(le[j * kSymbols + std::size_t(y[first[q] + t])]);
      };
      for (std::size_t t = 0; t < n; ++t) {
        for (std::size_t j = 0; j < k; ++j) {
          double sum = t ? 0 : std::exp(ls[j]);
          for (std::size_t i = 0; t && i < k; ++i)
            sum += a[(t - 1) * k + i] * std::exp(lm[i * k + j]);
          c[t] += a[t * k + j] = sum * out(t, j);
        }
        for (std::size_t j = 0; j < k; ++j) a[t * k + j] /= c[t];
        z += std::log(c[t]);
      }
      for (std::size_t t = n - 1; t-- > 0;)
        for (std::size_t i = 0; i < k; ++i) {
          double sum = 0;
          for (std::size_t j = 0; j < k; ++j)
            sum += std::exp(lm[i * k + j]) * out(t + 1, j) * b[(t + 1) * k + j];
          b[t * k + i] = sum / c[t + 1];
        }
      for (std::size_t t = 0; t < n; ++t)
        for (std::size_t j = 0; j < k; ++j) {
          const double p = a[t * k + j] * b[t * k + j];
          (*e)[j * kSymbols + std::size_t(y[first[q] + t])] += p;
          if (t == 0) (*s)[j] += p;
          for (std::size_t i = 0; t && i < k; ++i)
            (*m)[i * k + j] +=
                a[(t - 1) * k + i] * std::exp(lm[i * k + j]) * out(t, j) * b[t * k + j] / c[t];
        }
    }
    return z;
  }
  double bound() const {
    std::vector<double> s, m, e;
    const double z = recursions(&s, &m, &e);
    if (!bayes) return z;
    return z - kl(start, kStates, kStartPrior) - kl(move, kStates, kMovePrior) -
           kl(emit, kSymbols, kEmitPrior);
  }
};

// From states that are independent of each other with these probabilities.
ChainByHand chain_by_hand(const DataSet& data, const Array& r, bool bayes) {
  ChainByHand h;
  h.bayes = bayes;
  h.start.assign(kStates, kStartPrior);
  h.move.assign(kStates * kStates, kMovePrior);
  h.emit.assign(kStates * kSymbols, kEmitPrior);
  const Array &y = data.columns.at("y"), &begins = data.columns.at("begins");
  const auto at = [&](std::int64_t t, std::int64_t j) { return r.data<double>()[t * kStates + j]; };
  for (std::int64_t t = 0; t < data.rows; ++t) {
    const double* one = y.data<double>() + t * kSymbols;
    h.y.push_back(int(std::find(one, one + kSymbols, 1.0) - one));
    const bool begin = begins.data<double>()[t] != 0;
    if (begin) h.first.push_back(std::size_t(t));
    for (std::int64_t j = 0; j < kStates; ++j) {
      if (begin) h.start[std::size_t(j)] += at(t, j);
      h.emit[std::size_t(j * kSymbols + h.y.back())] += at(t, j);
      for (std::int64_t i = 0; !begin && i < kStates; ++i)
        h.move[std::size_t(i * kStates + j)] += at(t - 1, i) * at(t, j);
    }
  }
  h.first.push_back(std::size_t(data.rows));
  return h;
}

void expect_sweeps_of_the_textbook(bool bayes) {
  Learned l;
  CoordinateClimb climb(l.m, l.data, l.state,
                        {.factors = bayes ? Factors::mean_field : Factors::likelihood});
  const Array r = Learned::probabilities(l.data.rows);
  climb.start({{"path", r}}, l.workers);
  ChainByHand h = chain_by_hand(l.data, r, bayes);
  EXPECT_TRUE(climb.keeps_statistics());
  double last = -INFINITY;
  for (int sweep = 0; sweep < 12; ++sweep) {
    const double bound = climb.elbo(l.workers);
    EXPECT_NEAR(bound, h.bound(), 1e-10 * std::abs(bound)) << sweep;
    EXPECT_GE(bound, last - 1e-10 * std::abs(bound)) << sweep;
    last = bound;
    double sum = 0;
    for (const auto& [name, value] : climb.terms(l.workers)) sum += value;
    EXPECT_NEAR(sum, bound, 1e-10 * std::abs(bound));
    std::vector<double> s, m, e;
    h.recursions(&s, &m, &e);
    h.start = s;
    h.move = m;
    h.emit = e;
    climb.sweep(l.workers);
  }
  if (!bayes) return;
  for (const auto& [name, want] :
       {std::pair{"start", h.start}, {"move", h.move}, {"emit", h.emit}}) {
    const Array& got = *l.state.find(std::string(name) + ".natural.0");
    for (std::size_t i = 0; i < want.size(); ++i)
      EXPECT_NEAR(got.data<double>()[i] + 1, want[i], 1e-9 * want[i]) << name << " " << i;
  }
}

TEST(HiddenMarkov, VariationalSweepsAreThoseOfTheTextbook) { expect_sweeps_of_the_textbook(true); }
TEST(HiddenMarkov, EmSweepsAreThoseOfTheTextbook) { expect_sweeps_of_the_textbook(false); }

TEST(HiddenMarkov, AscendsAndIsTheSameBitsForAnyThreads) {
  std::vector<double> bounds;
  for (const int threads : {1, 3}) {
    Learned l;
    Workers workers(threads);
    CoordinateClimb climb(l.m, l.data, l.state);
    climb.start({{"path", Learned::probabilities(l.data.rows)}}, workers);
    bounds.push_back(ascend(climb, l.data.rows, {}, workers).elbo());
  }
  EXPECT_EQ(bounds[0], bounds[1]);
}

TEST(HiddenMarkov, ASweepRunsTheRecursionsOnce) {
  Learned l;
  CoordinateClimb climb(l.m, l.data, l.state);
  const std::string plan = climb.pass().plan().text();
  const std::size_t first = plan.find("[chain_norm]");
  ASSERT_NE(first, std::string::npos) << plan;
  EXPECT_EQ(plan.find("[chain_norm]", first + 1), std::string::npos) << plan;
}

// Batches of whole sequences: kept sums never let the bound fall, all in one are a sweep, and the
// estimates of batches, weighed by their shares, are the bound.
TEST(HiddenMarkov, BatchesOfSequences) {
  Learned l, whole;
  const double* marks = l.data.columns.at("begins").data<double>();
  std::vector<RowBatch> batches;
  for (std::int64_t t = 0; t < l.data.rows; ++t) {
    if (t == 0 || marks[t] != 0) batches.push_back({t, 0, 0});
    ++batches.back().rows;
  }
  ASSERT_GT(batches.size(), 1u);
  for (RowBatch& b : batches) b.share = 1 / double(batches.size());
  const Array start = Learned::probabilities(l.data.rows);
  CoordinateClimb plain(whole.m, whole.data, whole.state);
  plain.start({{"path", start}}, whole.workers);
  {
    State state = whole.state.copy();
    BatchClimb one(l.m, l.data, state, {});
    EXPECT_NEAR(one.memoised(0, l.workers), plain.sweep(whole.workers), 1e-10);
  }
  BatchClimb some(l.m, l.data, l.state, {}, batches);
  assign_naturals(whole.state, l.state);
  EXPECT_NEAR(some.elbo(l.workers), plain.elbo(whole.workers), 1e-9);
  double estimate = 0, last = -INFINITY;
  for (std::int64_t b = 0; b < some.batches(); ++b) {
    const State before = l.state.copy();
    estimate += some.stochastic(b, 0.5, l.workers) / double(some.batches());
    l.state.assign(before);
  }
  EXPECT_NEAR(estimate, plain.elbo(whole.workers), 1e-9);
  some.forget();
  for (int lap = 0; lap < 6; ++lap)
    for (std::int64_t b = 0; b < some.batches(); ++b) {
      const double bound = some.memoised(b, l.workers);
      if (lap == 0 && b + 1 < some.batches()) continue;  // not all have been visited
      EXPECT_GE(bound, last - 1e-10 * std::abs(bound)) << lap;
      last = bound;
    }
}

TEST(HiddenMarkov, HardEmAscends) {
  Learned l;
  CoordinateClimb climb(l.m, l.data, l.state, {.factors = Factors::mode, .hard = true});
  climb.start({{"path", Learned::probabilities(l.data.rows)}}, l.workers);
  double last = -INFINITY;
  for (int i = 0; i < 10; ++i) {
    const double bound = climb.sweep(l.workers);
    EXPECT_GE(bound, last - 1e-10 * std::abs(bound));
    last = bound;
  }
}

TEST(HiddenMarkov, WhatIsRefused) {
  Model m(DType::f64);
  const Plate step = m.plate("step"), of = m.plate("state", 3);
  const Expr begins = m.data("begins", step, {}, DType::f64);
  const Expr start = m.latent("start", dirichlet(1.0), Shape{3}),
             flat = m.latent("flat", dirichlet(1.0), Shape{3}),
             move = m.latent("move", dirichlet(1.0), of, Shape{2});
  EXPECT_THROW(chain(start, flat, begins), ConfigError);  // no row for each state
  EXPECT_THROW(chain(start, move, begins), ConfigError);  // of another length
  EXPECT_THROW(chain(start, move, start), ConfigError);   // no data
  EXPECT_THROW(chain(start, move, 1.0), ConfigError);
}

// Three sequences begin, at any temperature, and count a part of it in the first state's factor.
TEST(HiddenMarkov, StartsAtATemperature) {
  const std::int64_t rows = 9;
  Array y(DType::f64, Shape{rows}), begins(DType::f64, Shape{rows});
  kernels::fill_normal(Key{4, 4}, nullptr, 0, rows, 1, y.data<double>());
  for (const int t : {0, 2, 6}) begins.data<double>()[t] = 1;
  Model m{DType::f64};
  const Plate row = m.plate("row"), state_of = m.plate("state", 2);
  const Expr first = m.data("begins", row, {}, DType::f64), seen = m.data("y", row, {}, DType::f64);
  const Expr begin = m.latent("begin", dirichlet(1.0), Shape{2});
  const Expr move = m.latent("move", dirichlet(1.0), state_of, Shape{2});
  const Expr level = m.latent("level", normal(0.0, 2.0), state_of);
  const Expr path = m.latent("path", chain(begin, move, first), row, Shape{2});
  m.observe("y", normal(gate(path, level), 1.0), seen);
  DataSet data;
  data.rows = rows;
  data.columns = {{"y", y}, {"begins", begins}};
  Workers workers(1);
  for (const double t : {1.0, 4.0}) {
    State state;
    CoordinateClimb climb(m, data, state, {.tempered = true});
    climb.temperature(t);
    climb.sweep(workers);
    const double* counts = state.find("begin.natural.0")->data<double>();
    EXPECT_NEAR(counts[0] + counts[1], 3 / t, 1e-12);
  }
}

}  // namespace
}  // namespace fathom
