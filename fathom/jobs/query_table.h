// Probabilities of a fitted network by what is known: `fathom query RUN 'P(rain | wet=yes)'`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "fathom/jobs/text_table.h"

namespace fathom {

struct QueryResult {
  TextTable table;      // a column for each variable that is asked for, and its probability
  std::string heading;  // "P(rain | wet=yes), by posterior mean tables"
  nlohmann::json json;  // query, tables, given, log_evidence, probabilities
};

// Throws ConfigError where the run is no network's, on what is no variable or state, and where what
// is given cannot be.
QueryResult query_table(const std::string& run, const std::string& query);

}  // namespace fathom
