// The bound of documents under topics against the same fixed point in plain loops, with
// responsibilities written out (Blei, Ng & Jordan 2003, figure 6).
#include <boost/math/special_functions/digamma.hpp>

#include "fathom/kernels/isa.h"
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

struct Corpus {
  std::size_t words = 0, topics = 0;
  std::vector<double> word, count, begins, weight, log_topics, alpha;
  std::vector<double> gamma = {};  // [place, topic] where documents begin; empty: at 1
};

Corpus drawn_corpus(std::size_t words, std::size_t topics, std::vector<std::size_t> lengths,
                    double alpha, double spread) {
  Random random(words + topics);
  Corpus c{words, topics, {}, {}, {}, {}, {}, {}, {}};
  for (const std::size_t n : lengths)
    for (std::size_t i = 0; i < n; ++i) {
      c.word.push_back(std::floor(uniform_in(random, 0, double(words) - 1e-9)));
      c.count.push_back(std::floor(uniform_in(random, 0, 6)));
      c.begins.push_back(i == 0 ? 1 : 0);
      c.weight.push_back(i == 0 ? uniform_in(random, 0, 2) : c.weight.back());
    }
  for (std::size_t i = 0; i < words * topics; ++i)
    c.log_topics.push_back(uniform_in(random, -spread, 0));
  for (std::size_t k = 0; k < topics; ++k) c.alpha.push_back(alpha * uniform_in(random, 0.5, 1));
  return c;
}

struct Solved {
  std::vector<double> bound, counts, gamma;
};

Solved plain(const Corpus& c, double tolerance, int iterations) {
  using boost::math::digamma;
  const std::size_t n = c.word.size(), k = c.topics;
  Solved s{std::vector<double>(n, 0.0), std::vector<double>(c.words * k, 0.0), c.gamma};
  for (std::size_t first = 0; first < n;) {
    std::size_t last = first + 1;
    while (last < n && c.begins[last] == 0) ++last;
    std::vector<double> gamma(k, 1.0), now(k), e(k), phi((last - first) * k), norm(last - first);
    double* kept =
        c.gamma.empty() ? nullptr : s.gamma.data() + k * std::size_t(c.begins[first] - 1);
    if (kept && kept[0] > 0) gamma.assign(kept, kept + k);
    const auto responsibilities = [&] {
      double all = 0;
      for (const double g : gamma) all += g;
      for (std::size_t j = 0; j < k; ++j) e[j] = digamma(gamma[j]) - digamma(all);
      for (std::size_t i = first; i < last; ++i) {
        double* p = phi.data() + (i - first) * k;
        double most = -1e300, sum = 0;
        for (std::size_t j = 0; j < k; ++j) {
          p[j] = e[j] + c.log_topics[j * c.words + std::size_t(c.word[i])];
          most = std::max(most, p[j]);
        }
        for (std::size_t j = 0; j < k; ++j) sum += p[j] = std::exp(p[j] - most);
        for (std::size_t j = 0; j < k; ++j) p[j] /= sum;
        norm[i - first] = most + std::log(sum);
      }
    };
    for (int it = 0; it < iterations; ++it) {
      responsibilities();
      now = c.alpha;
      for (std::size_t i = first; i < last; ++i)
        for (std::size_t j = 0; j < k; ++j) now[j] += c.count[i] * phi[(i - first) * k + j];
      double moved = 0;
      for (std::size_t j = 0; j < k; ++j) moved += std::abs(now[j] - gamma[j]);
      gamma = now;
      if (moved < tolerance * double(k)) break;
    }
    if (kept) std::copy(gamma.begin(), gamma.end(), kept);
    responsibilities();
    double bound = 0, all_gamma = 0, all_alpha = 0;
    for (std::size_t j = 0; j < k; ++j) {
      all_gamma += gamma[j];
      all_alpha += c.alpha[j];
      bound += std::lgamma(gamma[j]) - std::lgamma(c.alpha[j]) - (gamma[j] - c.alpha[j]) * e[j];
    }
    bound += std::lgamma(all_alpha) - std::lgamma(all_gamma);
    for (std::size_t i = first; i < last; ++i) {
      bound += c.count[i] * norm[i - first];
      for (std::size_t j = 0; j < k; ++j)
        s.counts[j * c.words + std::size_t(c.word[i])] +=
            c.weight[first] * c.count[i] * phi[(i - first) * k + j];
    }
    s.bound[first] = bound;
    first = last;
  }
  return s;
}

