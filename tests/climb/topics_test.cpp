// Latent Dirichlet allocation written with public calls.
#include <gtest/gtest.h>

#include <boost/math/special_functions/digamma.hpp>
#include <cmath>
#include <cstring>
#include <numeric>

#include "fathom/climb/batches.h"
#include "fathom/climb/squarem.h"
#include "fathom/kernels/isa.h"
#include "fathom/kernels/rng.h"

namespace fathom {
namespace {

// Counts of words, a row for each document.
DataSet entries_of(const std::vector<std::vector<double>>& counts) {
  std::vector<double> word, count, begins;
  for (const std::vector<double>& d : counts) {
    const std::size_t first = word.size();
    for (std::size_t w = 0; w < d.size(); ++w) {
      if (d[w] == 0) continue;
      begins.push_back(word.size() == first ? 1 : 0);
      word.push_back(double(w));
      count.push_back(d[w]);
    }
  }
  DataSet data;
  data.rows = std::int64_t(word.size());
  const auto column = [&](const std::vector<double>& v) {
    return Array::of<double>(Shape{data.rows}, std::span<const double>(v));
  };
  data.columns = {{"word", column(word)}, {"count", column(count)}, {"begins", column(begins)}};
  return data;
}

struct TopicModel {
  Model m;
  TopicModel(std::int64_t words, std::int64_t topics, double alpha, double eta,
             DocumentLoop loop = {1e-12, 10000}, DType t = DType::f64)
      : m(t) {
    const Plate entry = m.plate("entry"), topic = m.plate("topic", topics);
    const Expr word = m.data("word", entry, {}, t), count = m.data("count", entry, {}, t),
               begins = m.data("begins", entry, {}, t);
    const Expr beta = m.latent("topics", dirichlet(eta), topic, Shape{words});
    m.observe("words", documents(beta, alpha, begins, count, loop), word);
  }
};

const std::vector<std::vector<double>> kSix = {{4, 3, 0, 0, 1, 0}, {5, 2, 1, 0, 0, 0},
                                               {0, 0, 4, 4, 1, 0}, {0, 1, 3, 5, 0, 0},
                                               {1, 0, 0, 1, 4, 5}, {0, 0, 1, 0, 5, 3}};

// Numbers on which scikit-learn's internal bound and BayesPy agree: K = 3, alpha = 0.5, eta = 0.1,
// lambda = 1 + ((3 k + 2 w) mod 5) / 5, before each step of lambda.
TEST(Topics, SixDocuments) {
  const DataSet data = entries_of(kSix);
  TopicModel t(6, 3, 0.5, 0.1);
  State state;
  CoordinateClimb climb(t.m, data, state);
  EXPECT_TRUE(climb.keeps_statistics());
  double* natural = climb.naturals()[0]->data<double>();
  for (int k = 0; k < 3; ++k)
    for (int w = 0; w < 6; ++w) natural[k * 6 + w] = ((3 * k + 2 * w) % 5) / 5.0;
  Workers workers(2);
  for (const double want : {-145.29409761, -125.91695080, -110.71807774, -98.20132559}) {
    EXPECT_NEAR(climb.elbo(workers), want, 1e-8);
    climb.sweep(workers);
  }
  ascend(climb, data.rows, {.tolerance = 0}, workers);
  double total = 0, tokens = 0;
  std::vector<std::string> names;
  for (const auto& [name, value] : climb.terms(workers)) {
    names.push_back(name);
    total += value;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"words", "topics.prior", "topics.entropy"}));
  EXPECT_NEAR(total, -89.82748454, 1e-8);
  EXPECT_NEAR(climb.elbo(workers), total, 1e-10);
  for (const auto& d : kSix)
    for (const double n : d) tokens += n;
  EXPECT_NEAR(std::exp(-total / tokens), 5.2776026, 1e-7);
}

