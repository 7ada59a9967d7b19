// Fits a model to a table and leaves a run folder.
//
// Each restart climbs from a start of its own; the best is kept. A table of more than kStartRows
// rows is started on so many of them, and the best of these climbs goes on with all.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "fathom/jobs/table_run.h"

namespace fathom {

inline constexpr std::int64_t kStartRows = 8192;

struct FitTableConfig {
  std::string data, run;  // the file; the folder to write, empty: named after the file
  TableSettings settings;
  std::shared_ptr<TableModel> model;  // of the kind that is asked for, with its settings
  int threads = 0;
  bool resume = false, force = false;
  std::set<std::string> given;  // names of fields that were asked for; a resume keeps the others

  static void fields(auto& self, auto&& f) {
    TableSettings::fields(self.settings, f);
    f("threads", self.threads, "threads; 0: one per processor, and one for small files");
    f("resume", self.resume, "go on with an interrupted run, bit for bit");
    f("force", self.force, "replace an existing run");
  }
};

// A sweep of a restart; restart 0 is the climb over all rows after starts on some of them.
struct TableSweep {
  int restart = 0, restarts = 0, sweep = 0;
  std::string_view objective;
  double per_row = 0, rise = 0;  // nats per row; the first sweep's rise is not a number
  double rows_per_second = 0;
  std::string_view unit = "row";
};

// Progress, for whoever shows it; all may be empty. Called from the thread that fits.
struct FitTableHooks {
  Note note;  // what a user should know, before the fit
  std::function<void(const TableSweep&)> sweep;
  Note climbed;  // a climb has ended: how
  std::function<bool()> interrupted;
};

struct FitTableResult {
  bool interrupted = false;
  bool goes_on = false;    // --resume goes on with it
  nlohmann::json summary;  // as in summary.json
  std::string run, report;
};

// Throws ConfigError, DataError or NumericError; nothing is left behind then. The run folder
// appears when all of it is written; an interrupted fit leaves what it had reached and, but where
// sums of batches or several sizes are kept, where it stood (jobs/table_progress.h).
FitTableResult fit_table(const FitTableConfig& config, const FitTableHooks& hooks);

// "faithful-gmm" of faithful.csv and gmm, or the first of "faithful-gmm-2", ... that nobody has
// taken.
std::string run_named_after(const std::string& data, std::string_view task);

}  // namespace fathom
