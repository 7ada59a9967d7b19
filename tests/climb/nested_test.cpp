// Two latents of each row in one term: the inner one is integrated out for each choice of the
// outer one. Against densities and sums written out.
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/coordinate.h"
#include "fathom/io/csv.h"
#include "fathom/kernels/rng.h"
#include "tests/oracles/gaussian.h"

namespace fathom {
namespace {

double unit(std::uint64_t key, std::int64_t i) {
  return (double(philox(Key{key, 21}, std::uint64_t(i), 0).word[0]) + 0.5) * 0x1p-32;
}

Array indicators(std::int64_t n, std::int64_t k, std::uint64_t key) {
  Array a(DType::f64, Shape{n, k});
  for (std::int64_t i = 0; i < n; ++i) {
    const auto c = std::int64_t(unit(key, i) * double(k));
    for (std::int64_t j = 0; j < k; ++j) a.data<double>()[i * k + j] = j == c;
  }
  return a;
}

void scatter(Array& a, std::uint64_t key) {
  for (std::int64_t i = 0; i < a.size(); ++i) a.data<double>()[i] = 0.02 * unit(key, i) - 0.01;
}

// Mixture of factor analysers (Ghahramani & Hinton 1996) with points for all but which and z: the
// density sum_k weight_k N(x; mu_k, W_k W_k' + diag(1 / tau)).
TEST(Nested, MixtureOfFactorAnalysersHasTheDensityOfItsRows) {
  constexpr std::int64_t n = 40, d = 3, q = 2, parts = 2;
  Array x(DType::f64, Shape{n, d});
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j)
      x.data<double>()[i * d + j] = (i % 3 ? 1.0 : -2.0) + 2 * unit(1, i * d + j) + unit(2, i);
  Model m(DType::f64);
  const Plate row = m.plate("row"), column = m.plate("column", d), part = m.plate("part", parts);
  const Expr y = m.data("x", {row, column}, {}, DType::f64);
  const Expr weights = m.latent("weights", dirichlet(1.0), Shape{parts});
  const Expr w = m.latent("loadings", mvnormal(0.0, 1e-2), {part, column}, Shape{q});
  const Expr mu = m.latent("mean", normal_precision(0.0, 1e-2), {part, column});
  const Expr tau = m.latent("noise", gamma(2.0, 1.0), column);
  const Expr which = m.latent("which", categorical_of(weights), row, Shape{parts});
  const Expr z = m.latent("z", mvnormal(0.0, 1.0), row, Shape{q});
  m.observe("x", normal_precision(inner(gate(which, w), z) + gate(which, mu), tau), y);
  DataSet data;
  data.rows = n;
  data.columns["x"] = x;
  for (const Factors factors : {Factors::likelihood, Factors::mode, Factors::mean_field}) {
    State state;
    Workers workers(2);
    CoordinateClimb climb(m, data, state, {.factors = factors});
    scatter(*state.find("loadings.natural.0"), 5);
    scatter(*state.find("mean.natural.0"), 6);
    double last = -1e300;
    for (int i = 0; i < 30; ++i) {
      const double now = climb.sweep(workers);
      ASSERT_GE(now, last - 1e-10 * std::abs(now)) << i;
      last = now;
    }
    double total = 0, size = 0;
    for (const auto& [name, value] : climb.terms(workers)) {
      total += value;
      size += std::abs(value);
    }
    EXPECT_NEAR(total, climb.elbo(workers), 1e-12 * size);
    if (factors != Factors::likelihood) continue;
    const auto mean = [&](std::size_t latent) { return climb.mean(latent, workers); };
    const Array pi = mean(0), lw = mean(1), lm = mean(2), lt = mean(3);
    double density = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      double p = 0;
      for (std::int64_t k = 0; k < parts; ++k) {
        // plates in the order of the model: column, then part
        const auto loading = [&](std::int64_t j, std::int64_t l) {
          return lw.data<double>()[(j * parts + k) * q + l];
        };
        std::vector<double> c(std::size_t(d * d)), means(std::size_t(d), 0.0);
        for (std::int64_t j = 0; j < d; ++j) {
          means[std::size_t(j)] = lm.data<double>()[j * parts + k];
          for (std::int64_t h = 0; h < d; ++h) {
            double& cell = c[std::size_t(j * d + h)] = j == h ? 1 / lt.data<double>()[j] : 0;
            for (std::int64_t l = 0; l < q; ++l) cell += loading(j, l) * loading(h, l);
          }
        }
        p += pi.data<double>()[k] *
             std::exp(oracle::log_normal({x.data<double>() + i * d, std::size_t(d)}, means, c));
      }
      density += std::log(p);
    }
    EXPECT_NEAR(climb.elbo(workers), density, 1e-10 * std::abs(density));
  }
}

