// Bounds of small models node by node, without plan or fusion: the reference interpreter against
// closed forms and against the planned program.
#include <gtest/gtest.h>

#include "fathom/climb/coordinate.h"
#include "fathom/exec/reference.h"
#include "tests/elbo/linear.h"
#include "tests/oracles/special.h"

namespace fathom {
namespace {

using testing::centred_digits;
using testing::LinearVae;
using testing::Ppca;

constexpr double kVariance = 0.02;
constexpr int kLatent = 3, kWidth = 64;
constexpr Key kKey{5, 5};

// A lowered model and what its graph reads.
struct Lowered {
  Graph graph{op_table()};
  std::unique_ptr<Lowering> lowering;
  std::vector<Value> terms;  // each summed
  Value bound;

  Lowered(const Model& m, const LowerOptions& options)
      : lowering(std::make_unique<Lowering>(m, graph, options)) {
    for (const Term& t : lowering->terms()) {
      terms.push_back(sum(t.value));
      bound = bound ? bound + terms.back() : terms.back();
    }
  }

  Bindings bindings(const DataSet& data, const State& state) const {
    Bindings b;
    for (const auto& [name, array] : data.columns) b["data." + name] = array;
    std::vector<std::int64_t> ids(std::size_t(data.rows));
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = std::int64_t(i);
    b["ids"] = Array::of<std::int64_t>({data.rows}, ids);
    b["key"] = Array(DType::key, {});
    *b["key"].data<Key>() = kKey;
    for (const InputInfo& i : graph.graph_inputs())
      if (i.kind == InputKind::slot) b[i.name] = *state.find(i.name);
    return b;
  }

  double interpreted(Value v, const DataSet& data, const State& state) const {
    return *evaluate_reference(graph, std::vector{v}, bindings(data, state))[0].data<double>();
  }
  double planned(Value v, const DataSet& data, State& state) {
    Program program(graph, std::span<const Value>(&v, 1), {}, state);
    const Bindings b = bindings(data, state);
    for (const InputInfo& i : graph.graph_inputs()) {
      if (i.kind == InputKind::data) program.bind(i.name, b.at(i.name));
      if (i.kind == InputKind::key) program.set_key(i.name, kKey);
    }
    Workers workers(2);
    program.run(workers);
    return program.scalar(0);
  }
};

class LinearByInterpreter : public ::testing::Test {
 protected:
  DataSet data = centred_digits();
  Ppca exact{data, kLatent, kVariance};
  LinearVae vae{kLatent, kWidth, kVariance};
  State state;

