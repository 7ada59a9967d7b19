#include "fathom/jobs/column_components.h"

#include <algorithm>
#include <cmath>

#include "fathom/jobs/gaussian_components.h"
#include "fathom/kernels/gamma_draw.h"
#include "fathom/kernels/rng.h"
#include "fathom/kernels/special.h"

namespace fathom {

namespace {

// Natural parameter `k` of a latent; what a point mass has below zero is zero.
std::vector<double> natural(const State& s, const std::string& latent, int k, bool points) {
  const auto v = s.find(fmt::format("{}.natural.{}", latent, k))->values<double>();
  std::vector<double> out(v.begin(), v.end());
  for (double& x : out) x = points ? std::max(x, 0.0) : x + 1;
  return out;
}

// natural: -(rate + b m^2 / 2), b m, -b / 2, shape - 1/2 (dist/families/normal_gamma.h).
void read_reals(const State& s, ColumnComponents& c) {
  const Shape shape{c.count(), std::int64_t(c.groups.real.size())};
  for (Array* a : {&c.mean, &c.variance, &c.scale, &c.dof}) *a = Array(DType::f64, shape);
  const auto n = [&](int k) {
    return s.find(fmt::format("real.parameters.natural.{}", k))->data<double>();
  };
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    const double b = -2 * n(2)[i], m = n(1)[i] / b, rate = -n(0)[i] - b * m * m / 2;
    const double a = c.points ? (n(3)[i] > 0 ? n(3)[i] : 0.5) : n(3)[i] + 0.5;
    c.mean.data<double>()[i] = m;
    c.variance.data<double>()[i] = rate / a;
    c.dof.data<double>()[i] = c.points ? 0 : 2 * a;
    c.scale.data<double>()[i] = std::sqrt(rate / a * (c.points ? 1 : (1 + b) / b));
  }
}

void read_probabilities(const State& s, ColumnComponents& c) {
  const std::int64_t k = c.count();
  if (const auto bits = std::int64_t(c.groups.bits.size()); bits > 0) {
    const auto ones = natural(s, "bits.probability", 0, c.points),
               zeros = natural(s, "bits.probability", 1, c.points);
    c.probability = Array(DType::f64, Shape{k, bits});
    for (std::size_t i = 0; i < ones.size(); ++i)
      c.probability.data<double>()[i] =
          ones[i] + zeros[i] > 0 ? ones[i] / (ones[i] + zeros[i]) : 0.5;
  }
  for (std::size_t j = 0; j < c.groups.levels.size(); ++j) {
    const std::int64_t levels = c.groups.levels[j];
    const auto a = natural(s, fmt::format("level.{}.probability", j), 0, c.points);
    Array table(DType::f64, Shape{k, levels});
    for (std::int64_t i = 0; i < k; ++i) {
      double total = 0;
      for (std::int64_t l = 0; l < levels; ++l) total += a[std::size_t(i * levels + l)];
      for (std::int64_t l = 0; l < levels; ++l)
        table.data<double>()[i * levels + l] =
            total > 0 ? a[std::size_t(i * levels + l)] / total : 1 / double(levels);
    }
    c.tables.push_back(std::move(table));
  }
}

// log p of a count of which the rate is Gamma(shape, rate), or is shape / rate.
double log_count(double x, double shape, double rate, bool point) {
  const double log_x = double(kernels::lgamma(x + 1));
  if (point) {
    const double r = shape / rate;
    return (x > 0 ? x * std::log(r) : 0) - r - log_x;
  }
  return double(kernels::lgamma(x + shape) - kernels::lgamma(shape)) - log_x +
         shape * std::log(rate / (rate + 1)) - x * std::log(rate + 1);
}

double log_row(const ColumnComponents& c, std::int64_t k, const double* row) {
  const ColumnGroups& g = c.groups;
  double s = std::log(c.weight.data<double>()[k]);
  const auto of = [&](const Array& a, std::size_t j) {
    return a.data<double>()[k * a.shape().extent(1) + std::int64_t(j)];
  };
  const auto each = [&](const std::vector<std::size_t>& columns, auto&& log_density) {
    for (std::size_t j = 0; j < columns.size(); ++j)
      if (const double x = row[columns[j]]; !std::isnan(x)) s += log_density(j, x);
  };
  each(g.real, [&](std::size_t j, double x) {
    const double e = (x - of(c.mean, j)) / of(c.scale, j);
    return log_student(e * e, of(c.dof, j), 1) - std::log(of(c.scale, j));
  });
  each(g.bits, [&](std::size_t j, double x) {
    return std::log(x > 0 ? of(c.probability, j) : 1 - of(c.probability, j));
  });
  each(g.counts, [&](std::size_t j, double x) {
    return log_count(x, of(c.shape, j), of(c.rate, j), c.points);
  });
  each(g.categories,
       [&](std::size_t j, double x) { return std::log(of(c.tables[j], std::size_t(x))); });
  return s;
}

}  // namespace

