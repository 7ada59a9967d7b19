// One sweep of the smallest conjugate model: mean and precision of ten numbers, two factors.
//   sweep --sweeps 20000
#include <cstdio>

#include "bench/bench_util.h"
#include "fathom/climb/coordinate.h"
#include "fathom/kernels/rng.h"

using namespace fathom;

int main(int argc, char** argv) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("x", row, {}, DType::f64);
  const Expr mu = m.latent("mu", normal_precision(0.0, 1e-6));
  const Expr tau = m.latent("tau", gamma(1e-6, 1e-6));
  m.observe("x", normal_precision(mu, tau), x);
  DataSet data;
  data.rows = 10;
  Array numbers(DType::f64, Shape{10});
  kernels::fill_normal(Key{1, 1}, nullptr, 0, 10, 1, numbers.data<double>());
  data.columns["x"] = numbers;
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);
  double bound = 0;
  const Timing t =
      timed(100, number(argc, argv, "--sweeps", 20000), [&] { bound = climb.sweep(workers); });
  std::printf(
      "{\"work\": \"sweep\", \"median_ms\": %.6f, \"p10_ms\": %.6f, \"threads\": 1, \"elbo\": "
      "%.9g}\n",
      t.median_ms, t.p10_ms, bound);
}
