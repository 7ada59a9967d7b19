// Twelve elementwise operations over a vector of f32, as bench/peers/chain.py defines them.
//   chain --n 1000000 --steps 200 --threads 2
#include <cstdio>

#include "bench/bench_util.h"
#include "fathom/exec/program.h"
#include "fathom/kernels/rng.h"
#include "fathom/ops/all_ops.h"

using namespace fathom;

int main(int argc, char** argv) {
  const std::int64_t n = number(argc, argv, "--n", 1000000);
  const long steps = number(argc, argv, "--steps", 200);
  Graph g(op_table());
  const Value x = g.data("x", DType::f32, Shape{n});
  Value y = tanh(x) * 1.5 + 0.25;
  y = log1p(exp(-(y * y)));
  y = sigmoid(y) * x;
  y = sqrt(y * y + 1.0);
  Array data(DType::f32, Shape{n});
  kernels::fill_normal(Key{1, 1}, nullptr, 0, 1, n, data.data<float>());
  State state;
  Program program(g, std::span<const Value>(&y, 1), {}, state);
  program.bind("x", data);
  Workers workers(int(number(argc, argv, "--threads", 2)));
  if (number(argc, argv, "--plan", 0)) std::printf("%s", program.plan().text().c_str());
  const Timing t = timed(10, steps, [&] { program.run(workers); });
  double sum = 0;
  const Array out = program.output_array(0);
  for (float v : out.values<float>()) sum += double(v);
  std::printf(
      "{\"work\": \"chain\", \"median_ms\": %.5f, \"p10_ms\": %.5f, \"n\": %lld, \"threads\": %d, "
      "\"checksum\": %.9f}\n",
      t.median_ms, t.p10_ms, static_cast<long long>(n), workers.size(), sum / double(n));
}