struct BuiltCorpus {
  std::unique_ptr<Graph> graph = std::make_unique<Graph>(op_table());
  std::vector<Value> outputs;  // bound, expected counts, what gamma becomes
  Value gamma;
  Bindings bindings;

  BuiltCorpus(const Corpus& c, DType t, double tolerance, int iterations, bool streamed = true) {
    const Label row = graph->label("row", streamed);
    const auto n = std::int64_t(c.word.size()), v = std::int64_t(c.words),
               k = std::int64_t(c.topics);
    const Axis rows{n, row};
    const Shape r(std::span<const Axis>(&rows, 1));
    std::vector<Value> in;
    for (const char* name : {"word", "count", "begins", "weight"})
      in.push_back(graph->data(name, t, r) * 1.0);
    in.push_back(graph->data("topics", t, Shape{k, v}));
    in.push_back(graph->data("alpha", t, Shape{k}));
    in.push_back(graph->constant(tolerance, t));
    in.push_back(graph->constant(double(iterations), t));
    const auto places = std::int64_t(c.gamma.size() / c.topics);
    if (places > 0) in.push_back(gamma = graph->slot("gamma", t, Shape{places, k}));
    const DocumentParts parts = document_parts(in);
    const Value bound = parts.bound, total = sum(bound * in[3]);
    outputs = {bound * 1.0, gradient(total, std::vector<Value>{in[4]})[0]};
    if (gamma) outputs.push_back(parts.proportions);
    const auto array = [&](const std::vector<double>& x, const Shape& s) {
      return Array::of<double>(s, std::span<const double>(x)).cast(t);
    };
    bindings = {{"word", array(c.word, Shape{n})},
                {"count", array(c.count, Shape{n})},
                {"begins", array(c.begins, Shape{n})},
                {"weight", array(c.weight, Shape{n})},
                {"topics", array(c.log_topics, Shape{k, v})},
                {"alpha", array(c.alpha, Shape{k})}};
    if (gamma) bindings["gamma"] = array(c.gamma, Shape{places, k});
  }
};

std::vector<Corpus> corpora() {
  return {drawn_corpus(7, 3, {4, 1, 6, 2}, 0.5, 4), drawn_corpus(40, 19, {30, 3, 17}, 0.1, 8),
          drawn_corpus(5, 1, {3, 2}, 1, 2), drawn_corpus(90, 33, {50, 61, 1, 9}, 0.01, 40)};
}

void expect_near(std::span<const double> got, std::span<const double> want, double tol) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i)
    ASSERT_NEAR(got[i], want[i], tol * (1 + std::abs(want[i]))) << i;
}

// By the interpreter, planned for one and for three threads, and on smaller instruction sets.
std::vector<std::vector<Array>> run_everywhere(const BuiltCorpus& f) {
  std::vector<std::vector<Array>> runs = {evaluate_reference(*f.graph, f.outputs, f.bindings),
                                          run_planned(*f.graph, f.outputs, f.bindings, {}, 1),
                                          run_planned(*f.graph, f.outputs, f.bindings, {}, 3)};
  for (const auto most : {kernels::Isa::base, kernels::Isa::avx2}) {
    kernels::limit_isa(most);
    runs.push_back(run_planned(*f.graph, f.outputs, f.bindings));
  }
  kernels::limit_isa(kernels::Isa::avx512);
  return runs;
}

TEST(Documents, AreThePlainFixedPoint) {
  for (const Corpus& c : corpora()) {
    SCOPED_TRACE(c.topics);
    const Solved want = plain(c, 1e-3, 25);
    BuiltCorpus f(c, DType::f64, 1e-3, 25);
    const std::vector<std::vector<Array>> runs = run_everywhere(f);
    for (const std::vector<Array>& run : runs) {
      expect_near(numbers(run[0]), want.bound, 1e-11);
      expect_near(numbers(run[1]), want.counts, 1e-9);
    }
    for (std::size_t i = 0; i < 2; ++i)  // the same bits for any number of threads
      EXPECT_EQ(numbers(runs[1][i]), numbers(runs[2][i]));
  }
}