// Documents of words drawn from two topics each of four.
std::vector<std::vector<double>> drawn_documents(std::size_t documents, std::size_t words) {
  const Key key{5, 1};
  std::vector<std::vector<double>> all(documents, std::vector<double>(words, 0.0));
  Array u(DType::f64, Shape{std::int64_t(documents), 60});
  kernels::fill_uniform(key, nullptr, 0, 1, u.size(), u.data<double>());
  for (std::size_t d = 0; d < documents; ++d)
    for (std::size_t i = 0; i < 60; i += 2) {
      const double a = u.data<double>()[d * 60 + i], b = u.data<double>()[d * 60 + i + 1];
      const std::size_t topic = (d + (a < 0.3 ? 1 : 0)) % 4, part = words / 4;
      all[d][topic * part + std::size_t(b * b * double(part))] += 1;
    }
  return all;
}

void start_apart(CoordinateClimb& climb) {
  Array& n = *climb.naturals()[0];
  Array u(DType::f64, Shape{n.size()});
  kernels::fill_uniform(Key{9, 9}, nullptr, 0, 1, u.size(), u.data<double>());
  for (std::int64_t i = 0; i < n.size(); ++i) n.data<double>()[i] = 2 * u.data<double>()[i];
}

std::vector<double> numbers_of(const Array& a) {
  return {a.data<double>(), a.data<double>() + a.size()};
}

std::vector<double> natural_of(CoordinateClimb& climb) { return numbers_of(*climb.naturals()[0]); }

// With all documents and rho = 1 a stochastic step is a sweep.
TEST(Topics, OneBatchIsASweep) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  TopicModel t(24, 4, 0.3, 0.2, {});
  State a, b;
  CoordinateClimb whole(t.m, data, a);
  BatchClimb batches(t.m, data, b, {});
  start_apart(whole);
  start_apart(batches.climb());
  Workers workers(2);
  for (int step = 0; step < 3; ++step) {
    const double before = whole.elbo(workers);
    EXPECT_NEAR(batches.stochastic(0, 1, workers), before, 1e-10 * std::abs(before));
    whole.sweep(workers);
    EXPECT_EQ(natural_of(whole), natural_of(batches.climb()));
  }
}

std::vector<RowBatch> cut(const DataSet& data, std::int64_t documents, std::int64_t of) {
  std::vector<RowBatch> all;
  const double* begins = data.columns.at("begins").data<double>();
  std::int64_t d = 0;
  for (std::int64_t r = 0; r < data.rows; ++r) {
    if (begins[r] != 0 && d++ % documents == 0)
      all.push_back({r, 0, double(std::min(documents, of - d + 1)) / double(of)});
    ++all.back().rows;
  }
  return all;
}

// Memoised visits never lower the bound, and end where sweeps do; one pass over the batches with
// factors as they are gives the bound of all documents.
TEST(Topics, MemoisedBatchesClimb) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  TopicModel t(24, 4, 0.3, 0.2);
  State state, other;
  BatchClimb batches(t.m, data, state, {}, cut(data, 7, 30));
  ASSERT_EQ(batches.batches(), 5);
  CoordinateClimb whole(t.m, data, other);
  start_apart(batches.climb());
  start_apart(whole);
  Workers workers(2);
  EXPECT_NEAR(batches.elbo(workers), whole.elbo(workers), 1e-9);
  double bound = -INFINITY;
  for (int visit = 0; visit < 400; ++visit) {
    const double now = batches.memoised(visit % 5, workers);
    if (visit < 5) continue;
    EXPECT_GE(now, bound - 1e-9);
    bound = now;
  }
  EXPECT_NEAR(bound, batches.elbo(workers), 1e-6);
}

