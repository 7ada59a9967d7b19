#include "fathom/jobs/hmm.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "fathom/jobs/column_data.h"
#include "fathom/jobs/sequences.h"
#include "fathom/kernels/chain.h"
#include "fathom/kernels/rng.h"
#include "fathom/zoo/rows.h"

namespace fathom {

namespace {

constexpr std::pair<std::string_view, Covariance> kStateCovariances[] = {
    {"full", Covariance::full},
    {"tied", Covariance::tied},
    {"diag", Covariance::diagonal},
    {"spherical", Covariance::spherical}};
constexpr std::pair<std::string_view, bool> kEmissions[] = {{"gaussian", false}, {"columns", true}};

// "1>3,3>1" as pairs of states from 0. Throws ConfigError on what is no pair of states.
std::vector<std::pair<std::int64_t, std::int64_t>> pairs_of(const std::string& text,
                                                            std::int64_t states) {
  std::vector<std::pair<std::int64_t, std::int64_t>> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string one = text.substr(at, comma - at);
    const std::size_t to = one.find('>');
    const auto number = [&](std::size_t first, std::size_t last) {
      std::int64_t v = 0;
      const auto [end, error] = std::from_chars(one.data() + first, one.data() + last, v);
      return error == std::errc() && end == one.data() + last ? v : std::int64_t(0);
    };
    const std::int64_t i = to == one.npos ? 0 : number(0, to),
                       j = to == one.npos ? 0 : number(to + 1, one.size());
    if (i < 1 || j < 1 || i > states || j > states)
      raise<ConfigError>("--forbid \"{}\": transitions as 1>3, between states 1 to {}", one,
                         states);
    out.emplace_back(i - 1, j - 1);
    at = comma + 1;
  }
  return out;
}

// Probabilities over the last axis that a state says: expected ones, or those of a point mass.
Array table_of(const State& state, const std::string& latent, bool points) {
  const Array& natural = *state.find(latent + ".natural.0");
  Array out = natural.copy();
  const std::int64_t k = out.shape().extent(out.shape().rank() - 1);
  for (std::int64_t first = 0; first < out.size(); first += k) {
    double* row = out.data<double>() + first;
    double total = 0;
    for (std::int64_t j = 0; j < k; ++j)
      total += row[j] = std::max(points ? row[j] : row[j] + 1, 0.0);
    for (std::int64_t j = 0; j < k; ++j) row[j] = total > 0 ? row[j] / total : 1 / double(k);
  }
  return out;
}

// log p, with what the recursions take for the logarithm of zero.
double log_of(double p) { return p > 0 ? std::log(p) : -INFINITY; }

std::int64_t drawn(const double* p, std::int64_t count, double u) {
  for (std::int64_t k = 0; k < count - 1; ++k)
    if ((u -= p[k]) < 0) return k;
  return count - 1;
}

// The states of rows by their emissions.
class StatePaths {
 public:
  StatePaths(const MarkovStates& s, const TableRows& rows, Workers& workers)
      : potentials_(s.log_emission(rows.x, workers)),
        links_(DType::f64, Shape{s.count, s.count}),
        start_(DType::f64, Shape{s.count}),
        begins_(marks_of(rows)) {
    for (std::int64_t i = 0; i < links_.size(); ++i)
      links_.data<double>()[i] = log_of(s.move.data<double>()[i]);
    for (std::int64_t j = 0; j < s.count; ++j)
      start_.data<double>()[j] = log_of(s.start.data<double>()[j]);
  }
  // Probabilities of states [n, states] given all of their sequence; with `log_density` those of
  // rows given the ones before them.
  Array smoothed(std::vector<double>* log_density = nullptr) const {
    Array out(DType::f64, potentials_.shape());
    kernels::Chain<double> c = chain();
    if (log_density) log_density->resize(std::size_t(c.rows));
    c.log_norm = log_density ? log_density->data() : nullptr;
    c.marginals = out.data<double>();
    kernels::chain(c);
    return out;
  }
  Array best() const {  // 1 at the state of the likeliest path
    Array out(DType::f64, potentials_.shape());
    kernels::Chain<double> c = chain();
    c.marginals = out.data<double>();
    kernels::best_path(c);
    return out;
  }

 private:
  kernels::Chain<double> chain() const {
    kernels::Chain<double> c;
    c.rows = potentials_.shape().extent(0);
    c.states = potentials_.shape().extent(1);
    c.potentials = potentials_.data<double>();
    c.links = links_.data<double>();
    c.start = start_.data<double>();
    c.begins = begins_.data<double>();
    return c;
  }
  Array potentials_, links_, start_, begins_;
};

}  // namespace

