// Where a fit of a table or of documents stood when it was interrupted, from which another goes on
// bit for bit:
//
//   progress.json         the climb that was under way, its bounds, and restarts before it
//   progress.safetensors  the slots of that climb, and the best factors so far
#pragma once

#include <cmath>
#include <optional>
#include <set>

#include "fathom/climb/ascend.h"
#include "fathom/io/run_folder.h"
#include "fathom/jobs/table_data.h"

namespace fathom {

// How a climb ended.
struct Climbed {
  double per_row = NAN, last_rise = 0;
  int sweeps = 0;
  bool converged = false;
  std::string fault;  // why it is set aside
};
// Of `rows` rows or documents, without a fault.
Climbed climbed(const Ascent& ascent, double rows);

struct TableProgress {
  int restart = 0;             // the climb that was under way; 0: that over all rows
  Ascent ascent;               // what it had come to
  State state;                 // its slots
  std::vector<Climbed> ended;  // restarts before it
  int best = 0;                // of these, 0: none
  Climbed kept;                // how the best ended
  State factors;               // the best ones
  double seconds = 0;          // that all took
};

// Removes what there is where nothing is to go on with.
void write_progress(RunFolder& folder, const std::optional<TableProgress>& progress);
// Nothing where the fit had ended. Throws DataError where the files are damaged.
std::optional<TableProgress> read_progress(const RunFolder& folder);

// A run that goes on, with the settings that it has.
struct TakenUp {
  RunFolder folder;
  TableProgress progress;
  nlohmann::json settings;
};
// `asked`: settings by name, of which those in `given` must be what the run has. `note` is told
// where bits may differ. Throws ConfigError or DataError where the run is none of `task`, has
// ended, or was asked for anew.
TakenUp take_up(const std::string& run, std::string_view task, bool force,
                const nlohmann::json& asked, const std::set<std::string>& given, const Note& note);

// Throws DataError where `file`, of this fingerprint, is not the `kind` that a run was fitted to.
void check_same_data(const RunFolder& folder, std::uint32_t fingerprint, const std::string& file,
                     std::string_view kind);

}  // namespace fathom