// Over batches of equal shares the scaled statistics average to those of all documents.
TEST(Topics, StatisticsOfBatchesAddUp) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  TopicModel t(24, 4, 0.3, 0.2);
  State state, other;
  BatchClimb batches(t.m, data, state, {}, cut(data, 6, 30));
  CoordinateClimb whole(t.m, data, other);
  start_apart(whole);
  start_apart(batches.climb());
  const std::vector<double> from = natural_of(whole);
  Workers workers(1);
  whole.sweep(workers);
  const std::vector<double> want = natural_of(whole);
  std::vector<double> mean(want.size(), 0.0);
  for (int b = 0; b < 5; ++b) {
    std::copy(from.begin(), from.end(), batches.climb().naturals()[0]->data<double>());
    batches.stochastic(b, 1, workers, false);
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += natural_of(batches.climb())[i] / 5;
  }
  for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(mean[i], want[i], 1e-10);
}

CoordinateOptions warm() {
  CoordinateOptions o;
  o.warm = true;
  return o;
}

// Coordinate ascent in gamma, phi and lambda, written out (Blei, Ng & Jordan 2003, section 5; one
// update of gamma in a pass), and the bound as its definition has it.
struct PlainAscent {
  std::vector<std::vector<double>> n, gamma,
      lambda;  // [document, word], [.., topic], [topic, word]
  double alpha, eta;

  static std::vector<double> expected_log(const std::vector<double>& dirichlet) {
    using boost::math::digamma;
    std::vector<double> e;
    const double all = std::accumulate(dirichlet.begin(), dirichlet.end(), 0.0);
    for (const double a : dirichlet) e.push_back(digamma(a) - digamma(all));
    return e;
  }
  // E log p(x) - E log q(x) of x ~ Dir(q) with the prior Dir(p, ..., p).
  static double beyond_prior(const std::vector<double>& q, double p) {
    const std::vector<double> e = expected_log(q);
    const auto k = double(q.size());
    double f = std::lgamma(k * p) - k * std::lgamma(p) -
               std::lgamma(std::accumulate(q.begin(), q.end(), 0.0));
    for (std::size_t i = 0; i < q.size(); ++i) f += std::lgamma(q[i]) + (p - q[i]) * e[i];
    return f;
  }
  double sweep() {
    const std::size_t topics = lambda.size(), words = lambda[0].size();
    std::vector<std::vector<double>> beta, counts(topics, std::vector<double>(words, 0.0));
    for (const std::vector<double>& l : lambda) beta.push_back(expected_log(l));
    double entropies = 0;
    for (std::size_t d = 0; d < n.size(); ++d) {
      const auto each_word = [&](auto&& f) {  // of phi, by topics
        const std::vector<double> theta = expected_log(gamma[d]);
        for (std::size_t w = 0; w < words; ++w) {
          std::vector<double> phi;
          for (std::size_t k = 0; k < topics; ++k) phi.push_back(std::exp(theta[k] + beta[k][w]));
          const double sum = std::accumulate(phi.begin(), phi.end(), 0.0);
          for (double& x : phi) x /= sum;
          f(w, phi, theta);
        }
      };
      std::vector<double> next(topics, alpha);
      each_word([&](std::size_t w, const std::vector<double>& phi, const auto&) {
        for (std::size_t k = 0; k < topics; ++k) next[k] += n[d][w] * phi[k];
      });
      gamma[d] = next;
      each_word([&](std::size_t w, const std::vector<double>& phi, const auto& theta) {
        for (std::size_t k = 0; k < topics; ++k) {
          counts[k][w] += n[d][w] * phi[k];
          entropies += n[d][w] * phi[k] * (theta[k] - std::log(phi[k]));
        }
      });
    }
    double bound = entropies;
    for (std::size_t k = 0; k < topics; ++k) {
      for (std::size_t w = 0; w < words; ++w) lambda[k][w] = eta + counts[k][w];
      const std::vector<double> e = expected_log(lambda[k]);
      for (std::size_t w = 0; w < words; ++w) bound += counts[k][w] * e[w];
      bound += beyond_prior(lambda[k], eta);
    }
    for (const std::vector<double>& g : gamma) bound += beyond_prior(g, alpha);
    return bound;
  }
};

