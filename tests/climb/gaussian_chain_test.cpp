// Linear gaussian state spaces written with public calls: against the density of all rows at once,
// known values, and the textbook's updates (Beal 2003, section 5.3).
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/ascend.h"
#include "fathom/climb/batches.h"
#include "fathom/climb/squarem.h"
#include "fathom/kernels/rng.h"
#include "fathom/zoo/state_space.h"
#include "tests/oracles/gaussian.h"
#include "tests/oracles/quadratic.h"
#include "tests/support/states.h"
#include "tests/support/tables.h"

namespace fathom {
namespace {

Array begins_at(std::int64_t rows, std::initializer_list<std::int64_t> places) {
  Array out(DType::f64, Shape{rows});
  for (const std::int64_t p : places) out.data<double>()[p] = 1;
  return out;
}

// The local level of the Nile by maximum likelihood, from variances of half that of the flows.
struct Nile {
  StructuralSeries series{{}};
  DataSet data;
  State state;
  Workers workers{1};
  std::unique_ptr<CoordinateClimb> climb;

  Nile() {
    const Array flow = shipped_table("nile.csv", "1:2");
    data.rows = flow.size();
    data.columns["y"] = Array::of<double>(Shape{data.rows}, flow.values<double>());
    data.columns["begins"] = begins_at(data.rows, {0});
    climb = std::make_unique<CoordinateClimb>(series.model, data, state,
                                              CoordinateOptions{Factors::likelihood});
    for (const char* latent : {"drives", "noise"}) {
      *state.find(std::string(latent) + ".natural.0")->data<double>() = 50;
      *state.find(std::string(latent) + ".natural.1")->data<double>() = -50 * 14000.0;
    }
  }
  // The variance of which a point mass is the precision.
  double variance(const char* latent) const {
    return -*state.find(std::string(latent) + ".natural.1")->data<double>() /
           *state.find(std::string(latent) + ".natural.0")->data<double>();
  }
};

// Nothing being known of the first level, the likelihood is that of the others given the first
// flow, and -log(2 pi) / 2. The maximum: R's StructTS gives 1469.147 and 15098.577; of many digits,
// 1469.176, 15098.52 and -633.46456364.
TEST(StateSpace, TheNileByMaximumLikelihood) {
  Nile nile;
  ascend(*nile.climb, nile.data.rows, {.sweeps = 20000, .tolerance = 1e-15}, nile.workers);
  EXPECT_NEAR(nile.climb->elbo(nile.workers), -633.46456364, 1e-8);
  EXPECT_NEAR(nile.variance("drives"), 1469.176, 0.05);
  EXPECT_NEAR(nile.variance("noise"), 15098.52, 0.05);
}

// Extrapolated sweeps (Varadhan & Roland 2008) come to 1e-8 of the maximum in a fifth of the sweeps
// or fewer.
TEST(StateSpace, ExtrapolatedSweepsOfTheNile) {
  constexpr double kMost = -633.46456364;
  Nile plain, fast;
  int sweeps = 0, steps = 0;
  while (plain.climb->sweep(plain.workers) < kMost - 1e-8 && sweeps < 20000) ++sweeps;
  Squarem squarem(*fast.climb);
  for (double bound = -INFINITY; bound < kMost - 1e-8 && steps < 20000;) {
    const SquaremStep s = squarem.step(fast.workers);
    bound = s.elbo;
    steps += s.sweeps;
  }
  EXPECT_GE(sweeps, 5 * steps) << sweeps << " and " << steps;
}

// All parameters known: the bound is the log density of all rows of a sequence at once.
TEST(StateSpace, KnownParametersGiveTheDensityOfTheRows) {
  const std::int64_t n = 9, d = 2, q = 3;
  const double a[] = {0.8, 0.3, 0, -0.2, 0.9, 0.1, 0, 0.2, 0.5}, c[] = {1, 0.5, -1, 0, 2, 0.3},
               step[] = {2, 0.5, 4}, tau[] = {1.5, 3}, start[] = {0.5, -1, 2},
               first[] = {1, 2, 0.5};
  const auto constant = [](Model& m, const Shape& s, std::span<const double> v) {
    return m.constant(Array::of<double>(s, v));
  };
  Model m{DType::f64};
  const Plate row = m.plate("row"), column = m.plate("column", d);
  const Expr begins = m.data("begins", row, {}, DType::f64),
             y = m.data("y", {row, column}, {}, DType::f64);
  m.missing(y);
  const Expr x =
      m.latent("x",
               linked_chain(constant(m, Shape{q}, start), constant(m, Shape{q}, first),
                            constant(m, Shape{q, q}, a), constant(m, Shape{q}, step), begins),
               row, Shape{q});
  const Expr loadings = spread(constant(m, Shape{d, q}, c), column),
             noise = spread(constant(m, Shape{d}, tau), column);
  m.observe("y", normal_precision(inner(loadings, x), noise), y);
  DataSet data;
  data.rows = n;
  Array rows(DType::f64, Shape{n, d});
  kernels::fill_normal(Key{3, 1}, nullptr, 0, n, d, rows.data<double>());
  for (const std::int64_t gone : {1, 6, 7, 14}) rows.data<double>()[gone] = NAN;  // row 3 wholly
  data.columns = {{"y", rows}, {"begins", begins_at(n, {0, 5})}};
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);

