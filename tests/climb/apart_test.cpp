// Latents of rows with factors of their own: switching dynamics and factorial chains, against
// densities of all rows and every path at once.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include "fathom/climb/ascend.h"
#include "fathom/climb/squarem.h"
#include "fathom/kernels/rng.h"
#include "tests/oracles/gaussian.h"
#include "tests/oracles/quadratic.h"

namespace fathom {
namespace {

using Numbers = std::vector<double>;
using oracle::log_normal_1, oracle::Quadratic;

Array column(const Shape& s, const Numbers& v) { return Array::of<double>(s, v); }

double log_sum(const Numbers& x) {
  const double top = *std::max_element(x.begin(), x.end());
  double s = 0;
  for (const double v : x) s += std::exp(v - top);
  return top + std::log(s);
}

// Two regimes of a state of two elements, one input and one column, all of it known. The second
// sequence has two rows, and a cell is missing.
struct Switching {
  static constexpr std::int64_t kRows = 6, kRegimes = 2, kWidth = 2;
  static constexpr std::array<int, 2> kBegins = {0, 4};
  Numbers begin = {0.7, 0.3}, next = {0.8, 0.2, 0.35, 0.65};
  Numbers move = {0.9, 0.2, -0.1, 0.7, -0.5, 0.3, 0.6, 0.4}, noise = {4, 2, 1.5, 3},
          input = {0.5, -1, 2, 0.3};  // [regime, element] times u
  Numbers first = {0.4, -0.2}, first_precision = {2, 1}, load = {1, -0.5};
  double tau = 3;
  Numbers y, u;
  Model m{DType::f64};
  DataSet data;

  explicit Switching(bool alike = false) : y(kRows), u(kRows) {
    if (alike) {
      std::copy_n(move.begin(), 4, move.begin() + 4);
      std::copy_n(noise.begin(), 2, noise.begin() + 2);
      std::copy_n(input.begin(), 2, input.begin() + 2);
    }
    kernels::fill_normal(Key{5, 1}, nullptr, 0, kRows, 1, y.data());
    kernels::fill_normal(Key{5, 2}, nullptr, 0, kRows, 1, u.data());
    for (double& v : y) v *= 2;
    y[2] = NAN;
    const Plate row = m.plate("row"), regime = m.plate("regime", kRegimes);
    const Expr begins = m.data("begins", row, {}, DType::f64),
               seen = m.data("y", row, {}, DType::f64), in = m.data("u", row, {}, DType::f64);
    m.missing(seen);
    const auto known = [&](const Shape& s, const Numbers& v) { return m.constant(column(s, v)); };
    const Expr path =
        m.latent("path", chain(known(Shape{2}, begin), known(Shape{2, 2}, next), begins), row,
                 Shape{kRegimes});
    // A constant is a number, a vector or a matrix: moves by their elements.
    const Expr moves = reshape(gate(path, spread(known(Shape{2, 4}, move), regime)), Shape{2, 2}),
               noises = gate(path, spread(known(Shape{2, 2}, noise), regime)),
               inputs = gate(path, spread(known(Shape{2, 2}, input), regime)) * repeat(in, kWidth);
    const Expr x = m.latent("x",
                            linked_chain(known(Shape{2}, first), known(Shape{2}, first_precision),
                                         moves, noises, begins, inputs),
                            row, Shape{kWidth});
    m.observe("y", normal_precision(inner(known(Shape{2}, load), x), tau), seen);
    Numbers starts(kRows, 0.0);
    for (const int b : kBegins) starts[std::size_t(b)] = 1;
    data.rows = kRows;
    data.columns = {{"begins", column(Shape{kRows}, starts)},
                    {"y", column(Shape{kRows}, y)},
                    {"u", column(Shape{kRows}, u)}};
  }

