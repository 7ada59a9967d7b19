// Rows that are made when they are read: a table on disk, of whatever type and columns, seen as the
// rows of f64 that a model takes, without a second copy of it.
//
// An element is the number that is stored at its place; of a column of categories, the level that
// this number stands for; and then shifted and scaled. Or rows are indicators of what one stored
// number is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fathom/tensor/dtype.h"

namespace fathom {

// What numbers of a stored column stand for. Others stand for nothing: NaN.
struct StoredLevels {
  std::vector<double> stored;  // ascending
  std::vector<double> level;   // of each

  bool empty() const { return stored.empty(); }
  double of(double value) const;
};

// Rows of indicators: element j is `yes` where the stored number at `place` is is[j], `no` where it
// is another, and `unknown` where it is NaN. is[j] NaN: it never is.
struct StoredIndicators {
  int place = 0;
  std::vector<double> is;
  double yes = 1, no = 0, unknown = 0;
};

// Element j of a row is (value - shift[j]) / scale[j], where the value is stored[places[j]] or the
// level that this stands for; a stored row has `pitch` elements of `dtype`, a number type.
struct RowRecipe {
  // Places where nothing is stored: a cell that nobody has seen (NaN), and the number one.
  static constexpr int kMissing = -1, kOne = -2;

  DType dtype = DType::f64;
  std::int64_t pitch = 0;
  std::vector<int> places;
  std::vector<double> shift, scale;
  std::vector<StoredLevels> levels = {};  // of each column; none at all: of none
  StoredIndicators indicators = {};       // not empty: rows are these alone

  std::int64_t width() const {
    return std::int64_t(indicators.is.empty() ? places.size() : indicators.is.size());
  }
  std::size_t stored_bytes() const { return std::size_t(pitch) * size_of(dtype); }  // of a row
  bool changes_values() const;
  // Writes rows first .. first + count of those stored at `from` to `to` [count, width].
  void read(const std::byte* from, std::int64_t first, std::int64_t count, double* to) const;
};

}  // namespace fathom
