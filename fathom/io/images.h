// Pictures: PNG and PGM in, PNG out.
#pragma once

#include <string>
#include <vector>

#include "fathom/io/bytes.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

// u8 [height, width], or [height, width, 3] for colour. Samples are taken as stored, without gamma;
// 16-bit ones lose their low byte, PGM levels are spread over 0..255, transparency is laid on
// black. Throws DataError: neither PNG nor PGM, cut, corrupt, larger than its bytes can hold.
Array read_image(const std::string& path);
Array parse_image(const Bytes& bytes, const std::string& path);

struct ImageFolder {
  Array pixels;                    // u8 [n, height, width] or [n, height, width, 3]
  std::vector<std::string> names;  // of the files, sorted
};
// All PNG and PGM files of a folder, hidden ones aside; all of one size. Throws DataError naming
// the file that differs.
ImageFolder read_image_folder(const std::string& path);

// PNG of u8 [height, width] or [height, width, 3].
std::string encode_png(const Array& image);
void write_png(const std::string& path, const Array& image);

// Images [n, h, w] or [n, h, w, 3], u8 or real in [0, 1] (what lies outside is clipped, NaN is
// black), side by side: `columns` to a row, `gap` grey pixels between them, each pixel `zoom` times
// as large. u8 [height, width] or [height, width, 3].
Array tile_grid(const Array& images, std::int64_t columns, std::int64_t gap = 1,
                std::int64_t zoom = 1);

}  // namespace fathom