  static bool begins_at(std::size_t t) { return t == 0 || t == 4; }
  std::vector<std::size_t> path(int code) const {
    std::vector<std::size_t> s;
    for (std::int64_t t = 0; t < kRows; ++t) s.push_back(std::size_t(code >> t & 1));
    return s;
  }
  static constexpr int kPaths = 1 << kRows;
  double log_prior(int code) const {
    const auto s = path(code);
    double out = 0;
    for (std::size_t t = 0; t < s.size(); ++t)
      out += std::log(begins_at(t) ? begin[s[t]] : next[s[t - 1] * 2 + s[t]]);
    return out;
  }
  // log p(x, y | path) as a function of all states.
  Quadratic joint(int code) const {
    const auto s = path(code);
    Quadratic q(std::size_t(kRows * kWidth));
    for (std::size_t t = 0; t < s.size(); ++t) {
      for (std::size_t i = 0; i < 2; ++i) {
        if (begins_at(t)) {
          q.add({{2 * t + i, 1}}, -first[i], first_precision[i]);
        } else {
          const double* a = move.data() + 4 * s[t] + 2 * i;
          q.add({{2 * t + i, 1}, {2 * t - 2, -a[0]}, {2 * t - 1, -a[1]}},
                -input[2 * s[t] + i] * u[t], noise[2 * s[t] + i]);
        }
      }
      if (!std::isnan(y[t])) q.add({{2 * t, load[0]}, {2 * t + 1, load[1]}}, -y[t], tau);
    }
    return q;
  }
};

// Ghahramani & Hinton 2000, section 3: q(path) q(x), each at its optimum in turn.
TEST(Apart, SwitchingDynamicsAgainstEveryPath) {
  const Switching w;
  State state;
  Workers workers(1);
  CoordinateOptions options;
  options.apart = {"x"};
  CoordinateClimb climb(w.m, w.data, state, options);
  std::vector<Quadratic> joint;
  Numbers prior, exact;
  for (int code = 0; code < Switching::kPaths; ++code) {
    joint.push_back(w.joint(code));
    prior.push_back(w.log_prior(code));
    exact.push_back(prior.back() + joint.back().constant +
                    oracle::canonical(joint.back().precision, joint.back().linear).log_integral);
  }
  const double evidence = log_sum(exact);
  // As the climb begins: paths by what is true of x = 0.
  const std::size_t n = joint[0].linear.size();
  Numbers mean(n), covariance(n * n), states(n), of_path;
  double bound = -INFINITY;
  for (int round = 0; round < 40; ++round) {
    if (round > 0) climb.update_apart(workers);
    const auto weigh = [&] {
      of_path.clear();
      for (std::size_t c = 0; c < joint.size(); ++c)
        of_path.push_back(prior[c] + joint[c].mean(mean, covariance));
      return log_sum(of_path);
    };
    const double norm = weigh();
    Quadratic all(n);
    for (std::size_t c = 0; c < joint.size(); ++c) all.add(joint[c], std::exp(of_path[c] - norm));
    const oracle::Canonical x = oracle::canonical(all.precision, all.linear);
    mean = x.mean;
    covariance = x.covariance;
    const double entropy = x.log_integral + all.constant - all.mean(mean, covariance);
    const double before = bound;
    bound = weigh() + entropy;
    EXPECT_NEAR(climb.elbo(workers), bound, 1e-10 * std::abs(bound)) << round;
    EXPECT_GE(bound, before - 1e-12);
  }
  EXPECT_LT(bound, evidence);
  double sum = 0;
  for (const auto& [name, v] : climb.terms(workers)) sum += v;
  EXPECT_NEAR(sum, bound, 1e-10 * std::abs(bound));
  const Array found = climb.mean(1, workers);
  for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(found.data<double>()[i], mean[i], 1e-9) << i;
}

// Regimes that do not differ say nothing of the states: the bound is the evidence.
TEST(Apart, RegimesThatAreAlikeLoseNothing) {
  const Switching w(true);
  State state;
  Workers workers(1);
  CoordinateOptions options;
  options.apart = {"x"};
  CoordinateClimb climb(w.m, w.data, state, options);
  const Quadratic q = w.joint(0);
  const double evidence = q.constant + oracle::canonical(q.precision, q.linear).log_integral;
  EXPECT_NEAR(climb.elbo(workers), evidence, 1e-10 * std::abs(evidence));
}

// Factorial chains (Ghahramani & Jordan 1997, section 3.2): two of them choose what is added up.
TEST(Apart, TwoChainsAgainstAllPathsOfEach) {
  const Numbers start = {0.6, 0.4}, next = {0.9, 0.1, 0.2, 0.8}, other_start = {0.2, 0.5, 0.3},
                other_next = {0.7, 0.2, 0.1, 0.1, 0.8, 0.1, 0.3, 0.3, 0.4}, level = {-1, 2},
                other_level = {0, 0.7, -1.5}, y = {0.4, 1.9, -2.2, 2.4, -0.8};
  const auto rows = std::int64_t(y.size());
  Model m{DType::f64};
  const Plate row = m.plate("row"), a = m.plate("a", 2), b = m.plate("b", 3);
  const Expr begins = m.data("begins", row, {}, DType::f64),
             seen = m.data("y", row, {}, DType::f64);
  const auto known = [&](const Shape& s, const Numbers& v) { return m.constant(column(s, v)); };
  const auto path = [&](const char* name, const Numbers& from, const Numbers& to) {
    const auto k = std::int64_t(from.size());
    return m.latent(name, chain(known(Shape{k}, from), known(Shape{k, k}, to), begins), row,
                    Shape{k});
  };
  const Expr one = path("one", start, next), other = path("other", other_start, other_next);
  m.observe("y",
            normal(gate(one, spread(known(Shape{2}, level), a)) +
                       gate(other, spread(known(Shape{3}, other_level), b)),
                   1.0),
            seen);
  DataSet data;
  data.rows = rows;
  Numbers starts(y.size(), 0.0);
  starts[0] = 1;
  data.columns = {{"begins", column(Shape{rows}, starts)}, {"y", column(Shape{rows}, y)}};
  State state;
  Workers workers(1);
  CoordinateOptions options;
  options.apart = {"other"};
  CoordinateClimb climb(m, data, state, options);

  const auto paths = [&](std::size_t k) {
    std::vector<std::vector<std::size_t>> all(1);
    for (std::size_t t = 0; t < y.size(); ++t) {
      std::vector<std::vector<std::size_t>> longer;
      for (const auto& p : all)
        for (std::size_t s = 0; s < k; ++s) {
          longer.push_back(p);
          longer.back().push_back(s);
        }
      all = std::move(longer);
    }
    return all;
  };
  const auto log_prior = [](const std::vector<std::size_t>& p, const Numbers& from,
                            const Numbers& to) {
    double out = std::log(from[p[0]]);
    for (std::size_t t = 1; t < p.size(); ++t) out += std::log(to[p[t - 1] * from.size() + p[t]]);
    return out;
  };
  const auto ones = paths(2), others = paths(3);
  const auto log_joint = [&](const auto& p, const auto& q) {
    double out = log_prior(p, start, next) + log_prior(q, other_start, other_next);
    for (std::size_t t = 0; t < y.size(); ++t)
      out += log_normal_1(y[t], level[p[t]] + other_level[q[t]], 1);
    return out;
  };
  Numbers p(ones.size()), q, all;
  for (const auto& o : others) q.push_back(std::exp(log_prior(o, other_start, other_next)));
  for (const auto& one_path : ones)
    for (const auto& o : others) all.push_back(log_joint(one_path, o));
  // A factor at its optimum given the other; returns the logarithm of its normaliser.
  const auto settle = [&](Numbers& of, const std::function<double(std::size_t)>& energy) {
    Numbers e;
    for (std::size_t i = 0; i < of.size(); ++i) e.push_back(energy(i));
    const double norm = log_sum(e);
    for (std::size_t i = 0; i < of.size(); ++i) of[i] = std::exp(e[i] - norm);
    return norm;
  };
  const auto settle_one = [&] {
    return settle(p, [&](std::size_t i) {
      double e = 0;
      for (std::size_t j = 0; j < q.size(); ++j) e += q[j] * all[i * q.size() + j];
      return e;
    });
  };
  settle_one();  // `other` begins at its prior
  for (int round = 0; round < 20; ++round) {
    if (round > 0) climb.update_apart(workers);
    settle(q, [&](std::size_t j) {
      double e = 0;
      for (std::size_t i = 0; i < p.size(); ++i) e += p[i] * all[i * q.size() + j];
      return e;
    });
    double bound = settle_one();
    for (const double v : q) bound -= v * std::log(v);
    EXPECT_NEAR(climb.elbo(workers), bound, 1e-10) << round;
    EXPECT_LT(bound, log_sum(all));
  }
}

// A wheel that turns one way and then the other, seen in one coordinate through noise: everything
// is learned from a rough guess of who turns when.
struct Wheel {
  static constexpr std::int64_t kRows = 400;
  Model m{DType::f64};
  DataSet data;
  std::vector<int> truth;
  Array guess{DType::f64, Shape{kRows, 2}};

