// Variational Bayes of a full Gaussian mixture: one sweep, the E step over all rows included.
//   mixture --rows 1000000 --width 16 --components 32 --sweeps 5 --threads 2
#include <cstdio>

#include "bench/bench_util.h"
#include "fathom/climb/coordinate.h"
#include "fathom/kernels/rng.h"
#include "fathom/zoo/gaussian_mixture.h"

using namespace fathom;

namespace {

// Normal rows around `count` centres of spread 3, as bench/peers/mixture.py makes them.
Array rows_around_centres(std::int64_t n, std::int64_t d, std::int64_t count) {
  Array x(DType::f64, Shape{n, d}), centres(DType::f64, Shape{count, d});
  kernels::fill_normal(Key{1, 1}, nullptr, 0, n, d, x.data<double>());
  kernels::fill_normal(Key{1, 2}, nullptr, 0, count, d, centres.data<double>());
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j)
      x.data<double>()[i * d + j] += 3 * centres.data<double>()[i % count * d + j];
  return x;
}

// A start with components apart: the prior's factors, their means moved to the first rows.
void place_at_rows(State& state, const Array& x, std::int64_t count) {
  const std::int64_t d = x.shape().extent(1);
  double *outer = state.find("components.natural.0")->data<double>(),
         *times = state.find("components.natural.1")->data<double>();
  const double* strength = state.find("components.natural.2")->data<double>();
  for (std::int64_t k = 0; k < count; ++k) {
    const double b = -2 * strength[k], *row = x.data<double>() + k * d;
    double *o = outer + k * d * d, *h = times + k * d;
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < d; ++j)
        o[i * d + j] -= (b * row[i] * row[j] - h[i] * h[j] / b) / 2;
    for (std::int64_t i = 0; i < d; ++i) h[i] = b * row[i];
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t n = number(argc, argv, "--rows", 1000000),
                     d = number(argc, argv, "--width", 16),
                     count = number(argc, argv, "--components", 32);
  const long sweeps = number(argc, argv, "--sweeps", 5);
  const bool f32 = number(argc, argv, "--f32", 0) != 0;
  const Array x = rows_around_centres(n, d, count);
  GaussianMixture mixture(count, d, GaussianMixturePrior::of_rows(x, 1), Covariance::full,
                          f32 ? DType::f32 : DType::f64);
  DataSet data;
  data.rows = n;
  data.columns["x"] = f32 ? x.cast(DType::f32) : x;
  State state;
  Workers workers(int(number(argc, argv, "--threads", 2)));
  CoordinateOptions options;
  options.narrow = f32;
  CoordinateClimb climb(mixture.model, data, state, options);
  place_at_rows(state, x, count);
  if (number(argc, argv, "--plan", 0)) std::printf("%s", climb.pass().plan().text().c_str());
  double bound = 0;
  const Timing t = timed(1, sweeps, [&] { bound = climb.sweep(workers); });
  std::printf(
      "{\"work\": \"mixture\", \"median_ms\": %.5f, \"p10_ms\": %.5f, \"rows\": %lld, \"width\": "
      "%lld, \"components\": %lld, \"threads\": %d, \"elbo\": %.9g}\n",
      t.median_ms, t.p10_ms, static_cast<long long>(n), static_cast<long long>(d),
      static_cast<long long>(count), workers.size(), bound);
}
