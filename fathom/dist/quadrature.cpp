#include "fathom/dist/quadrature.h"

#include <cmath>

namespace fathom {

namespace {

// Orthonormal Hermite polynomials under N(0, 1): h_k(x) and h_(k-1)(x).
struct Pair {
  long double now, before;
};

Pair hermite(int k, long double x) {
  Pair p{1, 0};
  for (int i = 0; i < k; ++i)
    p = {(x * p.now - std::sqrt((long double)(i)) * p.before) / std::sqrt((long double)(i + 1)),
         p.now};
  return p;
}

HermiteRule make_hermite_rule() {
  constexpr int n = kHermiteNodes;
  HermiteRule r{};
  int found = 0;
  constexpr long double step = 1.0L / 64;  // roots lie further apart
  for (long double x = 0; found < n / 2; x += step) {
    long double low = x, high = x + step;
    if ((hermite(n, low).now > 0) == (hermite(n, high).now > 0)) continue;
    for (int i = 0; i < 70; ++i) {
      const long double middle = (low + high) / 2;
      ((hermite(n, middle).now > 0) == (hermite(n, low).now > 0) ? low : high) = middle;
    }
    const long double before = hermite(n, low).before;
    const auto i = std::size_t(n / 2 + found), mirrored = std::size_t(n / 2 - 1 - found);
    r.node[i] = double(low);
    r.node[mirrored] = -r.node[i];
    r.weight[i] = r.weight[mirrored] = double(1 / (n * before * before));
    ++found;
  }
  return r;
}

}  // namespace

const HermiteRule& hermite_rule() {
  static const HermiteRule rule = make_hermite_rule();
  return rule;
}

Value expected_of_normal(Value mean, Value variance, const std::function<Smooth(Value)>& g) {
  const HermiteRule& rule = hermite_rule();
  Graph& graph = mean.graph();
  const auto numbers = [&](const std::array<double, kHermiteNodes>& v) {
    const Array a = Array::of<double>(Shape{kHermiteNodes}, v);
    return graph.constant(a.cast(mean.dtype()));
  };
  const Shape s = broadcast_shapes("expected_of_normal", mean.shape(), variance.shape());
  const auto column = [&](Value v) {
    return reshape(broadcast_to(stop_gradient(v), s), s.with_back(1));
  };
  const Value x = column(mean) + sqrt(column(variance)) * numbers(rule.node);
  const Smooth at = g(x);
  const auto expected = [&](Value v) {
    const Value weighed = v * numbers(rule.weight);
    return sum(weighed, weighed.shape().rank() - 1, 1);
  };
  // Terms that are zero, with the gradients that they should have.
  const auto beside = [](Value v) { return v - stop_gradient(v); };
  return expected(at.value) + beside(mean) * stop_gradient(expected(at.slope)) +
         beside(variance) * stop_gradient(expected(at.curvature)) * 0.5;
}

}  // namespace fathom
