// Steps of the optimisers through the public climb and fit, against their textbook recursions with
// gradients written out by hand: a regression whose bound is the quadratic known from least
// squares.
#include "fathom/climb/optimiser.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/fit.h"

namespace fathom {
namespace {

constexpr int kPoints = 23, kCoefficients = 3;
constexpr double kSd = 0.8;

using Slopes = std::vector<double>;

double norm(const Slopes& g) {
  double s = 0;
  for (const double v : g) s += v * v;
  return std::sqrt(s);
}

// y ~ N(x'a + z'b, sd^2): slopes in two parameters, so that a global norm is of both.
class TwoSlopes : public ::testing::Test {
 protected:
  TwoSlopes() {
    const Plate row = model.plate("row");
    const Expr x = model.data("x", row, Shape{2}, DType::f64);
    const Expr z = model.data("z", row, Shape{1}, DType::f64);
    const Expr y = model.data("y", row, {}, DType::f64);
    const Expr a = model.parameter("a", Shape{2}), b = model.parameter("b", Shape{1});
    model.observe("y", normal(inner(x, a) + inner(z, b), kSd), y);
    data.rows = kPoints;
    Array xs(DType::f64, Shape{kPoints, 2}), zs(DType::f64, Shape{kPoints, 1}),
        ys(DType::f64, Shape{kPoints});
    for (std::int64_t n = 0; n < kPoints; ++n) {
      const Random4 r = philox(Key{6, 1}, std::uint64_t(n), 0);
      const auto unit = [&](int k) { return (double(r.word[k]) + 0.5) * 0x1p-32; };
      xs.data<double>()[2 * n] = 1;
      xs.data<double>()[2 * n + 1] = 2 * unit(0) - 1;
      zs.data<double>()[n] = 2 * unit(1) - 1;
      ys.data<double>()[n] = 0.5 - 2 * unit(0) + unit(1) + 0.4 * unit(2);
    }
    data.columns = {{"x", xs}, {"z", zs}, {"y", ys}};
    GradientClimb::init(model, Key{1, 1}, state);
  }

  // The gradient of minus the mean over `rows` of log N(y; x'w, sd^2).
  Slopes gradient_at(const Slopes& w, std::span<const std::int64_t> rows) const {
    Slopes g(kCoefficients, 0.0);
    for (const std::int64_t n : rows) {
      const double* x = data.columns.at("x").data<double>() + 2 * n;
      const double z = data.columns.at("z").data<double>()[n],
                   y = data.columns.at("y").data<double>()[n];
      const double error = w[0] * x[0] + w[1] * x[1] + w[2] * z - y,
                   unit = error / (kSd * kSd) / double(rows.size());
      g[0] += unit * x[0];
      g[1] += unit * x[1];
      g[2] += unit * z;
    }
    return g;
  }

  void set(const Slopes& w) {
    std::copy_n(w.data(), 2, state.find("a")->data<double>());
    *state.find("b")->data<double>() = w[2];
  }
  Slopes slopes(const std::string& suffix = "") const {
    const double* a = state.find("a" + suffix)->data<double>();
    return {a[0], a[1], *state.find("b" + suffix)->data<double>()};
  }
  void expect_slopes(const Slopes& want, const std::string& suffix = "") const {
    const Slopes got = slopes(suffix);
    for (std::size_t i = 0; i < kCoefficients; ++i)
      EXPECT_NEAR(got[i], want[i], 1e-12 * (1 + std::abs(want[i]))) << suffix << i;
  }
  // Rows of step t, so that no two neighbouring steps have the same.
  static std::vector<std::int64_t> rows_of(std::int64_t t) {
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < 5 + t % 3; ++i) rows.push_back((7 * t + 3 * i) % kPoints);
    return rows;
  }
  // A rate of its own for each step.
  static double rate_of(std::int64_t t) { return 0.2 / (1 + 0.1 * double(t)); }

