// Tables of tests: those shipped in data/, and values written down.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fathom/io/csv.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

// These columns of a file of data/, [rows, columns].
inline Array shipped_table(const std::string& name, const std::string& columns) {
  CsvOptions options;
  options.columns = {columns};
  return read_csv(std::string(FATHOM_SOURCE_DIR "/data/") + name, options).values.copy();
}

inline Array column_of(const std::vector<double>& x) {
  return Array::of<double>(Shape{std::int64_t(x.size())}, x);
}

// x [n, d] less the means of its columns.
inline Array centred(const Array& x) {
  Array y = x.copy();
  const std::int64_t n = x.shape().extent(0), d = x.shape().extent(1);
  for (std::int64_t j = 0; j < d; ++j) {
    double mean = 0;
    for (std::int64_t i = 0; i < n; ++i) mean += x.data<double>()[i * d + j] / double(n);
    for (std::int64_t i = 0; i < n; ++i) y.data<double>()[i * d + j] -= mean;
  }
  return y;
}

}  // namespace fathom
