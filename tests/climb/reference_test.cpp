// Published and closed values of small models.
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/coordinate.h"

namespace fathom {
namespace {

Array row_of(const std::vector<double>& x) {
  return Array::of<double>(Shape{1, std::int64_t(x.size())}, x);
}

// Jaakkola & Jordan 2000 from xi = 1: the bound after each update of the weight, by a program of
// its own; w ~ N(0, 4), ten rows. xi is the tilt of a Polya-Gamma weight (Durante & Rigon 2019).
TEST(Reference, JaakkolaAndJordansTrace) {
  Model m(DType::f64);
  const Plate row = m.plate("row"), item = m.plate("item", 10);
  const Expr x = m.data("x", {row, item}, {}, DType::f64),
             y = m.data("y", {row, item}, {}, DType::f64);
  const Expr w = m.latent("w", normal_precision(0.0, 0.25));
  const Expr omega = m.latent("omega", polya_gamma(1.0, 0.0), item);
  m.observe("y", bernoulli_polya_gamma(w * x, omega), y);
  DataSet data;
  data.rows = 1;
  data.columns = {{"x", row_of({-2, -1.5, -1, -.5, .5, 1, 1.5, 2, .3, -.3})},
                  {"y", row_of({0, 0, 0, 1, 0, 1, 1, 1, 1, 0})}};
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state, {.order = {"w", "omega"}});
  Array& tilt = *state.find("omega.natural.0");
  for (std::int64_t i = 0; i < 10; ++i) tilt.data<double>()[i] = -0.5;
  for (const double want : {-5.87191133, -5.52293428}) {
    const Array before = tilt.copy();
    climb.sweep(workers);
    const Array after = tilt.copy();
    std::copy_n(before.data<double>(), 10, tilt.data<double>());
    EXPECT_NEAR(climb.elbo(workers), want, 1e-8);
    std::copy_n(after.data<double>(), 10, tilt.data<double>());
  }
  for (int i = 0; i < 300; ++i) climb.sweep(workers);
  EXPECT_NEAR(climb.elbo(workers), -5.43816774, 1e-8);
  EXPECT_NEAR(*climb.mean(0, workers).data<double>(), 1.630794, 1e-6);
  EXPECT_NEAR(-0.5 / *state.find("w.natural.1")->data<double>(), 0.379254, 1e-6);
}

// Two normal quantities of unit variance and correlation rho: means are exact, variances are those
// of each given the other, and the gap is -log(1 - rho^2) / 2. Bishop 2006, section 10.1.2.
TEST(Reference, CorrelatedNormalsByTwoFactors) {
  const double rhos[] = {0.5, 0.9, 0.99}, gaps[] = {0.14384104, 0.83036560, 1.95851777};
  for (std::size_t i = 0; i < 3; ++i) {
    const double rho = rhos[i];
    Model m(DType::f64);
    m.plate("row");
    const Expr a = m.latent("a", normal_precision(1.5, 1.0));
    m.latent("b", normal_precision(a * rho + 2.0, 1 / (1 - rho * rho)));
    DataSet data;
    data.rows = 1;
    State state;
    Workers workers(1);
    CoordinateClimb climb(m, data, state);
    for (int sweep = 0; sweep < 2000; ++sweep) climb.sweep(workers);
    EXPECT_NEAR(climb.elbo(workers), -gaps[i], 1e-8);
    EXPECT_NEAR(*climb.mean(0, workers).data<double>(), 1.5, 1e-8);
    EXPECT_NEAR(*climb.mean(1, workers).data<double>(), 1.5 * rho + 2, 1e-8);
    for (const char* name : {"a.natural.1", "b.natural.1"})
      EXPECT_NEAR(-0.5 / *state.find(name)->data<double>(), 1 - rho * rho, 1e-10) << name;
  }
}

// A trial: 1 of 5 recover without treatment and 4 of 5 with it. Whether it has an effect is the
// ratio of two evidences, each exact; .7549019608 by Infer.NET's tutorial of the same numbers.
TEST(Reference, ATreatmentHasAnEffect) {
  double evidence[2];
  for (const bool effect : {false, true}) {
    Model m(DType::f64);
    const Plate row = m.plate("row");
    const Expr control = m.data("control", row, {}, DType::f64),
               treated = m.data("treated", row, {}, DType::f64);
    const Expr p = m.latent("p", beta(1.0, 1.0));
    m.observe("control", bernoulli_of(p), control);
    m.observe("treated", bernoulli_of(effect ? m.latent("q", beta(1.0, 1.0)) : p), treated);
    DataSet data;
    data.rows = 5;
    data.columns = {{"control", Array::of<double>(Shape{5}, std::vector<double>{0, 0, 1, 0, 0})},
                    {"treated", Array::of<double>(Shape{5}, std::vector<double>{1, 0, 1, 1, 1})}};
    State state;
    Workers workers(1);
    CoordinateClimb climb(m, data, state);
    evidence[effect] = climb.sweep(workers);
  }
  EXPECT_NEAR(1 / (1 + std::exp(evidence[0] - evidence[1])), 0.7549019608, 1e-10);
}

}  // namespace
}  // namespace fathom
