// Where a fit of a table stood when it was interrupted, from which another goes on bit for bit:
//
//   progress.json         the climb that was under way, its bounds, and restarts before it
//   progress.safetensors  the slots of that climb, and the best factors so far
#pragma once

#include <cmath>
#include <optional>

#include "fathom/exec/program.h"
#include "fathom/io/run_folder.h"

namespace fathom {

// How a climb ended.
struct Climbed {
  double per_row = NAN, last_rise = 0;
  int sweeps = 0;
  bool converged = false;
  std::string fault;  // why it is set aside
};

struct TableProgress {
  int restart = 0;             // the climb that was under way; 0: that over all rows
  std::vector<double> bounds;  // after each of its sweeps
  State state;                 // its slots
  std::vector<Climbed> ended;  // restarts before it
  int best = 0;                // of these, 0: none
  Climbed kept;                // how the best ended
  State factors;               // the best ones
  double seconds = 0;          // that all took
};

void write_progress(RunFolder& folder, const TableProgress& progress);
// Nothing where the fit had ended. Throws DataError where the files are damaged.
std::optional<TableProgress> read_progress(const RunFolder& folder);
void remove_progress(const RunFolder& folder);

}  // namespace fathom
