// Sweeps that rotate the states of rows (climb/rotation.h): against the best rotation there is,
// where it has a closed form, and the laws that any must keep.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fathom/climb/ascend.h"
#include "fathom/climb/batches.h"
#include "fathom/climb/squarem.h"
#include "tests/support/states.h"
#include "tests/support/tables.h"

namespace fathom {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

enum class Kind { pca, relevance, factors, motion, correlated_motion };

// Rows of iris explained by states of `q` elements, or following each other from state to state.
struct States {
  Model m{DType::f64};
  DataSet data;
  std::int64_t q;
  Plate row;

  States(Kind kind, std::int64_t size, std::int64_t gaps = 0) : q(size) {
    Array x = centred(shipped_table("iris.csv", "0:4"));
    for (std::int64_t i = 0; gaps > 0 && i < x.size(); i += gaps) x.data<double>()[i] = kNaN;
    const std::int64_t n = x.shape().extent(0), d = x.shape().extent(1);
    row = m.plate("row");
    const Plate column = m.plate("column", d);
    const Expr y = m.data("x", {row, column}, {}, DType::f64);
    if (gaps > 0) m.missing(y);
    data.rows = n;
    data.columns["x"] = x;
    Conditional loading = mvnormal(0.0, 1e-3);
    if (kind == Kind::relevance)
      loading = mvnormal_diagonal(0.0, m.latent("relevance", gamma(1e-3, 1e-3), Shape{q}));
    const Expr w = m.latent("loadings", loading, column, Shape{q});
    const bool each = kind == Kind::factors;
    const Expr mean = m.latent("mean", normal_precision(0.0, 1e-3), column),
               tau = each ? m.latent("noise", gamma(1e-3, 1e-3), column)
                          : m.latent("noise", gamma(1e-3, 1e-3));
    m.observe("x", normal_precision(inner(w, state(kind)) + mean, tau), y);
  }
  Expr state(Kind kind) {
    if (kind != Kind::motion && kind != Kind::correlated_motion)
      return m.latent("z", mvnormal(0.0, 1.0), row, Shape{q});
    Array first(DType::f64, Shape{data.rows});
    for (const std::int64_t i : {0, 50, 100}) first.data<double>()[i] = 1;
    data.columns["begins"] = first;
    const Expr begins = m.data("begins", row, {}, DType::f64);
    if (kind == Kind::motion) {
      const Expr move = m.latent("move", mvnormal(0.0, 1.0), m.plate("element", q), Shape{q}),
                 drive = m.latent("drive", gamma(3.0, 1.0), Shape{q});
      return m.latent("z", linked_chain(0.0, 0.5, move, drive, begins), row, Shape{q});
    }
    const Expr motion = m.latent("motion", matrix_normal_wishart(0.0, 1.0, 1.0, 5.0), Shape{q, q});
    return m.latent("z", linked_chain_of(0.0, 0.5, motion, begins), row, Shape{q});
  }
  // Factors somewhere: loadings that differ, all else as at the priors.
  void start(State& s) const {
    Array &h = *s.find("loadings.natural.0"), &half = *s.find("loadings.natural.1");
    for (std::int64_t i = 0; i < h.size(); ++i) {
      h.data<double>()[i] = std::cos(double(1 + 3 * i));
      for (std::int64_t j = 0; j < q; ++j) half.data<double>()[i * q + j] = i % q == j ? -0.5 : 0;
    }
  }
};

// A climb that rotates its states and one that does not.
struct Both {
  State plain_state, state;
  CoordinateClimb plain, climb;

