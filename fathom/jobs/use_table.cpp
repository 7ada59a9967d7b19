#include "fathom/jobs/use_table.h"

#include <algorithm>
#include <cmath>

#include "fathom/io/csv.h"
#include "fathom/io/npy.h"
#include "fathom/jobs/rows_file.h"
#include "fathom/jobs/version.h"

namespace fathom {

namespace {

// Names of terms that rows have, and those of the factors do not: likelihoods of data on rows, and
// priors and entropies of latents on rows.
bool is_row_term(const Model& m, const std::string& term) {
  const std::string owner = term.substr(0, term.rfind('.'));
  for (const LatentInfo& z : m.latents())
    if (m.info(z.expr).name == owner) return m.streamed(m.info(z.expr));
  return true;
}

// Of the rows that have one.
void add_density(std::vector<double> log_density, nlohmann::json& out) {
  std::erase_if(log_density, [](double v) { return std::isnan(v); });
  if (log_density.empty()) return;
  const auto n = double(log_density.size());
  double total = 0, squares = 0;
  for (double v : log_density) total += v;
  for (double v : log_density) squares += (v - total / n) * (v - total / n);
  out["log_predictive"] = total;
  out["log_predictive_per_row"] = total / n;
  if (n > 1) out["log_predictive_se"] = std::sqrt(squares / (n - 1) * n);
}

// Predictions of some rows after others, so that memory does not grow with their number: calls
// take(first row, predictions).
template <class F>
void predict_blocks(const TableRun& run, const Array& x, Workers& workers, F&& take) {
  constexpr std::int64_t kBlock = 1 << 15;
  const std::int64_t n = x.shape().extent(0), d = x.size() / n;
  for (std::int64_t first = 0; first < n; first += kBlock) {
    const std::int64_t count = std::min(kBlock, n - first);
    auto* raw = const_cast<std::byte*>(x.raw()) + std::size_t(first * d) * sizeof(double);
    const std::shared_ptr<std::byte> seen(std::shared_ptr<std::byte>(), raw);  // x keeps it alive
    take(first, run.model->predict(run.state, Array(DType::f64, Shape{count, d}, seen), workers));
  }
}

// Keeps the columns whose names `wanted` takes.
template <class F>
void keep_columns(TextTable& t, F&& wanted) {
  std::vector<std::size_t> kept;
  std::vector<std::string> names;
  for (std::size_t j = 0; j < t.names.size(); ++j)
    if (wanted(t.names[j])) {
      kept.push_back(j);
      names.push_back(t.names[j]);
    }
  const std::int64_t n = t.values.shape().extent(0);
  const auto width = std::int64_t(kept.size()), whole = std::int64_t(t.names.size());
  Array values(DType::f64, Shape{n, width});
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < width; ++j)
      values.data<double>()[i * width + j] =
          t.values.data<double>()[i * whole + std::int64_t(kept[std::size_t(j)])];
  t.names = names;
  t.values = values;
}

// "p", "p1", "p.red" and the interval "p_low", "p_high".
bool is_probability(const std::string& name) {
  return name.starts_with("p_") || name.starts_with("p.") ||
         (name.starts_with("p") && name.find_first_not_of("0123456789", 1) == name.npos);
}

}  // namespace

TablePrediction predict_table(const PredictTableConfig& c) {
  if (!c.out.empty()) check_rows_file(c.out, {});
  Workers workers(c.threads);
  TableRun run = open_table_run(c.run);
  const TableRows rows = rows_for(run, c.data, workers);
  const std::int64_t n = rows.count();
  TablePrediction out;
  std::vector<double> log_density;
  predict_blocks(run, rows.x, workers, [&](std::int64_t first, const RowPredictions& p) {
    const auto m = std::int64_t(p.names.size());
    if (first == 0) {
      out.table.names = p.names;
      out.table.names.emplace_back("log_density");
      out.table.values = Array(DType::f64, Shape{n, m + 1});
    }
    for (std::size_t i = 0; i < p.log_density.size(); ++i) {
      double* to = out.table.values.data<double>() + (first + std::int64_t(i)) * (m + 1);
      std::copy_n(p.values.data<double>() + std::int64_t(i) * m, m, to);
      to[m] =
          p.log_density[i] - run.format.log_scale(rows.x.data<double>() +
                                                  (first + std::int64_t(i)) * run.format.width());
      log_density.push_back(to[m]);
    }
  });
  out.figures = {{"task", run.model->task()}, {"n", n}, {"dims", run.format.width()}};
  add_density(log_density, out.figures);
  if (!rows.ids.empty()) {
    out.table.id_name = run.format.ids;
    out.table.ids = rows.ids;
  }
  if (c.proba) {
    if (std::none_of(out.table.names.begin(), out.table.names.end(), is_probability))
      raise<ConfigError>("--proba: a {} predicts no probabilities, but {}", run.model->task(),
                         fmt::join(out.table.names, ", "));
    keep_columns(out.table, is_probability);
  } else if (!out.figures.contains("log_predictive")) {  // no row has what a density is of
    keep_columns(out.table, [](const std::string& name) { return name != "log_density"; });
  }
  if (!c.out.empty()) {
    write_table(c.out, out.table);
    out.figures["file"] = c.out;
    out.figures["columns"] = out.table.names;
  }
  return out;
}

TextTable sample_table(const SampleTableConfig& c) {
  if (c.count < 1) raise<ConfigError>("--count must be at least 1, got {}", c.count);
  if (!c.out.empty()) check_rows_file(c.out, {});
  Workers workers(1);
  TableRun run = open_table_run(c.run);
  const Array x = run.model->sample(run.state, c.count, fold(Key{c.seed, 0}, 22), workers);
  TextTable out{"", {}, run.format.columns, in_file_units(x, run.format), run.format.levels};
  if (!c.out.empty()) write_table(c.out, out);
  return out;
}

nlohmann::json evaluate_table(const std::string& path, const std::string& data, int threads) {
  Workers workers(threads);
  TableRun run = open_table_run(path);
  const TableRows rows = rows_for(run, data, workers);
  const double n = rows.total();
  State state;
  CoordinateClimb climb(run.model->model(), run.model->data(rows), state, run.model->options());
  assign_factors(run.state, state);
  nlohmann::json out = {{"task", run.model->task()},
                        {"unit", "row"},
                        {"n", rows.count()},
                        {"dims", run.format.width()},
                        {"objective_kind", name_of(run.model->objective())}};
  if (rows.weights.size() > 0) out["weight"] = n;
  double bound = 0;
  for (const auto& [name, value] : climb.terms(workers)) {
    if (!is_row_term(run.model->model(), name)) continue;
    out["terms"][name] = value;
    bound += value;
  }
  const bool elbo = run.model->objective() == Objective::elbo;
  out[elbo ? "elbo" : "objective"] = bound;
  out[elbo ? "elbo_per_row" : "objective_per_row"] = bound / n;
  if (run.format.standardized) out["log_scale_per_row"] = run.format.log_scale(rows);
  // The density of rows as the model sees them, like the bound.
  std::vector<double> log_density;
  predict_blocks(run, rows.x, workers, [&](std::int64_t, const RowPredictions& p) {
    log_density.insert(log_density.end(), p.log_density.begin(), p.log_density.end());
  });
  add_density(log_density, out);
  out["standardized"] = run.format.standardized;
  out["threads"] = workers.size();
  out["version"] = kVersion;
  return out;
}

}  // namespace fathom
