#include "fathom/jobs/mfa.h"

#include <algorithm>
#include <cmath>

#include "fathom/climb/start.h"
#include "fathom/jobs/linear_factors.h"
#include "fathom/jobs/spectrum.h"
#include "fathom/zoo/rows.h"

namespace fathom {

namespace {

Array& slot(State& s, const char* latent, int k) {
  return *s.find(fmt::format("{}.natural.{}", latent, k));
}

}  // namespace

void Mfa::build(const TableMoments& m, const TableFormat& format) {
  settings_.check();
  if (settings_.hard() || settings_.stochastic())
    raise<ConfigError>("--method {}: one of em, map, vb for a mixture of factor analysers",
                       settings_.method);
  width_ = m.width();
  moments_ = m;
  format_ = format;
  if (settings_.latent < 1 || settings_.latent >= width_)
    raise<ConfigError>("--latent {} for {} column{}: at least 1, and fewer than columns",
                       settings_.latent, width_, width_ == 1 ? "" : "s");
  settings_.check_rows(m.rows, format);
  double v = 0;
  for (std::int64_t j = 0; j < width_; ++j) v += m.at(j, j) / double(width_);
  FactorMixtureConfig c;
  c.concentration = settings_.prior_concentration();
  c.process = settings_.process;
  c.loading = 1 / v;
  c.mean = 1e-2 / v;
  c.rate *= v;
  c.missing = format.missing;
  mixture_.emplace(settings_.components, width_, settings_.latent, c);
  if (!format.weights.empty()) weigh_rows(mixture_->model, mixture_->row);
  if (!format.labels.empty())
    know_choices(mixture_->model, mixture_->row, mixture_->component, mixture_->which);
}

// Loadings turn freely within a component: q (q - 1) / 2 of its numbers say nothing.
std::int64_t Mfa::free_parameters() const {
  const std::int64_t k = settings_.components, d = width_, q = settings_.latent;
  return k - 1 + k * (d + d * q - q * (q - 1) / 2) + d;
}

std::string Mfa::describe() const {
  const std::int64_t k = settings_.components, q = settings_.latent;
  return fmt::format(
             "{} factor analyser{} of {} columns, {} latent element{} each, noise of each "
             "column its own",
             settings_.components.text(), k == 1 ? "" : "s", width_, q, q == 1 ? "" : "s") +
         settings_.describe();
}

// Means of the clusters that the rows start in, their principal directions, and what these leave
// of each column's variance within clusters.
void Mfa::start(CoordinateClimb& climb, const TableRows& rows, Key key, Workers&) const {
  const std::int64_t n = rows.count(), d = width_, q = settings_.latent;
  const auto count = std::int64_t(settings_.components);
  const Array share = settings_.start_of(rows, key),
              x = rows.missing ? filled_with_means(rows.x) : rows.x.made();
  State& s = climb.state();
  std::vector<double> held(std::size_t(count), 0), left(std::size_t(d), 0);
  Array mean(DType::f64, Shape{count, d});
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < count; ++k) {
      const double r = share.data<double>()[i * count + k];
      held[std::size_t(k)] += r;
      for (std::int64_t j = 0; j < d; ++j)
        mean.data<double>()[k * d + j] += r * x.data<double>()[i * d + j];
    }
  for (std::int64_t k = 0; k < count; ++k) {
    Array covariance(DType::f64, Shape{d, d});
    double* m = mean.data<double>() + k * d;
    const double size = std::max(held[std::size_t(k)], 1.0);
    for (std::int64_t j = 0; j < d; ++j) m[j] /= size;
    for (std::int64_t i = 0; i < n; ++i) {
      const double r = share.data<double>()[i * count + k] / size;
      const double* row = x.data<double>() + i * d;
      for (std::int64_t j = 0; r > 0 && j < d; ++j)
        for (std::int64_t l = 0; l < d; ++l)
          covariance.data<double>()[j * d + l] += r * (row[j] - m[j]) * (row[l] - m[l]);
    }
    const Spectrum spectrum = spectrum_of(covariance);
    const double floor = std::max(discarded(spectrum, q), 1e-3 * spectrum.values.front());
    for (std::int64_t j = 0; j < d; ++j) {
      const double precision = size / std::max(floor, 1e-6 * moments_.at(j, j));
      slot(s, "mean", 0).data<double>()[k * d + j] = precision * m[j];
      slot(s, "mean", 1).data<double>()[k * d + j] = -0.5 * precision;
      double told = 0;
      for (std::int64_t a = 0; a < q; ++a) {
        const double signal = std::max(spectrum.values[std::size_t(a)] - floor, 1e-3 * floor),
                     w = std::sqrt(signal) * spectrum.axes.data<double>()[a * d + j];
        told += w * w;
        slot(s, "loadings", 0).data<double>()[(k * d + j) * q + a] = precision * w;
        for (std::int64_t b = 0; b < q; ++b)
          slot(s, "loadings", 1).data<double>()[((k * d + j) * q + a) * q + b] =
              a == b ? -0.5 * precision : 0;
      }
      left[std::size_t(j)] +=
          size / double(n) * std::max(covariance.data<double>()[j * d + j] - told, 0.1 * floor);
    }
    slot(s, "weights", 0).data<double>()[k] += held[std::size_t(k)];
    if (settings_.process)
      for (std::int64_t l = 0; l < k; ++l)
        slot(s, "weights", 1).data<double>()[l] += held[std::size_t(k)];
  }
  for (std::int64_t j = 0; j < d; ++j) {
    slot(s, "noise", 0).data<double>()[j] = double(n) / 2;
    slot(s, "noise", 1).data<double>()[j] = -0.5 * double(n) * left[std::size_t(j)];
  }
}

GaussianComponents Mfa::components(const State& state) const {
  const std::int64_t d = width_, q = settings_.latent;
  const bool points = settings_.points();
  const ComponentWeights weights = component_weights(state, settings_);
  GaussianComponents c;
  c.count = settings_.components;
  c.width = d;
  c.weight = weights.weight;
  c.rows = weights.rows;
  c.dof = Array(DType::f64, Shape{c.count});
  c.mean = Array(DType::f64, Shape{c.count, d});
  c.covariance = Array(DType::f64, Shape{c.count, d, d});
  const VectorFactors loadings = vector_factors(state, "loadings", points);
  const GammaFactors noise = gamma_factors(state, "noise", points);
  const double *h = state.find("mean.natural.0")->data<double>(),
               *half = state.find("mean.natural.1")->data<double>();
  for (std::int64_t k = 0; k < c.count; ++k) {
    double* covariance = c.covariance.data<double>() + k * d * d;
    const double* w = loadings.mean.data<double>() + k * d * q;
    for (std::int64_t j = 0; j < d; ++j) {
      const std::int64_t at = k * d + j;
      const double precision = -2 * half[at];
      c.mean.data<double>()[at] = h[at] / precision;
      for (std::int64_t l = 0; l < d; ++l)
        for (std::int64_t a = 0; a < q; ++a) covariance[j * d + l] += w[j * q + a] * w[l * q + a];
      covariance[j * d + j] +=
          expected_inverse(noise.mean.data<double>()[j], noise.shape.data<double>()[j]);
      if (points) continue;
      covariance[j * d + j] += 1 / precision;
      for (std::int64_t a = 0; a < q; ++a)
        covariance[j * d + j] += loadings.covariance.data<double>()[(at * q + a) * q + a];
    }
  }
  c.factorise();
  return c;
}

}  // namespace fathom