TableNeeds Hmm::needs() const {
  const bool columns = word<bool>("emission", settings_.emission, kEmissions);
  if (!columns && !settings_.kind.empty())
    raise<ConfigError>("--kind goes with --emission columns, not with gaussian states");
  TableNeeds n{true, settings_.components.last, columns, settings_.kind};
  n.sequences = true;
  return n;
}

void Hmm::build(const TableMoments& m, const TableFormat& format) {
  covariance_ = word<Covariance>("covariance", settings_.covariance, kStateCovariances);
  settings_.check();
  if (!(settings_.sticky >= 0) || !std::isfinite(settings_.sticky))
    raise<ConfigError>("--sticky must not be negative, got {}", settings_.sticky);
  if (settings_.likelihood() && settings_.sticky > 0)
    raise<ConfigError>("--sticky is a prior: it goes with --method vb or map, not {}",
                       settings_.method);
  settings_.check_rows(m.rows, format);
  width_ = m.width();
  moments_ = m;
  format_ = format;
  const std::int64_t k = settings_.components;
  config_ = {};
  config_.states = k;
  config_.start = config_.move = settings_.concentration > 0 ? settings_.concentration : 1;
  config_.sticky = settings_.sticky;
  config_.missing = format.missing;
  if (settings_.left_right) {
    config_.first = first_state(k);
    config_.allowed = left_to_right(k);
  }
  for (const auto& [i, j] : pairs_of(settings_.forbid, k)) {
    if (config_.allowed.size() == 0) {
      config_.allowed = Array(DType::f64, Shape{k, k});
      std::fill_n(config_.allowed.data<double>(), k * k, 1.0);
    }
    config_.allowed.data<double>()[i * k + j] = 0;
  }
  if (by_columns()) {
    groups_ = ColumnGroups::of(format);
    config_.columns = column_config(m, groups_, format.missing);
  } else {
    const bool matrix = covariance_ == Covariance::full || covariance_ == Covariance::tied;
    if (matrix && m.rows <= width_)
      raise<DataError>(
          "{} rows of {} columns: full covariances need more rows than columns; "
          "--covariance diag or fewer --columns",
          m.rows, width_);
    if (const std::int64_t j = matrix ? dependent_column(m) : -1; j >= 0)
      raise<DataError>(
          "column \"{}\" follows from those before it (a weighted sum of them), so that "
          "full covariances have no inverse: leave it out with --drop, or say "
          "--covariance diag",
          format.columns[std::size_t(j)]);
    GaussianMixturePrior prior;
    prior.mean = m.mean;
    prior.inverse_scale = m.covariance;
    prior.dof = weak_dof(covariance_, width_, settings_.method == "map");
    config_.gaussian = prior;
    config_.covariance = covariance_;
  }
  markov_ = std::make_unique<HiddenMarkov>(config_);
  if (!format.weights.empty()) weigh_rows(markov_->model, markov_->step);
  if (!format.labels.empty())
    know_choices(markov_->model, markov_->step, markov_->state, markov_->path);
}

DataSet Hmm::data(const TableRows& rows) const {
  DataSet set;
  set.rows = rows.count();
  if (by_columns()) {
    add_column_data(rows, groups_, set);
  } else {
    set.columns["x"] = rows.x;
  }
  set.columns["begins"] = marks_of(rows);
  add_row_data(rows, format_, settings_.components, set);
  return set;
}

std::int64_t Hmm::free_parameters() const {
  const std::int64_t k = settings_.components, d = width_, matrix = d * (d + 1) / 2;
  std::int64_t tables = 0;
  const auto add = [&](const Array& allowed, std::int64_t rows) {
    for (std::int64_t i = 0; i < rows; ++i) {
      std::int64_t may = k;
      if (allowed.size() > 0)
        may = std::count_if(allowed.data<double>() + i * k, allowed.data<double>() + (i + 1) * k,
                            [](double v) { return v != 0; });
      tables += may - 1;
    }
  };
  add(config_.first, 1);
  add(config_.allowed, k);
  if (by_columns()) {
    std::int64_t each =
        std::int64_t(2 * groups_.real.size() + groups_.bits.size() + groups_.counts.size());
    for (const std::int64_t levels : groups_.levels) each += levels - 1;
    return tables + k * each;
  }
  switch (covariance_) {
    case Covariance::tied: return tables + k * d + matrix;
    case Covariance::diagonal: return tables + 2 * k * d;
    case Covariance::spherical: return tables + k * d + k;
    default: return tables + k * (d + matrix);
  }
}

