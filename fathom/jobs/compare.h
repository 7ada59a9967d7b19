// Runs beside each other: which of their bounds may be compared, and which is the highest.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fathom {

struct ComparedRun {
  std::string run, task, model;  // model: a few of its settings in words
  std::string kind;              // "ELBO", "log-likelihood", ...
  std::int64_t rows = 0;
  double total = 0, per_row = 0;  // nats
  int group = 0;                  // runs of one group may be compared
  std::string apart;              // why it is not in the first group; empty: it is
};

// The runs by group, the first that of the first run, and in each the highest bound first. Two
// bounds are comparable when they are of the same data, columns and standardization, and of one
// kind. Throws DataError naming a run that has no finished fit.
std::vector<ComparedRun> compare_runs(const std::vector<std::string>& runs);

nlohmann::json to_json(const std::vector<ComparedRun>& compared);

}  // namespace fathom
