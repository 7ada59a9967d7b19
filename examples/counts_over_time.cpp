// Counts of a few kinds, week by week, about rates that wander: a dynamic model without topics. The
// rates' logarithms follow a random walk of their own, told by roots of the counts, whose spread
// does not depend on the rate (Anscombe 1948):
//
//   x_1 ~ N(0, .), x_t ~ N(x_{t-1}, 1 / steady),   2 sqrt(n_tk + 3/8) ~ N(level_k + load_k x_t, 1)
//
//   build/release/examples/counts_over_time
#include <fmt/format.h>

#include <cmath>

#include "fathom/climb/ascend.h"
#include "fathom/kernels/rng.h"

using namespace fathom;

namespace {

constexpr std::int64_t kWeeks = 200, kKinds = 4;
constexpr double kStep = 0.15, kLevel[kKinds] = {1.5, 2, 2.5, 1}, kLoad[kKinds] = {1, -1, 0.5, 0};

double poisson_draw(double rate, double u) {
  double p = std::exp(-rate), n = 0;
  for (u -= p; u > 0 && n < 1000; u -= p) p *= rate / ++n;
  return n;
}

}  // namespace

int main() {
  DataSet data;
  data.rows = kWeeks;
  Array roots(DType::f64, Shape{kWeeks, kKinds}), begins(DType::f64, Shape{kWeeks}),
      noise(DType::f64, Shape{kWeeks});
  kernels::fill_normal(Key{1, 1}, nullptr, 0, kWeeks, 1, noise.data<double>());
  std::vector<double> truth;
  for (std::int64_t t = 0; t < kWeeks; ++t) {
    truth.push_back((t > 0 ? truth.back() : 0) + kStep * noise.data<double>()[t]);
    for (std::int64_t k = 0; k < kKinds; ++k) {
      const double u =
          (double(philox(Key{2, 2}, std::uint64_t(t * kKinds + k), 0).word[0]) + 0.5) * 0x1p-32;
      const double n = poisson_draw(std::exp(kLevel[k] + 0.5 * kLoad[k] * truth.back()), u);
      roots.data<double>()[t * kKinds + k] = 2 * std::sqrt(n + 0.375);
    }
  }
  begins.data<double>()[0] = 1;
  data.columns = {{"roots", roots}, {"begins", begins}};

  Model m(DType::f64);
  const Plate week = m.plate("week"), kind = m.plate("kind", kKinds);
  const Expr seen = m.data("roots", {week, kind}, {}, DType::f64);
  const Expr first = m.data("begins", week, {}, DType::f64);
  Array one(DType::f64, Shape{1, 1});
  one.data<double>()[0] = 1;
  const Expr steady = m.latent("steady", gamma(1.0, 0.01), Shape{1});
  const Expr x =
      m.latent("x", linked_chain(0.0, 1.0, m.constant(one), steady, first), week, Shape{1});
  const Expr level = m.latent("level", normal(0.0, 10.0), kind);
  const Expr load = m.latent("load", mvnormal(1.0, 0.1), kind, Shape{1});
  m.observe("roots", normal(inner(load, x) + level, 1.0), seen);

  Workers workers;
  State fitted;
  CoordinateClimb climb(m, data, fitted);
  const Ascent a = ascend(climb, kWeeks, {.sweeps = 5000, .tolerance = 1e-9}, workers);
  fmt::print("ELBO {:.4f} after {} sweeps\n", a.elbo(), a.bounds.size());
  const Array path = climb.mean(1, workers), loads = climb.mean(3, workers);
  double xy = 0, xx = 0, yy = 0, mx = 0, my = 0;
  for (std::int64_t t = 0; t < kWeeks; ++t) {
    mx += path.data<double>()[t] / double(kWeeks);
    my += truth[std::size_t(t)] / double(kWeeks);
  }
  for (std::int64_t t = 0; t < kWeeks; ++t) {
    const double u = path.data<double>()[t] - mx, v = truth[std::size_t(t)] - my;
    xy += u * v;
    xx += u * u;
    yy += v * v;
  }
  const double agree = std::abs(xy) / std::sqrt(xx * yy);
  fmt::print("the walk that was drawn and the one that was found: correlation {:.3f}\n", agree);
  const double* l = loads.data<double>();
  fmt::print(
      "what kinds follow it by, the first being 1: {:.2f} {:.2f} {:.2f} (drawn {:g} {:g} {:g}"
      " of roots that grow with their level)\n",
      l[1] / l[0], l[2] / l[0], l[3] / l[0], kLoad[1] / kLoad[0], kLoad[2] / kLoad[0],
      kLoad[3] / kLoad[0]);
  return agree > 0.9 && l[1] / l[0] < -0.5 && std::abs(l[3] / l[0]) < 0.3 ? 0 : 1;
}
