// A linear gaussian state space: its smoother with the products of states that follow each other,
// and one EM sweep of a whole model.
//   lds --steps 100000 --sequences 1 --latent 4 --width 4 --sweeps 20 --threads 1 [--part sweep]
#include <cmath>
#include <cstdio>

#include "bench/bench_util.h"
#include "fathom/climb/coordinate.h"
#include "fathom/kernels/gaussian_chain.h"
#include "fathom/kernels/rng.h"
#include "fathom/zoo/state_space.h"

using namespace fathom;

namespace {

// Means, covariances and cross-covariances of states whose motion is 0.9 of the identity.
Timing smoother(std::int64_t n, std::int64_t size, const Array& begins, long sweeps,
                double* value) {
  const std::int64_t ss = size * size;
  Array h(DType::f64, Shape{n, size}), half(DType::f64, Shape{n, size, size}),
      before(DType::f64, Shape{size, size}), link(DType::f64, Shape{size, size}),
      none(DType::f64, Shape{size}), norm(DType::f64, Shape{n}), mean(DType::f64, Shape{n, size}),
      covariance(DType::f64, Shape{n, size, size}), cross(DType::f64, Shape{n, size, size});
  kernels::fill_normal(Key{1, 1}, nullptr, 0, n, size, h.data<double>());
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < size; ++k) half.data<double>()[i * ss + k * size + k] = -1.5;
  for (std::int64_t k = 0; k < size; ++k) {
    before.data<double>()[k * size + k] = -0.5 * 0.81;
    link.data<double>()[k * size + k] = 0.9;
  }
  kernels::LinkedGaussians c;
  c.rows = n;
  c.size = size;
  c.linear = {h.data<double>(), size};
  c.half = {half.data<double>(), ss};
  c.linear_before = {none.data<double>(), 0};
  c.half_before = {before.data<double>(), 0};
  c.link = {link.data<double>(), 0};
  c.begins = begins.data<double>();
  c.log_norm = norm.data<double>();
  c.mean = mean.data<double>();
  c.covariance = covariance.data<double>();
  c.cross = cross.data<double>();
  const Timing t = timed(2, sweeps, [&] { kernels::linked_gaussians(c); });
  for (std::int64_t i = 0; i < n; ++i) *value += norm.data<double>()[i] / double(n);
  return t;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t n = number(argc, argv, "--steps", 100000),
                     sequences = number(argc, argv, "--sequences", 1),
                     size = number(argc, argv, "--latent", 4), d = number(argc, argv, "--width", 4);
  const long sweeps = number(argc, argv, "--sweeps", 20);
  const std::string part = flag(argc, argv, "--part", "smoother");
  Array begins(DType::f64, Shape{n});
  for (std::int64_t s = 0; s < sequences; ++s) begins.data<double>()[s * n / sequences] = 1;
  Workers workers(int(number(argc, argv, "--threads", 1)));
  Timing t{};
  double value = 0;
  if (part == "smoother") {
    t = smoother(n, size, begins, sweeps, &value);
  } else {
    LinearDynamicsConfig config;
    config.width = d;
    config.latent = size;
    LinearDynamics model(config);
    DataSet data;
    data.rows = n;
    Array x(DType::f64, Shape{n, d});
    kernels::fill_normal(Key{1, 1}, nullptr, 0, n, d, x.data<double>());
    data.columns = {{"x", x}, {"begins", begins}};
    State state;
    CoordinateClimb climb(model.model, data, state);
    t = timed(2, sweeps, [&] { value = climb.sweep(workers) / double(n); });
  }
  std::printf(
      "{\"work\":\"lds %s %lld steps D=%lld\",\"setting\":\"fathom\",\"median_ms\":%.4f,"
      "\"p10_ms\":%.4f,\"ns_per_step\":%.1f,\"value\":%.9f,\"threads\":%d}\n",
      part.c_str(), static_cast<long long>(n), static_cast<long long>(size), t.median_ms, t.p10_ms,
      t.median_ms * 1e6 / double(n), value, workers.size());
}
