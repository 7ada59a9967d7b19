// Fits a VAE to a file and leaves a run folder.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "fathom/jobs/vae_run.h"

namespace fathom {

struct FitVaeConfig {
  std::string data, run;  // the file; the folder to write
  VaeSettings settings;
  int threads = 0;
  bool resume = false, force = false;
  std::set<std::string> given;  // names of fields that were asked for; a resume keeps the others

  static void fields(auto& self, auto&& f) {
    VaeSettings::fields(self.settings, f);
    f("threads", self.threads, "threads; 0: one per processor");
    f("resume", self.resume, "go on with the run where it stopped, bit for bit");
    f("force", self.force, "replace an existing run");
  }
};

// Progress, for whoever shows it; all may be empty. Called from the thread that fits.
struct FitVaeHooks {
  Note note;                                       // what a user should know, before the fit
  std::function<void(double seconds)> first_step;  // since the job began
  std::function<void(const StepRecord&)> step;
  std::function<void(const EpochRecord&, int epochs)> epoch;
  std::function<void(const std::string&)> closing;  // what is being worked out after the fit
  std::function<bool()> interrupted;
};

struct FitVaeResult {
  Stopped stopped = Stopped::epochs;
  nlohmann::json summary;  // as in summary.json
  std::string report;      // path of report.html; empty when interrupted
};

// Throws ConfigError, DataError (nothing is left behind then) or NumericError (the last good state
// is kept). The run folder appears with the first save.
FitVaeResult fit_vae(const FitVaeConfig& config, const FitVaeHooks& hooks);

}  // namespace fathom