  double want = 0;
  for (const auto& [from, to] : {std::pair{0, 5}, std::pair{5, 9}}) {
    // Means and covariances of all states of the sequence, then of what was seen of them.
    const int length = to - from;
    const auto size = std::size_t(length) * std::size_t(q);
    std::vector<double> mean(size, 0.0), cov(size * size, 0.0);
    const auto at = [&](int t, std::int64_t i) { return std::size_t(t * q + i); };
    for (std::int64_t i = 0; i < q; ++i) {
      mean[at(0, i)] = start[i];
      cov[at(0, i) * size + at(0, i)] = 1 / first[i];
    }
    for (int t = 1; t < length; ++t) {
      for (std::int64_t i = 0; i < q; ++i) {
        for (std::int64_t k = 0; k < q; ++k) mean[at(t, i)] += a[i * q + k] * mean[at(t - 1, k)];
        for (int s = 0; s < t; ++s)
          for (std::int64_t j = 0; j < q; ++j) {
            double v = 0;
            for (std::int64_t k = 0; k < q; ++k)
              v += a[i * q + k] * cov[at(t - 1, k) * size + at(s, j)];
            cov[at(t, i) * size + at(s, j)] = cov[at(s, j) * size + at(t, i)] = v;
          }
      }
      for (std::int64_t i = 0; i < q; ++i)
        for (std::int64_t j = 0; j < q; ++j) {
          double v = i == j ? 1 / step[i] : 0;
          for (std::int64_t k = 0; k < q; ++k)
            v += cov[at(t, i) * size + at(t - 1, k)] * a[j * q + k];
          cov[at(t, i) * size + at(t, j)] = v;
        }
    }
    std::vector<std::pair<int, int>> seen;
    for (int t = 0; t < length; ++t)
      for (int j = 0; j < d; ++j)
        if (!std::isnan(rows.data<double>()[(from + t) * d + j])) seen.emplace_back(t, j);
    std::vector<double> value, center, spread;
    for (const auto& [t, j] : seen) {
      value.push_back(rows.data<double>()[(from + t) * d + j]);
      double v = 0;
      for (std::int64_t k = 0; k < q; ++k) v += c[j * q + k] * mean[at(t, k)];
      center.push_back(v);
      for (const auto& [s, l] : seen) {
        double w = t == s && j == l ? 1 / tau[j] : 0;
        for (std::int64_t k = 0; k < q; ++k)
          for (std::int64_t r = 0; r < q; ++r)
            w += c[j * q + k] * cov[at(t, k) * size + at(s, r)] * c[l * q + r];
        spread.push_back(w);
      }
    }
    want += oracle::log_normal(value, center, spread);
  }
  EXPECT_NEAR(climb.elbo(workers), want, 1e-10 * std::abs(want));
  double sum = 0;
  for (const auto& [name, v] : climb.terms(workers)) sum += v;
  EXPECT_NEAR(sum, want, 1e-10 * std::abs(want));
}

// Inputs that move a state by coefficients that are learned: q(x) and q(b) in turn, against the
// joint density of all states and coefficients.
TEST(StateSpace, InputsMoveStatesByLearnedCoefficients) {
  const std::vector<double> y = {0.5, 1.2, -0.7, 0.9, 2.1, -1.4, 0.2},
                            u = {1, -0.5, 2, 0.3, -1, 0.8, 1.5};
  const double move = 0.8, steady = 3, tau = 2, prior = 0.5, first = 1.5;
  const auto rows = std::int64_t(y.size());
  const auto array = [](const Shape& s, const std::vector<double>& v) {
    return Array::of<double>(s, v);
  };
  const auto first_row = [](std::size_t t) { return t == 0 || t == 4; };
  Model m{DType::f64};
  const Plate row = m.plate("row"), element = m.plate("element", 1);
  const Expr begins = m.data("begins", row, {}, DType::f64),
             seen = m.data("y", row, {}, DType::f64), in = m.data("u", row, Shape{2}, DType::f64);
  const Expr b = m.latent("b", mvnormal(0.0, prior), element, Shape{2});
  const auto number = [&](const Shape& s, double v) { return m.constant(array(s, {v})); };
  const Expr x =
      m.latent("x",
               linked_chain(0.0, number(Shape{1}, first), number(Shape{1, 1}, move),
                            number(Shape{1}, steady), begins, stacked(inner(in, b), element)),
               row, Shape{1});
  m.observe("y", normal_precision(inner(number(Shape{1}, 1), x), tau), seen);
  DataSet data;
  data.rows = rows;
  std::vector<double> starts, with_one;
  for (std::size_t t = 0; t < y.size(); ++t) {
    starts.push_back(first_row(t));
    with_one.insert(with_one.end(), {1, u[t]});
  }
  data.columns = {{"begins", array(Shape{rows}, starts)},
                  {"y", array(Shape{rows}, y)},
                  {"u", array(Shape{rows, 2}, with_one)}};
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);
  EXPECT_TRUE(climb.keeps_statistics());