// With one update of proportions in a pass, each from where the last pass left it, sweeps are
// coordinate ascent in all that q has.
TEST(WarmTopics, SweepsAreCoordinateAscent) {
  const std::vector<std::vector<double>> documents = drawn_documents(30, 24);
  const DataSet data = entries_of(documents);
  TopicModel t(24, 4, 0.3, 0.2, {1e-300, 1});
  State state;
  CoordinateClimb climb(t.m, data, state, warm());
  EXPECT_TRUE(climb.is_warm());
  EXPECT_EQ(climb.error(), 0);
  start_apart(climb);
  PlainAscent plain{documents, std::vector(30, std::vector(4, 1.0)), {}, 0.3, 0.2};
  for (int k = 0; k < 4; ++k) {
    const double* from = climb.naturals()[0]->data<double>() + 24 * k;
    plain.lambda.emplace_back(from, from + 24);
    for (double& l : plain.lambda.back()) l += 1;
  }
  Workers workers(2);
  for (int sweep = 0; sweep < 60; ++sweep) {
    const double want = plain.sweep(), got = climb.sweep(workers);
    ASSERT_NEAR(got, want, 1e-10 * std::abs(want)) << sweep;
  }
  const std::vector<double> natural = natural_of(climb);
  for (std::size_t i = 0; i < natural.size(); ++i)
    EXPECT_NEAR(natural[i] + 1, plain.lambda[i / 24][i % 24], 1e-8);
  const Array& gamma = *state.find("inside.words.30");
  ASSERT_EQ(gamma.shape(), (Shape{30, 4}));
  for (std::int64_t i = 0; i < gamma.size(); ++i)
    EXPECT_NEAR(gamma.data<double>()[i], plain.gamma[std::size_t(i / 4)][std::size_t(i % 4)], 1e-8);
}

const std::vector<DocumentLoop> kLoops = {{1e-12, 10000}, {0.1, 100}, {1e-12, 1}, {1e-12, 3}};

// However loosely proportions are iterated, no sweep and no visit of a batch lowers the bound, and
// a look at it changes nothing; what it finds is no lower, its proportions being updated further.
TEST(WarmTopics, NoPassLowersTheBound) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  Workers workers(2);
  for (const DocumentLoop loop : kLoops) {
    SCOPED_TRACE(loop.iterations);
    TopicModel t(24, 4, 0.3, 0.2, loop);
    State state;
    CoordinateClimb climb(t.m, data, state, warm());
    start_apart(climb);
    double bound = -INFINITY;
    for (int sweep = 0; sweep < 150; ++sweep) {
      const double now = climb.sweep(workers);
      ASSERT_GE(now, bound - 1e-12 * std::abs(now)) << sweep;
      bound = now;
      if (sweep % 10 != 0) continue;
      const std::vector<double> kept = numbers_of(*state.find("inside.words.30"));
      EXPECT_GE(climb.elbo(workers), bound - 1e-12 * std::abs(bound));
      double total = 0;
      for (const auto& [name, value] : climb.terms(workers)) total += value;
      EXPECT_NEAR(total, climb.elbo(workers), 1e-9);
      EXPECT_EQ(numbers_of(*state.find("inside.words.30")), kept);
    }
    State other;
    BatchClimb batches(t.m, data, other, warm(), cut(data, 7, 30));
    start_apart(batches.climb());
    bound = -INFINITY;
    for (int visit = 0; visit < 400; ++visit) {
      const double now = batches.memoised((visit * 3) % 5, workers);
      if (visit < 5) continue;
      ASSERT_GE(now, bound - 1e-12 * std::abs(now)) << visit;
      bound = now;
      if (visit % 50 != 7) continue;
      const std::vector<double> kept = numbers_of(*other.find("inside.words.30"));
      EXPECT_GE(batches.elbo(workers), bound - 1e-12 * std::abs(bound));
      EXPECT_EQ(numbers_of(*other.find("inside.words.30")), kept);
    }
    for (const double g : numbers_of(*other.find("inside.words.30"))) EXPECT_GT(g, 0);
    ascend(climb, data.rows, {.tolerance = 1e-12}, workers);  // which holds it to no error
  }
}

