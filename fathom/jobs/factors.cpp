#include "fathom/jobs/factors.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fathom/jobs/mixture_settings.h"
#include "fathom/jobs/words.h"
#include "fathom/kernels/rng.h"
#include "fathom/zoo/rows.h"

namespace fathom {

namespace {

constexpr double kRank = 1e-10;  // of the whole variance: below it a direction has none

Array& slot(State& s, const char* latent, int k) {
  return *s.find(fmt::format("{}.natural.{}", latent, k));
}

}  // namespace

void FactorTable::check_settings() const {
  const FactorSettings& s = settings_;
  word("method", s.method, kMethods);
  if (s.start != "pca" && s.start != "random")
    raise<ConfigError>("--start \"{}\": one of pca, random", s.start);
  if (relevance() && s.method != "vb")
    raise<ConfigError>(
        "--method {} with {}: relevance is learned from the spread of a posterior, which points "
        "lack; --method vb, or fathom fit ppca",
        s.method, task());
}

double FactorTable::typical_variance() const {
  double sum = 0;
  for (std::int64_t j = 0; j < width_; ++j) sum += moments_.at(j, j);
  return sum / double(width_);
}

std::vector<double> FactorTable::units() const {
  std::vector<double> out(std::size_t(width_), 1);
  if (noise_per_column())
    for (std::int64_t j = 0; j < width_; ++j) out[std::size_t(j)] = moments_.sd(j);
  return out;
}

void FactorTable::build(const TableMoments& m, const TableFormat& format) {
  check_settings();
  width_ = m.width();
  moments_ = m;
  format_ = format;
  const std::int64_t q = settings_.latent;
  if (q < 1 || q >= width_)
    raise<ConfigError>("--latent {} for {} column{}: at least 1, and fewer than columns{}", q,
                       width_, width_ == 1 ? "" : "s",
                       width_ < 2 ? ": a table of one column has nothing in common" : "");
  const std::vector<double> none(std::size_t(width_), 0);
  spectrum_ = spectrum_of(transformed(m, none, units()).covariance);
  if (settings_.method != "vb") {
    const double noise = discarded(spectrum_, q), all = spectrum_.values.front();
    if (m.rows <= q + 1 || noise < kRank * all)
      raise<DataError>(
          "{} rows of {} columns spread in no more than {} directions, so that the likelihood has "
          "no maximum with {} latent elements: fewer --latent, or --method vb",
          m.rows, width_,
          std::count_if(spectrum_.values.begin(), spectrum_.values.end(),
                        [&](double v) { return v > kRank * all; }),
          q);
  }
  const double v = typical_variance();
  FactorAnalysisConfig config;
  config.noise_per_column = noise_per_column();
  config.relevance = relevance();
  config.loading = 1 / v;
  config.mean = 1e-4 / v;
  config.rate *= v;
  config.missing = format.missing;
  analysis_.emplace(width_, q, config);
  if (!format.weights.empty()) weigh_rows(analysis_->model, analysis_->row);
}

DataSet FactorTable::data(const TableRows& rows) const {
  DataSet set;
  set.rows = rows.count();
  set.columns["x"] = rows.x;
  add_row_data(rows, format_, 0, set);
  return set;
}

CoordinateOptions FactorTable::options() const {
  return {.factors = word("method", settings_.method, kMethods)};
}

Objective FactorTable::objective() const {
  return objective_of(word("method", settings_.method, kMethods));
}

std::string FactorTable::describe() const {
  const std::int64_t q = settings_.latent;
  return fmt::format("{} latent element{} of {} columns, noise {}{}; {}", q, q == 1 ? "" : "s",
                     width_, noise_per_column() ? "of each column its own" : "the same in all",
                     relevance() ? ", the relevance of each element learned" : "",
                     settings_.method == "em"    ? "maximum likelihood by EM"
                     : settings_.method == "map" ? "posterior mode by EM"
                                                 : "variational Bayes");
}

// At the maximum of probabilistic PCA (Tipping & Bishop 1999); of factor analysis the same for
// columns of one variance.
void FactorTable::principal_start(double* loadings, double* noise) const {
  const std::int64_t d = width_, q = settings_.latent;
  const Spectrum& s = spectrum_;
  const std::vector<double> scale = units();
  const double shrink = double(moments_.rows - 1) / double(moments_.rows),
               left = std::max(shrink * discarded(s, q), 1e-6 * shrink * s.values.front());
  for (std::int64_t j = 0; j < d; ++j) {
    const double unit = scale[std::size_t(j)];
    noise[j] = left * unit * unit;
    for (std::int64_t k = 0; k < q; ++k) {
      const double signal = shrink * s.values[std::size_t(k)] - left;
      loadings[j * q + k] =
          unit * std::sqrt(std::max(signal, 1e-3 * left)) * s.axes.data<double>()[k * d + j];
    }
  }
}

void FactorTable::random_start(Key key, double* loadings, double* noise) const {
  const std::int64_t q = settings_.latent;
  kernels::fill_normal(key, nullptr, 0, width_, q, loadings);
  for (std::int64_t j = 0; j < width_; ++j) {
    noise[j] = moments_.at(j, j) / 2;
    for (std::int64_t k = 0; k < q; ++k) loadings[j * q + k] *= std::sqrt(noise[j] / double(q));
  }
}

void FactorTable::start(CoordinateClimb& climb, const TableRows& rows, Key key, Workers&) const {
  State& s = climb.state();
  const std::int64_t d = width_, q = settings_.latent;
  const double n = rows.total();
  std::vector<double> w(std::size_t(d * q)), noise(std::size_t(d), 0);
  if (settings_.start == "pca") {
    principal_start(w.data(), noise.data());
  } else {
    random_start(key, w.data(), noise.data());
  }
  // As sure of all as the rows will make them.
  Array &h = slot(s, "loadings", 0), &half = slot(s, "loadings", 1);
  for (std::int64_t j = 0; j < d; ++j) {
    const double precision = n / noise[std::size_t(j)];
    slot(s, "mean", 0).data<double>()[j] = 0;
    slot(s, "mean", 1).data<double>()[j] = -0.5 * precision;
    for (std::int64_t k = 0; k < q; ++k) {
      h.data<double>()[j * q + k] = precision * w[std::size_t(j * q + k)];
      for (std::int64_t l = 0; l < q; ++l)
        half.data<double>()[(j * q + k) * q + l] = k == l ? -0.5 * precision : 0;
    }
  }
  Array &shape = slot(s, "noise", 0), &rate = slot(s, "noise", 1);
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    const double mean = shape.size() == d
                            ? noise[std::size_t(i)]
                            : std::accumulate(noise.begin(), noise.end(), 0.0) / double(d);
    shape.data<double>()[i] = n / 2;
    rate.data<double>()[i] = -n / 2 * mean;
  }
}