  const std::size_t n = y.size(), all = n + 2;  // b comes last
  oracle::Quadratic joint(all);
  for (std::size_t t = 0; t < n; ++t) {
    if (first_row(t)) {
      joint.add({{t, 1}}, 0, first);
    } else {
      joint.add({{t, 1}, {t - 1, -move}, {n, -1}, {n + 1, -u[t]}}, 0, steady);
    }
    joint.add({{t, 1}}, -y[t], tau);
  }
  for (std::size_t k = n; k < all; ++k) joint.add({{k, 1}}, 0, prior);
  std::vector<double> mean(all), covariance(all * all);
  covariance[n * all + n] = covariance[(n + 1) * all + n + 1] = 1 / prior;
  // The factor of some elements given the means of the others; returns its entropy.
  const auto settle = [&](std::size_t from, std::size_t to) {
    std::vector<double> precision, linear;
    for (std::size_t i = from; i < to; ++i) {
      linear.push_back(joint.linear[i]);
      for (std::size_t j = 0; j < all; ++j) {
        const double p = joint.precision[i * all + j];
        if (j >= from && j < to) {
          precision.push_back(p);
        } else {
          linear.back() -= p * mean[j];
        }
      }
    }
    const oracle::Canonical c = oracle::canonical(precision, linear);
    const std::size_t size = to - from;
    double met = 0;
    for (std::size_t i = 0; i < size; ++i) {
      mean[from + i] = c.mean[i];
      met += 0.5 * linear[i] * c.mean[i];
      for (std::size_t j = 0; j < size; ++j)
        covariance[(from + i) * all + from + j] = c.covariance[i * size + j];
    }
    return c.log_integral - met + 0.5 * double(size);
  };
  double of_b = std::log(2 * M_PI / prior) + 1;  // its prior's, where it begins
  for (int sweep = 0; sweep < 30; ++sweep) {
    const double of_x = settle(0, n);
    EXPECT_NEAR(climb.elbo(workers), joint.mean(mean, covariance) + of_x + of_b, 1e-10) << sweep;
    climb.sweep(workers);
    of_b = settle(n, all);
  }
}

