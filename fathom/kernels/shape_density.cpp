#include "fathom/kernels/shape_density.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fathom/kernels/special.h"

namespace fathom::kernels {

namespace {

// The log density of u = log x and its slope.
struct Density {
  const double* n;

  double at(double u) const {
    const double x = std::exp(u), k = n[5];
    double f = (n[0] + 1) * u + n[1] * x + n[3] * x * u;
    if (n[2] != 0 || n[4] != 0) f += (n[2] + n[4] * k) * double(lgamma(x));
    if (n[4] != 0) f -= n[4] * double(lgamma(k * x));
    return f;
  }
  double slope(double u) const {
    const double x = std::exp(u), k = n[5];
    double f = n[0] + 1 + n[1] * x + n[3] * x * (u + 1);
    if (n[2] != 0 || n[4] != 0) f += (n[2] + n[4] * k) * x * double(digamma(x));
    if (n[4] != 0) f -= n[4] * k * x * double(digamma(k * x));
    return f;
  }
  // The slope where x is small: log G(x) is -log x.
  double slope_at_zero() const { return n[0] + 1 - n[2] - n[4] * (n[5] - 1); }
};

// Where f, positive at `low` and not at `high`, changes its sign.
template <class F>
double root(F&& f, double low, double high) {
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) break;
    (f(middle) > 0 ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

Peak shape_peak(const double* n) {
  constexpr double fall = 40, floor = 36, most = 650;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const Density d{n};
  const auto slope = [&](double u) { return d.slope(u); };
  if (!(d.slope_at_zero() > 0)) return {nan, nan, nan};
  double low = 0, high = 0;
  for (double step = 1; !(slope(low) > 0) && low > -most; step *= 2)
    low = std::max(low - step, -most);
  for (double step = 1; !(slope(high) <= 0) && high < most; step *= 2)
    high = std::min(high + step, most);
  if (!(slope(low) > 0) || !(slope(high) <= 0)) return {nan, nan, nan};
  const double at = root(slope, low, high), top = d.at(at);
  // Above the peak the density falls; how far it must be gone is found by doubling.
  const auto above = [&](double u) { return d.at(u) - top + fall; };
  double right = at;
  for (double step = 0x1p-30; above(right) > 0 && right < most; step *= 2)
    right = std::min(at + step, most);
  right = root(above, at, right);
  const double least = std::min(at, 0.0) - floor;
  double left = at;
  for (double step = 0x1p-30; above(left) > 0 && left > least; step *= 2) left = at - step;
  if (left <= least && above(least) > 0) return {at, least, right};
  left = -root([&](double v) { return above(-v); }, -at, -std::max(left, least));
  return {at, left, right};
}

void shape_peak(const View& n, const View& out) {
  const std::int64_t count = out.size() / 3;
  for (std::int64_t i = 0; i < count; ++i) {
    double numbers[kShapeNumbers];
    for (int k = 0; k < kShapeNumbers; ++k) {
      const std::int64_t at = i * kShapeNumbers + k;
      numbers[k] = n.dtype == DType::f32 ? double(n.data<float>()[at]) : n.data<double>()[at];
    }
    const Peak p = shape_peak(numbers);
    const double three[] = {p.at, p.left, p.right};
    for (int k = 0; k < 3; ++k) {
      if (out.dtype == DType::f32) {
        out.data<float>()[i * 3 + k] = float(three[k]);
      } else {
        out.data<double>()[i * 3 + k] = three[k];
      }
    }
  }
}

}  // namespace fathom::kernels
