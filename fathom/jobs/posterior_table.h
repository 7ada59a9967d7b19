// The posterior of a run's parameters, in the units of its table.
#pragma once

#include "fathom/jobs/table_run.h"

namespace fathom {

struct PosteriorTable {
  std::string task;
  std::vector<PosteriorRow> rows;
};
PosteriorTable posterior_table(const std::string& run);

// "factor,element,mean,sd,low,high" and a line each; what is no number is left empty.
std::string csv_of(const PosteriorTable& table);
// What is no number is absent.
nlohmann::json json_of(const PosteriorTable& table);

// Writes it as CSV or JSON, by the ending of `path`. Throws ConfigError on another.
void write_posterior(const std::string& path, const PosteriorTable& table);
void check_posterior_file(const std::string& path);

}  // namespace fathom