// More documents than wait at once for their counts to be added, and tiles of words and of topics.
TEST(Documents, ManyOfManyTopics) {
  const Corpus c = drawn_corpus(300, 257, std::vector<std::size_t>(400, 2), 0.5, 4);
  const Solved want = plain(c, 1e-3, 10);
  BuiltCorpus f(c, DType::f64, 1e-3, 10);
  for (const int threads : {1, 2}) {
    const std::vector<Array> run = run_planned(*f.graph, f.outputs, f.bindings, {}, threads);
    expect_near(numbers(run[0]), want.bound, 1e-11);
    expect_near(numbers(run[1]), want.counts, 1e-9);
  }
}

TEST(Documents, InSinglePrecision) {
  const Corpus c = drawn_corpus(40, 19, {30, 3, 17}, 0.1, 8);
  const Solved want = plain(c, 1e-3, 200);
  BuiltCorpus f(c, DType::f32, 1e-3, 200);
  const std::vector<Array> run = run_planned(*f.graph, f.outputs, f.bindings);
  expect_near(numbers(run[0]), want.bound, 1e-4);
}

// At the optimum the derivative of a maximum is that of what is maximised.
TEST(Documents, GradientIsThatOfTheOptimum) {
  Corpus c = drawn_corpus(7, 3, {4, 1, 6, 2}, 0.5, 4);
  const Solved at = plain(c, 1e-14, 5000);
  const auto total = [&](const Corpus& x) {
    BuiltCorpus f(x, DType::f64, 1e-14, 5000);
    const std::vector<double> b = numbers(run_planned(*f.graph, f.outputs, f.bindings)[0]);
    double sum = 0;
    for (std::size_t i = 0; i < b.size(); ++i) sum += b[i] * x.weight[i];
    return sum;
  };
  for (std::size_t i = 0; i < c.log_topics.size(); ++i) {
    Corpus up = c, down = c;
    up.log_topics[i] += 1e-4;
    down.log_topics[i] -= 1e-4;
    EXPECT_NEAR((total(up) - total(down)) / 2e-4, at.counts[i], 1e-6) << i;
  }
}

// Concentrations whose exp(psi) is below the range of f32, and words that no topic has within it.
TEST(Documents, SmallConcentrationsStayFinite) {
  Corpus c = drawn_corpus(6, 4, {3, 3}, 1e-3, 1);
  c.count = {1, 0, 0, 1, 1, 1};
  for (std::size_t j = 0; j < 4; ++j) c.log_topics[6 * j + std::size_t(c.word[0])] -= 900;
  for (const DType t : {DType::f32, DType::f64}) {
    BuiltCorpus f(c, t, 1e-6, 500);
    const std::vector<Array> run = run_planned(*f.graph, f.outputs, f.bindings);
    for (const Array& a : run)
      for (const double x : numbers(a)) EXPECT_TRUE(std::isfinite(x));
    expect_near(numbers(run[0]), plain(c, 1e-6, 500).bound, t == DType::f32 ? 1e-4 : 1e-10);
  }
}