// A motion and the precision matrix of its noise by maximum likelihood: the bound is the log
// density of the rows, and a sweep the update of Shumway & Stoffer 1982, equations 12 and 13, on
// the moments of all states at once.
TEST(StateSpace, NoiseOfAllElementsTogether) {
  const std::size_t n = 7, q = 2;
  const double tau = 4, first[] = {1, 2};
  const auto begins_at = [](std::size_t t) { return t == 0 || t == 3; };
  std::vector<double> y(n * q), starts;
  kernels::fill_normal(Key{9, 1}, nullptr, 0, std::int64_t(n), std::int64_t(q), y.data());
  for (std::size_t t = 0; t < n; ++t) starts.push_back(begins_at(t));
  const auto array = [](const Shape& s, const std::vector<double>& v) {
    return Array::of<double>(s, v);
  };
  const auto rows = std::int64_t(n), width = std::int64_t(q);
  Model m{DType::f64};
  const Plate row = m.plate("row"), column = m.plate("column", width);
  const Expr begins = m.data("begins", row, {}, DType::f64),
             seen = m.data("y", {row, column}, {}, DType::f64);
  const Expr both =
      m.latent("both", matrix_normal_wishart(0.0, 1.0, 1.0, 4.0), Shape{width, width});
  const Expr x =
      m.latent("x", linked_chain_of(0.0, m.constant(array(Shape{width}, {1, 2})), both, begins),
               row, Shape{width});
  const Expr unit = m.constant(array(Shape{width, width}, {1, 0, 0, 1}));
  m.observe("y", normal_precision(inner(spread(unit, column), x), tau), seen);
  DataSet data;
  data.rows = rows;
  data.columns = {{"begins", array(Shape{rows}, starts)}, {"y", array(Shape{rows, width}, y)}};
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state, {.factors = Factors::likelihood});

  // x_t = a x_{t-1} + e, e of this covariance; the factor as if from one step of each.
  std::vector<double> a = {0.7, 0.2, -0.3, 0.5}, noise = {0.5, 0.1, 0.1, 0.4};
  const auto set = [&](const char* slot, const std::vector<double>& v) {
    std::copy(v.begin(), v.end(), state.find(slot)->data<double>());
  };
  std::vector<double> half(4);
  for (std::size_t i = 0; i < q; ++i)
    for (std::size_t j = 0; j < q; ++j)
      half[i * q + j] =
          -0.5 * (noise[i * q + j] + a[i * q] * a[j * q] + a[i * q + 1] * a[j * q + 1]);
  set("both.natural.0", half);
  set("both.natural.1", {a[0], a[2], a[1], a[3]});
  set("both.natural.2", {-0.5, 0, 0, -0.5});
  set("both.natural.3", {0.5});

  for (int sweep = 0; sweep < 4; ++sweep) {
    // The density of all rows and states; e' noise^-1 e is a sum of two squares.
    const double det = noise[0] * noise[3] - noise[1] * noise[2], r = noise[1] / noise[0];
    oracle::Quadratic joint(n * q);
    for (std::size_t t = 0; t < n; ++t) {
      for (std::size_t i = 0; i < q; ++i) {
        joint.add({{q * t + i, 1}}, -y[q * t + i], tau);
        if (begins_at(t)) joint.add({{q * t + i, 1}}, 0, first[i]);
      }
      if (begins_at(t)) continue;
      const std::size_t x0 = q * t, x1 = x0 + 1, z0 = x0 - q, z1 = x0 - 1;
      joint.add({{x0, 1}, {z0, -a[0]}, {z1, -a[1]}}, 0, 1 / noise[0]);
      joint.add({{x1, 1}, {x0, -r}, {z0, r * a[0] - a[2]}, {z1, r * a[1] - a[3]}}, 0,
                noise[0] / det);
    }
    const oracle::Canonical states = oracle::canonical(joint.precision, joint.linear);
    EXPECT_NEAR(climb.elbo(workers), joint.constant + states.log_integral, 1e-10) << sweep;

    climb.sweep(workers);
    double s11[4] = {}, s10[4] = {}, s00[4] = {}, steps = 0;
    const auto product = [&](std::size_t i, std::size_t j) {
      return states.covariance[i * n * q + j] + states.mean[i] * states.mean[j];
    };
    for (std::size_t t = 0; t < n; ++t) {
      if (begins_at(t)) continue;
      ++steps;
      for (std::size_t i = 0; i < q; ++i)
        for (std::size_t j = 0; j < q; ++j) {
          s11[i * q + j] += product(q * t + i, q * t + j);
          s10[i * q + j] += product(q * t + i, q * (t - 1) + j);
          s00[i * q + j] += product(q * (t - 1) + i, q * (t - 1) + j);
        }
    }
    const double of_s00 = s00[0] * s00[3] - s00[1] * s00[2];
    const double inverse[] = {s00[3] / of_s00, -s00[1] / of_s00, -s00[2] / of_s00, s00[0] / of_s00};
    for (std::size_t i = 0; i < q; ++i)
      for (std::size_t j = 0; j < q; ++j)
        a[i * q + j] = s10[i * q] * inverse[j] + s10[i * q + 1] * inverse[2 + j];
    for (std::size_t i = 0; i < q; ++i)
      for (std::size_t j = 0; j < q; ++j)
        noise[i * q + j] =
            (s11[i * q + j] - a[i * q] * s10[j * q] - a[i * q + 1] * s10[j * q + 1]) / steps;
  }
}

