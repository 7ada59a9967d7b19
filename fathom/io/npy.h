// NPY (versions 1 to 3) and NPZ: f32 f64 u8 i32 i64 bool, C and Fortran order, little-endian.
#pragma once

#include <map>
#include <string>

#include "fathom/io/bytes.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

// Elements in C order stay mapped; Fortran order is copied. Throws DataError: header, dtype, length.
Array read_npy(const std::string& path);
Array parse_npy(const Bytes& bytes, const std::string& path);

// The arrays of a zip file, by name without ".npy"; stored or deflated.
std::map<std::string, Array> read_npz(const std::string& path);

void write_npy(const std::string& path, const Array& array);

}  // namespace fathom
