// Tables with text among their columns, as CSV.
#pragma once

#include <string>
#include <vector>

#include "fathom/tensor/buffer.h"

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
  std::string csv() const;
};

// A cell as CSV has it: in quotes where it holds a delimiter, a quote or a blank.
std::string quoted(std::string cell);

// Writes `table` where the path ends in .csv, its numbers where it ends in .npy. Throws ConfigError
// for other endings.
void write_table(const std::string& path, const TextTable& table);

}  // namespace fathom
