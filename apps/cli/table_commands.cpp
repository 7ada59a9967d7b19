#include "apps/cli/table_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/cli/commands.h"
#include "apps/cli/live.h"
#include "fathom/jobs/compare.h"
#include "fathom/jobs/posterior_table.h"
#include "fathom/jobs/query_table.h"

namespace fathom::cli {

namespace {

void print_table(const TextTable& table) {
  const std::string text = table.csv();
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

int show_fit(const std::function<FitTableResult(const FitTableHooks&)>& fit, bool json, bool quiet,
             const TextOfFit& result, const TextOfFit& at_stop) {
  catch_interrupts();
  Live live(json);
  FitTableHooks hooks;
  if (!quiet) {
    hooks.note = [&](const std::string& text) { live.note(text); };
    hooks.sweep = [&](const TableSweep& s) { live.sweep(s); };
    hooks.climbed = [&](const std::string& text) { live.note(text); };
  }
  hooks.interrupted = [] { return interrupted(); };
  const FitTableResult r = fit(hooks);
  live.clear();
  if (json) {
    print_json(r.summary);
  } else if (!quiet) {
    fmt::print("\n");
    print_verdict(r.summary);
    fmt::print("\n{}\n", result(r));
  }
  if (r.interrupted && !quiet) live.note(at_stop(r));
  return r.interrupted ? kInterrupted : 0;
}

std::string at_interruption(const FitTableResult& r, std::string_view task,
                            const std::string& data) {
  if (!r.goes_on) return "interrupted; what was reached is saved";
  return fmt::format(
      "interrupted; the run is saved, this goes on with it:\n  fathom fit {} {} -o {} --resume",
      task, data, r.run);
}

int fit_table_command(const FitTableConfig& config, bool json, bool quiet) {
  return show_fit([&](const FitTableHooks& hooks) { return fit_table(config, hooks); }, json, quiet,
                  [](const FitTableResult& r) { return "report: " + r.report; },
                  [&](const FitTableResult& r) {
                    return at_interruption(r, config.model->task(), config.data);
                  });
}

int predict_command(const PredictTableConfig& config, bool json) {
  const TablePrediction p = predict_table(config);
  if (json) {
    print_json(p.figures);
  } else if (config.out.empty()) {
    print_table(p.table);
  } else {
    const auto& names = p.table.names;
    const auto shown = std::min<std::ptrdiff_t>(std::ptrdiff_t(names.size()), 12);
    fmt::print(
        "{}: {} rows of {}{}", config.out, p.figures.at("n").get<std::int64_t>(),
        fmt::join(names.begin(), names.begin() + shown, ", "),
        std::size_t(shown) < names.size() ? fmt::format(", ... ({} columns)", names.size()) : "");
    if (p.figures.contains("log_predictive_per_row"))
      fmt::print("; log predictive density {:.4f} nats per row",
                 number(p.figures, "log_predictive_per_row"));
    fmt::print("\n");
  }
  return 0;
}

int evaluate_table_command(const std::string& run, const std::string& data, int threads,
                           bool json) {
  const nlohmann::json j = evaluate_table(run, data, threads);
  if (json) {
    print_json(j);
    return 0;
  }
  const double n = number(j, j.contains("weight") ? "weight" : "n");
  const bool elbo = j.contains("elbo");
  fmt::print("{:<26} {:12.4f} nats per row; {:.2f} over {} rows{}\n",
             elbo ? "ELBO of the rows" : j.value("objective_kind", ""),
             number(j, elbo ? "elbo_per_row" : "objective_per_row"),
             number(j, elbo ? "elbo" : "objective"), j.at("n").get<std::int64_t>(),
             j.value("standardized", false) ? ", standardized as those of the fit were" : "");
  for (const auto& [name, value] : j.at("terms").items()) {
    const double v = value.get<double>() / n;
    fmt::print("  {:<24} {:12.4f}\n", name, std::abs(v) < 5e-5 ? 0.0 : v);  // and no -0
  }
  if (!j.contains("log_predictive_per_row")) return 0;  // no row has an outcome
  fmt::print("{:<26} {:12.4f} nats per row", "log predictive density",
             number(j, "log_predictive_per_row"));
  if (j.contains("log_predictive_se"))
    fmt::print(" (se {:.4f})", number(j, "log_predictive_se") / n);
  fmt::print("\n");
  return 0;
}

int sample_table_command(const SampleTableConfig& config, bool json) {
  const TextTable s = sample_table(config);
  const std::int64_t rows = s.values.shape().extent(0), width = s.values.shape().extent(1);
  if (config.out.empty()) {
    if (json) raise<ConfigError>("--json says what was written: name a file with -o");
    print_table(s);
  } else if (json) {
    print_json({{"file", config.out}, {"rows", rows}, {"width", width}});
  } else {
    fmt::print("{}: {} rows of {}\n", config.out, rows, width);
  }
  return 0;
}

int impute_command(const ImputeTableConfig& config, bool json) {
  const ImputedTable t = impute_table(config);
  if (json) {
    print_json(t.figures);
  } else if (config.out.empty()) {
    print_table(t.table);
  } else {
    fmt::print("{}: {} rows, {} missing cells filled\n", config.out,
               t.figures.at("n").get<std::int64_t>(), t.figures.at("missing").get<std::int64_t>());
  }
  return 0;
}

int forecast_command(const ForecastTableConfig& config, bool json) {
  const ForecastTable t = forecast_table(config);
  if (json) {
    print_json(t.figures);
  } else if (config.out.empty()) {
    print_table(t.table);
  } else {
    const auto sequences = t.figures.at("sequences").get<std::int64_t>();
    fmt::print("{}: {} rows ahead{}\n", config.out, t.figures.at("steps").get<std::int64_t>(),
               sequences > 1 ? fmt::format(" of each of {} sequences", sequences) : "");
  }
  return 0;
}

int query_command(const std::string& run, const std::string& query, bool json) {
  const QueryResult r = query_table(run, query);
  if (json) {
    print_json(r.json);
    return 0;
  }
  fmt::print("{}\n\n", r.heading);
  const TextTable& t = r.table;
  const std::size_t last = t.names.size() - 1;
  std::vector<std::size_t> wide;
  for (std::size_t j = 0; j < last; ++j) {
    wide.push_back(t.names[j].size());
    for (const std::string& s : t.levels[j]) wide.back() = std::max(wide.back(), s.size());
    fmt::print("{:<{}}  ", t.names[j], wide[j]);
  }
  fmt::print("{:>11}\n", "probability");
  const double* v = t.values.data<double>();
  for (std::int64_t i = 0; i < t.values.shape().extent(0); ++i, v += last + 1) {
    for (std::size_t j = 0; j < last; ++j)
      fmt::print("{:<{}}  ", t.levels[j][std::size_t(v[j])], wide[j]);
    fmt::print("{:>11.6g}\n", v[last]);
  }
  if (!r.json.at("given").empty())
    fmt::print("\nlog evidence of what is given: {:.6f} nats (probability {:.6g})\n",
               number(r.json, "log_evidence"), std::exp(number(r.json, "log_evidence")));
  return 0;
}

int posterior_command(const std::string& run, const std::string& out, bool json) {
  if (!out.empty()) check_posterior_file(out);
  const PosteriorTable t = posterior_table(run);
  if (!out.empty()) write_posterior(out, t);
  if (json) {
    print_json(json_of(t));
  } else if (out.empty()) {
    const std::string text = csv_of(t);
    std::fwrite(text.data(), 1, text.size(), stdout);
  } else {
    fmt::print("{}: {} parameters with their intervals of 95 %\n", out, t.rows.size());
  }
  return 0;
}

int compare_command(const std::vector<std::string>& runs, bool json) {
  const std::vector<ComparedRun> all = compare_runs(runs);
  if (json) {
    print_json(to_json(all));
    return 0;
  }
  std::size_t run = 3, model = 5, kind = 4;
  for (const ComparedRun& r : all) {
    run = std::max(run, r.run.size());
    model = std::max(model, r.model.size() + r.task.size() + 2);
    kind = std::max(kind, r.kind.size());
  }
  fmt::print("{:<{}}  {:<{}}  {:<{}}  {:>8}  {:>12}  {:>14}\n", "run", run, "model", model, "kind",
             kind, "rows", "per row", "nats");
  int group = 0;
  for (const ComparedRun& r : all) {
    if (r.group != group) fmt::print("\nnot to be compared with those above: {}\n", r.apart);
    group = r.group;
    fmt::print("{:<{}}  {:<{}}  {:<{}}  {:>8}  {:>12.4f}  {:>14.2f}\n", r.run, run,
               r.task + ": " + r.model, model, r.kind, kind, r.rows, r.per_row, r.total);
  }
  return 0;
}

}  // namespace fathom::cli