  Both(const States& built, CoordinateOptions options)
      : plain(built.m, built.data, plain_state, options),
        climb(built.m, built.data, state, with_rotation(options)) {
    built.start(state);
    meet();
  }
  // Both from where the one that rotates is.
  void meet() { assign_naturals(state, plain_state); }
  static CoordinateOptions with_rotation(CoordinateOptions options) {
    options.rotated = "z";
    return options;
  }
};

// No sweep that rotates is below one that does not, from the same place; and what it says of the
// bound, with states that were rotated, is no more than with the states at their best.
TEST(Rotation, RisesByNoLessThanASweepAndToNoMoreThanTheBound) {
  for (const Kind kind :
       {Kind::pca, Kind::relevance, Kind::factors, Kind::motion, Kind::correlated_motion})
    for (const Factors f : {Factors::mean_field, Factors::mode, Factors::likelihood})
      for (const int gaps : {0, 5}) {
        if (kind == Kind::correlated_motion && f != Factors::mean_field) continue;
        SCOPED_TRACE(fmt::format("kind {}, factors {}, gaps {}", int(kind), int(f), gaps));
        const States built(kind, 2, gaps);
        Both both(built, {.factors = f});
        Workers workers(1);
        double last = -INFINITY;
        for (int sweep = 0; sweep < 15; ++sweep) {
          both.meet();
          const double without = both.plain.sweep(workers), with = both.climb.sweep(workers),
                       best = both.climb.elbo(workers), slack = 1e-10 * std::abs(best);
          ASSERT_GE(with, without - slack) << sweep;
          ASSERT_LE(with, best + slack) << sweep;
          ASSERT_GE(with, last - slack) << sweep;
          last = with;
        }
      }
}

// Another latent of the same rows stays as it is, whatever it is called.
TEST(Rotation, LeavesOtherLatentsOfTheRowsAlone) {
  States built(Kind::pca, 2);
  Array other(DType::f64, Shape{built.data.rows, 3});
  for (std::int64_t i = 0; i < other.size(); ++i)
    other.data<double>()[i] = std::sin(double(i * i % 97)) + std::cos(double(i / 3));
  built.data.columns["v"] = other;
  Model& m = built.m;
  const Plate row = built.row, place = m.plate("place", 3);
  const Expr v = m.data("v", {row, place}, {}, DType::f64),
             b = m.latent("b", mvnormal(0.0, 1.0), place, Shape{2}),
             u = m.latent("z.b", mvnormal(0.0, 1.0), row, Shape{2});
  m.observe("v", normal(inner(b, u), 1.0), v);
  Both both(built, {});
  Workers workers(1);
  for (int sweep = 0; sweep < 12; ++sweep) {
    both.meet();
    const double without = both.plain.sweep(workers), with = both.climb.sweep(workers),
                 best = both.climb.elbo(workers), slack = 1e-10 * std::abs(best);
    ASSERT_GE(with, without - slack) << sweep;
    ASSERT_LE(with, best + slack) << sweep;
  }
}

// By maximum likelihood a rotation changes what the prior of the states says alone: with S the
// second moments of n states of q elements, summed, it is best at R S R' = n, where the bound has
// risen by (tr S - n q) / 2 - n log |S / n| / 2.
TEST(Rotation, FindsTheBestOfMaximumLikelihood) {
  for (const std::int64_t q : {1, 2}) {
    SCOPED_TRACE(q);
    const States built(Kind::pca, q);
    Both both(built, {.factors = Factors::likelihood});
    CoordinateClimb& climb = both.climb;
    Workers workers(1);
    const Array w = climb.mean(0, workers), tau = climb.mean(2, workers),
                z = climb.mean(3, workers);
    // Second moments of states: means, and the covariance (1 + tau W'W)^-1 of each.
    const std::int64_t n = built.data.rows, d = w.size() / q;
    double a[2][2] = {{1, 0}, {0, 1}}, s[2][2] = {};
    for (std::int64_t k = 0; k < q; ++k)
      for (std::int64_t l = 0; l < q; ++l) {
        for (std::int64_t j = 0; j < d; ++j)
          a[k][l] +=
              *tau.data<double>() * w.data<double>()[j * q + k] * w.data<double>()[j * q + l];
        for (std::int64_t i = 0; i < n; ++i)
          s[k][l] += z.data<double>()[i * q + k] * z.data<double>()[i * q + l];
      }
    const double det = a[0][0] * a[1][1] - a[0][1] * a[1][0];
    const double inverse[2][2] = {{a[1][1] / det, -a[0][1] / det}, {-a[1][0] / det, a[0][0] / det}};
    double trace = 0;
    for (std::int64_t k = 0; k < q; ++k) {
      for (std::int64_t l = 0; l < q; ++l) s[k][l] += double(n) * inverse[k][l];
      trace += s[k][k];
    }
    const double count = double(n),
                 log_det = q == 1
                               ? std::log(s[0][0] / count)
                               : std::log((s[0][0] * s[1][1] - s[0][1] * s[1][0]) / count / count);
    const double most = 0.5 * (trace - count * double(q)) - 0.5 * count * log_det;
    const double risen = climb.sweep(workers) - both.plain.sweep(workers);
    EXPECT_LE(risen, most + 1e-8);
    EXPECT_GE(risen, 0.99 * most);
    EXPECT_GT(most, 1);
  }
}

// A dynamical system that is learned, where states, motion and loadings hold each other.
TEST(Rotation, TakesATenthOfTheSweeps) {
  const States built(Kind::motion, 2);
  Workers workers(1);
  const auto climb = [&](const std::string& rotated, int sweeps) {
    State state;
    CoordinateOptions options;
    options.rotated = rotated;
    CoordinateClimb c(built.m, built.data, state, options);
    built.start(state);
    return ascend(c, built.data.rows, {.sweeps = sweeps, .tolerance = 1e-9}, workers);
  };
  const Ascent fast = climb("z", 1000);
  ASSERT_TRUE(fast.converged);
  EXPECT_LT(climb("", 10 * fast.sweeps).elbo(), fast.elbo() - 1e-3);
  RecordProperty("sweeps", fast.sweeps);
}

// The rest of a climb that goes on from its state is the same to the bit; so is it extrapolated.
TEST(Rotation, GoesOnToTheBitAndIsExtrapolated) {
  const States built(Kind::motion, 2, 7);
  Workers workers(2);
  CoordinateOptions options;
  options.rotated = "z";
  State state;
  CoordinateClimb climb(built.m, built.data, state, options);
  built.start(state);
  for (int k = 0; k < 3; ++k) climb.sweep(workers);
  State later = state.copy();
  CoordinateClimb resumed(built.m, built.data, later, options);
  for (int k = 0; k < 3; ++k) EXPECT_EQ(climb.sweep(workers), resumed.sweep(workers)) << k;
  Squarem squarem(resumed);
  double last = -INFINITY;
  for (int k = 0; k < 5; ++k) {
    const double now = squarem.step(workers).elbo;
    EXPECT_GE(now, last - 1e-10 * std::abs(now)) << k;
    last = now;
  }
}

TEST(Rotation, RefusesWhatItCannotDo) {
  Workers workers(1);
  const States built(Kind::pca, 2);
  const auto refused = [&](const Model& m, const DataSet& data, CoordinateOptions options,
                           const char* why) {
    State state;
    try {
      CoordinateClimb(m, data, state, options);
      ADD_FAILURE() << "not refused: " << why;
    } catch (const ConfigError& e) {
      EXPECT_NE(std::string(e.what()).find(why), std::string::npos) << e.what();
    }
  };
  refused(built.m, built.data, {.rotated = "state"}, "no latent of rows \"state\"");
  refused(built.m, built.data, {.rotated = "loadings"}, "no latent of rows \"loadings\"");
  refused(built.m, built.data, {.rotated = "z", .batch = 10}, "batches");
  refused(built.m, built.data, {.rotated = "z", .tempered = true}, "entropies");
  refused(built.m, built.data, {.rotated = "z", .blended = true}, "part of the way");
  // Of a choice's own states, and a choice.
  Model m{DType::f64};
  const Plate row = m.plate("row"), kind = m.plate("kind", 2), column = m.plate("column", 4);
  const Expr y = m.data("x", {row, column}, {}, DType::f64),
             which = m.latent("which", categorical_of(m.constant(column_of({0.5, 0.5}))), row,
                              Shape{2}),
             w = m.latent("loadings", mvnormal(0.0, 1.0), {kind, column}, Shape{2}),
             z = m.latent("z", mvnormal(0.0, 1.0), row, Shape{2});
  m.observe("x", normal_precision(inner(gate(which, w), z), 1.0), y);
  refused(m, built.data, {.rotated = "which"}, "not gaussian");
  refused(m, built.data, {.rotated = "z"}, "no other plate");
}

}  // namespace
}  // namespace fathom
