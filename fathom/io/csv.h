// CSV tables. Numbers are read exactly (correctly rounded). Missing cells become NaN and are
// counted. Fields may be quoted, with "" for a quote and line ends inside; lines end in LF or CR
// LF; blank lines are passed over; a UTF-8 byte order mark is ignored.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fathom/base/workers.h"
#include "fathom/io/bytes.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

struct CsvOptions {
  // detect: a first line with text is a header, unless the second has text in the same places and
  // the first has numbers too.
  enum Header : std::uint8_t { detect, yes, no } header = detect;
  char delimiter = 0;  // 0: the most frequent of , ; tab | in the first line; else runs of blanks
  // Columns by name, by 0-based number, or as a range of numbers "0:64" (the end not included).
  std::vector<std::string> columns = {};       // to read, in this order; empty: all
  std::vector<std::string> drop = {};          // not to read
  std::vector<std::string> text_columns = {};  // kept as text beside the numbers: ids, labels
  std::vector<std::string> missing = {"", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"};
  DType dtype = DType::f64;  // or f32
};

struct Table {
  std::vector<std::string> names;  // of the numeric columns
  Array values;                    // [rows, columns]
  std::vector<std::string> text_names;
  std::vector<std::vector<std::string>> text;  // one vector per text column
  std::int64_t missing = 0;                    // cells that were missing: NaN in `values`
  std::string first_missing;                   // "line 3, column x"

  std::int64_t rows() const { return values.shape().extent(0); }
};

// Parses in blocks cut by size, on the pool when one is given: the same table for any pool. Throws
// DataError naming line and column: ragged rows, text among numbers, bad quotes, and infinities
// with their count.
Table read_csv(const std::string& path, const CsvOptions& options = {}, Workers* workers = nullptr);
Table parse_csv(const Bytes& bytes, const std::string& path, const CsvOptions& options = {},
                Workers* workers = nullptr);

// The same without holding it: rows, and the cells of each column of text, go to `take` some
// millions of bytes at a time, in order, and the table that is returned has all but them. Throws as
// read_csv does, after earlier rows were taken.
using TakeRows =
    std::function<void(const Array& rows, const std::vector<std::vector<std::string>>& text)>;
Table parse_csv_in_pieces(const Bytes& bytes, const std::string& path, const CsvOptions& options,
                          Workers* workers, const TakeRows& take);

// Columns [rows, names] under their names, each number in the shortest form that reads back the
// same; without a header, the lines that follow those of earlier rows.
std::string csv_text(const std::vector<std::string>& names, const Array& values,
                     bool header = true);
void write_csv(const std::string& path, const std::vector<std::string>& names, const Array& values);

}  // namespace fathom
