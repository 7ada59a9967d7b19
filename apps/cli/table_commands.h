// The verbs on tables and on runs of models of tables. They return the exit code.
#pragma once

#include <functional>

#include "fathom/jobs/all_tables.h"
#include "fathom/jobs/fit_table.h"
#include "fathom/jobs/forecast_table.h"
#include "fathom/jobs/impute_table.h"
#include "fathom/jobs/use_table.h"

namespace fathom::cli {

// Shows the progress of `fit`, then its verdict and `result` of it: a line for each thing that can
// be looked at. `at_stop` is what to say of a run that was interrupted.
using TextOfFit = std::function<std::string(const FitTableResult&)>;
int show_fit(const std::function<FitTableResult(const FitTableHooks&)>& fit, bool json, bool quiet,
             const TextOfFit& result, const TextOfFit& at_stop);
// What to say of it: whether --resume goes on with `data`.
std::string at_interruption(const FitTableResult& r, std::string_view task,
                            const std::string& data);

int fit_table_command(const FitTableConfig& config, bool json, bool quiet);
int predict_command(const PredictTableConfig& config, bool json);
int evaluate_table_command(const std::string& run, const std::string& data, int threads, bool json);
int sample_table_command(const SampleTableConfig& config, bool json);
int impute_command(const ImputeTableConfig& config, bool json);
int forecast_command(const ForecastTableConfig& config, bool json);
int query_command(const std::string& run, const std::string& query, bool json);
int posterior_command(const std::string& run, const std::string& out, bool json);
int compare_command(const std::vector<std::string>& runs, bool json);

}  // namespace fathom::cli
