#include "fathom/jobs/lds.h"

#include <algorithm>
#include <cmath>

#include "fathom/jobs/mixture_settings.h"
#include "fathom/jobs/sequences.h"
#include "fathom/kernels/rng.h"
#include "fathom/zoo/rows.h"

namespace fathom {

namespace {

enum class Form : std::uint8_t { level, trend, seasonal, full };
constexpr std::pair<std::string_view, Form> kForms[] = {{"level", Form::level},
                                                        {"trend", Form::trend},
                                                        {"seasonal", Form::seasonal},
                                                        {"full", Form::full}};

Array& natural_slot(State& s, const char* latent, int k) {
  return *s.find(fmt::format("{}.natural.{}", latent, k));
}

// A gamma factor as sure as `rows` rows make it, at this variance.
void set_variance(State& s, const char* latent, std::int64_t k, double rows, double variance) {
  natural_slot(s, latent, 0).data<double>()[k] = rows / 2;
  natural_slot(s, latent, 1).data<double>()[k] = -rows / 2 * variance;
}

}  // namespace

void Lds::prepare(TableConfig& table) const {
  table.centre = true;
  table.standardize |= !structural();  // its priors say the same of each column
}

TableNeeds Lds::needs() const {
  TableNeeds n{.missing = true};
  n.sequences = true;
  return n;
}

StructuralSeriesConfig Lds::series_config() const {
  StructuralSeriesConfig c;
  c.slope = settings_.form != "level";
  c.period = settings_.period;
  return c;
}

void Lds::check_settings() const {
  const LdsSettings& s = settings_;
  const Form form = word<Form>("form", s.form, kForms);
  word("method", s.method, kMethods);
  if (s.start != "pca" && s.start != "random")
    raise<ConfigError>("--start \"{}\": one of pca, random", s.start);
  if (form == Form::seasonal && s.period < 2)
    raise<ConfigError>("--form seasonal: --period says how many rows a season has, at least 2");
  if (form != Form::seasonal && s.period != 0)
    raise<ConfigError>("--period {} goes with --form seasonal, not {}", s.period, s.form);
  if (form == Form::full && s.latent < 1) raise<ConfigError>("--latent {}: at least 1", s.latent);
}

void Lds::build(const TableMoments& m, const TableFormat& format) {
  check_settings();
  width_ = m.width();
  moments_ = m;
  format_ = format;
  series_.reset();
  dynamics_.reset();
  if (structural()) {
    if (width_ != 1)
      raise<ConfigError>(
          "--form {} is of one column, the table has {}: --columns names it, or --form full models "
          "all of them ({})",
          settings_.form, width_, fmt::join(format.columns, ", "));
    StructuralSeriesConfig c = series_config();
    c.rate *= m.at(0, 0);
    c.missing = format.missing;
    series_.emplace(c);
    if (!format.weights.empty()) weigh_rows(series_->model, series_->step);
    return;
  }
  LinearDynamicsConfig c;
  c.width = width_;
  c.latent = settings_.latent;
  c.missing = format.missing;
  if (settings_.method == "vb") c.loading = 1;
  dynamics_.emplace(c);
  if (!format.weights.empty()) weigh_rows(dynamics_->model, dynamics_->step);
}

DataSet Lds::data(const TableRows& rows) const {
  DataSet set;
  set.rows = rows.count();
  if (structural()) {
    set.columns["y"] = (rows.streamed ? rows.x.made() : rows.x).reshaped(Shape{set.rows});
  } else {
    set.columns["x"] = rows.x;
  }
  set.columns["begins"] = marks_of(rows);
  add_row_data(rows, format_, 0, set);
  return set;
}

// Where rows weigh what they like, states do not count one each.
std::string Lds::rotated() const {
  return structural() || !format_.weights.empty() ? ""
                                                  : dynamics_->model.info(dynamics_->state).name;
}

CoordinateOptions Lds::options() const {
  return {.factors = word("method", settings_.method, kMethods)};
}

Objective Lds::objective() const {
  return objective_of(word("method", settings_.method, kMethods));
}

std::int64_t Lds::free_parameters() const {
  if (structural()) return std::int64_t(structural_motion(series_config()).drives.size()) + 1;
  const std::int64_t n = settings_.latent, d = width_;
  return n * n + d * n + 2 * d - n * (n - 1) / 2;  // less rotations of the state
}

std::vector<std::string> Lds::state_names() const {
  std::vector<std::string> names;
  if (structural()) return structural_motion(series_config()).drives;
  for (std::int64_t k = 1; k <= settings_.latent; ++k) names.push_back(fmt::format("z{}", k));
  return names;
}

std::string Lds::describe() const {
  std::string text;
  switch (word<Form>("form", settings_.form, kForms)) {
    case Form::level: text = "a level that wanders, seen through noise"; break;
    case Form::trend: text = "a level and a slope that wander, seen through noise"; break;
    case Form::seasonal:
      text = fmt::format("a level, a slope and seasons of {} rows that wander, seen through noise",
                         settings_.period);
      break;
    case Form::full:
      text = fmt::format("{} state element{}, whose motion is learned, behind {} column{}",
                         settings_.latent, settings_.latent == 1 ? "" : "s", width_,
                         width_ == 1 ? "" : "s");
  }
  if (structural()) text += "; nothing is known of the first row";
  return text + (settings_.method == "em"    ? "; maximum likelihood by EM"
                 : settings_.method == "map" ? "; posterior mode by EM"
                                             : "; variational Bayes");
}

// What is seen is half noise, and half the level's steps.
void Lds::start_series(State& s, const TableRows& rows) const {
  const StructuralMotion m = structural_motion(series_config());
  const std::int64_t n = rows.count(), unknown = m.seen.size();
  double squares = 0, pairs = 0;
  for (const auto& [first, last] : sequences_of(rows)) {
    std::int64_t seen = 0;
    for (std::int64_t i = first; i < last; ++i) {
      const double y = rows.x.data<double>()[i];
      seen += !std::isnan(y);
      const double step = i > first ? y - rows.x.data<double>()[i - 1] : NAN;
      if (std::isnan(step)) continue;
      squares += step * step;
      ++pairs;
    }
    if (seen < unknown)
      raise<DataError>(
          "rows {} to {}: a sequence with {} row{} that {} seen; its first {} needed to find "
          "where it begins",
          first + 1, last, seen, seen == 1 ? "" : "s", seen == 1 ? "is" : "are",
          unknown == 1 ? "row is" : fmt::format("{} rows are", unknown));
  }
  const double step = pairs > 0 && squares > 0 ? squares / pairs : moments_.at(0, 0),
               size = double(n);
  set_variance(s, "noise", 0, size, step / 2);
  for (std::size_t k = 0; k < m.drives.size(); ++k)
    set_variance(s, "drives", std::int64_t(k), size,
                 step * (m.drives[k] == "level"   ? 0.5
                         : m.drives[k] == "slope" ? 0.01
                                                  : 0.1));
}

// Loadings along principal axes, or anywhere; a motion that keeps most of a state, and turns it a
// little, so that no two elements are alike.
void Lds::start_dynamics(State& s, double rows, Key key) const {
  const std::int64_t n = settings_.latent, d = width_;
  constexpr double kKept = 0.9;
  std::vector<double> a(std::size_t(n * n)), c(std::size_t(d * n));
  kernels::fill_normal(fold(key, 1), nullptr, 0, n, n, a.data());
  kernels::fill_normal(fold(key, 2), nullptr, 0, d, n, c.data());
  const double lasting = 1 - kKept * kKept;  // of the variance of a state, by step
  const Spectrum axes = spectrum_of(moments_.covariance);
  for (std::int64_t j = 0; j < d; ++j)
    for (std::int64_t k = 0; k < n; ++k) {
      double& to = c[std::size_t(j * n + k)];
      const bool axis = settings_.start == "pca" && k < d;
      to = axis ? std::sqrt(std::max(axes.values[std::size_t(k)], 1e-3) * lasting * 0.5) *
                      axes.axes.data<double>()[k * d + j]
                : to * std::sqrt(moments_.at(j, j) * lasting / double(2 * n));
    }
  for (std::int64_t k = 0; k < n; ++k)
    for (std::int64_t l = 0; l < n; ++l) {
      double& to = a[std::size_t(k * n + l)];
      to = k == l ? kKept : 0.1 / std::sqrt(double(n)) * to;
    }
  const auto vectors = [&](const char* latent, const std::vector<double>& v, std::int64_t count,
                           double precision) {
    Array &h = natural_slot(s, latent, 0), &half = natural_slot(s, latent, 1);
    for (std::int64_t j = 0; j < count; ++j)
      for (std::int64_t k = 0; k < n; ++k) {
        h.data<double>()[j * n + k] = precision * v[std::size_t(j * n + k)];
        for (std::int64_t l = 0; l < n; ++l)
          half.data<double>()[(j * n + k) * n + l] = k == l ? -0.5 * precision : 0;
      }
  };
  vectors("move", a, n, rows);
  for (std::int64_t j = 0; j < d; ++j) {
    set_variance(s, "noise", j, rows, moments_.at(j, j) / 2);
    natural_slot(s, "mean", 0).data<double>()[j] = 0;
    natural_slot(s, "mean", 1).data<double>()[j] = -rows / moments_.at(j, j);
  }
  vectors("loadings", c, d, 2 * rows);
}

void Lds::start(CoordinateClimb& climb, const TableRows& rows, Key key, Workers&) const {
  if (structural()) {
    start_series(climb.state(), rows);
  } else {
    start_dynamics(climb.state(), rows.total(), key);
  }
}

LinearStates Lds::states(const State& state) const {
  const bool points = settings_.method != "vb";
  LinearStates s;
  s.points = points;
  s.width = width_;
  GammaFactors noise = gamma_factors(state, "noise", points);
  s.noise = noise.mean;
  s.noise_shape = noise.shape;
  if (structural()) {
    StructuralMotion m = structural_motion(series_config());
    GammaFactors drives = gamma_factors(state, "drives", points);
    s.driven = true;
    s.size = m.seen.size();
    s.motion = m.motion;
    s.reach = m.reach;
    s.drives = drives.mean;
    s.drive_shape = drives.shape;
    s.first = Array(DType::f64, Shape{s.size});
    s.loadings = m.seen.reshaped(Shape{1, s.size});
    s.mean = Array(DType::f64, Shape{1});
    s.mean_variance = Array(DType::f64, Shape{1});
    return s;
  }
  s.size = settings_.latent;
  VectorFactors move = vector_factors(state, "move", points),
                loadings = vector_factors(state, "loadings", points);
  s.motion = move.mean;
  s.loadings = loadings.mean;
  if (!points) {
    s.motion_covariance = move.covariance;
    s.loadings_covariance = loadings.covariance;
  }
  s.first = Array(DType::f64, Shape{s.size});
  std::fill_n(s.first.data<double>(), s.size, 1.0);
  s.mean = Array(DType::f64, Shape{width_});
  s.mean_variance = Array(DType::f64, Shape{width_});
  const Array &h = *state.find("mean.natural.0"), &half = *state.find("mean.natural.1");
  for (std::int64_t j = 0; j < width_; ++j) {
    const double precision = -2 * half.data<double>()[j];
    s.mean.data<double>()[j] = h.data<double>()[j] / precision;
    if (!points) s.mean_variance.data<double>()[j] = 1 / precision;
  }
  return s;
}

RowPredictions Lds::predict(const State& state, const TableRows& rows, Workers&) const {
  const LinearStates s = states(state);
  const std::int64_t n = rows.count();
  const LinearStates::Smoothed z = s.smooth(rows.x, marks_of(rows));
  const FilledRows fit = s.signal(z);
  std::vector<std::string> names = state_names();
  const auto shown = std::int64_t(names.size());
  RowPredictions out;
  for (const std::string& name : names) {
    out.names.push_back(name);
    out.names.push_back(name + "_sd");
  }
  for (const std::string& column : format_.columns) {
    out.names.push_back("fit." + column);
    out.names.push_back("fit." + column + "_sd");
  }
  const auto width = std::int64_t(out.names.size());
  out.values = Array(DType::f64, Shape{n, width});
  for (std::int64_t i = 0; i < n; ++i) {
    double* to = out.values.data<double>() + i * width;
    for (std::int64_t k = 0; k < shown; ++k) {
      const double scale = structural() ? format_.scale[0] : 1,
                   shift = structural() && k == 0 ? format_.shift[0] : 0,
                   v = z.covariance.data<double>()[(i * s.size + k) * s.size + k];
      *to++ = z.mean.data<double>()[i * s.size + k] * scale + shift;
      *to++ = std::sqrt(std::max(0.0, v)) * scale;
    }
    for (std::int64_t j = 0; j < width_; ++j) {
      const double scale = format_.scale[std::size_t(j)];
      *to++ = fit.values.data<double>()[i * width_ + j] * scale + format_.shift[std::size_t(j)];
      *to++ = fit.sd.data<double>()[i * width_ + j] * scale;
    }
  }
  out.log_density = s.log_density(rows.x, marks_of(rows));
  return out;
}

FilledRows Lds::fill(const State& state, const TableRows& rows, Workers&) const {
  return states(state).fill(rows.x, marks_of(rows));
}

std::vector<SeriesForecast> Lds::forecast(const State& state, const TableRows& rows,
                                          std::int64_t steps, Key key, Workers&) const {
  return states(state).forecast(rows.x, marks_of(rows), steps, key);
}

Array Lds::sample(const State& state, std::int64_t count, Key key, Workers&) const {
  return states(state).sample(count, key);
}

std::vector<PosteriorRow> Lds::posterior(const State& state, const TableFormat& format) const {
  const LinearStates s = states(state);
  std::vector<PosteriorRow> out;
  const auto root = [&](const char* factor, const std::string& name, double tau, double shape,
                        double scale) {
    out.push_back(scaled(shape > 0 ? root_inverse_gamma_row(factor, name, shape, shape / tau)
                                   : point_row(factor, name, 1 / std::sqrt(tau)),
                         scale));
  };
  const auto normal = [&](const char* factor, const std::string& name, double mean, double variance,
                          double scale, double shift = 0) {
    out.push_back(scaled(s.points ? point_row(factor, name, mean)
                                  : normal_row(factor, name, mean, std::sqrt(variance)),
                         scale, shift));
  };
  const std::vector<std::string> names = state_names();
  const std::int64_t n = s.size;
  for (std::size_t k = 0; structural() && k < names.size(); ++k)
    root("step_sd", names[k], s.drives.data<double>()[k], s.drive_shape.data<double>()[k],
         format.scale[0]);
  if (!structural()) {
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < n; ++k)
        normal("move", fmt::format("z{}.z{}", i + 1, k + 1), s.motion.data<double>()[i * n + k],
               s.points ? 0 : s.motion_covariance.data<double>()[(i * n + k) * n + k], 1);
    for (std::int64_t j = 0; j < width_; ++j)
      for (std::int64_t k = 0; k < n; ++k)
        normal("loadings", fmt::format("{}.z{}", format.columns[std::size_t(j)], k + 1),
               s.loadings.data<double>()[j * n + k],
               s.points ? 0 : s.loadings_covariance.data<double>()[(j * n + k) * n + k],
               format.scale[std::size_t(j)]);
    for (std::int64_t j = 0; j < width_; ++j)
      normal("mean", format.columns[std::size_t(j)], s.mean.data<double>()[j],
             s.mean_variance.data<double>()[j], format.scale[std::size_t(j)],
             format.shift[std::size_t(j)]);
  }
  for (std::int64_t j = 0; j < width_; ++j)
    root("noise_sd", format.columns[std::size_t(j)], s.noise.data<double>()[j],
         s.noise_shape.data<double>()[j], format.scale[std::size_t(j)]);
  return out;
}

}  // namespace fathom
