// Fills the missing cells of a table by what a fitted model expects of them.
#pragma once

#include <string>

#include "fathom/jobs/rows_file.h"
#include "fathom/jobs/table_run.h"
#include "fathom/jobs/text_table.h"

namespace fathom {

struct ImputeTableConfig {
  std::string run, data, out;  // out: .csv or .npy; empty: none is written
  bool sd = false;
  int threads = 0;

  static void fields(auto& self, auto&& f) {
    f("sd", self.sd, "columns with the standard deviations of filled cells as well, 0 of others");
    f("threads", self.threads, "threads; 0: one per processor");
  }
};

// The columns of the model in the units of the file, "<column>_sd" after them where asked for, and
// ids where the file has them.
struct ImputedTable {
  TextTable table;
  nlohmann::json figures;  // task, n, dims, missing
};

// Throws ConfigError where the run's kind of model says nothing of missing cells.
ImputedTable impute_table(const ImputeTableConfig& config);

}  // namespace fathom
