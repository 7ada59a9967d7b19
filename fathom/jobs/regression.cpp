#include "fathom/jobs/regression.h"

#include <cmath>

#include "fathom/jobs/mixture_settings.h"
#include "fathom/jobs/row_blocks.h"
#include "fathom/jobs/words.h"
#include "fathom/zoo/rows.h"

namespace fathom {

namespace {

constexpr std::pair<std::string_view, Link> kLikelihoods[] = {
    {"gaussian", Link::linear}, {"bernoulli", Link::logistic}, {"poisson", Link::poisson}};
constexpr std::pair<std::string_view, bool> kPriors[] = {{"ard", true}, {"ridge", false}};
constexpr std::pair<std::string_view, bool> kPrecisions[] = {{"vb", false}, {"em", true}};

}  // namespace

void RegressionTable::prepare(TableConfig& table) const {
  if (settings_.target.empty())
    raise<ConfigError>("--target COLUMN says which column the others explain");
  table.target = settings_.target;
  table.standardize = false;  // the model does it
  if (table.label == "auto") table.label = "none";
}

void RegressionTable::build(const TableMoments& m, const TableFormat& format) {
  link_ = word("likelihood", settings_.likelihood, kLikelihoods);
  columns_ = m.width() - 1;
  moments_ = m;
  format_ = format;
  target_ = format.target;
  names_ = {format.columns.begin(), format.columns.end() - 1};
  const double unit = link_ == Link::linear ? m.at(columns_, columns_) : 1;
  config_ = {};
  config_.link = link_;
  config_.relevance = word("prior", settings_.prior, kPriors);
  config_.rate *= unit;
  config_.intercept = link_ == Link::linear ? 1e-4 / unit : 1e-2;
  config_.missing = format.missing;
  word("method", settings_.method, kPrecisions);
  regression_.emplace(columns_ + 1, config_);
  if (!format.weights.empty()) weigh_rows(regression_->model, regression_->row);
}

void RegressionTable::check(const Array& rows) const {
  each_row(rows, [&](std::int64_t i, const double* row) {
    for (std::int64_t j = 0; j < columns_; ++j)
      if (std::isnan(row[j]))
        raise<DataError>(
            "row {}: the cell of column \"{}\" is missing, and a regression explains by whole "
            "rows: fathom fit ppca and fathom impute fill it in, --drop leaves the column out",
            i + 1, names_[std::size_t(j)]);
    const double v = row[columns_];
    const bool whole = v >= 0 && v == std::floor(v);
    if (std::isnan(v) || link_ == Link::linear) return;
    if (link_ == Link::logistic && v != 0 && v != 1)
      raise<DataError>(
          "row {}: the target \"{}\" is {:g}: --likelihood bernoulli takes 0 and 1 alone{}", i + 1,
          target_, v, whole ? "; for counts say --likelihood poisson" : "");
    if (link_ == Link::poisson && !whole)
      raise<DataError>(
          "row {}: the target \"{}\" is {:g}: --likelihood poisson takes counts, whole numbers "
          "from 0; for others say --likelihood gaussian",
          i + 1, target_, v);
  });
}

// Coefficients::features of each row, and the target less its offset.
DataSet RegressionTable::data(const TableRows& rows) const {
  Coefficients units = coefficients({});
  std::vector<int> columns{RowRecipe::kOne};
  for (std::int64_t j = 0; j < columns_; ++j) columns.push_back(int(j));
  units.shift.insert(units.shift.begin(), 0);
  units.scale.insert(units.scale.begin(), 1);
  DataSet set;
  set.rows = rows.count();
  const auto add = [&](const char* name, const Array& a) {
    set.columns[name] = rows.streamed ? a : a.made();
  };
  add("x", rows.x.columns(columns).scaled(units.shift, units.scale));
  add("y", rows.x.columns({int(columns_)}).scaled({units.offset}, {1}));
  add_row_data(rows, format_, 0, set);
  return set;
}

CoordinateOptions RegressionTable::options() const {
  CoordinateOptions o;
  if (settings_.method == "em") {
    o.points = {"relevance"};
    if (link_ == Link::linear) o.points.insert("noise");
    o.flat_points = true;
  }
  return o;
}

Objective RegressionTable::objective() const {
  return settings_.method == "em" ? Objective::evidence : Objective::elbo;
}

std::string RegressionTable::describe() const {
  return fmt::format(
      "{} regression of {} on {} column{}, standardized, with an intercept; {}; {}",
      link_ == Link::linear     ? "linear"
      : link_ == Link::logistic ? "logistic"
                                : "Poisson",
      target_, columns_, columns_ == 1 ? "" : "s",
      config_.relevance ? "a precision for each coefficient" : "one precision for all coefficients",
      settings_.method == "em" ? "precisions where the evidence is highest" : "variational Bayes");
}

// Of an empty state: the units alone.
Coefficients RegressionTable::coefficients(const State& state) const {
  Coefficients c;
  if (state.find("weights.natural.0")) c = coefficients_of(state, link_);
  for (std::int64_t j = 0; j < columns_; ++j) {
    c.shift.push_back(moments_.at(j));
    c.scale.push_back(moments_.sd(j));
  }
  c.link = link_;
  if (link_ != Link::linear) return c;
  c.offset = moments_.at(columns_);
  if (const Array* shape = state.find("noise.natural.0")) {
    const double k = shape->data<double>()[0],
                 rate = -state.find("noise.natural.1")->data<double>()[0];
    const bool point = settings_.method == "em";
    c.noise = (point ? k : k + 1) / rate;
    c.noise_shape = point ? 0 : k + 1;
  }
  return c;
}

RowPredictions RegressionTable::predict(const State& state, const TableRows& rows,
                                        Workers& workers) const {
  const Coefficients c = coefficients(state);
  const std::int64_t n = rows.count(), d = columns_ + 1, block = 256;
  RowPredictions out;
  out.names = link_ == Link::logistic ? std::vector<std::string>{"class", "p", "p_low", "p_high"}
                                      : std::vector<std::string>{"mean", "sd", "low", "high"};
  out.values = Array(DType::f64, Shape{n, 4});
  out.log_density.resize(std::size_t(n));
  workers.each(std::size_t((n + block - 1) / block), [&](std::size_t b, int) {
    for (std::int64_t i = std::int64_t(b) * block; i < std::min(n, std::int64_t(b + 1) * block);
         ++i) {
      const double* row = rows.x.data<double>() + i * d;
      const Estimate95 e = c.predict(row);
      double* to = out.values.data<double>() + i * 4;
      if (link_ == Link::logistic) {
        const double v[] = {e.mean >= 0.5 ? 1.0 : 0.0, e.mean, e.low, e.high};
        std::copy_n(v, 4, to);
      } else {
        const double v[] = {e.mean, e.sd, e.low, e.high};
        std::copy_n(v, 4, to);
      }
      out.log_density[std::size_t(i)] = c.log_density(row, row[columns_]);
    }
  });
  return out;
}

std::vector<PosteriorRow> RegressionTable::posterior(const State& state, const TableFormat&) const {
  const Coefficients c = coefficients(state);
  const std::vector<Estimate95> each = c.in_units();
  std::vector<PosteriorRow> out;
  for (std::size_t j = 0; j < each.size(); ++j)
    out.push_back(normal_row(j == 0 ? "intercept" : "coefficients", j == 0 ? "" : names_[j - 1],
                             each[j].mean, each[j].sd));
  if (link_ == Link::linear)
    out.push_back(c.noise_shape > 0 ? root_inverse_gamma_row("noise_sd", "", c.noise_shape,
                                                             c.noise_shape / c.noise)
                                    : point_row("noise_sd", "", 1 / std::sqrt(c.noise)));
  const Array *a0 = state.find("relevance.natural.0"), *a1 = state.find("relevance.natural.1");
  for (std::int64_t j = 0; j < a0->size(); ++j) {
    const double k = a0->data<double>()[j], rate = -a1->data<double>()[j];
    const std::string element = a0->size() == 1 ? "" : names_[std::size_t(j)];
    out.push_back(settings_.method == "em" ? point_row("relevance", element, k / rate)
                                           : gamma_row("relevance", element, k + 1, rate));
  }
  return out;
}

Array RegressionTable::sample(const State&, std::int64_t, Key, Workers&) const {
  raise<ConfigError>(
      "a regression says nothing of the columns that explain {}: rows cannot be drawn; fathom "
      "predict gives what {} may be for rows that there are",
      target_, target_);
}

}  // namespace fathom
