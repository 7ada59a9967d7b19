// IDX, the format of MNIST: two zero bytes, a type, a rank, big-endian extents, elements. gzip is
// unpacked on the way in.
#pragma once

#include <string>

#include "fathom/io/bytes.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

// True for bytes that begin like IDX.
bool looks_like_idx(std::span<const std::byte> bytes);

// u8 stays where it lies; wider elements are turned to the machine's order. Throws DataError where
// header and length disagree.
Array read_idx(const std::string& path);
Array parse_idx(const Bytes& bytes, const std::string& path);

}  // namespace fathom
