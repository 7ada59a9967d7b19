// Fits latent Dirichlet allocation to documents and leaves a run folder (jobs/topics_run.h).
#pragma once

#include <functional>

#include "fathom/jobs/fit_table.h"
#include "fathom/jobs/topics_run.h"

namespace fathom {

struct FitTopicsConfig {
  std::string data, run;  // the file; the folder to write, empty: named after the file
  TopicSettings settings;
  int threads = 0;
  bool resume = false, force = false;
  std::set<std::string> given;  // names of fields that were asked for; a resume keeps the others

  static void fields(auto& self, auto&& f) {
    TopicSettings::fields(self.settings, f);
    f("threads", self.threads, "threads; 0: one per processor");
    f("resume", self.resume,
      "go on with an interrupted run, bit for bit; not where --batch keeps sums");
    f("force", self.force, "replace an existing run");
  }
};

// Throws ConfigError, DataError or NumericError; nothing is left behind then. An interrupted fit
// leaves what it had reached and, but where sums of batches are kept, where it stood
// (jobs/table_progress.h).
FitTableResult fit_topics(const FitTopicsConfig& config, const FitTableHooks& hooks);

// report.html of a run, from its files.
void write_topics_report(TopicRun& run);

}  // namespace fathom
