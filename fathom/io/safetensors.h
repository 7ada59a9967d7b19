// Safetensors: an 8-byte length, a JSON header, raw little-endian arrays. No executable content.
#pragma once

#include <map>
#include <string>

#include "fathom/io/bytes.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

struct Tensors {
  std::map<std::string, Array> arrays;
  std::map<std::string, std::string> metadata;
};

// Arrays stay mapped. Throws DataError when header, extents or offsets do not fit the file or
// overlap.
Tensors read_safetensors(const std::string& path);
// Whole, then renamed into place.
void write_safetensors(const std::string& path, const Tensors& tensors);

}  // namespace fathom
