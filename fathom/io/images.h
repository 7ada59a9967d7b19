// Pictures: PNG and PGM in, PNG out.
#pragma once

#include <string>
#include <vector>

#include "fathom/io/bytes.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

// u8 [height, width] or [height, width, 3].
Array read_image(const std::string& path);
Array parse_image(const Bytes& bytes, const std::string& path);

struct ImageFolder {
  Array pixels;                     // u8 [n, height, width] or [n, height, width, 3]
  std::vector<std::string> names;   // of the files, sorted
};
// All PNG and PGM files of a folder; all of one size. Throws DataError naming the file that differs.
ImageFolder read_image_folder(const std::string& path);

// PNG of u8 [height, width] or [height, width, 3].
std::string encode_png(const Array& image);
void write_png(const std::string& path, const Array& image);

// Images [n, h, w] in [0, 1] (f64) side by side, `columns` to a row, `gap` grey pixels between them,
// each pixel `zoom` times as large: u8.
Array tile_grid(const Array& images, std::int64_t columns, std::int64_t gap = 1, std::int64_t zoom = 1);

}  // namespace fathom
