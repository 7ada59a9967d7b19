// Tables with text among their columns, as CSV.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fathom/io/npy.h"

namespace fathom {

struct TextTable {
  std::string id_name;           // of a first column with `ids`; empty: there is none
  std::vector<std::string> ids;  // of each row
  std::vector<std::string> names;
  Array values;  // [n, names]
  // Of each column, what its values 0, 1, ... are called; empty: numbers. No names at all: numbers
  // throughout.
  std::vector<std::vector<std::string>> levels = {};

  // Cells that hold a delimiter, a quote or a blank are quoted; missing ones (NaN) are empty.
  std::string csv(bool header = true) const;
};

// A cell as CSV has it: in quotes where it holds a delimiter, a quote or a blank.
std::string quoted(std::string cell);

// Writes `table` where the path ends in .csv, its numbers where it ends in .npy. Throws ConfigError
// for other endings.
void write_table(const std::string& path, const TextTable& table);

// A table that comes some rows after others, to be written, kept, or both. Without `finish` nothing
// is written.
class TableSink {
 public:
  // path: as for write_table; empty: nowhere. rows: of the whole table, which are kept where asked.
  TableSink(const std::string& path, std::int64_t rows, bool keep);
  void take(const TextTable& block);
  TextTable finish();  // the table, without rows and ids where they were not kept

 private:
  std::string path_;
  std::int64_t rows_ = 0, taken_ = 0;
  bool keep_ = false;
  TextTable kept_;
  std::optional<NpyRows> npy_;
  std::optional<AtomicFile> csv_;
};

}  // namespace fathom
