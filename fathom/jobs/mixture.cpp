#include "fathom/jobs/mixture.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "fathom/climb/start.h"
#include "fathom/zoo/rows.h"

namespace fathom {

namespace {

// Columns of rows [n, d], in this order.
Array columns_of(const Array& x, const std::vector<std::size_t>& columns) {
  const std::int64_t n = x.shape().extent(0), d = x.size() / n, k = std::int64_t(columns.size());
  Array out(DType::f64, Shape{n, k});
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < k; ++j)
      out.data<double>()[i * k + j] =
          x.data<double>()[i * d + std::int64_t(columns[std::size_t(j)])];
  return out;
}

// Indicators [n, levels] of a column of places; a missing one is a row of zeros.
Array indicators_of(const Array& x, std::size_t column, std::int64_t levels) {
  const std::int64_t n = x.shape().extent(0), d = x.size() / n;
  Array out(DType::f64, Shape{n, levels});
  for (std::int64_t i = 0; i < n; ++i)
    if (const double v = x.data<double>()[i * d + std::int64_t(column)]; !std::isnan(v))
      out.data<double>()[i * levels + std::int64_t(v)] = 1;
  return out;
}

// What a start measures distances by: real columns and bits as they are, roots of counts (whose
// spread does not depend on their mean), indicators of categories.
Array features_of(const DataSet& set, std::int64_t n) {
  std::vector<Array> parts;
  std::int64_t width = 0;
  for (const auto& [name, a] : set.columns) {
    if (name == "weight" || name.starts_with("choice")) continue;
    parts.push_back(filled_with_means(a));
    if (name == "counts")
      for (std::int64_t i = 0; i < a.size(); ++i)
        parts.back().data<double>()[i] = std::sqrt(parts.back().data<double>()[i]);
    width += a.shape().extent(1);
  }
  Array out(DType::f64, Shape{n, width});
  std::int64_t at = 0;
  for (const Array& p : parts) {
    const std::int64_t k = p.shape().extent(1);
    for (std::int64_t i = 0; i < n; ++i)
      std::copy_n(p.data<double>() + i * k, k, out.data<double>() + i * width + at);
    at += k;
  }
  return out;
}

}  // namespace

void Mixture::build(const TableMoments& m, const TableFormat& format) {
  settings_.check();
  settings_.check_rows(m.rows, format);
  format_ = format;
  groups_ = ColumnGroups::of(format);
  ColumnMixtureConfig c;
  c.components = settings_.components;
  c.bits = std::int64_t(groups_.bits.size());
  c.counts = std::int64_t(groups_.counts.size());
  c.levels = groups_.levels;
  c.concentration = settings_.prior_concentration();
  c.process = settings_.process;
  c.missing = format.missing;
  // Weak, from the table: a mean worth one row, a variance worth two, rates worth one count.
  if (const auto d = std::int64_t(groups_.real.size()); d > 0) {
    c.real.mean = Array(DType::f64, Shape{d});
    c.real.inverse_scale = Array(DType::f64, Shape{d, d});
    c.real.dof = 2;
    for (std::int64_t j = 0; j < d; ++j) {
      const auto from = std::int64_t(groups_.real[std::size_t(j)]);
      c.real.mean.data<double>()[j] = m.at(from);
      c.real.inverse_scale.data<double>()[j * d + j] = m.at(from, from);
    }
  }
  if (c.counts > 0) {
    c.rates = Array(DType::f64, Shape{c.counts});
    for (std::int64_t j = 0; j < c.counts; ++j)
      c.rates.data<double>()[j] =
          1 / std::max(m.at(std::int64_t(groups_.counts[std::size_t(j)])), 1e-3);
  }
  mixture_ = std::make_unique<ColumnMixture>(c);
  if (!format.weights.empty()) weigh_rows(mixture_->model, mixture_->row);
  if (!format.labels.empty())
    know_choices(mixture_->model, mixture_->row, mixture_->component, mixture_->which);
}

DataSet Mixture::data(const TableRows& rows) const {
  DataSet set;
  set.rows = rows.count();
  if (!groups_.real.empty()) set.columns["real"] = columns_of(rows.x, groups_.real);
  if (!groups_.bits.empty()) set.columns["bits"] = columns_of(rows.x, groups_.bits);
  if (!groups_.counts.empty()) set.columns["counts"] = columns_of(rows.x, groups_.counts);
  for (std::size_t j = 0; j < groups_.categories.size(); ++j)
    set.columns[fmt::format("level.{}", j)] =
        indicators_of(rows.x, groups_.categories[j], groups_.levels[j]);
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
  features.x = features_of(data(rows), rows.count());
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
      return "a component came to sit on fewer than the 2 rows that the variances of its real "
             "columns need";
  return {};
}

RowPredictions Mixture::predict(const State& state, const Array& rows, Workers& workers) const {
  return predictions_of(components(state).log_joint(rows, workers), format_.classes);
}

Array Mixture::sample(const State& state, std::int64_t count, Key key, Workers&) const {
  return components(state).sample(count, format_.width(), key);
}

}  // namespace fathom
