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
Array read_npy(const std::string& path);
Array parse_npy(const Bytes& bytes, const std::string& path);

// Names of the arrays of an NPZ, a zip file, without ".npy"; other files in it are passed over.
std::vector<std::string> npz_names(const std::string& path);
// One array, or all by name; stored ones stay mapped, deflated ones are unpacked. Throws DataError:
// no such array, damage, or 4 GB and more (zip64).
Array read_npz(const std::string& path, const std::string& name);
std::map<std::string, Array> read_npz(const std::string& path);

void write_npy(const std::string& path, const Array& array);

}  // namespace fathom
