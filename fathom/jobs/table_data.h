// A table as rows of numbers for a model: which columns, which of them say something of the rows
// (labels, weights, ids), and how values became what the model sees, so that later verbs treat
// other files alike.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "fathom/base/workers.h"
#include "fathom/io/dataset.h"
#include "fathom/jobs/row_texts.h"
#include "fathom/jobs/table_moments.h"

namespace fathom {

struct TableConfig {
  std::string columns = {}, drop = {};
  std::string label = "auto";
  std::string weights = {}, ids = {}, labels = {}, sequence = {};
  bool standardize = false;
  std::string array = {};
  std::string stream = "auto";
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
    f("weights", self.weights, "column that says how often each row counts");
    f("ids", self.ids, "column that names the rows; predictions carry it");
    f("labels", self.labels,
      "column that says which component rows belong to, empty where it is unknown; for mixtures");
    f("sequence", self.sequence,
      "column that names the sequence of each row, whose rows follow each other; for hmm and lds");
    f("standardize", self.standardize, "bring every column to mean 0 and standard deviation 1");
    f("array", self.array, "array of an NPZ file");
    f("stream", self.stream,
      "auto, always or never: rows of large files are read as they are needed and not held in "
      "memory; results are the same bits");
  }
};

struct TableRows;

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
  std::vector<double> shift, scale;            // the model sees (x - shift) / scale
  bool missing = false;                        // cells are missing: NaN
  std::string weights, ids, labels, sequence;  // columns with these roles; empty: none
  std::vector<std::string> classes;  // that labels name, one for each component from the first
  // Of each column, where a model takes several kinds (jobs/column_kinds.h): its name and, of
  // categories, what values 0, 1, ... of the rows stand for. Empty: all are real.
  std::vector<std::string> kinds;
  std::vector<std::vector<std::string>> levels;
  // The same three of the file, where columns of categories were coded as several of numbers
  // (jobs/coded_columns.h); `places` are those of these columns. Empty: none was.
  std::vector<std::string> file_columns, file_kinds;
  std::vector<std::vector<std::string>> file_levels;

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
    f("missing", self.missing, "");
    f("weights", self.weights, "");
    f("ids", self.ids, "");
    f("labels", self.labels, "");
    f("sequence", self.sequence, "");
    f("classes", self.classes, "");
    f("kinds", self.kinds, "");
    f("levels", self.levels, "");
    f("file_columns", self.file_columns, "");
    f("file_kinds", self.file_kinds, "");
    f("file_levels", self.file_levels, "");
  }
  bool coded() const { return !file_columns.empty(); }
  std::int64_t width() const { return std::int64_t(columns.size()); }
  bool is_real(std::size_t column) const { return kinds.empty() || kinds[column] == "real"; }
  // sum_j log scale_j: a log density of a row as the model sees it, less this, is that of the row
  // as the file has it.
  double log_scale() const;
  // The same of the cells of this row, as the model sees it, that are there; of rows, the mean,
  // each as often as it counts.
  double log_scale(const double* row) const;
  double log_scale(const TableRows& rows) const;
};

struct TableRows {
  Array x;             // [n, d] f64, as the model sees them; of large files made when they are read
  RowTexts labels;     // of each row, for pictures; empty without labels
  Array weights = {};  // [n]; empty: each row counts once
  RowTexts ids = {};
  std::vector<int> components = {};  // that rows are known to belong to, -1: unknown; empty: all
  Array begins = {};        // [n]: 1 on the first row of a sequence, else 0; empty: there is one
  RowTexts sequences = {};  // the name of each row's sequence; empty: there is one
  bool streamed = false;    // x is read from its file when it is needed, and not held
  bool missing = false;     // a cell of x may be
  bool single = false;      // they come from f32 and have no more digits
  Array start = {};  // [n, components]: what belongs to each at first; empty: found by the model
  std::int64_t count() const { return x.shape().extent(0); }
  double total() const;  // rows, each as often as it counts
};

struct TableData {
  TableFormat format;
  TableRows rows;
  TableMoments moments;  // of rows.x
  std::string source, kind;
  std::uint32_t fingerprint = 0;  // tells tables apart; of the columns as the file has them
};

// What a kind of model takes of tables.
struct TableNeeds {
  bool missing = false;         // cells without a number
  std::int64_t components = 0;  // that labels may name
  bool kinds = false;           // columns of several kinds
  std::string kind = {};        // which columns are of which, as declared_kinds() reads it
  bool coded = false;           // with kinds: numbers alone; categories are coded as such
  bool alike = false;           // columns may be the same, and one row is enough
  bool absent = false;          // files after the fit's may lack columns: no cell of these was seen
  bool sequences = false;       // rows that follow each other
};

using Note = std::function<void(const std::string&)>;

// Reads, checks and scales the table of a fit; a mapped file of f64 stays mapped. A large file is
// streamed (jobs/table_reading.h), and a CSV of a gigabyte is first converted to `place` (empty:
// never). Throws DataError or ConfigError with file, place and remedy: unknown, constant or equal
// columns, cells that are missing where the model does not take them, or not finite, columns
// without cells, weights that mean nothing, labels that name no component, fewer than two rows.
// What a user should know goes to `note`.
TableData load_table(const std::string& path, const TableConfig& config, const TableNeeds& needs,
                     Workers& workers, const Note& note, const std::string& place = {});

// Rows of another file for a model of `format`: columns by their names where both files have
// them, else by place; weights and ids where the file has them, and no labels of components.
// Throws DataError when they do not fit.
TableRows load_table_rows(const std::string& path, const TableConfig& config,
                          const TableFormat& format, const TableNeeds& needs, Workers& workers,
                          const std::string& place = {}, const Note& note = {});

// Values [n, d] as the file has them, from those that the model sees, and the other way.
Array in_file_units(const Array& rows, const TableFormat& format);
Array in_model_units(const Array& rows, const TableFormat& format);

constexpr std::int64_t kShownRows = 2000;  // points of a picture
// All rows; at most `most`, evenly taken: held in memory.
TableRows held_rows(const TableRows& rows);
TableRows even_rows(const TableRows& rows, std::int64_t most);
// These rows, in this order.
TableRows chosen_rows(const TableRows& rows, std::span<const std::int64_t> places);

}  // namespace fathom
