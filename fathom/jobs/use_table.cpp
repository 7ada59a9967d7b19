#include "fathom/jobs/use_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fathom/jobs/nearest.h"
#include "fathom/jobs/row_blocks.h"
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

// Log densities of the rows that have one, block by block: their sum and its standard error.
class Density {
 public:
  void add(std::vector<double> block) {
    std::erase_if(block, [](double v) { return std::isnan(v); });
    if (block.empty()) return;
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
  bool empty() const { return rows_ == 0; }
  void report(nlohmann::json& out) const {
    if (empty()) return;
    out["log_predictive"] = total_;
    out["log_predictive_per_row"] = total_ / rows_;
    if (rows_ > 1) out["log_predictive_se"] = std::sqrt(squares_ / (rows_ - 1) * rows_);
  }

 private:
  double rows_ = 0, total_ = 0, squares_ = 0;
};

// Predictions of some rows after others, so that memory does not grow with their number: calls
// take(first row, rows, predictions).
template <class F>
void predict_blocks(const TableRun& run, const TableRows& rows, Workers& workers, F&& take) {
  constexpr std::int64_t kBlock = 1 << 15;
  const Array& x = rows.x;
  if (run.model->sequential()) {
    const TableRows all = held_rows(rows);
    return take(0, all.x, run.model->predict(run.state, all, workers));
  }
  const std::int64_t n = x.shape().extent(0);
  for (std::int64_t first = 0; first < n; first += kBlock) {
    const std::int64_t count = std::min(kBlock, n - first);
    TableRows block;
    block.x = x.part(first, count).made();
    take(first, block.x, run.model->predict(run.state, block, workers));
  }
}

// Predictions of a block with their log densities in the units of the file.
TextTable with_density(const TableRun& run, const Array& block, const RowPredictions& p) {
  const auto m = std::int64_t(p.names.size());
  const std::int64_t n = block.shape().extent(0);
  TextTable out;
  out.names = p.names;
  out.names.emplace_back("log_density");
  out.levels = p.levels;
  out.values = Array(DType::f64, Shape{n, m + 1});
  for (std::int64_t i = 0; i < n; ++i) {
    double* to = out.values.data<double>() + i * (m + 1);
    std::copy_n(p.values.data<double>() + i * m, m, to);
    to[m] = p.log_density[std::size_t(i)] -
            run.format.log_scale(block.data<double>() + i * run.format.width());
  }
  return out;
}

// Keeps the columns whose names `wanted` takes.
template <class F>
void keep_columns(TextTable& t, F&& wanted) {
  std::vector<std::size_t> kept;
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> levels;
  for (std::size_t j = 0; j < t.names.size(); ++j)
    if (wanted(t.names[j])) {
      kept.push_back(j);
      names.push_back(t.names[j]);
      levels.push_back(j < t.levels.size() ? t.levels[j] : std::vector<std::string>());
    }
  const std::int64_t n = t.values.shape().extent(0);
  const auto width = std::int64_t(kept.size()), whole = std::int64_t(t.names.size());
  Array values(DType::f64, Shape{n, width});
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < width; ++j)
      values.data<double>()[i * width + j] =
          t.values.data<double>()[i * whole + std::int64_t(kept[std::size_t(j)])];
  t.names = names;
  if (!t.levels.empty()) t.levels = levels;
  t.values = values;
}

// "p", "p1", "p.red" and the interval "p_low", "p_high".
bool is_probability(const std::string& name) {
  return name.starts_with("p_") || name.starts_with("p.") ||
         (name.starts_with("p") && name.find_first_not_of("0123456789", 1) == name.npos);
}

// Whether a row has what a density is of: where others explain a column, it.
bool has_densities(const TableRun& run, const TableRows& rows) {
  const std::int64_t last = run.format.width() - 1;
  return run.format.target.empty() ||
         !all_rows(rows.x, [&](std::int64_t, const double* x) { return std::isnan(x[last]); });
}

// Rows of whose `target` no cell was seen. Throws ConfigError where the model does not say what it
// may be.
void hide(const TableRun& run, const std::string& target, TableRows& rows) {
  if (!run.model->needs().absent)
    raise<ConfigError>("--target: a {} predicts no column from the others: runs of network do",
                       run.model->task());
  const std::vector<std::string>& names = run.format.columns;
  const auto found = std::find(names.begin(), names.end(), target);
  if (found == names.end())
    raise<ConfigError>("--target: the run has no column \"{}\"{}", target, meant(target, names));
  std::vector<int> columns(names.size());
  std::iota(columns.begin(), columns.end(), 0);
  columns[std::size_t(found - names.begin())] = RowRecipe::kMissing;
  rows.x = rows.streamed ? rows.x.columns(columns) : rows.x.columns(columns).made();
  rows.missing = true;
}

}  // namespace

TablePrediction predict_table(const PredictTableConfig& c) {
  if (!c.out.empty()) check_rows_file(c.out, {});
  Workers workers(kernels::threads_that_fit(c.threads));
  TableRun run = open_table_run(c.run);
  TableRows rows = rows_for(run, c.data, workers);
  if (!c.target.empty()) hide(run, c.target, rows);
  const std::int64_t n = rows.count();
  const bool density_known = has_densities(run, rows);
  Density density;
  TableSink sink(c.out, n, c.out.empty() || !rows.streamed);
  const auto wanted = [&](const std::string& name) {
    const bool of_target = c.target.empty() || name == c.target || name == "log_density" ||
                           name.starts_with("p." + c.target + "=");
    return of_target && (!c.proba || is_probability(name)) &&
           (density_known || name != "log_density");
  };
  predict_blocks(
      run, rows, workers, [&](std::int64_t first, const Array& x, const RowPredictions& p) {
        TextTable block = with_density(run, x, p);
        std::vector<double> densities;
        for (std::int64_t i = 0; i < x.shape().extent(0); ++i)
          densities.push_back(
              block.values.data<double>()[(i + 1) * std::int64_t(block.names.size()) - 1]);
        density.add(densities);
        if (c.proba && std::none_of(p.names.begin(), p.names.end(), is_probability))
          raise<ConfigError>("--proba: a {} predicts no probabilities, but {}", run.model->task(),
                             fmt::join(p.names, ", "));
        keep_columns(block, wanted);
        if (!rows.ids.empty()) {
          block.id_name = run.format.ids;
          for (std::int64_t i = 0; i < x.shape().extent(0); ++i)
            block.ids.push_back(rows.ids[first + i]);
        }
        sink.take(block);
      });
  TablePrediction out;
  out.table = sink.finish();
  out.figures = {{"task", run.model->task()}, {"n", n}, {"dims", run.format.width()}};
  density.report(out.figures);
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
  if (run.format.standardized) out["log_scale_per_row"] = run.format.log_scale(rows);
  // The density of rows as the model sees them, like the bound.
  Density density;
  predict_blocks(run, rows, workers, [&](std::int64_t, const Array&, const RowPredictions& p) {
    density.add(p.log_density);
  });
  density.report(out);
  out["standardized"] = run.format.standardized;
  out["threads"] = workers.size();
  out["version"] = kVersion;
  return out;
}

}  // namespace fathom