// The same documents numbered in another order, two of three places being theirs; some of these
// hold nothing yet.
Corpus kept_corpus(Corpus c) {
  Random random(7);
  std::size_t documents = 0;
  for (const double b : c.begins) documents += b != 0;
  const std::size_t places = 3 * documents / 2 + 1;
  std::vector<std::size_t> order(places);
  for (std::size_t i = 0; i < places; ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  std::size_t d = 0;
  for (double& b : c.begins)
    if (b != 0) b = double(order[d++] + 1);
  for (std::size_t p = 0; p < places; ++p)
    for (std::size_t j = 0; j < c.topics; ++j)
      c.gamma.push_back(p % 4 == 3 ? 0 : std::exp(uniform_in(random, -9, 3)));
  return c;
}

// From kept proportions the fixed point is the plain one from there, wherever the kept ones lie and
// whoever computes it; places of no document keep what they hold.
TEST(Documents, BeginWhereTheyAreKept) {
  for (const Corpus& cold : corpora())
    for (const int iterations : {1, 2, 25}) {
      SCOPED_TRACE(cold.topics);
      const Corpus c = kept_corpus(cold);
      const Solved want = plain(c, 1e-3, iterations);
      BuiltCorpus f(c, DType::f64, 1e-3, iterations);
      std::vector<std::vector<Array>> runs = run_everywhere(f);
      BuiltCorpus whole(c, DType::f64, 1e-3, iterations, false);
      runs.push_back(run_planned(*whole.graph, whole.outputs, whole.bindings));
      for (const std::vector<Array>& run : runs) {
        expect_near(numbers(run[0]), want.bound, 1e-11);
        expect_near(numbers(run[1]), want.counts, 1e-9);
        expect_near(numbers(run[2]), want.gamma, 1e-9);
      }
      for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(numbers(runs[1][i]), numbers(runs[2][i]));
      BuiltCorpus single(c, DType::f32, 1e-3, iterations);
      const std::vector<Array> run = run_planned(*single.graph, single.outputs, single.bindings);
      expect_near(numbers(run[0]), want.bound, 1e-4);
    }
}

// Each update raises the bound of every document, from wherever it begins.
TEST(Documents, UpdatesRaiseTheBoundOfWhereTheyBegin) {
  for (const Corpus& cold : corpora()) {
    SCOPED_TRACE(cold.topics);
    const Corpus c = kept_corpus(cold);
    std::vector<double> last = plain(c, 1e-3, 0).bound;
    for (const int iterations : {1, 2, 3, 10, 100}) {
      BuiltCorpus f(c, DType::f64, 1e-12, iterations);
      const std::vector<double> bound = numbers(run_planned(*f.graph, f.outputs, f.bindings)[0]);
      for (std::size_t i = 0; i < bound.size(); ++i)
        EXPECT_GE(bound[i], last[i] - 1e-12 * (1 + std::abs(last[i]))) << iterations << " " << i;
      last = bound;
    }
  }
}

// As the new value of their slot proportions are formed in its memory, without a copy, and where
// the old ones are wanted too, beside it; runs go on from each other, documents apart as together.
TEST(Documents, KeptProportionsAreASlot) {
  const Corpus c = kept_corpus(drawn_corpus(40, 19, {30, 3, 17, 8, 1, 12}, 0.1, 8));
  BuiltCorpus f(c, DType::f64, 1e-12, 3);
  const std::vector<Update> update = {{f.gamma, f.outputs[2]}};
  Workers workers(2);
  std::vector<std::vector<double>> kept;
  for (const bool old : {false, true}) {
    State state = state_of(*f.graph, f.bindings);
    std::vector<Value> wanted = {f.outputs[0]};
    if (old) wanted.push_back(f.gamma);
    Program program(*f.graph, wanted, update, state);
    EXPECT_EQ(program.plan().text().find("copy") != std::string::npos, old);
    bind_all(program, *f.graph, f.bindings);
    for (int run = 0; run < 2; ++run) program.run(workers);
    kept.push_back(numbers(*state.find("gamma")));
  }
  EXPECT_EQ(kept[0], kept[1]);
  Corpus once = c;
  for (int run = 0; run < 2; ++run) once.gamma = plain(once, 1e-12, 3).gamma;
  expect_near(kept[0], once.gamma, 1e-9);

  State state = state_of(*f.graph, f.bindings);
  Program program(*f.graph, std::span(f.outputs).first(1), update, state);
  for (int run = 0; run < 2; ++run)
    for (const auto& [first, last] : {std::pair(33, 71), std::pair(0, 33)}) {
      for (const char* name : {"word", "count", "begins", "weight"})
        program.bind(name, f.bindings.at(name).part(first, last - first));
      program.bind("topics", f.bindings.at("topics"));
      program.bind("alpha", f.bindings.at("alpha"));
      program.run(workers);
    }
  EXPECT_EQ(numbers(*state.find("gamma")), kept[0]);
}

TEST(Documents, AWordThatIsNoneIsSeen) {
  Corpus c = drawn_corpus(6, 4, {3, 3}, 0.1, 1);
  c.word[4] = 6;
  BuiltCorpus f(c, DType::f64, 1e-3, 100);
  const std::vector<double> bound = numbers(run_planned(*f.graph, f.outputs, f.bindings)[0]);
  EXPECT_TRUE(std::isfinite(bound[0]));
  EXPECT_TRUE(std::isnan(bound[3]));
}

TEST(Documents, ShapesThatDoNotFit) {
  Graph g(op_table());
  const Value row = g.data("row", DType::f64, Shape{4}), v = g.data("v", DType::f64, Shape{3, 6}),
              alpha = g.data("alpha", DType::f64, Shape{2}), one = g.constant(1.0, DType::f64);
  EXPECT_THROW(document_parts(std::vector<Value>{row, row, row, row, v, alpha, one, one}),
               ShapeError);
  const Value three = g.data("three", DType::f64, Shape{3});
  EXPECT_THROW(document_parts(std::vector<Value>{row, row, row, row, v, three, one, one, v}),
               ShapeError);
}

}  // namespace
}  // namespace fathom::test
