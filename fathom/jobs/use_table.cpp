#include "fathom/jobs/use_table.h"

#include <algorithm>
#include <cmath>

#include "fathom/jobs/rows_file.h"
#include "fathom/jobs/version.h"
#include "fathom/kernels/room.h"

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

// Log densities of rows, block by block: their sum and its standard error.
class Density {
 public:
  void add(const std::vector<double>& block) {
    const auto n = double(block.size());
    double total = 0, squares = 0;
    for (double v : block) total += v;
    for (double v : block) squares += (v - total / n) * (v - total / n);
    // Chan, Golub & LeVeque 1983, eq. 2.1.
    const double apart = rows_ > 0 ? total / n - total_ / rows_ : 0;
    squares_ += squares + apart * apart * rows_ * n / (rows_ + n);
    total_ += total;
    rows_ += n;
  }
  void report(double log_scale, nlohmann::json& out) const {
    out["log_predictive"] = total_ - rows_ * log_scale;
    out["log_predictive_per_row"] = total_ / rows_ - log_scale;
    if (rows_ > 1) out["log_predictive_se"] = std::sqrt(squares_ / (rows_ - 1) * rows_);
  }

 private:
  double rows_ = 0, total_ = 0, squares_ = 0;
};

// Predictions of some rows after others, so that memory does not grow with their number: calls
// take(first row, predictions).
template <class F>
void predict_blocks(const TableRun& run, const Array& x, Workers& workers, F&& take) {
  constexpr std::int64_t kBlock = 1 << 15;
  const std::int64_t n = x.shape().extent(0);
  for (std::int64_t first = 0; first < n; first += kBlock) {
    const std::int64_t count = std::min(kBlock, n - first);
    take(first, run.model->predict(run.state, x.part(first, count).made(), workers));
  }
}

}  // namespace

TablePrediction predict_table(const PredictTableConfig& c) {
  if (!c.out.empty()) check_rows_file(c.out, {});
  Workers workers(kernels::threads_that_fit(c.threads));
  TableRun run = open_table_run(c.run);
  const TableRows rows = rows_for(run, c.data, workers);
  const std::int64_t n = rows.count();
  const double log_scale = run.format.log_scale();
  TablePrediction out;
  Density density;
  std::optional<RowsWriter> file;
  const bool named = c.out.ends_with(".csv") && !rows.ids.empty();  // which are held anyway
  predict_blocks(run, rows.x, workers, [&](std::int64_t first, const RowPredictions& p) {
    const auto m = std::int64_t(p.names.size());
    const std::int64_t count = std::int64_t(p.log_density.size());
    if (first == 0) {
      out.table.names = p.names;
      out.table.names.emplace_back("log_density");
      if (!c.out.empty() && !named) file.emplace(c.out, out.table.names);
      if (!file) out.table.values = Array(DType::f64, Shape{n, m + 1});
    }
    Array block =
        file ? Array(DType::f64, Shape{count, m + 1}) : out.table.values.part(first, count);
    for (std::int64_t i = 0; i < count; ++i) {
      double* to = block.data<double>() + i * (m + 1);
      std::copy_n(p.values.data<double>() + i * m, m, to);
      to[m] = p.log_density[std::size_t(i)] - log_scale;
    }
    if (file) file->write(block);
    density.add(p.log_density);
  });
  out.figures = {{"task", run.model->task()}, {"n", n}, {"dims", run.format.width()}};
  density.report(log_scale, out.figures);
  if (!rows.ids.empty()) {
    out.table.id_name = run.format.ids;
    out.table.ids = rows.ids;
  }
  if (file) file->commit();
  if (named) write_table(c.out, out.table);
  if (!c.out.empty()) {
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
  Workers workers(kernels::threads_that_fit(threads));
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
  Density density;
  predict_blocks(run, rows.x, workers,
                 [&](std::int64_t, const RowPredictions& p) { density.add(p.log_density); });
  density.report(0, out);
  out["standardized"] = run.format.standardized;
  out["threads"] = workers.size();
  out["version"] = kVersion;
  return out;
}

}  // namespace fathom