// A known motion and precisions of its noise that are learned: one pass over the rows a sweep.
TEST(StateSpace, LearnedNoiseKeepsStatistics) {
  const std::int64_t rows = 20;
  Model m{DType::f64};
  const Plate row = m.plate("row");
  const Expr begins = m.data("begins", row, {}, DType::f64), y = m.data("y", row, {}, DType::f64);
  const double motion[] = {0.9, 0.1, 0, 0.8}, unit[] = {1, 1};
  const Expr noise = m.latent("noise", gamma(1.0, 0.1), Shape{2});
  const Expr x = m.latent(
      "x",
      linked_chain(0.0, 1.0, m.constant(Array::of<double>(Shape{2, 2}, motion)), noise, begins),
      row, Shape{2});
  m.observe("y", normal(inner(m.constant(Array::of<double>(Shape{2}, unit)), x), 1.0), y);
  DataSet data;
  data.rows = rows;
  Array seen(DType::f64, Shape{rows});
  kernels::fill_normal(Key{2, 2}, nullptr, 0, rows, 1, seen.data<double>());
  data.columns = {{"y", seen}, {"begins", begins_at(rows, {0, 8})}};
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);
  EXPECT_TRUE(climb.keeps_statistics());
  double last = -INFINITY;
  for (int i = 0; i < 20; ++i) {
    const double bound = climb.sweep(workers);
    EXPECT_GE(bound, last - 1e-10);
    last = bound;
  }
}

