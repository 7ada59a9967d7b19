#include "fathom/jobs/forecast_table.h"

#include <cmath>

#include "fathom/jobs/sequences.h"
#include "fathom/kernels/special.h"

namespace fathom {

ForecastTable forecast_table(const ForecastTableConfig& c) {
  if (!c.out.empty()) check_rows_file(c.out, {});
  if (c.steps < 1) raise<ConfigError>("--steps must be at least 1, got {}", c.steps);
  if (!(c.interval > 0 && c.interval < 100))
    raise<ConfigError>("--interval {:g}: per cent, between 0 and 100", c.interval);
  Workers workers(c.threads);
  TableRun run = open_table_run(c.run);
  if (!run.model->forecasts())
    raise<ConfigError>("{}: a {} does not say how rows go on: runs of hmm and lds do", c.run,
                       run.model->task());
  const TableRows rows = held_rows(rows_for(run, c.data.empty() ? run.data : c.data, workers));
  const std::vector<SeriesForecast> all =
      run.model->forecast(run.state, rows, c.steps, fold(Key{c.seed, 0}, 23), workers);
  const auto wide = double(kernels::normal_quantile(0.5L + c.interval / 200.0L));
  const TableFormat& f = run.format;
  const auto d = f.width(), width = 1 + 4 * d;
  ForecastTable out;
  TextTable& t = out.table;
  t.names = {"ahead"};
  for (const std::string& name : f.columns)
    for (const char* end : {"", "_sd", "_low", "_high"}) t.names.push_back(name + end);
  t.values = Array(DType::f64, Shape{c.steps * std::int64_t(all.size()), width});
  std::vector<std::string> names;
  for (const RowRange& sequence : sequences_of(rows))
    if (!rows.sequences.empty()) names.push_back(rows.sequences[sequence.first]);
  if (!names.empty()) t.id_name = f.sequence;
  double* to = t.values.data<double>();
  for (std::size_t s = 0; s < all.size(); ++s)
    for (std::int64_t h = 0; h < c.steps; ++h) {
      if (!names.empty()) t.ids.push_back(names[s]);
      *to++ = double(h + 1);
      for (std::int64_t j = 0; j < d; ++j) {
        const double scale = f.scale[std::size_t(j)],
                     mean = all[s].mean.data<double>()[h * d + j] * scale + f.shift[std::size_t(j)],
                     sd = all[s].sd.data<double>()[h * d + j] * scale;
        for (const double v : {mean, sd, mean - wide * sd, mean + wide * sd}) *to++ = v;
      }
    }
  out.figures = {{"task", run.model->task()},
                 {"n", rows.count()},
                 {"dims", d},
                 {"steps", c.steps},
                 {"sequences", all.size()}};
  if (!c.out.empty()) {
    write_table(c.out, t);
    out.figures["file"] = c.out;
    out.figures["columns"] = t.names;
  }
  return out;
}

}  // namespace fathom