// The first pass of a climb, and of one that was told to forget, is that of a climb that is not
// warm, bit for bit; and visits of one batch are sweeps.
TEST(WarmTopics, BeginAsOthersDo) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  TopicModel t(24, 4, 0.3, 0.2, {});
  State a, b, c;
  CoordinateClimb cold(t.m, data, a), climb(t.m, data, b, warm());
  BatchClimb batches(t.m, data, c, warm());
  start_apart(cold);
  start_apart(climb);
  start_apart(batches.climb());
  Workers workers(2);
  const double first = cold.sweep(workers);
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(climb.sweep(workers), first);
    EXPECT_EQ(natural_of(climb), natural_of(cold));
    EXPECT_EQ(batches.memoised(0, workers), first);
    for (int sweep = 0; sweep < 3; ++sweep)
      EXPECT_EQ(climb.sweep(workers), batches.memoised(0, workers));
    climb.forget();
    batches.forget();
    start_apart(climb);
    start_apart(batches.climb());
  }
}

// While passes begin anew they are those of a climb that is not warm, bit for bit, in batches too,
// and the next one goes on from the proportions of all of them.
TEST(WarmTopics, ThatBeginAnewAtFirst) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  TopicModel t(24, 4, 0.3, 0.2, {0.01, 100});
  Workers workers(2);
  for (const std::int64_t documents : {30, 7}) {
    State a, b;
    BatchClimb cold(t.m, data, a, {}, cut(data, documents, 30)),
        batches(t.m, data, b, warm(), cut(data, documents, 30));
    start_apart(cold.climb());
    start_apart(batches.climb());
    batches.climb().begin_anew(true);
    EXPECT_EQ(batches.climb().error(), cold.climb().error());
    double bound = -INFINITY;
    for (int visit = 0; visit < 4 * cold.batches(); ++visit) {
      const double want = cold.memoised(visit % cold.batches(), workers);
      bound = batches.memoised(visit % cold.batches(), workers);
      if (visit + 1 < cold.batches()) continue;
      EXPECT_EQ(bound, want);
    }
    batches.climb().begin_anew(false);
    EXPECT_EQ(batches.climb().error(), 0);
    for (const double g : numbers_of(*b.find("inside.words.30"))) EXPECT_GT(g, 0);
    for (int visit = 0; visit < 100; ++visit) {
      const double now = batches.memoised(visit % cold.batches(), workers);
      ASSERT_GE(now, bound - 1e-12 * std::abs(now)) << visit;
      bound = now;
    }
  }
}

TEST(WarmTopics, GoOnFromTheirStateBitForBit) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  TopicModel t(24, 4, 0.3, 0.2, {});
  std::vector<double> bounds[2], gamma[2];
  const auto sweeps = [&](State& state, int from, int to, int threads, std::vector<double>* to_be) {
    Workers workers(threads);
    CoordinateClimb climb(t.m, data, state, warm());
    if (from == 0) start_apart(climb);
    for (int sweep = from; sweep < to; ++sweep) to_be->push_back(climb.sweep(workers));
  };
  State one, first;
  sweeps(one, 0, 9, 1, &bounds[0]);
  sweeps(first, 0, 4, 2, &bounds[1]);
  State rest = first.copy();
  sweeps(rest, 4, 9, 3, &bounds[1]);
  EXPECT_EQ(bounds[0], bounds[1]);
  EXPECT_EQ(numbers_of(*one.find("inside.words.30")), numbers_of(*rest.find("inside.words.30")));
}

