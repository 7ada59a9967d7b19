// The report of a VAE's run: report.html and the pictures beside it.
#pragma once

#include "fathom/jobs/vae_score.h"

namespace fathom {

// Writes reconstructions.png, samples.png, manifold.png (where rows are pictures) and report.html;
// returns the path of the page. `data` may be null: then there are no reconstructions and no
// scatter.
std::string write_vae_report(VaeRun& run, VaeScorer& scorer, const VaeData* data,
                             const nlohmann::json& summary);

struct ReportVaeConfig {
  std::string run, data;  // empty: the file that the run was fitted to
  int threads = 0;
  static void fields(auto& self, auto&& f) {
    f("threads", self.threads, "threads; 0: one per processor");
  }
};

// Writes the report of a finished run anew. What is left out, and why, goes to `note`.
std::string report_vae(const ReportVaeConfig& config, const Note& note);

}  // namespace fathom
