// A table as rows of numbers for a model: which columns, which of them is a label, and how values
// became what the model sees, so that later verbs treat other files alike.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fathom/base/workers.h"
#include "fathom/io/dataset.h"
#include "fathom/jobs/table_moments.h"

namespace fathom {

struct TableConfig {
  std::string columns = {}, drop = {};
  std::string label = "auto";
  bool standardize = false;
  std::string array = {};
  // Set by kinds of models (TableModel::prepare), not by flags:
  bool centre = false;      // take every column's mean off
  std::string target = {};  // a column that others explain: as the file has it, and the last

  static void fields(auto& self, auto&& f) {
    f("columns", self.columns,
      "columns to model, by name or number from 1, with commas; empty: all");
    f("drop", self.drop, "columns to leave out, in the same way");
    f("label", self.label,
      "column that colours pictures and is not modelled: auto (label, class or target), none or "
      "its name");
    f("standardize", self.standardize, "bring every column to mean 0 and standard deviation 1");
    f("array", self.array, "array of an NPZ file");
  }
};

// How a table became rows of a model. Part of config.json.
struct TableFormat {
  std::vector<std::string>
      columns;              // of the rows, in their order; x1, x2, ... where none has a name
  std::vector<int> places;  // of these columns in the file, from 0
  int file_width = 0;       // columns of the file, the label among them
  bool named = false;       // the file has a header
  std::string label;        // column that is the label
  std::string target;       // the last column, where others explain it; later files may lack it
  bool standardized = false;
  std::vector<double> shift, scale;  // the model sees (x - shift) / scale

  static void fields(auto& self, auto&& f) {
    f("columns", self.columns, "");
    f("places", self.places, "");
    f("file_width", self.file_width, "");
    f("named", self.named, "");
    f("label", self.label, "");
    f("target", self.target, "");
    f("standardized", self.standardized, "");
    f("shift", self.shift, "");
    f("scale", self.scale, "");
  }
  std::int64_t width() const { return std::int64_t(columns.size()); }
  // sum_j log scale_j: a log density of a row as the model sees it, less this, is that of the row
  // as the file has it.
  double log_scale() const;
};

struct TableRows {
  Array x;                          // [n, d] f64, as the model sees them
  std::vector<std::string> labels;  // of each row; empty without labels
  std::int64_t count() const { return x.shape().extent(0); }
};

struct TableData {
  TableFormat format;
  TableRows rows;
  TableMoments moments;  // of rows.x
  std::string source, kind;
  std::uint32_t fingerprint = 0;  // tells tables apart; of the columns as the file has them
};

using Note = std::function<void(const std::string&)>;

// Reads, checks and scales the table of a fit; a mapped file of f64 stays mapped. Throws DataError
// or ConfigError with file, place and remedy: unknown, constant or equal columns, cells that are
// missing or not finite, fewer than two rows. What a user should know goes to `note`.
TableData load_table(const std::string& path, const TableConfig& config, Workers& workers,
                     const Note& note);

// Rows of another file for a model of `format`: columns by their names where both files have
// them, else by place. Throws DataError when they do not fit.
TableRows load_table_rows(const std::string& path, const TableConfig& config,
                          const TableFormat& format, Workers& workers);

// Values [n, d] as the file has them, from those that the model sees.
Array in_file_units(const Array& rows, const TableFormat& format);

// At most `most` rows, evenly taken.
TableRows even_rows(const TableRows& rows, std::int64_t most);

}  // namespace fathom
