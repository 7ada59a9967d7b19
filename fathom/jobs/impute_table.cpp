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
        "{}: a {} does not say what missing cells may be: runs of gmm, ppca, fa and bpca do", c.run,
        run.model->task());
  const TableRows rows = rows_for(run, c.data, workers);
  // Cells that were seen are given as the file has them, to the last digit.
  TableFormat plain = run.format;
  std::fill(plain.shift.begin(), plain.shift.end(), 0.0);
  std::fill(plain.scale.begin(), plain.scale.end(), 1.0);
  const Array seen =
      load_table_rows(c.data, run.settings.table, plain, run.model->needs(), workers).x.made();
  const FilledRows filled = run.model->fill(run.state, rows.x.made(), workers);
  const std::int64_t n = rows.count(), d = run.format.width(), width = c.sd ? 2 * d : d;
  const Array values = in_file_units(filled.values, run.format);
  ImputedTable out;
  out.table.names = run.format.columns;
  if (c.sd)
    for (const std::string& name : run.format.columns) out.table.names.push_back(name + "_sd");
  out.table.values = Array(DType::f64, Shape{n, width});
  if (!rows.ids.empty()) {
    out.table.id_name = run.format.ids;
    out.table.ids = rows.ids;
  }
  std::int64_t missing = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j) {
      double* to = out.table.values.data<double>() + i * width;
      const double cell = seen.data<double>()[i * d + j];
      to[j] = std::isnan(cell) ? values.data<double>()[i * d + j] : cell;
      if (c.sd) to[d + j] = filled.sd.data<double>()[i * d + j] * run.format.scale[std::size_t(j)];
      missing += std::isnan(cell);
    }
  out.figures = {{"task", run.model->task()}, {"n", n}, {"dims", d}, {"missing", missing}};
  if (!c.out.empty()) {
    write_table(c.out, out.table);
    out.figures["file"] = c.out;
    out.figures["columns"] = out.table.names;
  }
  return out;
}

}  // namespace fathom
