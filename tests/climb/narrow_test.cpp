// Rows in f32, their sums in f64: what a pass gives differs from f64 by rounding, and a fit ends
// where one in f64 ends.
#include "fathom/ops/narrow.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/ascend.h"
#include "fathom/climb/squarem.h"
#include "fathom/climb/start.h"
#include "fathom/exec/program.h"
#include "fathom/exec/reference.h"
#include "fathom/kernels/rng.h"
#include "fathom/ops/all_ops.h"
#include "fathom/zoo/gaussian_mixture.h"

namespace fathom {
namespace {

// Rows around three centres, with the digits of f32.
Array single_rows(std::int64_t n, std::int64_t d, double apart) {
  Array x(DType::f64, Shape{n, d});
  kernels::fill_normal(Key{3, 1}, nullptr, 0, n, d, x.data<double>());
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j) {
      double& v = x.data<double>()[i * d + j];
      v = float(v + apart * double((i % 3 + j) % 3));
    }
  return x;
}

class NarrowSums : public ::testing::Test {
 protected:
  static constexpr std::int64_t kRows = 1000, kColumns = 3, kParts = 4;
  void SetUp() override {
    g = std::make_unique<Graph>(op_table());
    const Label row = g->label("row", true);
    x = g->data("x", DType::f64, Shape{kColumns}.with_front({kRows, row}));
    weight = g->slot("weight", DType::f64, Shape{kParts, 1 + kColumns + 6});
    const Value scores = contract(quadratic_features(x), weight, 0, 1, false, true);
    const Value norm = logsumexp(scores, 1);
    const Value share = softmax(scores, 1);
    outputs = {sum(norm), contract(share, quadratic_features(x), 0, 1, true, false),
               sum(share, 0, 1), sum(tanh(x) * x)};
    data = single_rows(kRows, kColumns, 1);
    Array& w = state.slot("weight", DType::f64, weight.shape());
    kernels::fill_normal(Key{3, 2}, nullptr, 0, 1, w.size(), w.data<double>());
    for (std::int64_t i = 0; i < w.size(); ++i) w.data<double>()[i] *= 0.3;
  }
  std::vector<Array> run(std::span<const Value> values, int threads) {
    Program p(*g, values, {}, state);
    p.bind("x", data);
    Workers workers(threads);
    p.run(workers);
    std::vector<Array> out;
    for (int k = 0; k < int(values.size()); ++k) out.push_back(p.output_array(k));
    return out;
  }

