// Switching linear dynamics (Ghahramani & Hinton 2000): a wheel that turns slowly one way or fast
// the other, pushed a little, and seen through noise. Which way is a chain; the wheel's place has a
// factor of its own beside it.
//
//   path ~ chain,   x_t ~ N(move_path x_{t-1}, 1 / steady),   y_t ~ N(x_t, 1 / noise)
//
//   build/release/examples/switching_dynamics
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "fathom/climb/ascend.h"
#include "fathom/kernels/rng.h"

using namespace fathom;

namespace {

constexpr std::int64_t kSteps = 400, kTurns = 2;
constexpr double kAngle[kTurns] = {0.25, -0.9};  // a step, radians
constexpr double kPush = 0.1, kNoise = 0.2;

}  // namespace

int main() {
  DataSet data;
  data.rows = kSteps;
  Array y(DType::f64, Shape{kSteps, 2}), begins(DType::f64, Shape{kSteps}),
      guess(DType::f64, Shape{kSteps, kTurns}), draws(DType::f64, Shape{kSteps, 5});
  kernels::fill_normal(Key{8, 1}, nullptr, 0, kSteps, 5, draws.data<double>());
  begins.data<double>()[0] = 1;
  double place[] = {1, 0};
  const auto truth = [](std::int64_t t) { return t / 50 % kTurns; };
  for (std::int64_t t = 0; t < kSteps; ++t) {
    const double *e = draws.data<double>() + 5 * t, angle = kAngle[truth(t)];
    const double c = std::cos(angle), s = std::sin(angle), before = place[0];
    place[0] = c * before - s * place[1] + kPush * e[0];
    place[1] = s * before + c * place[1] + kPush * e[1];
    for (int j = 0; j < 2; ++j) y.data<double>()[2 * t + j] = place[j] + kNoise * e[2 + j];
    // A rough guess, wrong in one step of six.
    const double right = e[4] > -1 ? 0.8 : 0.2;
    guess.data<double>()[2 * t + truth(t)] = right;
    guess.data<double>()[2 * t + 1 - truth(t)] = 1 - right;
  }
  data.columns = {{"y", y}, {"begins", begins}};

  Model m(DType::f64);
  const Plate step = m.plate("step"), turn = m.plate("turn", kTurns),
              element = m.plate("element", 2), column = m.plate("column", 2);
  const Expr seen = m.data("y", {step, column}, {}, DType::f64);
  const Expr first = m.data("begins", step, {}, DType::f64);
  const double unit[] = {1, 0, 0, 1};
  const Expr one = m.constant(Array::of<double>(Shape{2, 2}, unit));
  const Expr begin = m.latent("begin", dirichlet(1.0), Shape{kTurns});
  const Expr next = m.latent("next", dirichlet(1.0), turn, Shape{kTurns});
  const Expr move =
      m.latent("move", mvnormal(spread(one, element), 4.0), {turn, element}, Shape{2});
  const Expr steady = m.latent("steady", gamma(1.0, 0.1));
  const Expr noise = m.latent("noise", gamma(10.0, 0.4));
  const Expr path = m.latent("path", chain(begin, next, first), step, Shape{kTurns});
  const Expr moves = gate(path, stacked(move, element));
  const Expr x =
      m.latent("x", linked_chain(0.0, 1.0, moves, repeat(steady, 2), first), step, Shape{2});
  m.observe("y", normal_precision(inner(spread(one, column), x), noise), seen);

  Workers workers;
  State state;
  CoordinateOptions options;
  options.apart = {"x"};
  CoordinateClimb climb(m, data, state, options);
  climb.start({{"path", guess}}, workers);
  const Ascent a = ascend(climb, kSteps, {}, workers);
  fmt::print("ELBO {:.4f} after {} sweeps\n", a.elbo(), a.bounds.size());
  const Array turns = climb.mean(2, workers), p = climb.mean(5, workers);
  bool good = true;
  for (std::int64_t k = 0; k < kTurns; ++k) {
    const double* v = turns.data<double>() + 4 * k;
    const double angle = std::atan2(v[2] - v[1], v[0] + v[3]);
    fmt::print("turn {}: {:+.1f} degrees a step (drawn by {:+.1f})\n", k + 1,
               angle * 180 / std::numbers::pi, kAngle[k] * 180 / std::numbers::pi);
    good = good && std::abs(angle - kAngle[k]) < 0.05;
  }
  int right = 0;
  for (std::int64_t t = 0; t < kSteps; ++t)
    right += (p.data<double>()[2 * t + 1] > 0.5) == (truth(t) == 1);
  fmt::print("{:.1f} % of the steps turn as they were drawn\n", 100.0 * right / double(kSteps));
  return good && right > 0.95 * double(kSteps) ? 0 : 1;
}
