// A climb whose slots were saved and read again goes on bit for bit (property P11 of coordinate
// ascent): with statistics, with a pass for each block, and with damped steps.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "fathom/climb/ascend.h"
#include "fathom/io/safetensors.h"
#include "fathom/kernels/rng.h"

namespace fathom {
namespace {

constexpr std::int64_t kManyRows = 300;

enum class Kind : std::uint8_t { linear, student, logistic };

struct Regression {
  Model m{DType::f64};
  DataSet data;

  explicit Regression(Kind kind) {
    const Plate row = m.plate("row");
    const Expr x = m.data("x", row, Shape{2}, DType::f64), y = m.data("y", row, {}, DType::f64);
    const Expr w = m.latent("w", mvnormal(0.0, 0.1), Shape{2});
    if (kind == Kind::logistic) {
      m.observe("y", bernoulli(inner(x, w)), y);
    } else {
      Expr precision = m.latent("tau", gamma(1.0, 1.0));
      if (kind == Kind::student) precision = precision * m.latent("u", gamma(2.0, 2.0), row);
      m.observe("y", normal_precision(inner(x, w), precision), y);
    }
    Array xs(DType::f64, Shape{kManyRows, 2}), ys(DType::f64, Shape{kManyRows});
    kernels::fill_normal(Key{5, 1}, nullptr, 0, kManyRows, 2, xs.data<double>());
    kernels::fill_normal(Key{5, 2}, nullptr, 0, kManyRows, 1, ys.data<double>());
    for (std::int64_t i = 0; i < kManyRows; ++i) {
      double& v = ys.data<double>()[i];
      v += xs.data<double>()[2 * i] - 2 * xs.data<double>()[2 * i + 1];
      if (kind == Kind::logistic) v = v > 0;
    }
    data.rows = kManyRows;
    data.columns = {{"x", xs}, {"y", ys}};
  }
};

class Continue : public ::testing::TestWithParam<Kind> {};

TEST_P(Continue, SavedAndReadAgain) {
  const Regression r(GetParam());
  Workers workers(2), one(1);
  State whole, part;
  std::vector<double> bounds;
  {
    CoordinateClimb climb(r.m, r.data, whole);
    for (int sweep = 0; sweep < 8; ++sweep) bounds.push_back(climb.sweep(workers));
  }
  CoordinateClimb first(r.m, r.data, part);
  for (std::size_t sweep = 0; sweep < 3; ++sweep) EXPECT_EQ(first.sweep(workers), bounds[sweep]);

  const std::string file = testing::TempDir() + "continue.safetensors";
  Tensors saved;
  saved.arrays = part.slots();
  write_safetensors(file, saved);
  State again;
  for (const auto& [name, a] : read_safetensors(file).arrays)
    std::copy_n(a.raw(), a.bytes(), again.slot(name, a.dtype(), a.shape()).raw());
  std::filesystem::remove(file);
  CoordinateClimb rest(r.m, r.data, again);
  for (std::size_t sweep = 3; sweep < bounds.size(); ++sweep)
    EXPECT_EQ(rest.sweep(one), bounds[sweep]) << sweep;
}

TEST_P(Continue, AscendGoesOnFromItsBounds) {
  const Regression r(GetParam());
  Workers workers(2);
  State whole, part;
  CoordinateClimb climb(r.m, r.data, whole), stopped(r.m, r.data, part);
  const Ascent all = ascend(climb, kManyRows, {.tolerance = 1e-9}, workers);
  ASSERT_TRUE(all.converged);
  Ascent some;
  while (some.bounds.size() < all.bounds.size()) {  // one sweep at a time
    some = ascend(
        stopped, kManyRows, {.tolerance = 1e-9}, workers, [](const SweepRecord&) { return false; },
        some);
    EXPECT_TRUE(some.interrupted);
  }
  EXPECT_EQ(some.bounds, all.bounds);
  EXPECT_EQ(some.sweeps, all.sweeps);
  EXPECT_TRUE(ascend(stopped, kManyRows, {.tolerance = 1e-9}, workers, {}, some).converged);
}

// Rows in f32 at first: no sweep of these ends a climb, nor does the first in f64, wherever it was
// interrupted.
TEST(ContinueOfSingles, EndsWhereTheWholeClimbEnds) {
  constexpr std::int64_t rows = 1000, q = 2;
  Array x(DType::f64, Shape{rows, 3});
  kernels::fill_normal(Key{3, 1}, nullptr, 0, rows, 3, x.data<double>());
  for (std::int64_t i = 0; i < x.size(); ++i) {
    double& v = x.data<double>()[i];
    v = float(v + 3.0 * double((i / 3 % 3 + i % 3) % 3));
  }
  Model m{DType::f64};
  const Plate row = m.plate("row"), column = m.plate("column", 3);
  const Expr y = m.data("x", {row, column}, {}, DType::f64),
             w = m.latent("loadings", mvnormal(0.0, 1e-3), column, Shape{q}),
             tau = m.latent("noise", gamma(1e-3, 1e-3)),
             z = m.latent("z", mvnormal(0.0, 1.0), row, Shape{q});
  m.observe("x", normal_precision(inner(w, z), tau), y);
  DataSet data;
  data.rows = rows;
  data.columns["x"] = x;
  CoordinateOptions options;
  options.narrow = true;
  Workers one(1);
  const auto climb = [&](State& state, int stop, const Ascent& before) {
    CoordinateClimb c(m, data, state, options);
    Array& h = *state.find("loadings.natural.0");
    for (std::int64_t i = 0; before.bounds.empty() && i < h.size(); ++i)
      h.data<double>()[i] = 1e-3 * std::cos(double(1 + 3 * i));
    int done = 0;
    return ascend(
        c, rows, {.sweeps = 200, .tolerance = 1e-5}, one,
        [&](const SweepRecord&) { return ++done != stop; }, before);
  };
  State from;
  const Ascent whole = climb(from, 0, {});
  ASSERT_TRUE(whole.converged);
  ASSERT_GT(whole.narrow_sweeps, 2);
  for (int stop = 1; stop < whole.sweeps; ++stop) {
    State state;
    const Ascent part = climb(state, stop, {}), rest = climb(state, 0, part);
    EXPECT_EQ(rest.bounds, whole.bounds) << stop;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Continue,
                         testing::Values(Kind::linear, Kind::student, Kind::logistic));

}  // namespace
}  // namespace fathom
