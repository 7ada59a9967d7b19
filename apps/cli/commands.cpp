#include "apps/cli/commands.h"

#include <fmt/format.h>
#include <signal.h>

#include <atomic>
#include <csignal>
#include <cstdio>

#include "apps/cli/live.h"
#include "apps/cli/table_commands.h"
#include "apps/cli/topic_commands.h"
#include "fathom/jobs/report_table.h"

namespace fathom::cli {

namespace {

// A signal must not be delivered to a thread that computes: the matrix products of the vendor
// library keep their stack pointer in a block of the heap meanwhile, and the frame of a handler
// would be written over what lies below it. Signals are therefore blocked in the calling thread,
// and by inheritance in the workers; they are asked for between steps. Threads that a library made
// before may still receive one, which is what the handler is for.
std::atomic<bool> stopped{false};

extern "C" void on_interrupt(int) { stopped = true; }

sigset_t interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void release_interrupts() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  const sigset_t set = interrupts();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

namespace {

void print_evaluation(const nlohmann::json& j) {
  const double n = number(j, "n");
  const std::string unit = j.value("unit", "row");
  fmt::print("ELBO       {:12.4f} nats per {}", number(j, "elbo_per_row"), unit);
  if (j.contains("elbo_se")) fmt::print(" (se {:.4f})", number(j, "elbo_se") / n);
  fmt::print("; {:.2f} over {} {}s\n", number(j, "elbo"), j.at("n").get<std::int64_t>(), unit);
  for (const auto& [name, value] : j.at("terms").items())
    fmt::print("  {:<9}{:12.4f}  {}\n", name, value.get<double>() / n,
               j.at("estimators").at(name).get<std::string>());
  if (j.contains("divisor"))
    fmt::print("of values divided by {:g}, as those of the fit were\n", number(j, "divisor"));
  if (j.contains("samples") && !j.contains("log_px"))
    fmt::print("log p(x)   has no finite estimate: the values are large for this model\n");
  if (j.contains("log_px")) {
    fmt::print("log p(x)   {:12.4f} nats per {}", number(j, "log_px_per_row"), unit);
    if (j.contains("log_px_se")) fmt::print(" (se {:.4f})", number(j, "log_px_se") / n);
    fmt::print("; {} importance samples, {:.1f} of them effective\n",
               j.at("samples").get<std::int64_t>(), number(j, "effective_samples"));
  }
  if (j.contains("bits_per_dim")) {
    fmt::print("bits/dim   {:12.4f} by the ELBO", number(j, "bits_per_dim"));
    if (j.contains("log_px_bits_per_dim"))
      fmt::print(", {:.4f} by log p(x)", number(j, "log_px_bits_per_dim"));
    fmt::print("\n");
  }
}

void print_file(const RowsFile& file, bool json) {
  if (json) {
    print_json({{"file", file.path}, {"rows", file.rows}, {"width", file.width}});
  } else {
    fmt::print("{}: {} rows of {}\n", file.path, file.rows, file.width);
  }
}

// Whether a run is that of a model of tables. A run of another kind, or none, is the other verbs'
// to refuse.
bool of_table(const std::string& run) { return make_table_model(task_of_run(run)) != nullptr; }

Progress follow(Live& live, const char* what) {
  return [&live, what](std::int64_t done, std::int64_t rows) {
    live.rows(what, done, rows);
    return !interrupted();
  };
}

void print_data_info(const nlohmann::json& j) {
  std::vector<std::string> item;
  for (const auto& e : j.at("item")) item.push_back(e.dump());
  fmt::print("{}: {}, {} rows of {} {}\n", j.value("source", ""), j.value("kind", ""),
             j.at("rows").get<std::int64_t>(), j.value("dtype", ""),
             item.empty() ? "one number" : fmt::format("{}", fmt::join(item, " x ")));
  if (j.contains("min"))
    fmt::print("values in [{:g}, {:g}], mean {:g}\n", number(j, "min"), number(j, "max"),
               number(j, "mean"));
  if (const auto missing = j.at("missing").get<std::int64_t>(); missing > 0)
    fmt::print("{} missing cells, the first in {}\n", missing, j.value("first_missing", ""));
  if (j.contains("columns")) {
    const auto columns = j["columns"].get<std::vector<std::string>>();
    const std::size_t shown = std::min<std::size_t>(columns.size(), 12);
    fmt::print("columns: {}{}\n",
               fmt::join(columns.begin(), columns.begin() + std::ptrdiff_t(shown), ", "),
               shown < columns.size() ? fmt::format(", ... {}", columns.back()) : "");
  }
}

void print_run_info(const nlohmann::json& j) {
  const auto& c = j.at("config");
  const auto settings = c.value("settings", nlohmann::json::object());
  const bool sweeps = settings.contains("sweeps");
  fmt::print("{}: a {} fitted to {}\n", j.value("run", ""), c.value("task", "run"),
             c.value("data", nlohmann::json::object()).value("source", "?"));
  if (c.value("task", "") == kTopicsTask) {
    const auto data = c.value("data", nlohmann::json::object());
    fmt::print("{} sweeps over {} documents of {} words", j.at("sweeps").get<std::int64_t>(),
               data.value("rows", std::int64_t(0)), data.value("words", std::int64_t(0)));
  } else if (sweeps) {
    const auto columns = c.value("table", nlohmann::json::object())
                             .value("columns", std::vector<std::string>())
                             .size();
    fmt::print("{} sweeps over {} column{}", j.at("sweeps").get<std::int64_t>(), columns,
               columns == 1 ? "" : "s");
  } else {
    fmt::print("epochs {} of {}", j.at("epochs").get<std::int64_t>(), settings.value("epochs", 0));
  }
  fmt::print(", seed {}, fathom {}, {}\n", c.value("seed", std::uint64_t(0)),
             c.value("version", "?"), c.value("isa", "?"));
  if (j.contains("parameters"))
    fmt::print("{} learned numbers\n", j["parameters"].get<std::int64_t>());
  if (j.contains("summary")) print_verdict(j["summary"]);
  if (j.contains("report")) fmt::print("report: {}\n", j["report"].get<std::string>());
}

}  // namespace

void print_json(const nlohmann::json& j) { fmt::print("{}\n", j.dump(2)); }

void print_verdict(const nlohmann::json& summary) {
  if (!summary.contains("verdict")) return;
  for (const auto& sentence : summary["verdict"]) fmt::print("  {}\n", sentence.get<std::string>());
}

void catch_interrupts() {
  const sigset_t set = interrupts();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

bool interrupted() {
  static bool released = false;
  const sigset_t set = interrupts();
  const timespec now{};
  if (!released && (stopped || sigtimedwait(&set, nullptr, &now) > 0)) {
    stopped = released = true;
    release_interrupts();
  }
  return stopped;
}

int fit_vae_command(const FitVaeConfig& config, bool json) {
  catch_interrupts();
  Live live(json);
  if (!config.resume || config.given.count("epochs")) live.expect(config.settings.fit.epochs);
  FitVaeHooks hooks;
  hooks.note = [&](const std::string& text) { live.note(text); };
  hooks.first_step = [&](double seconds) { live.first_step(seconds); };
  hooks.step = [&](const StepRecord& s) { live.step(s); };
  hooks.epoch = [&](const EpochRecord& e, int epochs) { live.epoch(e, epochs); };
  hooks.closing = [&](const std::string& what) {
    release_interrupts();  // the run is saved
    live.doing(what);
  };
  hooks.interrupted = [] { return interrupted(); };
  const FitVaeResult r = fit_vae(config, hooks);
  live.clear();
  if (r.stopped == Stopped::interrupted) {
    live.note(fmt::format(
        "interrupted; the run is saved, this goes on with it:\n  fathom fit vae {} -o {} --resume",
        config.data, config.run));
    return kInterrupted;
  }
  if (json) {
    print_json(r.summary);
  } else {
    fmt::print("\n");
    print_verdict(r.summary);
    fmt::print("\nreport: {}\n", r.report);
  }
  return 0;
}

int evaluate_command(const EvaluateVaeConfig& config, bool json) {
  if (of_table(config.run))
    return evaluate_table_command(config.run, config.data, config.threads, json);
  catch_interrupts();
  Live live(json);
  const nlohmann::json figures = evaluate_vae(config, follow(live, "evaluating"));
  live.clear();
  if (json) {
    print_json(figures);
  } else {
    print_evaluation(figures);
  }
  return 0;
}

int sample_command(const SampleVaeConfig& config, bool json) {
  if (of_table(config.run))
    return sample_table_command({config.run, config.out, config.count, config.seed}, json);
  if (config.out.empty()) raise<ConfigError>("-o names the file to write");
  print_file(sample_vae(config), json);
  return 0;
}

int map_command(MapVerb verb, const char* doing, const MapVaeConfig& config, bool json) {
  catch_interrupts();
  Live live(json);
  const RowsFile file = verb(config, follow(live, doing));
  live.clear();
  print_file(file, json);
  return 0;
}

int report_command(const ReportVaeConfig& config, bool json) {
  const Note note = [](const std::string& text) { fmt::print(stderr, "{}\n", text); };
  const std::string path = of_topics(config.run) ? report_topics(config.run)
                           : of_table(config.run)
                               ? report_table(config.run, config.data, config.threads, note)
                               : report_vae(config, note);
  if (json) {
    print_json({{"report", path}});
  } else {
    fmt::print("report: {}\n", path);
  }
  return 0;
}

int info_command(const std::string& path, bool json) {
  Workers workers(0);
  const nlohmann::json j = info(path, workers);
  if (json) {
    print_json(j);
  } else if (j.value("what", "") == "run") {
    print_run_info(j);
  } else {
    print_data_info(j);
  }
  return 0;
}

int plan_command(const PlanVaeConfig& config, bool dot) {
  const PlanText p = plan_vae(config);
  if (dot) {
    fmt::print("{}", p.dot);
  } else {
    fmt::print(
        "one training step; {} learned numbers, {:.2f} MB of memory beside data and state\n{}",
        p.parameters, double(p.memory) / 1e6, p.plan);
  }
  return 0;
}

}  // namespace fathom::cli