// Documents of a state that was made for others begin anew, and leave those of the others alone.
TEST(WarmTopics, OtherDocumentsHaveTheirOwn) {
  const DataSet data = entries_of(drawn_documents(30, 24)),
                few = entries_of(drawn_documents(12, 24));
  TopicModel t(24, 4, 0.3, 0.2, {});
  State state, alone;
  CoordinateClimb climb(t.m, data, state, warm());
  start_apart(climb);
  Workers workers(1);
  climb.sweep(workers);
  const std::vector<double> kept = numbers_of(*state.find("inside.words.30"));
  CoordinateClimb other(t.m, few, state, warm()), cold(t.m, few, alone);
  std::memcpy(cold.naturals()[0]->raw(), climb.naturals()[0]->raw(), climb.naturals()[0]->bytes());
  EXPECT_EQ(other.elbo(workers), cold.elbo(workers));
  other.sweep(workers);
  EXPECT_EQ(state.find("inside.words.12")->shape(), (Shape{12, 4}));
  EXPECT_EQ(numbers_of(*state.find("inside.words.30")), kept);
}

// A document that counts twice is two of them.
TEST(WarmTopics, DocumentsOfWeights) {
  std::vector<std::vector<double>> documents = drawn_documents(20, 24);
  DataSet data = entries_of(documents);
  std::vector<double> weight;
  std::size_t d = 0;
  for (const double b : numbers_of(data.columns.at("begins")))
    weight.push_back((d += b != 0) % 3 == 1 ? 2 : 1);
  data.columns["weight"] = Array::of<double>(Shape{data.rows}, std::span<const double>(weight));
  for (std::size_t i = 0; i < 20; i += 3) documents.push_back(documents[i]);
  const DataSet twice = entries_of(documents);
  TopicModel t(24, 4, 0.3, 0.2, {1e-12, 2}), u(24, 4, 0.3, 0.2, {1e-12, 2});
  t.m.weigh(Plate{&t.m, 0}, t.m.data("weight", Plate{&t.m, 0}, {}, DType::f64));
  State a, b;
  CoordinateClimb weighed(t.m, data, a, warm()), plain(u.m, twice, b, warm());
  start_apart(weighed);
  start_apart(plain);
  Workers workers(2);
  double bound = -INFINITY;
  for (int sweep = 0; sweep < 30; ++sweep) {
    const double now = weighed.sweep(workers), want = plain.sweep(workers);
    EXPECT_NEAR(now, want, 1e-10 * std::abs(want));
    EXPECT_GE(now, bound - 1e-12 * std::abs(now));
    bound = now;
  }
}

TEST(WarmTopics, InSinglePrecisionAndOnEveryInstructionSet) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  DataSet narrow;
  narrow.rows = data.rows;
  for (const auto& [name, column] : data.columns) narrow.columns[name] = column.cast(DType::f32);
  Workers workers(2);
  std::vector<double> bounds;
  for (const auto most : {kernels::Isa::avx512, kernels::Isa::avx2, kernels::Isa::base})
    for (const DType type : {DType::f64, DType::f32}) {
      kernels::limit_isa(most);
      TopicModel t(24, 4, 0.3, 0.2, {1e-12, 5}, type);
      State state, start;
      TopicModel wide(24, 4, 0.3, 0.2);
      CoordinateClimb from(wide.m, data, start),
          climb(t.m, type == DType::f32 ? narrow : data, state, warm());
      start_apart(from);
      const Array as = from.naturals()[0]->cast(type);
      std::memcpy(climb.naturals()[0]->raw(), as.raw(), as.bytes());
      for (int sweep = 0; sweep < 20; ++sweep) climb.sweep(workers);
      bounds.push_back(climb.sweep(workers));
      const double tolerance = type == DType::f32 ? 1e-4 : 1e-10;
      EXPECT_NEAR(bounds.back(), bounds[0], tolerance * std::abs(bounds[0]));
    }
  kernels::limit_isa(kernels::Isa::avx512);
}