std::string Hmm::describe() const {
  const std::int64_t k = settings_.components;
  std::string text = fmt::format("{} hidden state{}, rows of {} column{}", k, k == 1 ? "" : "s",
                                 width_, width_ == 1 ? "" : "s");
  text += by_columns()
              ? ", each of its own kind"
              : fmt::format(", gaussian, {} covariance{}",
                            covariance_ == Covariance::diagonal ? "diagonal" : settings_.covariance,
                            k == 1 || covariance_ == Covariance::tied ? "" : "s");
  if (settings_.left_right) text += "; from left to right";
  if (!settings_.forbid.empty()) text += "; never " + settings_.forbid;
  if (settings_.method == "em") return text + "; maximum likelihood by EM";
  if (settings_.hard()) return text + "; likelihood of the best path by hard EM";
  text += fmt::format(
      "; transitions ~ Dirichlet({:g}{})", config_.move,
      settings_.sticky > 0 ? fmt::format(", {:g} more to stay", settings_.sticky) : std::string());
  return text.append(settings_.posterior_words());
}

void Hmm::start(CoordinateClimb& climb, const TableRows& rows, Key key, Workers& workers) const {
  const std::int64_t n = rows.count(), k = settings_.components;
  Array path;
  if (settings_.start == "steps" || (settings_.left_right && settings_.start == "kmeans")) {
    path = Array(DType::f64, Shape{n, k});
    for (const auto& [first, last] : sequences_of(rows))
      for (std::int64_t i = first; i < last; ++i)
        path.data<double>()[i * k + (i - first) * k / (last - first)] = 1;
  } else if (by_columns()) {
    TableRows features;
    features.x = column_features(data(rows));
    features.components = rows.components;
    features.start = rows.start;
    path = settings_.start_of(features, key);
  } else {
    path = settings_.start_of(rows, key);
  }
  climb.start({{"path", path}}, workers);
}

MarkovStates Hmm::states(const State& state) const {
  const bool points = settings_.points();
  const std::int64_t k = settings_.components;
  MarkovStates s;
  s.count = k;
  s.start = table_of(state, "start", points);
  s.move = table_of(state, "move", points);
  s.left = Array(DType::f64, Shape{k});
  s.share = Array(DType::f64, Shape{k});
  const double* natural = state.find("move.natural.0")->data<double>();
  double all = 0;
  for (std::int64_t i = 0; i < k; ++i) {
    double& left = s.left.data<double>()[i];
    for (std::int64_t j = 0; j < k; ++j) {
      const bool may =
          config_.allowed.size() == 0 || config_.allowed.data<double>()[i * k + j] != 0;
      const double prior = config_.move + (i == j ? config_.sticky : 0) - 1;
      if (may) left += std::max(0.0, natural[i * k + j] - (settings_.likelihood() ? 0 : prior));
    }
    all += left;
  }
  for (std::int64_t i = 0; i < k; ++i)
    s.share.data<double>()[i] = all > 0 ? s.left.data<double>()[i] / all : 1 / double(k);
  const ComponentWeights w{s.share, s.left};
  if (by_columns()) {
    s.columns = column_components_of(state, groups_, points, w);
  } else {
    s.gaussian = components_of(state, covariance_, points, w);
    s.gaussian->noun = "state";
  }
  return s;
}

Array MarkovStates::log_emission(const Array& rows, Workers& workers) const {
  Array even(DType::f64, Shape{count});
  std::fill_n(even.data<double>(), count, 1.0);
  if (columns) {
    ColumnComponents c = *columns;
    c.weight = even;
    return c.log_joint(rows, workers);
  }
  GaussianComponents c = *gaussian;
  c.weight = even;
  return c.log_joint(rows, workers);
}

// As for mixtures: a state of the likelihood on few rows may fit them as closely as it likes.
std::string Hmm::fault(const State& state) const {
  if (!settings_.likelihood()) return {};
  if (by_columns() && groups_.real.empty()) return {};
  const bool full = !by_columns() && covariance_ == Covariance::full;
  const double least = full                                               ? double(width_ + 1)
                       : !by_columns() && covariance_ == Covariance::tied ? 1
                                                                          : 2;
  const MarkovStates s = states(state);
  for (const double left : s.left.values<double>())
    if (left < least)
      return fmt::format("a state came to hold fewer than the {:g} rows that its parameters need",
                         least);
  return {};
}

