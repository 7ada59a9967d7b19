#include "fathom/jobs/report_table.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "fathom/jobs/climb_page.h"
#include "fathom/kernels/room.h"
#include "fathom/report/climb_verdict.h"

namespace fathom {

namespace {

void add_figures(const nlohmann::json& s, const std::string& kind, Page& page) {
  const char* key = s.contains("elbo_per_row") ? "elbo_per_row" : "objective_per_row";
  page.figure(fmt::format("{:.4f}", s.value(key, 0.0)), kind + ", nats per row");
  page.figure(fmt::format("{}", s.value("n", std::int64_t(0))), "rows");
  page.figure(fmt::format("{}", s.value("sweeps", 0)), "sweeps");
  const double speed = s.value("rows_per_second", 0.0);
  page.figure(
      speed < 1e5 ? fmt::format("{:.0f}", speed) : fmt::format("{:.2f} million", speed / 1e6),
      "rows per second");
}

void add_restarts(const nlohmann::json& s, Page& page) {
  const auto restarts = s.value("restarts", nlohmann::json::array());
  if (restarts.size() < 2) return;
  PageTable table{{"restart", "ended", "per row", "below the best", "sweeps"}, {}, 2};
  double best = -INFINITY;
  for (const auto& r : restarts)
    if (!r.contains("set_aside")) best = std::max(best, r.value("per_row", double(-INFINITY)));
  for (std::size_t i = 0; i < restarts.size(); ++i) {
    const auto& r = restarts[i];
    const bool number = r.contains("per_row");
    const double v = r.value("per_row", 0.0);
    table.rows.push_back(
        {std::to_string(i + 1),
         r.contains("set_aside")                    ? "set aside: " + r.value("set_aside", "")
         : int(i) + 1 == s.value("best_restart", 0) ? "kept"
         : best - v <= kAgree                       ? "as the best"
                                                    : "lower",
         number ? fmt::format("{:.6f}", v) : "", number ? fmt::format("{:.6f}", best - v) : "",
         fmt::format("{}{}", r.value("sweeps", 0), r.value("converged", false) ? "" : "+")});
  }
  const auto some = s.value("start_rows", std::int64_t(0));
  page.table("Restarts", table,
             some < s.value("n", std::int64_t(0))
                 ? fmt::format("On {} of the rows; the best went on with all of them.", some)
                 : "");
}

}  // namespace

void write_table_report(RunFolder& folder, const TableModel& model, const State& state,
                        const std::string& source, const TableFormat& format, const TableRows* rows,
                        Workers& workers) {
  const nlohmann::json s = folder.read_json("summary.json");
  const auto metrics = folder.read_metrics();
  const std::string name = std::filesystem::path(source).filename().string(),
                    kind(name_of(model.objective()));
  Page page(fmt::format("{}: {}", name, model.task()), fmt::format("{} of {}", model.title(), name),
            model.describe());
  page.verdict(s.value("verdict", std::vector<std::string>()));
  add_figures(s, kind, page);
  model.report(state, format, rows, s, page, workers);
  add_curves(metrics, s, kind, "row", page);
  add_restarts(s, page);
  add_terms(s, kind, "row", page);
  add_settings(folder.read_json("config.json"), page);
  for (const auto& [file, text] : page.files()) folder.write_text(file, text);
  folder.write_text("report.html", page.html());
}

std::string report_table(const std::string& path, const std::string& data, int threads,
                         const Note& note) {
  Workers workers(kernels::threads_that_fit(threads));
  TableRun run = open_table_run(path);
  if (!run.folder.has("summary.json"))
    raise<DataError>("{}: the run has no summary.json: fit it anew with --force", path);
  const std::string source = data.empty() ? run.data : data;
  std::error_code ignored;
  TableRows rows;
  const bool there = !data.empty() || std::filesystem::exists(source, ignored);
  if (there) {
    rows = load_table_rows(source, run.settings.table, run.format, run.model->needs(), workers,
                           run.folder.file("table"), note);
  } else if (note) {
    note(
        fmt::format("{} is no longer there: the report has no picture of the rows; fathom report "
                    "RUN DATA says where it is",
                    source));
  }
  write_table_report(run.folder, *run.model, run.state, source, run.format, there ? &rows : nullptr,
                     workers);
  return run.folder.file("report.html");
}

}  // namespace fathom
