// How the sequences of a table go on, by a fitted model.
#pragma once

#include <string>

#include "fathom/jobs/rows_file.h"
#include "fathom/jobs/table_run.h"
#include "fathom/jobs/text_table.h"

namespace fathom {

struct ForecastTableConfig {
  std::string run, data, out;  // data: empty, that of the fit; out: .csv or .npy; empty: none
  std::int64_t steps = 12;
  double interval = 95;
  std::uint64_t seed = 1;
  int threads = 0;

  static void fields(auto& self, auto&& f) {
    f("steps", self.steps, "rows to go on by");
    f("interval", self.interval, "per cent that intervals hold");
    f("seed", self.seed, "seed of the draws of parameters that have a posterior");
    f("threads", self.threads, "threads; 0: one per processor");
  }
};

// A line for each row ahead of each sequence: its name, where there are several, and its number;
// and of each column the mean, the standard deviation and the interval that a normal distribution
// with these has, noise included, in the units of the file.
struct ForecastTable {
  TextTable table;
  nlohmann::json figures;  // task, n, steps, sequences
};

// Throws ConfigError where the run's kind of model does not say how rows go on.
ForecastTable forecast_table(const ForecastTableConfig& config);

}  // namespace fathom
