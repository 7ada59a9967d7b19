// Looking at things: what a run or a data file holds, and how a model is run.
#pragma once

#include <string>

#include "fathom/jobs/vae_run.h"

namespace fathom {

// A run folder: its configuration, where it stands and its summary. A data file: kind, rows, shape,
// range, missing cells, columns. As JSON, for a person or a script; "what" is "run" or "data".
nlohmann::json info(const std::string& path, Workers& workers);

struct PlanVaeConfig {
  std::string run;  // of this run; empty: of the sizes below
  VaeConfig model;
  std::int64_t width = 784, batch = 128;
  int samples = 1;

  static void fields(auto& self, auto&& f) {
    f("width", self.width, "numbers per row");
    f("batch", self.batch, "rows of a step");
    f("samples", self.samples, "draws of each latent per row and step");
    VaeConfig::fields(self.model, f);
  }
};

struct PlanText {
  std::string plan;             // the stages of a training step
  std::string dot;              // the graph of the bound in the DOT language
  std::int64_t memory = 0;      // bytes that the step holds beyond data and parameters
  std::int64_t parameters = 0;  // learned numbers
};

PlanText plan_vae(const PlanVaeConfig& config);

}  // namespace fathom
