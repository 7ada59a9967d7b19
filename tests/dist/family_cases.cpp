#include "tests/dist/family_cases.h"

namespace fathom::test {

namespace {

double sigmoid_of(double u) { return 1 / (1 + std::exp(-u)); }

Rule line(double mean, double spread) {  // cells that end at the bounds of a uniform density
  constexpr std::int64_t n = 16000;
  const double half = 4 * std::sqrt(12.0) * spread, step = 2 * half / n;
  Rule r{Array(DType::f64, Shape{n}), std::vector<double>(std::size_t(n), step)};
  for (std::int64_t i = 0; i < n; ++i)
    r.x.data<double>()[i] = mean - half + (double(i) + 0.5) * step;
  return r;
}

Rule half_line() {  // x = e^u
  constexpr std::int64_t n = 16000;
  const double low = -100, step = 150.0 / n;
  Rule r{Array(DType::f64, Shape{n}), {}};
  for (std::int64_t i = 0; i < n; ++i) {
    const double x = std::exp(low + double(i) * step);
    r.x.data<double>()[i] = x;
    r.weight.push_back(x * step);
  }
  return r;
}

Rule interval() {  // the logistic of u
  constexpr std::int64_t n = 4000;
  const double low = -72, step = 108.0 / n;
  Rule r{Array(DType::f64, Shape{n}), {}};
  for (std::int64_t i = 0; i < n; ++i) {
    const double u = low + double(i) * step;
    r.x.data<double>()[i] = sigmoid_of(u);
    r.weight.push_back(sigmoid_of(u) * sigmoid_of(-u) * step);
  }
  return r;
}

Rule counts() {
  constexpr std::int64_t n = 120;
  Rule r{Array(DType::f64, Shape{n}), std::vector<double>(std::size_t(n), 1.0)};
  for (std::int64_t i = 0; i < n; ++i) r.x.data<double>()[i] = double(i);
  return r;
}

Rule counts_of_categories() {  // any total
  constexpr std::int64_t m = kMostTrials + 1, n = m * m * m;
  Rule r{Array(DType::f64, Shape{n, kCategories}), std::vector<double>(std::size_t(n), 1.0)};
  for (std::int64_t i = 0; i < n; ++i) {
    double* x = r.x.data<double>() + i * kCategories;
    x[0] = double(i / (m * m));
    x[1] = double(i / m % m);
    x[2] = double(i % m);
  }
  return r;
}

Rule simplex() {  // sticks broken at the logistic of u and v
  constexpr std::int64_t n = 360;
  const double low = -72, step = 144.0 / n;
  Rule r{Array(DType::f64, Shape{n * n, kCategories}), {}};
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const double u = low + double(i) * step, v = low + double(j) * step;
      const double a = sigmoid_of(u), rest = sigmoid_of(-u), b = sigmoid_of(v), c = sigmoid_of(-v);
      double* x = r.x.data<double>() + (i * n + j) * kCategories;
      x[0] = a;
      x[1] = rest * b;
      x[2] = rest * c;
      r.weight.push_back(a * rest * rest * b * c * step * step);
    }
  return r;
}

Rule space() {  // a grid: of a normal density the trapezoid rule is exact to all digits
  constexpr std::int64_t n = 44;
  const double low = -7.5, step = 15.0 / (n - 1);
  Rule r{Array(DType::f64, Shape{n * n * n, kCategories}), {}};
  for (std::int64_t i = 0; i < n * n * n; ++i) {
    double* x = r.x.data<double>() + i * kCategories;
    x[0] = low + double(i / (n * n)) * step;
    x[1] = low + double(i / n % n) * step;
    x[2] = low + double(i % n) * step;
    r.weight.push_back(step * step * step);
  }
  return r;
}

}  // namespace

Rule rule_for(Support support, double mean, double spread) {
  switch (support) {
    case Support::real: return line(mean, spread);
    case Support::positive: return half_line();
    case Support::simplex: return simplex();
    case Support::bit: return {array_of(DType::f64, Shape{2}, {0, 1}), {1, 1}};
    case Support::category: {
      Rule r{Array(DType::f64, Shape{kCategories, kCategories}),
             std::vector<double>(kCategories, 1.0)};
      for (std::int64_t i = 0; i < kCategories; ++i) r.x.data<double>()[i * kCategories + i] = 1;
      return r;
    }
    case Support::vector: return space();
    case Support::unit: return interval();
    case Support::count: return counts();
    case Support::counts: return counts_of_categories();
    case Support::matrix:
    case Support::joint: break;
  }
  ADD_FAILURE() << "no rule of quadrature for this support";
  return {};
}

}  // namespace fathom::test
