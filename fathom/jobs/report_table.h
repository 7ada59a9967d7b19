// The report of a model of a table: report.html and the pictures beside it.
#pragma once

#include "fathom/jobs/table_run.h"

namespace fathom {

// Writes the page from summary.json, metrics.jsonl and config.json of `folder`. `rows` may be null:
// then there are no pictures of rows.
void write_table_report(RunFolder& folder, const TableModel& model, const State& state,
                        const std::string& source, const TableFormat& format, const TableRows* rows,
                        Workers& workers);

// The report of a finished run, anew; `data` is where its table is now, empty: where it was.
// Returns the path of the page. What is left out, and why, goes to `note`.
std::string report_table(const std::string& run, const std::string& data, int threads,
                         const Note& note);

}  // namespace fathom