// A motion without an inverse, driven in one of its elements: the density of all rows by their
// covariance.
TEST(StateSpace, AMotionMayBeSingular) {
  const std::size_t n = 8, q = 2;
  const double a[] = {0.8, 0, 0.5, 0}, first[] = {1, 2}, load[] = {1, -0.7};
  const double drive = 3, tau = 2;
  std::vector<double> y(n);
  kernels::fill_normal(Key{9, 9}, nullptr, 0, std::int64_t(n), 1, y.data());
  const auto begins_row = [](std::size_t t) { return t == 0 || t == 5; };
  Model m{DType::f64};
  const Plate row = m.plate("row");
  const Expr begins = m.data("begins", row, {}, DType::f64),
             seen = m.data("y", row, {}, DType::f64);
  const auto known = [&](const Shape& s, std::span<const double> v) {
    return m.constant(Array::of<double>(s, v));
  };
  const double reach[] = {1, 0};
  const Expr x =
      m.latent("x",
               driven_chain(known(Shape{2, 2}, a), known(Shape{2, 1}, reach),
                            known(Shape{1}, std::span(&drive, 1)), known(Shape{2}, first), begins),
               row, Shape{2});
  m.observe("y", normal_precision(inner(known(Shape{2}, load), x), tau), seen);
  DataSet data;
  data.rows = std::int64_t(n);
  data.columns = {{"begins", begins_at(data.rows, {0, 5})},
                  {"y", Array::of<double>(Shape{data.rows}, std::span<const double>(y))}};
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);

  // Covariances of all states, those of sequences apart being 0.
  std::vector<double> cov(n * q * n * q);
  const auto at = [&](std::size_t t, std::size_t i, std::size_t s, std::size_t j) -> double& {
    return cov[(t * q + i) * n * q + s * q + j];
  };
  for (std::size_t t = 0; t < n; ++t)
    for (std::size_t i = 0; i < q; ++i) {
      if (begins_row(t)) {
        at(t, i, t, i) = 1 / first[i];
        continue;
      }
      for (std::size_t s = 0; s < t; ++s)
        for (std::size_t j = 0; j < q; ++j)
          at(t, i, s, j) = at(s, j, t, i) =
              a[i * q] * at(t - 1, 0, s, j) + a[i * q + 1] * at(t - 1, 1, s, j);
      for (std::size_t j = 0; j < q; ++j)
        at(t, i, t, j) = a[j * q] * at(t, i, t - 1, 0) + a[j * q + 1] * at(t, i, t - 1, 1) +
                         (i == 0 && j == 0 ? 1 / drive : 0);
    }
  const std::vector<double> zero(n, 0.0);
  std::vector<double> spread;
  for (std::size_t t = 0; t < n; ++t)
    for (std::size_t s = 0; s < n; ++s) {
      double v = t == s ? 1 / tau : 0;
      for (std::size_t i = 0; i < q; ++i)
        for (std::size_t j = 0; j < q; ++j) v += load[i] * at(t, i, s, j) * load[j];
      spread.push_back(v);
    }
  const double want = oracle::log_normal(y, zero, spread);
  EXPECT_NEAR(climb.elbo(workers), want, 1e-11 * std::abs(want));
}

// Batches of whole sequences of states: what they say together is the bound, and kept sums never
// let it fall.
TEST(GaussianChains, BatchesOfSequences) {
  LinearDynamicsConfig config;
  config.width = 4;
  config.loading = 1;
  const LinearDynamics l(config);
  const Array x = centred(shipped_table("iris.csv", "0:4"));
  DataSet data;
  data.rows = x.shape().extent(0);
  data.columns["x"] = x;
  data.columns["begins"] = Array(DType::f64, Shape{data.rows});
  for (const std::int64_t row : {0, 50, 100}) data.columns["begins"].data<double>()[row] = 1;
  Workers workers(2);
  State state, other;
  BatchClimb some(l.model, data, state, {}, {{0, 50, 0.5}, {50, 100, 0.5}});
  CoordinateClimb plain(l.model, data, other);
  Array& h = *state.find("loadings.natural.0");
  for (std::int64_t i = 0; i < h.size(); ++i) h.data<double>()[i] = std::cos(double(1 + 3 * i));
  assign_naturals(state, other);
  const double bound = plain.elbo(workers);
  EXPECT_NEAR(some.elbo(workers), bound, 1e-10 * std::abs(bound));
  double estimate = 0;
  for (const std::int64_t b : {0, 1}) {
    const State before = state.copy();
    estimate += some.stochastic(b, 0.5, workers) / 2;
    state.assign(before);
  }
  EXPECT_NEAR(estimate, bound, 1e-10 * std::abs(bound));
  double last = -INFINITY;
  for (int lap = 0; lap < 30; ++lap)
    for (const std::int64_t b : {0, 1}) {
      const double now = some.memoised(b, workers);
      if (lap == 0 && b == 0) continue;
      EXPECT_GE(now, last - 1e-10 * std::abs(now)) << lap;
      last = now;
    }
  EXPECT_GT(last, bound);
}

}  // namespace
}  // namespace fathom
