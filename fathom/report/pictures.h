// Rows of pixels as one picture.
#pragma once

#include <string>
#include <vector>

#include "fathom/tensor/buffer.h"

namespace fathom {

struct SheetStyle {
  std::int64_t columns = 16;
  std::int64_t gap = 2;    // pixels of the sheet between pictures, and around them
  std::int64_t zoom = 1;   // sheet pixels for each pixel of a picture
  std::int64_t group = 1;  // lines that belong together, with less space between them
};

// Pictures [n, width] f64 in [0, 1], each of shape `item` ({h, w} or {h, w, 3}), side by side: u8
// [height, width] or [height, width, 3].
Array sheet(const Array& rows, const std::vector<std::int64_t>& item, const SheetStyle& style);

// A zoom that makes `columns` pictures about `width` sheet pixels wide.
std::int64_t zoom_for(const std::vector<std::int64_t>& item, std::int64_t columns,
                      std::int64_t width = 960);

// Codes of an n x n grid through the inverse normal CDF, [n * n, 2], the top line first (Kingma &
// Welling 2013, figure 4).
Array manifold_codes(std::int64_t n);

}  // namespace fathom
