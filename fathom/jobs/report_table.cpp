#include "fathom/jobs/report_table.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

#include "fathom/kernels/room.h"
#include "fathom/report/climb_verdict.h"

namespace fathom {

namespace {

// Lines of the climb that is kept: of its restart, and of all rows after it.
std::vector<nlohmann::json> kept_lines(const std::vector<nlohmann::json>& metrics, int best) {
  std::vector<nlohmann::json> of_restart, of_all;
  for (const auto& line : metrics) {
    const int restart = line.value("restart", 0);
    if (restart == best) of_restart.push_back(line);
    if (restart == 0) of_all.push_back(line);
  }
  return of_all.empty() ? of_restart : of_all;
}

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

void add_curves(const std::vector<nlohmann::json>& metrics, const nlohmann::json& s,
                const std::string& kind, Page& page) {
  const auto lines = kept_lines(metrics, s.value("best_restart", 0));
  const char* key = s.contains("elbo_per_row") ? "elbo" : "objective";
  static constexpr const char* kColors[] = {
      "var(--a)",        "var(--b)",         "hsl(150 50% 45%)", "hsl(290 40% 60%)",
      "hsl(45 75% 45%)", "hsl(190 60% 45%)", "hsl(340 60% 58%)", "hsl(90 45% 45%)"};
  std::vector<Curve> terms;
  const auto named = s.value("terms", nlohmann::json::object());
  for (const auto& [name, value] : named.items())
    terms.push_back({name, kColors[terms.size() % std::size(kColors)], series(lines, name, true)});
  // Those that move most, as far as they can be told apart.
  const auto moves = [](const Curve& c) {
    const auto [low, high] = std::minmax_element(c.y.begin(), c.y.end());
    return c.y.empty() ? 0.0 : *high - *low;
  };
  constexpr std::size_t most = 16;
  const bool few = terms.size() > most;
  if (few) {
    std::stable_sort(terms.begin(), terms.end(),
                     [&](const Curve& a, const Curve& b) { return moves(a) > moves(b); });
    terms.resize(most);
  }
  page.begin_row();
  std::string title = kind + " per sweep, nats per row";
  title[0] = char(std::toupper(static_cast<unsigned char>(title[0])));
  page.section(title, svg_curves({{kind, "var(--a)", series(lines, key)}}, "sweep", kHalf));
  page.section(few ? "The terms that move most" : "Its terms", svg_curves(terms, "sweep", kHalf));
  page.end_row();
}

void add_terms(const nlohmann::json& s, const std::string& kind, Page& page) {
  const double n = std::max(1.0, s.value("weight", s.value("n", 1.0)));
  PageTable table{{"term", "per row", "total"}, {}, 1};
  double total = 0;
  const auto named = s.value("terms", nlohmann::json::object());
  for (const auto& [name, value] : named.items()) {
    const double v = value.get<double>();
    total += v;
    table.rows.push_back({name, fmt::format("{:.6f}", v / n), fmt::format("{:.4f}", v)});
  }
  table.rows.push_back({kind, fmt::format("{:.6f}", total / n), fmt::format("{:.4f}", total)});
  page.table("Terms, nats", table,
             "All constants are kept: the last line is the sum of the others.");
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

void add_settings(const nlohmann::json& config, Page& page) {
  std::vector<std::pair<std::string, std::string>> asked;
  const auto put = [&](const nlohmann::json& of, const char* key) {
    if (of.contains(key)) asked.emplace_back(key, setting_text(of[key]));
  };
  const auto data = config.value("data", nlohmann::json::object());
  for (const char* key : {"source", "rows", "fingerprint"}) put(data, key);
  const auto settings = config.value("settings", nlohmann::json::object());
  for (const auto& [name, value] : settings.items())
    if (const std::string shown = setting_text(value); !shown.empty())
      asked.emplace_back(name, shown);
  for (const char* key : {"threads", "isa", "version"}) put(config, key);
  page.settings(asked);
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
  add_curves(metrics, s, kind, page);
  add_restarts(s, page);
  add_terms(s, kind, page);
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
