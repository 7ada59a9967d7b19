// The fitting loop: it reaches what is known to be reachable, and it is the same run whatever the
// threads and however often it was interrupted.
#include "fathom/climb/fit.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "fathom/zoo/vae.h"
#include "tests/elbo/linear.h"

namespace fathom {
namespace {

using testing::centred_digits;
using testing::LinearVae;
using testing::Ppca;

void reaches_ppca(const DataSet& data, int latent, double variance, int epochs, double rate) {
  const Ppca exact(data, latent, variance);
  LinearVae vae(latent, data.columns.at("x").size() / data.rows, variance);
  FitConfig config;
  config.batch = data.rows;
  config.epochs = epochs;
  config.rate = rate;
  config.schedule.kind = "cosine";
  config.schedule.end = 1e-3;
  config.seed = 3;
  State state;
  init_fit(vae.model, config, state);
  Workers workers(2);
  fit(vae.model, data, {}, config, state, {}, workers, {});
  Evaluator e(vae.model, {}, state);
  const double elbo = e.elbo(data, Key{1, 1}, workers).elbo_per_row;
  EXPECT_LE(elbo, exact.log_likelihood + 1e-9);
  EXPECT_NEAR(elbo, exact.log_likelihood, 1e-3);
}

TEST(Fit, LinearVaeReachesProbabilisticPca) { reaches_ppca(centred_digits(), 3, 0.02, 4000, 0.06); }

TEST(Fit, LinearVaeReachesProbabilisticPcaOnFaces) {
  const DataSet faces = testing::centred_faces();
  if (faces.rows == 0) GTEST_SKIP() << "FATHOM_DATA does not name a folder with frey_faces.npy";
  reaches_ppca(faces, 2, 0.02, 3000, 0.03);
}

// A small VAE with bits drawn anew each epoch, on rows made from a key.
struct Small {
  Vae vae;
  DataSet data;

  static VaeConfig config() {
    VaeConfig c;
    c.latent = 3;
    c.hidden = "16";
    c.binarize = "dynamic";
    return c;
  }
  Small() : vae(config(), 20, DType::u8) {
    data.rows = 157;
    Array x(DType::u8, Shape{157, 20});
    for (std::int64_t i = 0; i < x.size(); ++i)
      x.data<std::uint8_t>()[i] =
          std::uint8_t(philox(Key{9, 9}, std::uint64_t(i), 0).word[0] >> 24);
    data.columns["x"] = x;
  }
};

bool same_bits(const State& a, const State& b) {
  if (a.slots().size() != b.slots().size()) return false;
  for (const auto& [name, x] : a.slots()) {
    const Array* y = b.find(name);
    if (!y || x.bytes() != y->bytes() || std::memcmp(x.raw(), y->raw(), x.bytes()) != 0)
      return false;
  }
  return true;
}

FitConfig small_config() {
  FitConfig c;
  c.epochs = 4;
  c.batch = 32;
  c.rate = 1e-2;
  c.seed = 7;
  return c;
}

State run(int threads, double clip = 0) {
  Small s;
  FitConfig c = small_config();
  c.clip = clip;
  State state;
  init_fit(s.vae.model, c, state);
  Workers workers(threads);
  fit(s.vae.model, s.data, s.data, c, state, {}, workers, {});
  return state;
}

TEST(Fit, SameBitsForAnyNumberOfThreads) {
  const State one = run(1);
  EXPECT_TRUE(same_bits(one, run(2)));
  EXPECT_TRUE(same_bits(one, run(3)));
  const State clipped = run(1, 0.1);
  EXPECT_TRUE(same_bits(clipped, run(2, 0.1)));
  EXPECT_FALSE(same_bits(one, clipped));
}

TEST(Fit, InterruptedAndResumedIsTheSameRun) {
  const State straight = run(2);
  Small s;
  const FitConfig c = small_config();
  State state;
  init_fit(s.vae.model, c, state);
  Workers workers(2);
  FitPosition at;
  int pieces = 0;
  for (; pieces < 40; ++pieces) {  // stops in the middle of epochs and at their ends
    int steps = 0;
    FitCallbacks callbacks;
    callbacks.interrupted = [&] { return ++steps >= 3; };
    const FitResult r = fit(s.vae.model, s.data, s.data, c, state, at, workers, callbacks);
    State saved;  // what a file would hold
    saved.assign(state);
    state = State();
    state.assign(saved);
    at = r.position;
    if (r.stopped == Stopped::epochs) break;
  }
  EXPECT_GT(pieces, 3);
  EXPECT_TRUE(same_bits(straight, state));
}

TEST(Fit, NonFiniteBoundNamesStepAndTermAndKeepsTheGoodState) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("x", row, Shape{1}, DType::f64);
  const Expr log_sd = m.parameter("log_sd", Shape{1});
  m.observe("height", normal_log_sd(0.0, log_sd), x);
  DataSet data;
  data.rows = 4;
  data.columns["x"] = Array::of<double>(
      Shape{4, 1}, std::vector<double>{0, 1, std::numeric_limits<double>::infinity(), 2});
  FitConfig c = small_config();
  c.batch = 1;
  State state;
  init_fit(m, c, state);
  Workers workers(1);
  bool saved = false;
  FitCallbacks callbacks;
  callbacks.checkpoint = [&](const State& s, const FitPosition& at, bool) {
    saved = true;
    EXPECT_TRUE(std::isfinite(*s.find("log_sd")->data<double>()));
    EXPECT_EQ(at.epoch, 0);
  };
  try {
    fit(m, data, {}, c, state, {}, workers, callbacks);
    FAIL() << "an infinite datum went unseen";
  } catch (const NumericError& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("height"), std::string::npos) << text;
    EXPECT_NE(text.find("step"), std::string::npos) << text;
  }
  EXPECT_TRUE(saved);
}

TEST(Fit, EarlyStoppingWaitsForPatience) {
  Small s;
  FitConfig c = small_config();
  c.epochs = 200;
  c.patience = 2;
  c.rate = 0.2;
  State state;
  init_fit(s.vae.model, c, state);
  Workers workers(1);
  const FitResult r = fit(s.vae.model, s.data, s.data, c, state, {}, workers, {});
  EXPECT_EQ(r.stopped, Stopped::patience);
  EXPECT_EQ(r.position.epoch - r.position.best_epoch, 2);
}

TEST(Fit, EpochOrderIsAPermutationOfItsOwn) {
  const auto a = epoch_order(1, 0, 1000), b = epoch_order(1, 1, 1000);
  std::vector<std::int64_t> sorted = a, all(1000);
  std::iota(all.begin(), all.end(), 0);
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, all);
  EXPECT_NE(a, b);
  EXPECT_EQ(a, epoch_order(1, 0, 1000));
}

TEST(Schedule, FactorsAtTheEnds) {
  Schedule s;
  EXPECT_EQ(s.factor(3, 10), 1);
  s.kind = "cosine";
  s.end = 0.1;
  EXPECT_DOUBLE_EQ(s.factor(0, 10), 1);
  EXPECT_NEAR(s.factor(10, 10), 0.1, 1e-12);
  s.kind = "exponential";
  EXPECT_NEAR(s.factor(5, 10), std::sqrt(0.1), 1e-12);
  s.warmup = 2;
  EXPECT_NEAR(s.factor(1, 10), 0.5, 1e-6);
  s.kind = "lunar";
  EXPECT_THROW(s.factor(1, 10), ConfigError);
}

}  // namespace
}  // namespace fathom
