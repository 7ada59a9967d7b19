// A hidden Markov model with gaussian states: one EM sweep, and its recursions alone.
//   hmm --steps 100000 --sequences 1 --states 16 --width 2 --sweeps 20 --threads 1 [--part
//   recursions]
#include <cmath>
#include <cstdio>

#include "bench/bench_util.h"
#include "fathom/climb/coordinate.h"
#include "fathom/kernels/chain.h"
#include "fathom/kernels/rng.h"
#include "fathom/zoo/hidden_markov.h"

using namespace fathom;

namespace {

// Rows around centres of spread 3, the state staying with probability 0.9, as bench/peers/hmm.py
// makes them.
Array walks(std::int64_t n, std::int64_t d, std::int64_t states, Array* path) {
  Array x(DType::f64, Shape{n, d}), centres(DType::f64, Shape{states, d}),
      u(DType::f64, Shape{n, 2});
  kernels::fill_normal(Key{1, 1}, nullptr, 0, n, d, x.data<double>());
  kernels::fill_normal(Key{1, 2}, nullptr, 0, states, d, centres.data<double>());
  kernels::fill_uniform(Key{1, 3}, nullptr, 0, n, 2, u.data<double>());
  *path = Array(DType::f64, Shape{n, states});
  std::int64_t z = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (u.data<double>()[2 * i] > 0.9)
      z = std::int64_t(u.data<double>()[2 * i + 1] * double(states)) % states;
    path->data<double>()[i * states + z] = 1;
    for (std::int64_t j = 0; j < d; ++j)
      x.data<double>()[i * d + j] += 3 * centres.data<double>()[z * d + j];
  }
  return x;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t n = number(argc, argv, "--steps", 100000),
                     sequences = number(argc, argv, "--sequences", 1),
                     k = number(argc, argv, "--states", 16), d = number(argc, argv, "--width", 2);
  const long sweeps = number(argc, argv, "--sweeps", 20);
  const std::string part = flag(argc, argv, "--part", "sweep");
  Array path;
  const Array x = walks(n, d, k, &path);
  Array begins(DType::f64, Shape{n});
  for (std::int64_t s = 0; s < sequences; ++s) begins.data<double>()[s * n / sequences] = 1;
  Workers workers(int(number(argc, argv, "--threads", 1)));
  Timing t{};
  double value = 0;
  if (part == "recursions") {
    Array a(DType::f64, Shape{n, k}), b(DType::f64, Shape{k, k}), weight(DType::f64, Shape{n}),
        norm(DType::f64, Shape{n}), states(DType::f64, Shape{n, k}),
        counts(DType::f64, Shape{k, k});
    for (std::int64_t i = 0; i < n * k; ++i)
      a.data<double>()[i] = -2 * x.data<double>()[i / k * d] * double(i % k) / double(k);
    for (std::int64_t i = 0; i < k * k; ++i)
      b.data<double>()[i] = std::log(i % (k + 1) == 0 ? 0.9 + 0.1 / double(k) : 0.1 / double(k));
    std::fill_n(weight.data<double>(), n, 1.0);
    kernels::Chain<double> c;
    c.rows = n;
    c.states = k;
    c.potentials = a.data<double>();
    c.links = b.data<double>();
    c.begins = begins.data<double>();
    c.weight = weight.data<double>();
    c.log_norm = norm.data<double>();
    c.marginals = states.data<double>();
    c.counts = counts.data<double>();
    t = timed(2, sweeps, [&] { kernels::chain(c); });
    for (std::int64_t i = 0; i < n; ++i) value += norm.data<double>()[i] / double(n);
  } else {
    HiddenMarkovConfig config;
    config.states = k;
    config.gaussian = GaussianMixturePrior::of_rows(x, 1);
    HiddenMarkov model(config);
    DataSet data;
    data.rows = n;
    data.columns = {{"x", x}, {"begins", begins}};
    State state;
    CoordinateClimb climb(model.model, data, state, {.factors = Factors::likelihood});
    climb.start({{"path", path}}, workers);
    t = timed(2, sweeps, [&] { value = climb.sweep(workers) / double(n); });
  }
  std::printf(
      "{\"work\":\"hmm %s %lldx%lld K=%lld sequences=%lld\",\"setting\":\"fathom\","
      "\"median_ms\":%.4f,\"p10_ms\":%.4f,\"ns_per_step\":%.1f,\"value\":%.9f,\"threads\":%d}\n",
      part.c_str(), static_cast<long long>(n), static_cast<long long>(d), static_cast<long long>(k),
      static_cast<long long>(sequences), t.median_ms, t.p10_ms, t.median_ms * 1e6 / double(n),
      value, workers.size());
}
