// Any supported file as rows of numbers.
#pragma once

#include <string>
#include <vector>

#include "fathom/base/workers.h"
#include "fathom/io/bytes.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

struct DatasetOptions {
  std::string array = {};  // of an NPZ: its name; empty: the only one
  // Of a table, columns by name, by 0-based number or as a range "0:64" (the end not included).
  std::vector<std::string> columns = {};  // to read; empty: all
  std::vector<std::string> drop = {};     // not to read
  std::vector<std::string> text = {};     // kept as text
  std::string label = {}, id = {};        // one column each, taken out of the numbers: see Dataset
  DType dtype = DType::f64;               // of a table: f64 or f32
  Pages pages = Pages::own;               // of a mapped file
};

struct Dataset {
  Array values;                      // [rows, ...] u8, f32, f64, i32, i64 or bool
  Shape item;                        // of one row, as it was stored: {28, 28}
  std::vector<std::string> columns;  // of a table
  std::vector<std::string> ids;     // the column `id` of a table, the file names of an image folder
  std::vector<std::string> labels;  // the column `label` of a table
  std::vector<std::string> text_names;
  std::vector<std::vector<std::string>> text;
  std::string source, kind;   // "digits.csv"; csv npy npz idx images
  std::string note;           // what was read, in one line
  std::int64_t missing = 0;   // missing cells, NaN in `values`
  std::string first_missing;  // "line 3, column x"

  std::int64_t rows() const { return values.shape().extent(0); }
};

// CSV and TSV, NPY, NPZ, IDX (any of them gzipped where that is usual) and folders of PNG and PGM;
// the content decides, not the name. Throws DataError naming the file and what is wrong with it.
Dataset load_dataset(const std::string& path, const DatasetOptions& options = {},
                     Workers* workers = nullptr);

// Throws DataError naming the count and the first place when a real array holds NaN or infinities.
void check_finite(const Dataset& data);

}  // namespace fathom
