// Value and gradient of two small models, f64: time of one evaluation of one draw.
//   small_models --model eight_schools|logistic --draws 1|16 --iterations 20000
// Eight schools, non-centred, 10 parameters (mu, log tau, eta); all constants kept.
#include <cstdio>

#include "bench/bench_util.h"
#include "fathom/autodiff/gradient.h"
#include "fathom/exec/program.h"
#include "fathom/ops/all_ops.h"

using namespace fathom;

namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;

Value vector(Graph& g, std::initializer_list<double> v) {
  return g.constant(
      Array::of<double>({std::int64_t(v.size())}, std::span<const double>(v.begin(), v.size())));
}

// log density of each draw; u is [10] or [draw, 10].
Value eight_schools(Graph& g, Value u) {
  const Value y = vector(g, {28, 8, -3, 7, -1, 1, 18, 12});
  const Value sigma = vector(g, {15, 10, 16, 11, 9, 11, 10, 18});
  const int last = u.shape().rank() - 1;
  const Value mu = slice(u, last, 0, 1), log_tau = slice(u, last, 1, 1), eta = slice(u, last, 2, 8);
  const Value tau = exp(log_tau);
  const Value prior = square(mu * 0.2) * -0.5 - log1p(square(tau * 0.2)) + log_tau;
  const double constants =
      -std::log(5.0) - kHalfLogTwoPi + std::log(2 / (5 * 3.14159265358979323846));
  const Value r = (y - (mu + tau * eta)) / sigma;
  const Value rows = (square(eta) + square(r)) * -0.5 - log(sigma) - 2 * kHalfLogTwoPi;
  return sum(rows, last, 1) + sum(prior, last, 1) + constants;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string model = flag(argc, argv, "--model", "eight_schools");
  const long draws = number(argc, argv, "--draws", 1),
             iterations = number(argc, argv, "--iterations", 20000);
  Graph g(op_table());
  State state;
  Value u, value, x, y;
  Array data_x, data_y;
  if (model == "eight_schools") {
    Shape s{10};
    if (draws > 1) s = s.with_front({draws, g.label("draw")});
    u = g.slot("u", DType::f64, s);
    Array& start = state.slot("u", DType::f64, s);
    for (std::int64_t i = 0; i < start.size(); ++i) {
      const double j = double(i % 10), base = j == 0 ? 0.5 : j == 1 ? 0.3 : 0.1 * (j - 1) - 0.45;
      start.data<double>()[i] = base + 0.01 * double(i / 10);
    }
    value = eight_schools(g, u);
  } else {
    constexpr std::int64_t n = 500, d = 10;
    u = g.slot("beta", DType::f64, Shape{d});
    Array& start = state.slot("beta", DType::f64, Shape{d});
    std::fill_n(start.data<double>(), d, 0.1);
    x = g.data("x", DType::f64, Shape{n, d});
    y = g.data("y", DType::f64, Shape{n});
    data_x = Array(DType::f64, Shape{n, d});
    data_y = Array(DType::f64, Shape{n});
    for (std::int64_t i = 0; i < n * d; ++i)
      data_x.data<double>()[i] =
          double(philox(Key{3, 4}, std::uint64_t(i), 0).word[0]) / 2147483648.0 - 1;
    for (std::int64_t i = 0; i < n; ++i)
      data_y.data<double>()[i] = double(philox(Key{3, 5}, std::uint64_t(i), 0).word[0] % 2);
    const Value eta = contract(x, u, 0, 1, false, false);
    value = sum(y * eta - softplus(eta)) + sum(square(u)) * -0.5 - double(d) * kHalfLogTwoPi;
  }
  const Value total = sum(value);
  const Value gradient_u = gradient(total, std::span<const Value>(&u, 1))[0];
  // The parameters move a little, so that every evaluation is a new one.
  const std::vector<Value> outputs = {value, gradient_u, sum(gradient_u)};
  const std::vector<Update> updates = {{u, u + gradient_u * 1e-9}};
  Program program(g, outputs, updates, state);
  if (x) program.bind("x", data_x);
  if (y) program.bind("y", data_y);
  Workers workers(1);
  if (number(argc, argv, "--plan", 0)) std::printf("%s", program.plan().text().c_str());
  program.run(workers);
  const double first = program.output(0).data<double>()[0];
  const Array grad = program.output_array(1);
  double grad_sum = 0;
  for (std::int64_t i = 0; i < 10; ++i) grad_sum += grad.data<double>()[i];
  const long block = std::max(1L, iterations / 20);
  const Timing t = timed(2, 20, [&] {
    for (long i = 0; i < block; ++i) program.run(workers);
  });
  const double each = double(block) * double(draws);
  std::printf(
      "{\"work\": \"%s\", \"setting\": \"draws %ld\", \"median_ms\": %.9f, \"p10_ms\": %.9f, "
      "\"n\": %ld, "
      "\"threads\": 1, \"value\": %.12f, \"grad_sum\": %.12f}\n",
      model.c_str(), draws, t.median_ms / each, t.p10_ms / each, iterations, first, grad_sum);
}