ColumnGroups ColumnGroups::of(const TableFormat& format) {
  ColumnGroups g;
  for (std::size_t j = 0; j < format.kinds.size(); ++j) switch (kind_named(format.kinds[j])) {
      case ColumnKind::real: g.real.push_back(j); break;
      case ColumnKind::binary: g.bits.push_back(j); break;
      case ColumnKind::count: g.counts.push_back(j); break;
      case ColumnKind::category:
        g.categories.push_back(j);
        g.levels.push_back(std::int64_t(format.levels.at(j).size()));
        break;
    }
  return g;
}

ColumnComponents column_components_of(const State& state, const ColumnGroups& groups, bool points,
                                      const ComponentWeights& w) {
  ColumnComponents c;
  c.groups = groups;
  c.points = points;
  c.weight = w.weight;
  c.rows = w.rows;
  if (!groups.real.empty()) read_reals(state, c);
  read_probabilities(state, c);
  if (!groups.counts.empty()) {
    const Shape shape{c.count(), std::int64_t(groups.counts.size())};
    c.shape = Array::of<double>(shape, natural(state, "counts.rate", 0, c.points));
    c.rate = state.find("counts.rate.natural.1")->copy().reshaped(shape);
    for (std::int64_t i = 0; i < shape.size(); ++i) c.rate.data<double>()[i] *= -1;
  }
  return c;
}

Array ColumnComponents::log_joint(const Array& x, Workers& workers) const {
  const std::int64_t n = x.shape().extent(0), d = x.size() / std::max<std::int64_t>(n, 1);
  constexpr std::int64_t block = 256;
  Array out(DType::f64, Shape{n, count()});
  workers.each(std::size_t((n + block - 1) / block), [&](std::size_t b, int) {
    const std::int64_t first = std::int64_t(b) * block, past = std::min(first + block, n);
    for (std::int64_t i = first; i < past; ++i)
      for (std::int64_t k = 0; k < count(); ++k)
        out.data<double>()[i * count() + k] = log_row(*this, k, x.data<double>() + i * d);
  });
  return out;
}

namespace {

// The place of u in [0, 1) among probabilities that add up to one.
std::int64_t chosen(const double* probability, std::int64_t count, double u) {
  for (std::int64_t k = 0; k < count - 1; ++k)
    if ((u -= probability[k]) < 0) return k;
  return count - 1;
}

// By inversion, from the mode outwards were dearer: rates of counts are small.
double poisson_draw(double rate, double u) {
  double p = std::exp(-rate), x = 0;
  if (!(p > 0)) return std::round(rate + std::sqrt(rate) * (u - 0.5) * 3.4641);  // beyond 745
  while (u > p && x < 10 * rate + 1000) {
    u -= p;
    x += 1;
    p *= rate / x;
  }
  return x;
}

}  // namespace

Array ColumnComponents::sample(std::int64_t n, std::int64_t width, Key key) const {
  Array out(DType::f64, Shape{n, width});
  const auto uniform = [&](std::uint64_t what, std::int64_t i) {
    double u = 0;
    kernels::fill_uniform(fold(key, what), nullptr, i, 1, 1, &u);
    return u;
  };
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t k = chosen(weight.data<double>(), count(), uniform(0, i));
    double* row = out.data<double>() + i * width;
    const auto of = [&](const Array& a, std::size_t j) {
      return a.data<double>()[k * a.shape().extent(1) + std::int64_t(j)];
    };
    for (std::size_t j = 0; j < groups.real.size(); ++j) {
      const std::size_t column = groups.real[j];
      double z = 0;
      kernels::fill_normal(fold(key, 3 * column + 1), nullptr, i, 1, 1, &z);
      const double nu = of(dof, j);
      if (nu > 0)
        z *= std::sqrt(nu / (2 * kernels::gamma_draw(fold(key, 3 * column + 2), i, nu / 2)));
      row[column] = of(mean, j) + of(scale, j) * z;
    }
    for (std::size_t j = 0; j < groups.bits.size(); ++j)
      row[groups.bits[j]] = uniform(3 * groups.bits[j] + 1, i) < of(probability, j);
    for (std::size_t j = 0; j < groups.counts.size(); ++j) {
      const std::size_t column = groups.counts[j];
      const double r =
          points ? of(shape, j) : kernels::gamma_draw(fold(key, 3 * column + 2), i, of(shape, j));
      row[column] = poisson_draw(r / of(rate, j), uniform(3 * column + 1, i));
    }
    for (std::size_t j = 0; j < groups.categories.size(); ++j) {
      const std::int64_t levels = groups.levels[j];
      row[groups.categories[j]] = double(chosen(tables[j].data<double>() + k * levels, levels,
                                                uniform(3 * groups.categories[j] + 1, i)));
    }
  }
  return out;
}

}  // namespace fathom