  void SetUp() override { vae.set_optimum(exact, kVariance, state); }
};

// By moments: at the exact posterior the bound is log p(x), that of probabilistic PCA; a posterior
// variance r times as large costs 1/2 (r - 1 - log r) for each latent.
TEST_F(LinearByInterpreter, BoundByMomentsIsTheLogLikelihood) {
  LowerOptions options;
  options.capacity = data.rows;
  Lowered l(vae.model, options);
  const double rows = double(data.rows), want = exact.log_likelihood * rows;
  EXPECT_NEAR(l.interpreted(l.bound, data, state), want, 1e-10 * std::abs(want));
  EXPECT_NEAR(l.planned(l.bound, data, state), want, 1e-10 * std::abs(want));
  const double r = 1.7, gap = kLatent * 0.5 * (r - 1 - std::log(r));
  for (int j = 0; j < kLatent; ++j) state.find("log_sd")->data<double>()[j] += 0.5 * std::log(r);
  EXPECT_NEAR(l.interpreted(l.bound, data, state), want - gap * rows, 1e-10 * std::abs(want));
}

// By sample: the likelihood is the mean over draws of log N(x; z W, variance) at z = x V + sd e,
// with the standard normals e of the key; prior and entropy stay in closed form.
TEST_F(LinearByInterpreter, SampledBoundIsTheMeanOverItsDraws) {
  const std::int64_t draws = 4;
  LowerOptions options;
  options.capacity = data.rows;
  options.samples = int(draws);
  options.sampled = {"x"};
  Lowered l(vae.model, options);
  std::vector<double> e(std::size_t(data.rows * draws * kLatent));
  kernels::fill_normal(fold(kKey, std::uint64_t(vae.z.index())), nullptr, 0, data.rows,
                       draws * kLatent, e.data());
  const double *w = state.find("w")->data<double>(),
               *v = state.find("encoder.0.weight")->data<double>(),
               *x = data.columns.at("x").data<double>(),
               *log_sd = state.find("log_sd")->data<double>();
  double likelihood = 0, divergence = 0;
  for (std::int64_t n = 0; n < data.rows; ++n, x += kWidth) {
    double mean[kLatent] = {};
    for (int j = 0; j < kLatent; ++j) {
      for (int i = 0; i < kWidth; ++i) mean[j] += x[i] * v[i * kLatent + j];
      divergence += 0.5 * (std::exp(2 * log_sd[j]) + mean[j] * mean[j] - 1) - log_sd[j];
    }
    for (std::int64_t s = 0; s < draws; ++s) {
      double squares = 0;
      for (int i = 0; i < kWidth; ++i) {
        double r = x[i];
        for (int j = 0; j < kLatent; ++j)
          r -= w[j * kWidth + i] *
               (mean[j] + std::exp(log_sd[j]) * e[std::size_t((n * draws + s) * kLatent + j)]);
        squares += r * r;
      }
      likelihood -= (0.5 * squares / kVariance + 0.5 * kWidth * std::log(2 * M_PI * kVariance)) /
                    double(draws);
    }
  }
  EXPECT_NEAR(l.interpreted(l.terms[0], data, state), likelihood, 1e-10 * std::abs(likelihood));
  const double want = likelihood - divergence;
  const double size = std::abs(likelihood) + divergence;
  EXPECT_NEAR(l.interpreted(l.bound, data, state), want, 1e-10 * size);
  EXPECT_NEAR(l.planned(l.bound, data, state), want, 1e-10 * size);
}

// mu ~ N(0, 1e6), tau ~ Gamma(1e-6, 1e-6), y ~ N(mu, 1 / tau): E log p(y, mu, tau) plus the
// entropies of q(mu) = N(m, 1 / l) and q(tau) = Gamma(a, b). Bishop 2006, sections 10.1.3 and B.
double normal_gamma_bound(const std::vector<double>& y, double m, double l, double a, double b) {
  const double prior = 1e-6, log_tau = oracle::digamma(a) - std::log(b), tau = a / b;
  const double log_two_pi = std::log(2 * M_PI);
  double total = 0;
  for (const double v : y)
    total += 0.5 * (log_tau - log_two_pi - tau * ((v - m) * (v - m) + 1 / l));
  total += 0.5 * (std::log(prior) - log_two_pi - prior * (m * m + 1 / l));
  total += prior * std::log(prior) - std::lgamma(prior) + (prior - 1) * log_tau - prior * tau;
  total += 0.5 * (1 + log_two_pi - std::log(l));
  return total + a - std::log(b) + std::lgamma(a) + (1 - a) * oracle::digamma(a);
}

TEST(NormalGammaByInterpreter, BoundIsTheClosedFormAfterEverySweep) {
  const std::vector<double> y = {
      21.243453636632,  -1.117564136501, -0.281717522635, -5.729686221562, 13.654076293247,
      -18.015386968803, 22.448117642165, -2.612069008951, 8.190390960571,  2.506296245226};
  Model model(DType::f64);
  const Plate row = model.plate("row");
  const Expr at = model.data("y", row, {}, DType::f64);
  const Expr mu = model.latent("mu", normal_precision(0.0, 1e-6));
  const Expr tau = model.latent("tau", gamma(1e-6, 1e-6));
  model.observe("y", normal_precision(mu, tau), at);
  DataSet data;
  data.rows = 10;
  data.columns["y"] = Array::of<double>(Shape{10}, y);
  State state;
  Workers workers(1);
  CoordinateClimb climb(model, data, state);
  LowerOptions options;
  options.capacity = 10;
  options.factors = Factors::mean_field;
  options.collapse = true;
  Lowered l(model, options);
  const auto slot = [&](const std::string& name) { return *state.find(name)->data<double>(); };
  for (int sweep = 0; sweep < 6; ++sweep) {
    SCOPED_TRACE(sweep);
    const double precision = -2 * slot("mu.natural.1");
    const double want = normal_gamma_bound(y, slot("mu.natural.0") / precision, precision,
                                           slot("tau.natural.0") + 1, -slot("tau.natural.1"));
    EXPECT_NEAR(l.interpreted(l.bound, data, state), want, 1e-10 * std::abs(want));
    EXPECT_NEAR(l.planned(l.bound, data, state), want, 1e-10 * std::abs(want));
    EXPECT_NEAR(climb.elbo(workers), want, 1e-10 * std::abs(want));
    climb.sweep(workers);
  }
}

}  // namespace
}  // namespace fathom
