#include "fathom/jobs/mixture.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "fathom/jobs/column_data.h"
#include "fathom/zoo/rows.h"

namespace fathom {

void Mixture::build(const TableMoments& m, const TableFormat& format) {
  settings_.check();
  settings_.check_rows(m.rows, format);
  format_ = format;
  groups_ = ColumnGroups::of(format);
  ColumnMixtureConfig c = column_config(m, groups_, format.missing);
  c.components = settings_.components;
  c.concentration = settings_.prior_concentration();
  c.process = settings_.process;
  mixture_ = std::make_unique<ColumnMixture>(c);
  if (!format.weights.empty()) weigh_rows(mixture_->model, mixture_->row);
  if (!format.labels.empty())
    know_choices(mixture_->model, mixture_->row, mixture_->component, mixture_->which);
}

DataSet Mixture::data(const TableRows& rows) const {
  DataSet set;
  set.rows = rows.count();
  add_column_data(rows, groups_, set);
  add_row_data(rows, format_, settings_.components, set);
  return set;
}

std::int64_t Mixture::free_parameters() const {
  std::int64_t each =
      std::int64_t(2 * groups_.real.size() + groups_.bits.size() + groups_.counts.size());
  for (const std::int64_t levels : groups_.levels) each += levels - 1;
  return settings_.components - 1 + settings_.components * each;
}

std::string Mixture::describe() const {
  std::vector<std::string> kinds;
  const auto add = [&](std::size_t count, const char* kind) {
    if (count > 0) kinds.push_back(fmt::format("{} {}", count, kind));
  };
  add(groups_.real.size(), "real");
  add(groups_.bits.size(), "binary");
  add(groups_.counts.size(), groups_.counts.size() == 1 ? "count" : "counts");
  add(groups_.categories.size(), groups_.categories.size() == 1 ? "category" : "categories");
  return fmt::format("{} component{} of {} columns ({}), independent given the component{}",
                     settings_.components.text(), settings_.components == 1 ? "" : "s",
                     format_.width(), fmt::join(kinds, ", "), settings_.describe());
}

void Mixture::start(CoordinateClimb& climb, const TableRows& rows, Key key,
                    Workers& workers) const {
  TableRows features;
  features.x = column_features(data(rows));
  features.components = rows.components;
  features.start = rows.start;
  climb.start({{"which", settings_.start_of(features, key)}}, workers);
}

// As for Gaussian mixtures: real columns of a component on few rows may be as narrow as they like.
std::string Mixture::fault(const State& state) const {
  if (!settings_.likelihood() || groups_.real.empty()) return {};
  const ComponentWeights w = component_weights(state, settings_);
  for (const double rows : w.rows.values<double>())
    if (rows < 2)
      return "a component came to sit on fewer than the 2 different rows that the variances of its "
             "real columns need";
  return {};
}

RowPredictions Mixture::predict(const State& state, const TableRows& rows, Workers& workers) const {
  return predictions_of(components(state).log_joint(rows.x, workers), format_.classes);
}

Array Mixture::sample(const State& state, std::int64_t count, Key key, Workers&) const {
  return components(state).sample(count, format_.width(), key);
}

}  // namespace fathom
