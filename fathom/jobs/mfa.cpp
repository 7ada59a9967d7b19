#include "fathom/jobs/mfa.h"

#include <algorithm>
#include <cmath>
#include <eigen3/Eigen/Cholesky>

#include "fathom/climb/start.h"
#include "fathom/jobs/spectrum.h"
#include "fathom/zoo/rows.h"

namespace fathom {

namespace {

Array& slot(State& s, const char* latent, int k) {
  return *s.find(fmt::format("{}.natural.{}", latent, k));
}

const double* natural(const State& s, const char* latent, int k) {
  return s.find(fmt::format("{}.natural.{}", latent, k))->data<double>();
}

// The mean of loadings `at` by their natural parameters, and the trace of their covariance.
double solve_loadings(const State& s, std::int64_t at, std::int64_t q, double* w) {
  const Eigen::LLT<Eigen::MatrixXd> precision(
      -2 * Eigen::Map<const Eigen::MatrixXd>(natural(s, "loadings", 1) + at * q * q, q, q));
  Eigen::Map<Eigen::VectorXd>(w, q) =
      precision.solve(Eigen::Map<const Eigen::VectorXd>(natural(s, "loadings", 0) + at * q, q));
  return precision.solve(Eigen::MatrixXd::Identity(q, q)).trace();
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

DataSet Mfa::data(const TableRows& rows) const {
  DataSet set;
  set.rows = rows.count();
  set.columns["x"] = rows.x;
  add_row_data(rows, format_, settings_.components, set);
  return set;
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
              x = rows.missing() ? filled_with_means(rows.x) : rows.x.made();
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
  const double *shape = natural(state, "noise", 0), *rate = natural(state, "noise", 1);
  for (std::int64_t k = 0; k < c.count; ++k) {
    double* covariance = c.covariance.data<double>() + k * d * d;
    Array w(DType::f64, Shape{d, q});
    for (std::int64_t j = 0; j < d; ++j) {
      const std::int64_t at = k * d + j;
      const double spread = solve_loadings(state, at, q, w.data<double>() + j * q),
                   precision = -2 * natural(state, "mean", 1)[at];
      c.mean.data<double>()[at] = natural(state, "mean", 0)[at] / precision;
      // Of a gamma factor E 1 / tau; of points the mode.
      covariance[j * d + j] = -rate[j] / (points ? shape[j] : std::max(shape[j], 0.5));
      if (!points) covariance[j * d + j] += spread + 1 / precision;
    }
    for (std::int64_t j = 0; j < d; ++j)
      for (std::int64_t l = 0; l < d; ++l)
        for (std::int64_t a = 0; a < q; ++a)
          covariance[j * d + l] += w.data<double>()[j * q + a] * w.data<double>()[l * q + a];
  }
  c.factorise();
  return c;
}

// The likelihood of a component on a few rows grows with the loadings that fit them exactly.
std::string Mfa::fault(const State& state) const {
  if (!settings_.likelihood()) return {};
  const ComponentWeights w = component_weights(state, settings_);
  for (const double rows : w.rows.values<double>())
    if (rows < least_rows())
      return fmt::format(
          "a component came to sit on fewer than the {:g} rows that its loadings need",
          least_rows());
  return {};
}

void Mfa::summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                    std::vector<std::string>& verdict) const {
  const GaussianComponents c = components(state);
  summarise_components({c.weight, c.rows}, settings_, format.classes, least_rows(), "loadings",
                       summary, verdict);
  summarise_gaussians(c, format, summary);
}

void Mfa::report(const State& state, const TableFormat& format, const TableRows* rows,
                 const nlohmann::json& summary, Page& page, Workers& workers) const {
  report_gaussians(components(state), format, moments_, rows, summary, page, workers);
}

RowPredictions Mfa::predict(const State& state, const Array& rows, Workers& workers) const {
  return predictions_of(components(state).log_joint(rows, workers), format_.classes);
}

FilledRows Mfa::fill(const State& state, const Array& rows, Workers& workers) const {
  return components(state).fill(rows, workers);
}

Array Mfa::sample(const State& state, std::int64_t count, Key key, Workers&) const {
  return components(state).sample(count, key);
}

}  // namespace fathom