// Batches may be of any sizes, the largest last, and be visited in any order.
TEST(WarmTopics, BatchesOfAnySize) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  TopicModel t(24, 4, 0.3, 0.2, {0.01, 100});
  const std::vector<RowBatch> each = cut(data, 1, 30);
  std::vector<RowBatch> all = {each[0], each[1], each[3], each[8]};
  const std::size_t begin[] = {0, 1, 3, 8, 30};
  for (std::size_t b = 0; b < 4; ++b)
    for (std::size_t d = begin[b] + 1; d < begin[b + 1]; ++d) all[b].rows += each[d].rows;
  State state;
  BatchClimb batches(t.m, data, state, warm(), all);
  start_apart(batches.climb());
  Workers workers(2);
  double bound = -INFINITY;
  for (int visit = 0; visit < 40; ++visit) {
    batches.climb().begin_anew(visit < 4);
    const double now = batches.memoised((3 * visit) % 4, workers);
    if (visit > 3) {
      ASSERT_GE(now, bound - 1e-12 * std::abs(now)) << visit;
    }
    if (visit >= 3) bound = now;
  }
  for (const double g : numbers_of(*state.find("inside.words.30"))) EXPECT_GT(g, 0);
  // Kept where they lie, so that a batch costs nothing of the other documents' size.
  EXPECT_EQ(batches.climb().pass().plan().text().find("copy"), std::string::npos);
}

TEST(WarmTopics, WhatIsRefused) {
  const DataSet data = entries_of(drawn_documents(30, 24));
  TopicModel t(24, 4, 0.3, 0.2, {});
  Workers workers(1);
  State state;
  BatchClimb batches(t.m, data, state, warm(), cut(data, 10, 30));
  start_apart(batches.climb());
  EXPECT_THROW(batches.stochastic(0, 0.5, workers), ConfigError);
  EXPECT_THROW(batches.climb().show(1, 20), ConfigError);  // a part of a document
  EXPECT_THROW(batches.climb().show(-1, 20), DataError);
  EXPECT_THROW(Squarem squarem(batches.climb()), ConfigError);
  CoordinateOptions narrow = warm();
  narrow.narrow = true;
  State other;
  EXPECT_THROW(CoordinateClimb(t.m, data, other, narrow), ConfigError);
  Model m(DType::f64);  // where nothing is iterated inside
  const Plate row = m.plate("row");
  m.observe("x", normal(m.latent("mean", normal(0.0, 1.0)), 1.0), m.data("x", row, {}, DType::f64));
  DataSet numbers;
  numbers.rows = 2;
  numbers.columns["x"] = Array::of<double>(Shape{2}, std::vector<double>{1, 2});
  EXPECT_THROW(CoordinateClimb(m, numbers, other, warm()), ConfigError);
}

TEST(Topics, ConcentrationsOfEachTopic) {
  const DataSet data = entries_of(kSix);
  const auto bound = [&](auto alpha) {
    Model m(DType::f64);
    const Plate entry = m.plate("entry"), topic = m.plate("topic", 3);
    const Expr word = m.data("word", entry, {}, DType::f64),
               count = m.data("count", entry, {}, DType::f64),
               begins = m.data("begins", entry, {}, DType::f64);
    const Expr beta = m.latent("topics", dirichlet(0.1), topic, Shape{6});
    m.observe("words", documents(beta, alpha(m), begins, count), word);
    State state;
    CoordinateClimb climb(m, data, state);
    Workers workers(1);
    return climb.elbo(workers);
  };
  const double one = bound([](Model&) { return Arg(0.5); });
  EXPECT_EQ(one, bound([](Model& m) {
              return Arg(m.constant(Array::of<double>(Shape{3}, std::vector<double>(3, 0.5))));
            }));
}

TEST(Topics, WhatDocumentsRefuse) {
  Model m(DType::f64);
  const Plate entry = m.plate("entry"), topic = m.plate("topic", 3);
  const Expr count = m.data("count", entry, {}, DType::f64);
  const Expr beta = m.latent("topics", dirichlet(0.1), topic, Shape{6});
  EXPECT_THROW(documents(beta, 0.5, 1.0, count), ConfigError);
  EXPECT_THROW(documents(0.5, 0.5, count, count), ConfigError);
  EXPECT_THROW(documents(beta, 0.5, count, count, {0, 10}), ConfigError);
}

}  // namespace
}  // namespace fathom
