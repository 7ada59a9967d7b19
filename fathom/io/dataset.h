// Any supported file as rows of numbers.
#pragma once

#include <string>
#include <vector>

#include "fathom/base/workers.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

struct DatasetOptions {
  std::string array;                  // of an NPZ: its name; empty: the only one
  std::vector<std::string> columns;   // of a CSV: names or numbers; empty: all
  std::vector<std::string> text;      // of a CSV: columns kept as text
};

struct Dataset {
  Array values;                       // [rows, ...] u8, f32, f64, i32 or i64
  Shape item;                         // of one row, as it was stored: {28, 28}
  std::vector<std::string> columns;   // of a table
  std::vector<std::string> ids;       // of an image folder: names of the files
  std::vector<std::string> text_names;
  std::vector<std::vector<std::string>> text;
  std::string source, kind;           // "digits.csv", "csv"
  std::int64_t missing = 0;           // missing cells, NaN in `values`
  std::string first_missing;

  std::int64_t rows() const { return values.shape().extent(0); }
};

// CSV and TSV, NPY, NPZ, IDX (any of them gzipped where that is usual) and folders of PNG and PGM; the
// content decides, not the name. Throws DataError naming the file and what is wrong with it.
Dataset load_dataset(const std::string& path, const DatasetOptions& options = {}, Workers* workers = nullptr);

// Throws DataError naming the count and the first place when a real array holds NaN or infinities.
void check_finite(const Dataset& data);

}  // namespace fathom