  std::unique_ptr<Graph> g;
  Value x, weight;
  std::vector<Value> outputs;
  State state;
  Array data;
};

TEST_F(NarrowSums, AreThoseOfWideRowsButForRounding) {
  const std::vector<Value> narrow = narrowed(outputs);
  for (const Value& v : narrow) EXPECT_EQ(v.dtype(), DType::f64);
  const std::vector<Array> wide = run(outputs, 2), single = run(narrow, 2);
  bool differ = false;
  for (std::size_t k = 0; k < wide.size(); ++k) {
    ASSERT_EQ(wide[k].shape(), single[k].shape());
    double largest = 0;
    for (const double v : wide[k].values<double>()) largest = std::max(largest, std::abs(v));
    for (std::int64_t i = 0; i < wide[k].size(); ++i) {
      const double a = wide[k].data<double>()[i], b = single[k].data<double>()[i];
      EXPECT_NEAR(a, b, 2e-6 * largest) << "sum " << k << ", element " << i;
      differ = differ || a != b;
    }
  }
  EXPECT_TRUE(differ) << "nothing was computed in f32";
}

TEST_F(NarrowSums, HaveTheSameBitsForAnyNumberOfThreads) {
  const std::vector<Value> narrow = narrowed(outputs);
  const std::vector<Array> one = run(narrow, 1), two = run(narrow, 2), three = run(narrow, 3);
  for (std::size_t k = 0; k < one.size(); ++k)
    for (std::int64_t i = 0; i < one[k].size(); ++i) {
      EXPECT_EQ(one[k].data<double>()[i], two[k].data<double>()[i]);
      EXPECT_EQ(one[k].data<double>()[i], three[k].data<double>()[i]);
    }
}

TEST_F(NarrowSums, OfNothingThatVariesAreTheValuesThemselves) {
  const Value shared = sum(square(weight));
  EXPECT_EQ(narrowed(std::span(&shared, 1))[0], shared);
}

Ascent fit(const Array& x, bool narrow, const AscentConfig& config, State& state) {
  GaussianMixture mixture(3, x.shape().extent(1), GaussianMixturePrior::of_rows(x, 1));
  DataSet data;
  data.rows = x.shape().extent(0);
  data.columns["x"] = x;
  CoordinateOptions options;
  options.narrow = narrow;
  CoordinateClimb climb(mixture.model, data, state, options);
  Workers workers(2);
  climb.start({{"which", block_start(x, 3)}}, workers);
  return ascend(climb, data.rows, config, workers);
}

TEST(NarrowFit, EndsWhereTheWideOneEnds) {
  const Array x = single_rows(3000, 4, 1.5);
  AscentConfig config;
  config.sweeps = 5000;
  config.tolerance = 1e-10;
  State a, b;
  const Ascent wide = fit(x, false, config, a), narrow = fit(x, true, config, b);
  EXPECT_TRUE(wide.converged);
  EXPECT_TRUE(narrow.converged);
  EXPECT_EQ(wide.narrow_sweeps, 0);
  EXPECT_GT(narrow.narrow_sweeps, 2);
  EXPECT_LT(narrow.narrow_sweeps, narrow.sweeps);
  EXPECT_NEAR(wide.elbo(), narrow.elbo(), 1e-9 * std::abs(wide.elbo()));
}

// What a chain of gaussians reads is exact whatever else is asked for, and so are sums of what is
// made of it.
TEST(Narrowed, ChainsOfGaussiansWhereverTheyStand) {
  constexpr std::int64_t rows = 50;
  for (const bool first : {false, true}) {
    Graph g(op_table());
    const Axis axis{rows, g.label("row", true)};
    const Shape each(std::span<const Axis>(&axis, 1));
    const Value y = g.data("y", DType::f64, each), begins = g.data("begins", DType::f64, each);
    const auto matrix = [](Value v) { return reshape(v, v.shape().with_back(1).with_back(1)); };
    const auto all = [&](double v, const Shape& s) { return broadcast_to(g.constant(v), s); };
    const Value precision = exp(y) + 1e9, h = reshape(precision * y, each.with_back(1));
    const LinkedParts c =
        linked_parts(std::vector<Value>{h, matrix(precision * -0.5), all(0, Shape{1}),
                                        all(-0.5, Shape{1, 1}), all(1, Shape{1, 1})},
                     begins);
    const Value chain = sum(c.log_norm), apart = sum(precision),
                met = contract(reshape(y, each.with_back(1)), c.mean, 0, 1, true, false);
    std::vector<Value> values = {apart, chain, met};
    if (first) std::swap(values[0], values[1]);
    const std::vector<Value> narrow = narrowed(values);
    Array numbers(DType::f64, Shape{rows}), marks(DType::f64, Shape{rows});
    for (std::int64_t i = 0; i < rows; ++i)
      numbers.data<double>()[i] = float(30 + std::sin(double(i)));
    marks.data<double>()[0] = 1;
    const Bindings in = {{"y", numbers}, {"begins", marks}};
    const auto want = evaluate_reference(g, values, in), got = evaluate_reference(g, narrow, in);
    const std::size_t at = first ? 0 : 1;
    EXPECT_EQ(*want[at].data<double>(), *got[at].data<double>());
    EXPECT_EQ(*want[2].data<double>(), *got[2].data<double>());
  }
}

// A level whose steps are small beside the noise of what is seen: precisions of both are added, and
// f32 would hold the larger one alone.
Ascent fit_level(bool driven, double variance, bool narrow, State& state) {
  const std::int64_t rows = 20000;
  Model m{DType::f64};
  const Plate row = m.plate("row");
  const Expr begins = m.data("begins", row, {}, DType::f64), y = m.data("y", row, {}, DType::f64);
  const Expr steps = m.latent("steps", gamma(1e-3, 1e-3), Shape{1}),
             noise = m.latent("noise", gamma(1e-3, 1e-3));
  const auto one = [&](const Shape& s) {
    const double v = 1;
    return m.constant(Array::of<double>(s, std::span(&v, 1)));
  };
  const Expr x =
      m.latent("x",
               driven ? driven_chain(one(Shape{1, 1}), one(Shape{1, 1}), steps, 0.0, begins)
                      : linked_chain(0.0, 1e-4, one(Shape{1, 1}), steps, begins),
               row, Shape{1});
  m.observe("y", normal_precision(inner(x, one(Shape{1})), noise), y);
  DataSet data;
  data.rows = rows;
  Array seen(DType::f64, Shape{rows}), first(DType::f64, Shape{rows}),
      moved(DType::f64, Shape{rows});
  kernels::fill_normal(Key{5, 1}, nullptr, 0, 1, rows, seen.data<double>());
  kernels::fill_normal(Key{5, 2}, nullptr, 0, 1, rows, moved.data<double>());
  double level = 0;
  for (std::int64_t t = 0; t < rows; ++t) {
    level += std::sqrt(variance) * moved.data<double>()[t];
    seen.data<double>()[t] = float(level + seen.data<double>()[t]);
  }
  first.data<double>()[0] = 1;
  data.columns = {{"y", seen}, {"begins", first}};
  CoordinateOptions options;
  options.narrow = narrow;
  CoordinateClimb climb(m, data, state, options);
  const auto start = [&](const char* latent, double v) {
    *state.find(std::string(latent) + ".natural.0")->data<double>() = 50;
    *state.find(std::string(latent) + ".natural.1")->data<double>() = -50 * v;
  };
  start("steps", variance);
  start("noise", 2);
  Workers workers(1);
  Squarem fast(climb);
  const Stepper step = [&](Workers& w) {
    const SquaremStep s = fast.step(w);
    return AscentStep{s.elbo, s.sweeps};
  };
  return ascend_by(step, true, climb, rows, {.sweeps = 5000, .tolerance = 1e-12}, workers);
}

TEST(NarrowFit, OfALevelWithSmallStepsEndsWhereTheWideOneEnds) {
  for (const bool driven : {false, true})
    for (const double variance : {1e-4, 1e-8}) {
      State a, b;
      const Ascent wide = fit_level(driven, variance, false, a),
                   narrow = fit_level(driven, variance, true, b);
      EXPECT_TRUE(wide.converged);
      EXPECT_TRUE(narrow.converged);
      EXPECT_GT(narrow.narrow_sweeps, 2);
      EXPECT_NEAR(wide.elbo(), narrow.elbo(), 1e-9 * std::abs(wide.elbo()))
          << (driven ? "driven " : "linked ") << variance;
    }
}

}  // namespace
}  // namespace fathom
