// A hidden Markov model whose states say something of their own: how long one waits, and how many
// come. Any family that a gate may choose from is an emission, and a row may have several.
//
//   path ~ chain,   wait_t ~ Exponential(rate_path),   calls_t ~ Poisson(rate_path exposure_t)
//
//   build/release/examples/own_emission
#include <fmt/format.h>

#include <cmath>

#include "fathom/climb/ascend.h"
#include "fathom/kernels/rng.h"

using namespace fathom;

namespace {

constexpr std::int64_t kStates = 2, kRows = 600;
constexpr double kWait[kStates] = {0.5, 4}, kCalls[kStates] = {6, 1}, kLeave = 0.04;

double unit(std::uint64_t key, std::int64_t i) {
  return (double(philox(Key{key, 9}, std::uint64_t(i), 0).word[0]) + 0.5) * 0x1p-32;
}

double poisson_draw(double rate, std::int64_t i) {
  double p = std::exp(-rate), u = unit(4, i) - p, n = 0;
  for (; u > 0; u -= p) p *= rate / ++n;
  return n;
}

}  // namespace

int main() {
  DataSet data;
  data.rows = kRows;
  Array wait(DType::f64, Shape{kRows}), calls(DType::f64, Shape{kRows}),
      exposure(DType::f64, Shape{kRows}), begins(DType::f64, Shape{kRows});
  std::vector<int> truth;
  for (std::int64_t i = 0; i < kRows; ++i) {
    truth.push_back(i == 0 ? 0 : unit(1, i) < kLeave ? 1 - truth.back() : truth.back());
    exposure.data<double>()[i] = 0.5 + unit(2, i);
    wait.data<double>()[i] = -kWait[truth.back()] * std::log(unit(3, i));
    calls.data<double>()[i] = poisson_draw(kCalls[truth.back()] * exposure.data<double>()[i], i);
  }
  begins.data<double>()[0] = 1;
  data.columns = {{"wait", wait}, {"calls", calls}, {"exposure", exposure}, {"begins", begins}};

  Model m(DType::f64);
  const Plate step = m.plate("step"), state = m.plate("state", kStates);
  const Expr waited = m.data("wait", step, {}, DType::f64);
  const Expr came = m.data("calls", step, {}, DType::f64);
  const Expr over = m.data("exposure", step, {}, DType::f64);
  const Expr first = m.data("begins", step, {}, DType::f64);
  const Expr begin = m.latent("begin", dirichlet(1.0), Shape{kStates});
  const Expr move = m.latent("move", dirichlet(1.0), state, Shape{kStates});
  const Expr speed = m.latent("speed", gamma(1.0, 1.0), state);
  const Expr rate = m.latent("rate", gamma(1.0, 0.3), state);
  const Expr path = m.latent("path", chain(begin, move, first), step, Shape{kStates});
  m.observe("wait", exponential_of(gate(path, speed)), waited);
  m.observe("calls", poisson_of(gate(path, rate) * over), came);

  Workers workers;
  State fitted;
  CoordinateClimb climb(m, data, fitted);
  Array start(DType::f64, Shape{kRows, kStates});
  for (std::int64_t i = 0; i < kRows; ++i) {
    const double p = 0.25 + 0.5 * double(wait.data<double>()[i] < 1.5);
    start.data<double>()[2 * i] = p;
    start.data<double>()[2 * i + 1] = 1 - p;
  }
  climb.start({{"path", start}}, workers);
  const Ascent a = ascend(climb, kRows, {}, workers);
  fmt::print("ELBO {:.4f} after {} sweeps\n", a.elbo(), a.bounds.size());
  const Array v = climb.mean(2, workers), r = climb.mean(3, workers), p = climb.mean(4, workers);
  bool good = true;
  for (std::int64_t k = 0; k < kStates; ++k) {
    const double waits = 1 / v.data<double>()[k], rates = r.data<double>()[k];
    fmt::print("state {}: one waits {:.3f}, {:.3f} calls an hour (drawn from {:g} and {:g})\n",
               k + 1, waits, rates, kWait[k], kCalls[k]);
    good = good && std::abs(waits / kWait[k] - 1) < 0.2 && std::abs(rates / kCalls[k] - 1) < 0.2;
  }
  int right = 0;
  for (std::int64_t i = 0; i < kRows; ++i)
    right += (p.data<double>()[2 * i + 1] > 0.5) == (truth[std::size_t(i)] == 1);
  fmt::print("{:.1f} % of the rows are in the state that was drawn\n",
             100 * double(right) / double(kRows));
  return good && right > 0.95 * double(kRows) ? 0 : 1;
}