  Wheel() {
    const Plate row = m.plate("row"), regime = m.plate("regime", 2),
                element = m.plate("element", 2), column = m.plate("column", 2);
    const Expr begins = m.data("begins", row, {}, DType::f64),
               y = m.data("y", {row, column}, {}, DType::f64);
    const Expr begin = m.latent("begin", dirichlet(1.0), Shape{2});
    const Expr next = m.latent("next", dirichlet(1.0), regime, Shape{2});
    const double unit[] = {1, 0, 0, 1};
    const Expr one = m.constant(Array::of<double>(Shape{2, 2}, unit));
    const Expr move =
        m.latent("move", mvnormal(spread(one, element), 4.0), {regime, element}, Shape{2});
    const Expr steady = m.latent("steady", gamma(1.0, 0.1), regime);
    const Expr noise = m.latent("noise", gamma(10.0, 0.4));
    const Expr path = m.latent("path", chain(begin, next, begins), row, Shape{2});
    const Expr x = m.latent("x",
                            linked_chain(0.0, 1.0, gate(path, stacked(move, element)),
                                         repeat(gate(path, steady), 2), begins),
                            row, Shape{2});
    m.observe("y", normal_precision(inner(spread(one, column), x), noise), y);

    Array rows(DType::f64, Shape{kRows, 2}), begins_at(DType::f64, Shape{kRows});
    Numbers e(std::size_t(kRows) * 4);
    kernels::fill_normal(Key{8, 1}, nullptr, 0, kRows, 4, e.data());
    begins_at.data<double>()[0] = 1;
    double at[] = {1, 0};
    for (std::int64_t t = 0; t < kRows; ++t) {
      truth.push_back(int(t / 50 % 2));
      const double angle = truth.back() ? -0.9 : 0.25, c = std::cos(angle), s = std::sin(angle);
      const double x0 = at[0];
      at[0] = c * x0 - s * at[1] + 0.1 * e[std::size_t(4 * t)];
      at[1] = s * x0 + c * at[1] + 0.1 * e[std::size_t(4 * t + 1)];
      for (std::size_t j = 0; j < 2; ++j)
        rows.data<double>()[std::size_t(2 * t) + j] = at[j] + 0.2 * e[std::size_t(4 * t) + 2 + j];
      const double right = t % 4 == 0 ? 0.2 : 0.8;
      guess.data<double>()[2 * t] = truth.back() ? 1 - right : right;
      guess.data<double>()[2 * t + 1] = truth.back() ? right : 1 - right;
    }
    data.rows = kRows;
    data.columns = {{"y", rows}, {"begins", begins_at}};
  }
};

CoordinateOptions states_apart() {
  CoordinateOptions options;
  options.apart = {"x"};
  return options;
}

TEST(Apart, SwitchingDynamicsAreLearned) {
  const Wheel w;
  State state;
  Workers workers(2);
  CoordinateClimb climb(w.m, w.data, state, states_apart());
  EXPECT_TRUE(climb.keeps_statistics());
  climb.start({{"path", w.guess}}, workers);
  const Ascent a = ascend(climb, Wheel::kRows, {}, workers);
  for (std::size_t i = 1; i < a.bounds.size(); ++i)
    EXPECT_GE(a.bounds[i], a.bounds[i - 1] - 1e-9 * std::abs(a.bounds[i]));
  EXPECT_NEAR(climb.elbo(workers), a.elbo(), 1e-6 * std::abs(a.elbo()));
  const Array path = climb.mean(5, workers), move = climb.mean(2, workers);
  int right = 0;
  for (std::int64_t t = 0; t < Wheel::kRows; ++t)
    right += (path.data<double>()[2 * t + 1] > 0.5) == (w.truth[std::size_t(t)] == 1);
  EXPECT_GT(right, 0.95 * double(Wheel::kRows));
  const double* turn = move.data<double>();
  EXPECT_NEAR(std::atan2(turn[2] - turn[1], turn[0] + turn[3]), 0.25, 0.1);
  EXPECT_NEAR(std::atan2(turn[6] - turn[5], turn[4] + turn[7]), -0.9, 0.1);
}

// Cut after some sweeps and taken up by another climb of the same state: the same bits.
TEST(Apart, AClimbIsTakenUpWhereItWas) {
  const Wheel w;
  State whole, part;
  Workers workers(1);
  CoordinateClimb one(w.m, w.data, whole, states_apart());
  one.start({{"path", w.guess}}, workers);
  Numbers bounds;
  for (int i = 0; i < 6; ++i) bounds.push_back(one.sweep(workers));
  {
    CoordinateClimb first(w.m, w.data, part, states_apart());
    first.start({{"path", w.guess}}, workers);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(first.sweep(workers), bounds[i]);
  }
  // Other rows in between have states of their own.
  {
    DataSet few;
    few.rows = 30;
    for (const auto& [name, a] : w.data.columns) few.columns[name] = a.part(0, 30);
    CoordinateClimb other(w.m, few, part, states_apart());
    const double begun = other.elbo(workers);
    for (int i = 0; i < 50; ++i) other.update_apart(workers);
    EXPECT_GT(other.elbo(workers), begun);
  }
  CoordinateClimb then(w.m, w.data, part, states_apart());
  for (std::size_t i = 3; i < 6; ++i) EXPECT_EQ(then.sweep(workers), bounds[i]);
}

// Regimes whose noise is the same are none, however many there are.
TEST(Apart, AlikeRegimesInAnyNumber) {
  const std::int64_t rows = 12, width = 2;
  Array y(DType::f64, Shape{rows}), begins(DType::f64, Shape{rows});
  kernels::fill_normal(Key{6, 1}, nullptr, 0, rows, 1, y.data<double>());
  begins.data<double>()[0] = 1;
  DataSet data;
  data.rows = rows;
  data.columns = {{"y", y}, {"begins", begins}};
  Workers workers(1);
  const auto bound = [&](std::int64_t regimes) {
    Model m{DType::f64};
    const Plate row = m.plate("row"),
                regime = m.plate("regime", std::max<std::int64_t>(regimes, 1));
    const Expr first = m.data("begins", row, {}, DType::f64),
               seen = m.data("y", row, {}, DType::f64);
    const auto known = [&](const Shape& s, const Numbers& v) { return m.constant(column(s, v)); };
    Expr noise = known(Shape{width}, {3, 5});
    if (regimes > 0) {
      const auto k = std::size_t(regimes);
      Numbers alike;
      for (std::size_t r = 0; r < k; ++r) alike.insert(alike.end(), {3, 5});
      const Expr path =
          m.latent("path",
                   chain(known(Shape{regimes}, Numbers(k, 1 / double(k))),
                         known(Shape{regimes, regimes}, Numbers(k * k, 1 / double(k))), first),
                   row, Shape{regimes});
      noise = gate(path, spread(known(Shape{regimes, width}, alike), regime));
    }
    const Expr x =
        m.latent("x", linked_chain(0.0, 1.0, known(Shape{2, 2}, {0.9, 0.1, 0, 0.8}), noise, first),
                 row, Shape{width});
    m.observe("y", normal(inner(known(Shape{2}, {1, 1}), x), 1.0), seen);
    State state;
    CoordinateOptions options;
    if (regimes > 0) options.apart = {"x"};
    CoordinateClimb climb(m, data, state, options);
    return climb.elbo(workers);
  };
  const double want = bound(0);
  for (const std::int64_t regimes : {1, 2, 3, 5}) EXPECT_NEAR(bound(regimes), want, 1e-10);
}

// A latent apart that meets no other is at its exact conditional, as if it were integrated out;
// also one that lies on another plate.
TEST(Apart, OneAloneLosesNothing) {
  const std::int64_t rows = 6, columns = 3;
  Array y(DType::f64, Shape{rows, columns});
  kernels::fill_normal(Key{7, 1}, nullptr, 0, rows, columns, y.data<double>());
  DataSet data;
  data.rows = rows;
  data.columns = {{"y", y}};
  Workers workers(1);
  Model m{DType::f64};
  const Plate row = m.plate("row"), place = m.plate("place", columns);
  const Expr seen = m.data("y", {row, place}, {}, DType::f64);
  const Expr z = m.latent("z", normal(0.5, 2.0), {row, place});
  m.observe("y", normal(z, 1.0), seen);
  State one, other;
  CoordinateOptions options;
  CoordinateClimb integrated(m, data, one, options);
  options.apart = {"z"};
  CoordinateClimb apart(m, data, other, options);
  EXPECT_NEAR(apart.elbo(workers), integrated.elbo(workers), 1e-11);
}

// By maximum likelihood and at a mode the states still have a distribution; and so they have with
// the path apart instead.
TEST(Apart, PointsAreLearnedBesideIt) {
  const Wheel w;
  Workers workers(2);
  for (const Factors factors : {Factors::mode, Factors::likelihood}) {
    State state;
    CoordinateOptions options = states_apart();
    options.factors = factors;
    CoordinateClimb climb(w.m, w.data, state, options);
    climb.start({{"path", w.guess}}, workers);
    double last = -INFINITY;
    for (int i = 0; i < 10; ++i) {
      const double bound = climb.sweep(workers);
      EXPECT_GE(bound, last - 1e-9 * std::abs(bound));
      last = bound;
    }
    double sum = 0;
    for (const auto& [name, v] : climb.terms(workers)) sum += v;
    EXPECT_NEAR(sum, climb.elbo(workers), 1e-9 * std::abs(sum));
  }
  State state;
  CoordinateOptions options;
  options.apart = {"path"};
  CoordinateClimb climb(w.m, w.data, state, options);
  double last = -INFINITY;
  for (int i = 0; i < 10; ++i) {
    const double bound = climb.sweep(workers);
    EXPECT_GE(bound, last - 1e-9 * std::abs(bound));
    last = bound;
  }
}

TEST(Apart, WhatIsRefused) {
  const Wheel w;
  State state;
  const auto message = [&](const CoordinateOptions& o) -> std::string {
    try {
      CoordinateClimb climb(w.m, w.data, state, o);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return {};
  };
  EXPECT_NE(message({}).find("apart"), std::string::npos) << message({});
  CoordinateOptions o = states_apart();
  o.apart = {"steady"};
  EXPECT_EQ(message(o), "[coordinate] apart: no latent of rows \"steady\"");
  o = states_apart();
  o.batch = 10;
  EXPECT_EQ(message(o),
            "[coordinate] where latents of rows are apart, rows are not served in batches");
  o = states_apart();
  o.hard = true;
  EXPECT_EQ(message(o),
            "[coordinate] where latents of rows are apart, choices of rows are no points");
  State fresh;
  CoordinateClimb climb(w.m, w.data, fresh, states_apart());
  EXPECT_THROW(Squarem{climb}, ConfigError);
  EXPECT_THROW(climb.show(0, 10), ConfigError);
  Workers workers(1);
  EXPECT_THROW(climb.start({{"path", w.guess}, {"x", w.guess}}, workers), ConfigError);
}

}  // namespace
}  // namespace fathom