LinearFactors FactorTable::factors(const State& state) const {
  return factors_of(state, settings_.method != "vb");
}

RowPredictions FactorTable::predict(const State& state, const TableRows& rows,
                                    Workers& workers) const {
  const LinearFactors f = factors(state);
  const FactorScores z = f.scores(rows.x, workers);
  const std::int64_t n = rows.count(), q = f.latent;
  RowPredictions out;
  for (const char* ending : {"", "_sd"})
    for (std::int64_t k = 1; k <= q; ++k) out.names.push_back(fmt::format("z{}{}", k, ending));
  out.values = Array(DType::f64, Shape{n, 2 * q});
  for (std::int64_t i = 0; i < n; ++i) {
    std::copy_n(z.mean.data<double>() + i * q, q, out.values.data<double>() + i * 2 * q);
    std::copy_n(z.sd.data<double>() + i * q, q, out.values.data<double>() + i * 2 * q + q);
  }
  out.log_density = f.log_density(rows.x, workers);
  return out;
}

std::vector<PosteriorRow> FactorTable::posterior(const State& state,
                                                 const TableFormat& format) const {
  const LinearFactors f = factors(state);
  const std::int64_t q = f.latent;
  std::vector<PosteriorRow> out;
  const auto normal = [&](const char* factor, const std::string& element, double mean,
                          double variance) {
    return f.points ? point_row(factor, element, mean)
                    : normal_row(factor, element, mean, std::sqrt(variance));
  };
  for (std::int64_t j = 0; j < width_; ++j)
    for (std::int64_t k = 0; k < q; ++k)
      out.push_back(
          scaled(normal("loadings", fmt::format("{}.z{}", format.columns[std::size_t(j)], k + 1),
                        f.loadings.data<double>()[j * q + k],
                        f.loadings_covariance.data<double>()[(j * q + k) * q + k]),
                 format.scale[std::size_t(j)]));
  for (std::int64_t j = 0; j < width_; ++j)
    out.push_back(scaled(normal("mean", format.columns[std::size_t(j)], f.mean.data<double>()[j],
                                f.mean_variance.data<double>()[j]),
                         format.scale[std::size_t(j)], format.shift[std::size_t(j)]));
  for (std::int64_t j = 0; j < width_; ++j) {
    const std::string& name = format.columns[std::size_t(j)];
    const double shape = f.noise_shape.data<double>()[j], tau = f.noise.data<double>()[j];
    out.push_back(scaled(shape > 0 ? root_inverse_gamma_row("noise_sd", name, shape, shape / tau)
                                   : point_row("noise_sd", name, 1 / std::sqrt(tau)),
                         format.scale[std::size_t(j)]));
  }
  for (std::int64_t k = 0; k < f.relevance.size() && relevance(); ++k) {
    const double shape = f.relevance_shape;
    out.push_back(gamma_row("relevance", fmt::format("z{}", k + 1), shape,
                            shape / f.relevance.data<double>()[k]));
  }
  return out;
}

Array FactorTable::sample(const State& state, std::int64_t count, Key key, Workers&) const {
  return factors(state).sample(count, key);
}

}  // namespace fathom
