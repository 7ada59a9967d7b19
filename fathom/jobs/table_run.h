// The run folder of a model of a table:
//
//   config.json        what was asked, fully resolved: "task", "settings", "table", "data", ...
//   metrics.jsonl      one line per step of one or more sweeps: restart, sweep, bound, terms
//   model.safetensors  natural parameters of all factors, and the moments of the table, from which
//                      the model is made again
#pragma once

#include <memory>

#include "fathom/io/run_folder.h"
#include "fathom/jobs/table_climb.h"

namespace fathom {

struct TableSettings {
  TableConfig table;
  AscentConfig ascent;
  TableClimbSettings climb;
  int restarts = 5;
  std::uint64_t seed = 1;

  static void fields(auto& self, auto&& f) {
    f("restarts", self.restarts, "climbs from different starts; the best is kept");
    AscentConfig::fields(self.ascent, f);
    TableClimbSettings::fields(self.climb, f);
    f("seed", self.seed, "seed of every draw");
    TableConfig::fields(self.table, f);
  }
};

struct TableRun {
  RunFolder folder;
  nlohmann::json config;
  TableSettings settings;
  TableFormat format;
  TableMoments moments;
  std::string data;  // path of what it was fitted to
  std::unique_ptr<TableModel> model;
  State state;  // the factors; empty before a fit
};

// "vae", "gmm", ...: the task of a run. Throws DataError where there is no run.
std::string task_of_run(const std::string& path);

// Opens a run with its fitted factors. Throws DataError naming the file that is missing or damaged.
TableRun open_table_run(const std::string& path);

// Rows of a file for the model of a run, which is made to take missing cells where there are some.
// `as_in_file`: with the numbers that the file has, not those that the model sees.
TableRows rows_for(TableRun& run, const std::string& data, Workers& workers,
                   bool as_in_file = false);

// The factors of `state` and the table's moments as model.safetensors.
void write_table_model(RunFolder& folder, const State& state, const TableMoments& moments);

// Sets the factors that a climb on `state` has to those of `fitted`.
void assign_factors(const State& fitted, State& state);

}  // namespace fathom
