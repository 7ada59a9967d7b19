#include "fathom/jobs/impute_table.h"

#include <algorithm>
#include <cmath>

namespace fathom {

ImputedTable impute_table(const ImputeTableConfig& c) {
  if (!c.out.empty()) check_rows_file(c.out, {});
  Workers workers(c.threads);
  TableRun run = open_table_run(c.run);
  if (!run.model->fills())
    raise<ConfigError>(
        "{}: a {} does not say what missing cells may be: runs of gmm, ppca, fa, bpca, network, "
        "hmm "
        "and lds do",
        c.run, run.model->task());
  const bool categories = std::any_of(run.format.levels.begin(), run.format.levels.end(),
                                      [](const auto& l) { return !l.empty(); });
  if (c.sd && categories)
    raise<ConfigError>("--sd: cells are categories; fathom predict gives their probabilities");
  // Cells that were seen are given as the file has them, to the last digit.
  TableRows rows = rows_for(run, c.data, workers, true);
  const bool whole = run.model->sequential();  // rows say something of each other
  if (whole) rows = held_rows(rows);
  const std::int64_t n = rows.count(), kBlock = whole ? std::max<std::int64_t>(n, 1) : 1 << 15;
  const std::int64_t d = run.format.width(), width = c.sd ? 2 * d : d;
  TableSink sink(c.out, n, c.out.empty() || !rows.streamed);
  std::int64_t missing = 0;
  for (std::int64_t first = 0; first < n; first += kBlock) {
    const std::int64_t count = std::min(kBlock, n - first);
    const Array seen = rows.x.part(first, count).made();
    TableRows block_rows = rows;
    block_rows.x = in_model_units(seen, run.format);
    const FilledRows filled = run.model->fill(run.state, block_rows, workers);
    const Array values = in_file_units(filled.values, run.format);
    TextTable block;
    block.names = run.format.columns;
    if (c.sd)
      for (const std::string& name : run.format.columns) block.names.push_back(name + "_sd");
    block.values = Array(DType::f64, Shape{count, width});
    if (categories) block.levels = run.format.levels;
    if (!rows.ids.empty()) {
      block.id_name = run.format.ids;
      for (std::int64_t i = 0; i < count; ++i) block.ids.push_back(rows.ids[first + i]);
    }
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t j = 0; j < d; ++j) {
        double* to = block.values.data<double>() + i * width;
        const double cell = seen.data<double>()[i * d + j];
        to[j] = std::isnan(cell) ? values.data<double>()[i * d + j] : cell;
        if (c.sd)
          to[d + j] = filled.sd.data<double>()[i * d + j] * run.format.scale[std::size_t(j)];
        missing += std::isnan(cell);
      }
    sink.take(block);
  }
  ImputedTable out;
  out.table = sink.finish();
  out.figures = {{"task", run.model->task()}, {"n", n}, {"dims", d}, {"missing", missing}};
  if (!c.out.empty()) {
    out.figures["file"] = c.out;
    out.figures["columns"] = out.table.names;
  }
  return out;
}

}  // namespace fathom
