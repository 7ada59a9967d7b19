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

void add_density(const std::vector<double>& log_density, double log_scale, nlohmann::json& out) {
  const auto n = double(log_density.size());
  double total = 0, squares = 0;
  for (double v : log_density) total += v;
  for (double v : log_density) squares += (v - total / n) * (v - total / n);
  out["log_predictive"] = total - n * log_scale;
  out["log_predictive_per_row"] = total / n - log_scale;
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

}  // namespace

TablePrediction predict_table(const PredictTableConfig& c) {
  if (!c.out.empty()) check_rows_file(c.out, {});
  Workers workers(c.threads);
  TableRun run = open_table_run(c.run);
  const TableRows rows = rows_for(run, c.data, workers);
  const std::int64_t n = rows.count();
  const double log_scale = run.format.log_scale();
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
      to[m] = p.log_density[i] - log_scale;
    }
    log_density.insert(log_density.end(), p.log_density.begin(), p.log_density.end());
  });
  out.figures = {{"task", run.model->task()}, {"n", n}, {"dims", run.format.width()}};
  add_density(log_density, log_scale, out.figures);
  if (!rows.ids.empty()) {
    out.table.id_name = run.format.ids;
    out.table.ids = rows.ids;
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
  if (run.format.standardized) out["log_scale_per_row"] = run.format.log_scale();
  // The density of rows as the model sees them, like the bound.
  std::vector<double> log_density;
  predict_blocks(run, rows.x, workers, [&](std::int64_t, const RowPredictions& p) {
    log_density.insert(log_density.end(), p.log_density.begin(), p.log_density.end());
  });
  add_density(log_density, 0, out);
  out["standardized"] = run.format.standardized;
  out["threads"] = workers.size();
  out["version"] = kVersion;
  return out;
}

}  // namespace fathom
