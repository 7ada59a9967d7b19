#include "fathom/dist/shape_density.h"

#include <array>
#include <cmath>

namespace fathom {

namespace {

constexpr int kNodes = 96;

// Nodes and weights of Gauss and Legendre on (-1, 1). Abramowitz & Stegun 1964, 25.4.29.
struct LegendreRule {
  std::array<double, kNodes> node, weight;
};

LegendreRule make_legendre_rule() {
  constexpr int n = kNodes;
  LegendreRule r{};
  for (int i = 0; i < n; ++i) {
    long double x = std::cos(3.14159265358979323846L * (i + 0.75L) / (n + 0.5L)), slope = 1;
    for (int round = 0; round < 8; ++round) {
      long double now = x, before = 1;
      for (int k = 2; k <= n; ++k) {
        const long double next = ((2 * k - 1) * x * now - (k - 1) * before) / k;
        before = now;
        now = next;
      }
      slope = n * (x * now - before) / (x * x - 1);
      x -= now / slope;
    }
    r.node[std::size_t(i)] = double(x);
    r.weight[std::size_t(i)] = double(2 / ((1 - x * x) * slope * slope));
  }
  return r;
}

Value row_of(Value like_this, const std::array<double, kNodes>& v) {
  return like_this.graph().constant(Array::of<double>(Shape{kNodes}, v).cast(like_this.dtype()));
}

Value column(Value v) { return reshape(v, v.shape().with_back(1)); }

}  // namespace

// What places depend on, along a last axis.
Value ShapeDensity::numbers(Value log_number) const {
  const Value none = like(x, 0.0), two = like(x, 2.0);
  const Value all[] = {
      log_number, x, log_gamma, times_log, log_beta ? log_beta : none, log_beta ? categories : two};
  Shape s;
  for (const Value& v : all) s = broadcast_shapes("shape_density", s, v.shape());
  std::vector<Value> columns;
  for (const Value& v : all) columns.push_back(column(broadcast_to(v, s)));
  return concat(columns, s.rank());
}

ShapeDensity::Nodes ShapeDensity::nodes() const {
  static const LegendreRule rule = make_legendre_rule();
  const Value peak = shape_peak(numbers(log));
  const int last = peak.shape().rank() - 1;
  const auto part = [&](int k) { return slice(peak, last, k, 1); };
  const Value at = part(0), left = part(1), right = part(2);
  // u = at + width sinh(s): dense at the peak, wide in the tails.
  const Value width = min(right - at, at - left) * 0.25;
  const auto asinh = [](Value v) { return fathom::log(v + sqrt(square(v) + 1.0)); };
  const Value low = -asinh((at - left) / width), high = asinh((right - at) / width);
  const Value half = (high - low) * 0.5;
  const Value s = (high + low) * 0.5 + half * row_of(at, rule.node);
  const Value up = exp(s), down = exp(-s);
  const Value u = at + width * (up - down) * 0.5;
  const Value weight = half * row_of(at, rule.weight) * width * (up + down) * 0.5;
  Nodes n;
  n.log_x = concat(std::vector<Value>{u, left}, last);
  n.x = exp(n.log_x);
  // log p(x) x of each node. Left of the nodes it is a power of x, whose integral is its value at
  // their end over the exponent.
  const auto all = [](Value v) { return v.shape().rank() > 0 ? column(v) : v; };
  Value f = (all(log) + 1.0) * n.log_x + all(x) * n.x + all(times_log) * (n.x * n.log_x) +
            all(log_gamma) * lgamma(n.x);
  Value power = log + 1.0 - log_gamma;
  if (log_beta) {
    const Value k = all(categories);
    f = f + all(log_beta) * (k * lgamma(n.x) - lgamma(k * n.x));
    power = power - log_beta * (categories - 1.0);
  }
  const Value tail = broadcast_to(all(power), left.shape());
  n.log_mass = f + concat(std::vector<Value>{fathom::log(weight), -fathom::log(tail)}, last);
  return n;
}

Value ShapeDensity::log_norm() const {
  const Nodes n = nodes();
  return logsumexp(n.log_mass, n.log_mass.shape().rank() - 1);
}

Value ShapeDensity::variance(Value mean) const {
  const Nodes n = nodes();
  const int last = n.log_mass.shape().rank() - 1;
  return sum(softmax(n.log_mass, last) * square(n.x - column(mean)), last, 1);
}

Value ShapeDensity::mode() const {
  // The density of log x has one x more.
  const Value peak = shape_peak(numbers(log - 1.0));
  const int last = peak.shape().rank() - 1;
  const Value u = reshape(slice(peak, last, 0, 1), peak.shape().without(last));
  return where(equal(u, u), exp(u), like(u, 0.0));
}

}  // namespace fathom