  ClimbOptions options(const std::string& kind, double momentum, double clip) const {
    ClimbOptions o;
    o.batch = 8;
    o.optimiser.kind = kind;
    o.optimiser.momentum = momentum;
    o.clip = clip;
    return o;
  }

  Model model{DType::f64};
  DataSet data;
  State state;
  Workers workers{1};
};

// v <- momentum v + g, x <- x - rate v: Polyak 1964; Sutskever et al. 2013, equations 1 and 2, with
// the rate outside the velocity.
TEST_F(TwoSlopes, DescentWithMomentumIsTheRecursion) {
  for (const double momentum : {0.9, 0.5, 0.0}) {
    SCOPED_TRACE(momentum);
    state = State();
    GradientClimb::init(model, Key{1, 1}, state);
    GradientClimb climb(model, options("sgd", momentum, 0), state);
    climb.bind(data);
    Slopes w = {0.3, -0.2, 0.1}, v(kCoefficients, 0.0);
    set(w);
    for (std::int64_t t = 1; t <= 20; ++t) {
      SCOPED_TRACE(t);
      const std::vector<std::int64_t> rows = rows_of(t);
      const Slopes g = gradient_at(w, rows);
      climb.step(rows, Key{1, 2}, rate_of(t), t, workers);
      for (std::size_t i = 0; i < kCoefficients; ++i) {
        v[i] = momentum * v[i] + g[i];
        w[i] -= rate_of(t) * v[i];
      }
      expect_slopes(w);
      expect_slopes(v, ".m");
    }
  }
}

// Kingma & Ba 2015, algorithm 1, with its bias corrections where the algorithm has them.
TEST_F(TwoSlopes, AdamIsAlgorithmOne) {
  GradientClimb climb(model, options("adam", 0, 0), state);
  climb.bind(data);
  const double b1 = 0.9, b2 = 0.999, epsilon = 1e-8;
  Slopes w = {0.3, -0.2, 0.1}, m(kCoefficients, 0.0), v(kCoefficients, 0.0);
  set(w);
  for (std::int64_t t = 1; t <= 20; ++t) {
    SCOPED_TRACE(t);
    const std::vector<std::int64_t> rows = rows_of(t);
    const Slopes g = gradient_at(w, rows);
    climb.step(rows, Key{1, 2}, rate_of(t), t, workers);
    for (std::size_t i = 0; i < kCoefficients; ++i) {
      m[i] = b1 * m[i] + (1 - b1) * g[i];
      v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
      const double first = m[i] / (1 - std::pow(b1, double(t))),
                   second = v[i] / (1 - std::pow(b2, double(t)));
      w[i] -= rate_of(t) * first / (std::sqrt(second) + epsilon);
    }
    expect_slopes(w);
  }
}

// One step moves by rate g min(1, c / |g|), with |g| the norm over both parameters: Pascanu,
// Mikolov & Bengio 2013, algorithm 1.
TEST_F(TwoSlopes, ClippingScalesByTheGlobalNorm) {
  const Slopes start = {1.4, -0.6, 0.8};
  const std::vector<std::int64_t> rows = rows_of(3);
  const Slopes g = gradient_at(start, rows);
  const double size = norm(g), rate = 0.37;
  ASSERT_GT(size, 0.5);
  for (const double c : {1e-3, 0.1 * size, 0.999 * size, size, 1.001 * size, 100.0}) {
    SCOPED_TRACE(c);
    state = State();
    GradientClimb::init(model, Key{1, 1}, state);
    GradientClimb climb(model, options("sgd", 0.9, c), state);
    climb.bind(data);
    set(start);
    climb.step(rows, Key{1, 2}, rate, 1, workers);
    Slopes want = start, moved = slopes();
    for (std::size_t i = 0; i < kCoefficients; ++i) {
      want[i] -= rate * g[i] * std::min(1.0, c / size);
      moved[i] -= start[i];
    }
    expect_slopes(want);
    EXPECT_NEAR(norm(moved), rate * std::min(c, size), 1e-12);
  }
}

// The velocity gathers clipped gradients, and is not clipped itself.
TEST_F(TwoSlopes, MomentumGathersClippedGradients) {
  const double momentum = 0.9, c = 0.25;
  GradientClimb climb(model, options("sgd", momentum, c), state);
  climb.bind(data);
  Slopes w = {1.4, -0.6, 0.8}, v(kCoefficients, 0.0);
  set(w);
  int clipped = 0;
  double fastest = 0;
  for (std::int64_t t = 1; t <= 20; ++t) {
    SCOPED_TRACE(t);
    const std::vector<std::int64_t> rows = rows_of(t);
    const Slopes g = gradient_at(w, rows);
    const double scale = std::min(1.0, c / norm(g));
    clipped += scale < 1;
    climb.step(rows, Key{1, 2}, rate_of(t), t, workers);
    for (std::size_t i = 0; i < kCoefficients; ++i) {
      v[i] = momentum * v[i] + scale * g[i];
      w[i] -= rate_of(t) * v[i];
    }
    fastest = std::max(fastest, norm(v));
    expect_slopes(w);
    expect_slopes(v, ".m");
  }
  EXPECT_GT(clipped, 0);
  EXPECT_LT(clipped, 20);
  EXPECT_GT(fastest, 2 * c);
}

// A gradient of exactly 0 has no direction: clipping leaves the parameters where they are.
TEST_F(TwoSlopes, ClippingOfNoGradientIsNoStep) {
  Model still(DType::f64);
  const Plate row = still.plate("row");
  const Expr y = still.data("y", row, {}, DType::f64), mean = still.parameter("mean", {});
  still.observe("y", normal(mean, 1.0), y);
  DataSet two;
  two.rows = 2;
  two.columns["y"] = Array::of<double>(Shape{2}, std::vector<double>{-1, 1});
  for (const std::string kind : {"sgd", "adam"}) {
    State s;
    GradientClimb::init(still, Key{1, 1}, s);
    GradientClimb climb(still, options(kind, 0.9, 0.5), s);
    climb.bind(two);
    const std::vector<std::int64_t> rows = {0, 1};
    climb.step(rows, Key{1, 2}, 0.1, 1, workers);
    EXPECT_EQ(*s.find("mean")->data<double>(), 0) << kind;
  }
}

// A fit is the recursion along the order of each epoch, at the rates of the schedule: cosine after
// a linear rise, as its formulas have it.
TEST_F(TwoSlopes, FitTakesTheStepsAtTheRatesOfTheSchedule) {
  FitConfig c;
  c.epochs = 5;
  c.batch = 6;  // 23 rows: four steps an epoch, the last of five rows
  c.rate = 0.15;
  c.seed = 12;
  c.clip = 0.6;
  c.optimiser.kind = "sgd";
  c.optimiser.momentum = 0.7;
  c.schedule.kind = "cosine";
  c.schedule.warmup = 1.5;
  c.schedule.end = 0.2;
  init_fit(model, c, state);
  Slopes w = slopes(), v(kCoefficients, 0.0);
  std::vector<double> rates;
  FitCallbacks callbacks;
  callbacks.epoch = [&](const EpochRecord& r) { rates.push_back(r.rate); };
  const FitResult result = fit(model, data, {}, c, state, {}, workers, callbacks);
  EXPECT_EQ(result.position.step, 20);
  const auto factor = [](double epoch) {
    if (epoch < 1.5) return (epoch + 1e-9) / 1.5;
    return 0.2 + 0.8 * (1 + std::cos(M_PI * (epoch - 1.5) / 3.5)) / 2;
  };
  for (int epoch = 0; epoch < 5; ++epoch) {
    const std::vector<std::int64_t> order = epoch_order(12, epoch, kPoints);
    EXPECT_NEAR(rates[std::size_t(epoch)], 0.15 * factor(epoch), 1e-15);
    for (int b = 0; b < 4; ++b) {
      const std::span<const std::int64_t> rows(order.data() + 6 * b, b < 3 ? 6 : 5);
      const Slopes g = gradient_at(w, rows);
      const double scale = std::min(1.0, 0.6 / norm(g));
      for (std::size_t i = 0; i < kCoefficients; ++i) {
        v[i] = 0.7 * v[i] + scale * g[i];
        w[i] -= 0.15 * factor(epoch + b / 4.0) * v[i];
      }
    }
  }
  expect_slopes(w);
  expect_slopes(v, ".m");
}

// Factors at the first, a middle and the last step of ten epochs of a hundred steps.
TEST(Schedules, FirstMiddleAndLastStep) {
  const double last = 9.99;
  Schedule s;
  for (const double at : {0.0, 5.0, last, 10.0}) EXPECT_EQ(s.factor(at, 10), 1);
  s.end = 0.04;
  s.kind = "cosine";  // Loshchilov & Hutter 2017, equation 5, one cycle
  EXPECT_EQ(s.factor(0, 10), 1);
  EXPECT_NEAR(s.factor(5, 10), 0.52, 1e-15);
  EXPECT_NEAR(s.factor(last, 10), 0.04 + 0.96 * std::pow(std::sin(M_PI / 2000), 2), 1e-15);
  EXPECT_NEAR(s.factor(10, 10), 0.04, 1e-15);
  s.kind = "exponential";  // the same ratio from every step to the next
  EXPECT_EQ(s.factor(0, 10), 1);
  EXPECT_NEAR(s.factor(5, 10), 0.2, 1e-15);
  EXPECT_NEAR(s.factor(last, 10), 0.04 / std::pow(0.04, 1e-3), 1e-15);
  EXPECT_NEAR(s.factor(10, 10), 0.04, 1e-15);
}

// A rise in proportion to the epoch, then the whole schedule over what is left.
TEST(Schedules, WarmUpRisesAndTheRestFollows) {
  for (const std::string kind : {"constant", "cosine", "exponential"}) {
    SCOPED_TRACE(kind);
    Schedule s, plain;
    s.kind = plain.kind = kind;
    s.end = plain.end = 0.04;
    s.warmup = 4;
    EXPECT_GT(s.factor(0, 12), 0);  // the first step is one
    EXPECT_LT(s.factor(0, 12), 1e-9);
    for (const double at : {0.5, 1.0, 2.0, 3.99}) EXPECT_NEAR(s.factor(at, 12), at / 4, 1e-9);
    for (const double at : {4.0, 6.0, 8.0, 11.99, 12.0})
      EXPECT_NEAR(s.factor(at, 12), plain.factor(at - 4, 8), 1e-15);
    s.warmup = 20;  // longer than the run: it never stops rising
    for (const double at : {0.0, 6.0, 11.99}) EXPECT_NEAR(s.factor(at, 12), at / 20, 1e-9);
  }
}

TEST(Optimiser, StepSizesFoldTheBiasCorrectionsIn) {
  Optimiser o;
  o.beta1 = 0.8;
  o.beta2 = 0.99;
  o.epsilon = 1e-3;
  // t = 1: sqrt(1 - 0.99) / (1 - 0.8) = 0.5.
  EXPECT_NEAR(step_sizes(o, 2, 1).rate, 1, 1e-14);
  EXPECT_NEAR(step_sizes(o, 2, 1).epsilon, 1e-4, 1e-17);
  EXPECT_NEAR(step_sizes(o, 2, 1000000).rate, 2, 1e-14);
  o.kind = "sgd";
  EXPECT_EQ(step_sizes(o, 2, 1).rate, 2);
}

}  // namespace
}  // namespace fathom