RowPredictions Hmm::predict(const State& state, const TableRows& rows, Workers& workers) const {
  const StatePaths paths(states(state), rows, workers);
  const std::int64_t n = rows.count(), k = settings_.components;
  RowPredictions out;
  const Array shares = paths.smoothed(&out.log_density), path = paths.best();
  out.names = {"state"};
  for (std::size_t j = 0; j < std::size_t(k); ++j)
    out.names.push_back(fmt::format("p{}{}", j < format_.classes.size() ? "." : "",
                                    component_name(j, format_.classes)));
  out.values = Array(DType::f64, Shape{n, k + 1});
  for (std::int64_t i = 0; i < n; ++i) {
    double* to = out.values.data<double>() + i * (k + 1);
    const double* here = path.data<double>() + i * k;
    to[0] = double(std::max_element(here, here + k) - here + 1);
    std::copy_n(shares.data<double>() + i * k, k, to + 1);
  }
  return out;
}

FilledRows Hmm::fill(const State& state, const TableRows& rows, Workers& workers) const {
  const MarkovStates s = states(state);
  return s.gaussian->fill(rows.x, workers, StatePaths(s, rows, workers).smoothed());
}

std::vector<SeriesForecast> Hmm::forecast(const State& state, const TableRows& rows,
                                          std::int64_t steps, Key, Workers& workers) const {
  const MarkovStates s = states(state);
  const Array shares = StatePaths(s, rows, workers).smoothed();
  const std::int64_t k = s.count, d = width_;
  const Array variance = s.gaussian->predictive_variance();
  std::vector<SeriesForecast> out;
  for (const RowRange& sequence : sequences_of(rows)) {
    SeriesForecast f{Array(DType::f64, Shape{steps, d}), Array(DType::f64, Shape{steps, d})};
    const double* last = shares.data<double>() + (sequence.last - 1) * k;
    std::vector<double> share(last, last + k), next(share.size());
    for (std::int64_t h = 0; h < steps; ++h) {
      for (std::int64_t b = 0; b < k; ++b) {
        next[std::size_t(b)] = 0;
        for (std::int64_t a = 0; a < k; ++a)
          next[std::size_t(b)] += share[std::size_t(a)] * s.move.data<double>()[a * k + b];
      }
      share = next;
      for (std::int64_t j = 0; j < d; ++j) {
        double mean = 0, square = 0;
        for (std::int64_t b = 0; b < k; ++b) {
          const double m = s.gaussian->mean.data<double>()[b * d + j];
          mean += share[std::size_t(b)] * m;
          square += share[std::size_t(b)] * (m * m + variance.data<double>()[b * d + j]);
        }
        f.mean.data<double>()[h * d + j] = mean;
        f.sd.data<double>()[h * d + j] = std::sqrt(std::max(0.0, square - mean * mean));
      }
    }
    out.push_back(std::move(f));
  }
  return out;
}

Array Hmm::sample(const State& state, std::int64_t count, Key key, Workers&) const {
  const MarkovStates s = states(state);
  const std::int64_t k = s.count;
  std::vector<double> u(std::size_t(count), 0.0);
  kernels::fill_uniform(fold(key, 1 << 20), nullptr, 0, count, 1, u.data());
  std::vector<std::vector<std::int64_t>> rows_of(static_cast<std::size_t>(k));
  for (std::int64_t i = 0, at = 0; i < count; ++i) {
    at = drawn(i == 0 ? s.start.data<double>() : s.move.data<double>() + at * k, k,
               u[std::size_t(i)]);
    rows_of[std::size_t(at)].push_back(i);
  }
  Array out(DType::f64, Shape{count, width_});
  for (std::int64_t j = 0; j < k; ++j) {
    const auto& places = rows_of[std::size_t(j)];
    if (places.empty()) continue;
    Array only(DType::f64, Shape{k});
    only.data<double>()[j] = 1;
    Array rows;
    if (s.columns) {
      ColumnComponents c = *s.columns;
      c.weight = only;
      rows = c.sample(std::int64_t(places.size()), width_, fold(key, std::uint64_t(j)));
    } else {
      GaussianComponents c = *s.gaussian;
      c.weight = only;
      rows = c.sample(std::int64_t(places.size()), fold(key, std::uint64_t(j)));
    }
    for (std::size_t i = 0; i < places.size(); ++i)
      std::copy_n(rows.data<double>() + std::int64_t(i) * width_, width_,
                  out.data<double>() + places[i] * width_);
  }
  return out;
}

}  // namespace fathom
