// Log densities that are quadratic in all unknowns at once, put together term by term.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

namespace fathom::oracle {

// log N(x; mean, 1 / precision).
inline double log_normal_1(double x, double mean, double precision) {
  return 0.5 * std::log(precision / (2 * M_PI)) - 0.5 * precision * (x - mean) * (x - mean);
}

// -x' L x / 2 + h' x + c.
struct Quadratic {
  std::vector<double> precision, linear;
  double constant = 0;
  explicit Quadratic(std::size_t n) : precision(n * n), linear(n) {}
  // Adds log N(sum_i w_i x_i + shift; 0, 1 / tau) as a function of x, of `places` each weighed.
  void add(const std::vector<std::pair<std::size_t, double>>& w, double shift, double tau) {
    const std::size_t n = linear.size();
    for (const auto& [i, a] : w) {
      for (const auto& [j, b] : w) precision[i * n + j] += tau * a * b;
      linear[i] -= tau * a * shift;
    }
    constant += log_normal_1(shift, 0, tau);
  }
  void add(const Quadratic& o, double p) {
    for (std::size_t i = 0; i < precision.size(); ++i) precision[i] += p * o.precision[i];
    for (std::size_t i = 0; i < linear.size(); ++i) linear[i] += p * o.linear[i];
    constant += p * o.constant;
  }
  // Its mean for x of this mean and covariance.
  double mean(const std::vector<double>& m, const std::vector<double>& v) const {
    const std::size_t n = linear.size();
    double out = constant;
    for (std::size_t i = 0; i < n; ++i) {
      out += linear[i] * m[i];
      for (std::size_t j = 0; j < n; ++j)
        out -= 0.5 * precision[i * n + j] * (v[i * n + j] + m[i] * m[j]);
    }
    return out;
  }
};

}  // namespace fathom::oracle
