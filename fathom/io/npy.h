// NPY (versions 1 to 3) and NPZ: f32 f64 u8 i32 i64 bool, C and Fortran order, little-endian.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fathom/io/bytes.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

// Elements in C order stay mapped; Fortran order is copied. Throws DataError: header, dtype,
// length.
Array read_npy(const std::string& path, Pages pages = Pages::own);
Array parse_npy(const Bytes& bytes, const std::string& path);

// Names of the arrays of an NPZ, a zip file, without ".npy"; other files in it are passed over.
std::vector<std::string> npz_names(const std::string& path);
// One array, or all by name; stored ones stay mapped, deflated ones are unpacked. Throws DataError:
// no such array, damage, or 4 GB and more (zip64).
Array read_npz(const std::string& path, const std::string& name);
std::map<std::string, Array> read_npz(const std::string& path);

void write_npy(const std::string& path, const Array& array);

// An NPY of rows [n, width] that are written as they come; n need not be known beforehand. Without
// `commit` nothing is left of it.
class NpyRows {
 public:
  NpyRows(const std::string& path, DType dtype, std::int64_t width);
  void write(const Array& rows);  // [count, width]; throws ShapeError on others
  void commit();

 private:
  std::string header() const;

  AtomicFile file_;
  DType dtype_;
  std::int64_t width_, rows_ = 0;
};

}  // namespace fathom