// A choice within a choice: counts of row n have the rate[a_n, b_n]. With points for weights and
// rates the bound is the density with both summed over.
TEST(Nested, GateWithinAGateIsSummedOverBoth) {
  constexpr std::int64_t n = 30, na = 2, nb = 3;
  Array x(DType::f64, Shape{n});
  for (std::int64_t i = 0; i < n; ++i)
    x.data<double>()[i] = std::floor(12 * unit(3, i) * unit(4, i));
  Model m(DType::f64);
  const Plate row = m.plate("row"), pa = m.plate("a", na), pb = m.plate("b", nb);
  const Expr y = m.data("x", row, {}, DType::f64);
  const Expr wa = m.latent("wa", dirichlet(1.5), Shape{na});
  const Expr wb = m.latent("wb", dirichlet(1.5), Shape{nb});
  const Expr rate = m.latent("rate", gamma(1.5, 0.5), {pa, pb});
  const Expr a = m.latent("choice_a", categorical_of(wa), row, Shape{na});
  const Expr b = m.latent("choice_b", categorical_of(wb), row, Shape{nb});
  m.observe("x", poisson_of(gate(b, gate(a, rate))), y);
  DataSet data;
  data.rows = n;
  data.columns["x"] = x;
  for (const Factors factors : {Factors::likelihood, Factors::mean_field}) {
    State state;
    Workers workers(2);
    CoordinateClimb climb(m, data, state, {.factors = factors});
    Array& shape = *state.find("rate.natural.0");
    for (std::int64_t i = 0; i < shape.size(); ++i) shape.data<double>()[i] = 1 + 3 * unit(7, i);
    double last = -1e300;
    for (int i = 0; i < 40; ++i) {
      const double now = climb.sweep(workers);
      ASSERT_GE(now, last - 1e-10 * std::abs(now)) << i;
      last = now;
    }
    double total = 0, size = 0;
    for (const auto& [name, value] : climb.terms(workers)) {
      total += value;
      size += std::abs(value);
    }
    EXPECT_NEAR(total, climb.elbo(workers), 1e-12 * size);
    if (factors != Factors::likelihood) continue;
    const Array pi_a = climb.mean(0, workers), pi_b = climb.mean(1, workers),
                r = climb.mean(2, workers);
    double density = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      double p = 0;
      for (std::int64_t k = 0; k < na; ++k)
        for (std::int64_t l = 0; l < nb; ++l) {
          const double rate_kl = r.data<double>()[k * nb + l], v = x.data<double>()[i];
          p += pi_a.data<double>()[k] * pi_b.data<double>()[l] *
               std::exp(v * std::log(rate_kl) - rate_kl - std::lgamma(v + 1));
        }
      density += std::log(p);
    }
    EXPECT_NEAR(climb.elbo(workers), density, 1e-10 * std::abs(density));
  }
}

// A start from given choices, with what lies under them at its best.
TEST(Nested, AStartRaisesWhatFollows) {
  constexpr std::int64_t n = 30, na = 2, nb = 2;
  Array x(DType::f64, Shape{n});
  for (std::int64_t i = 0; i < n; ++i) x.data<double>()[i] = std::floor(9 * unit(3, i));
  Model m(DType::f64);
  const Plate row = m.plate("row"), pa = m.plate("a", na), pb = m.plate("b", nb);
  const Expr y = m.data("x", row, {}, DType::f64);
  const Expr wa = m.latent("wa", dirichlet(1.0), Shape{na});
  const Expr wb = m.latent("wb", dirichlet(1.0), pa, Shape{nb});
  const Expr rate = m.latent("rate", gamma(1.0, 0.5), {pa, pb});
  const Expr a = m.latent("choice_a", categorical_of(wa), row, Shape{na});
  const Expr b = m.latent("choice_b", categorical_of(gate(a, wb, pa)), row, Shape{nb});
  m.observe("x", poisson_of(gate(b, gate(a, rate, pa), pb)), y);
  DataSet data;
  data.rows = n;
  data.columns["x"] = x;
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state, {});
  // b's probabilities lie under a: [row, a, b].
  Array under(DType::f64, Shape{n, na, nb});
  for (std::int64_t i = 0; i < n * na; ++i) {
    const double p = unit(9, i);
    under.data<double>()[2 * i] = p;
    under.data<double>()[2 * i + 1] = 1 - p;
  }
  double last = climb.start({{"choice_a", indicators(n, na, 8)}, {"choice_b", under}}, workers);
  EXPECT_TRUE(std::isfinite(last));
  for (int i = 0; i < 30; ++i) {
    const double now = climb.sweep(workers);
    ASSERT_GE(now, last - 1e-10 * std::abs(now)) << i;
    last = now;
  }
}

TEST(Nested, WhatCannotBeIntegratedIsRefused) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr y = m.data("x", row, {}, DType::f64);
  const Expr u = m.latent("u", normal_precision(0.0, 1.0), row);
  const Expr v = m.latent("v", normal_precision(0.0, 1.0), row);
  m.observe("x", normal_precision(u + v, 1.0), y);
  DataSet data;
  data.rows = 2;
  data.columns["x"] = Array::of<double>(Shape{2}, std::vector{1.0, 2.0});
  State state;
  try {
    CoordinateClimb climb(m, data, state, {});
    FAIL() << "u and v depend on each other given x";
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("couples two latents of each row"), std::string::npos);
  }
}

}  // namespace
}  // namespace fathom
