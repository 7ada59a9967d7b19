// CSV tables. Numbers are read exactly (correctly rounded); cells that are empty or say NA, NaN, nan,
// null or ? are missing and become NaN. Fields may be quoted; lines may end in CR LF.
#pragma once

#include <string>
#include <vector>

#include "fathom/base/workers.h"
#include "fathom/io/bytes.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

struct CsvOptions {
  enum Header : std::uint8_t { detect, yes, no } header = detect;
  char delimiter = 0;                      // 0: the most frequent of , ; tab in the first line
  std::vector<std::string> columns;        // names or 0-based numbers to read; empty: all
  std::vector<std::string> text_columns;   // kept as text beside the numbers: ids, labels
};

struct Table {
  std::vector<std::string> names;          // of the numeric columns
  Array values;                            // f64 [rows, columns]
  std::vector<std::string> text_names;
  std::vector<std::vector<std::string>> text;  // one vector per text column
  std::int64_t missing = 0;
  std::string first_missing;               // "line 3, column x"
};

// Parses in blocks cut by size, on the pool when one is given: the same table for any pool. Throws
// DataError naming line and column: ragged rows, text among numbers, infinities.
Table read_csv(const std::string& path, const CsvOptions& options = {}, Workers* workers = nullptr);
Table parse_csv(const Bytes& bytes, const std::string& path, const CsvOptions& options, Workers* workers);

// f64 columns under their names.
void write_csv(const std::string& path, const std::vector<std::string>& names, const Array& values);

}  // namespace fathom
