// Rows that are made when they are read: a table on disk, of whatever type and columns, seen as the
// rows of f64 that a model takes, without a second copy of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fathom/tensor/dtype.h"

namespace fathom {

// Element j of a row is (stored[places[j]] - shift[j]) / scale[j]; a stored row has `pitch`
// elements of `dtype`, a number type.
struct RowRecipe {
  DType dtype = DType::f64;
  std::int64_t pitch = 0;
  std::vector<int> places;
  std::vector<double> shift, scale;

  std::int64_t width() const { return std::int64_t(places.size()); }
  std::size_t stored_bytes() const { return std::size_t(pitch) * size_of(dtype); }  // of a row
  bool changes_values() const;
  // Writes rows first .. first + count of those stored at `from` to `to` [count, width].
  void read(const std::byte* from, std::int64_t first, std::int64_t count, double* to) const;
};

}  // namespace fathom
