// What can be done with a fitted model of a table: predict rows, score them, sample.
#pragma once

#include <string>

#include "fathom/jobs/table_run.h"
#include "fathom/jobs/text_table.h"

namespace fathom {

struct PredictTableConfig {
  std::string run, data, out;  // out: .csv or .npy; empty: none is written
  int threads = 0;
  bool proba = false;
  std::string target = {};

  static void fields(auto& self, auto&& f) {
    f("proba", self.proba, "columns of probabilities alone");
    f("target", self.target,
      "of a network: this column alone, from the others, as if none of its cells were seen");
    f("threads", self.threads, "threads; 0: one per processor");
  }
};

// What the model says of every row, and the logarithm of its density under the posterior
// predictive, in the units of the file.
struct TablePrediction {
  TextTable table;         // ids where the file has them; "log_density" is the last column, where
                           // a row has one; no rows where a streamed table's went to a file
  nlohmann::json figures;  // rows, log_predictive, log_predictive_per_row, ...
};
TablePrediction predict_table(const PredictTableConfig& config);

struct SampleTableConfig {
  std::string run, out;
  std::int64_t count = 64;
  std::uint64_t seed = 1;
};

// Draws from the posterior predictive in the units of the file, [count, columns].
TextTable sample_table(const SampleTableConfig& config);

// Of rows under the factors of the fit, held as they are: what they add to the bound, its terms,
// and the log predictive density, under the keys of summary.json. What a fit pays for its factors
// is paid once, and not part of it.
nlohmann::json evaluate_table(const std::string& run, const std::string& data, int threads);

}  // namespace fathom
