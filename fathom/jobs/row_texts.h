// A text for each row of a table: its name, its label. Of many rows it is not held as a string
// each.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/tensor/buffer.h"

namespace fathom {

class RowTexts {
 public:
  RowTexts() = default;
  // Held in one piece.
  explicit RowTexts(const std::vector<std::string>& texts);
  // The numbers of a column [n, 1], which may be made when they are read; of NaN, nothing.
  explicit RowTexts(Array numbers);
  // Cells that lie one after another in `bytes`, each with a line end behind it, which may be
  // mapped: of `ends` [n, columns] i64, where these stand, those in `column`.
  RowTexts(Array bytes, Array ends, std::int64_t column);

  bool empty() const { return size() == 0; }
  std::int64_t size() const { return ends_.empty() ? rows_of(numbers_) : rows_of(ends_); }
  std::string operator[](std::int64_t row) const;
  std::vector<std::string> all() const;
  // Where a text differs from that of the row before, the first row among them.
  std::vector<std::int64_t> changes() const;
  RowTexts chosen(std::span<const std::int64_t> rows) const;

 private:
  std::string_view cell(std::int64_t row) const;  // of bytes
  static std::int64_t rows_of(const Array& a) { return a.empty() ? 0 : a.shape().extent(0); }

  Array numbers_, bytes_, ends_;
  std::int64_t column_ = 0;
};

}  // namespace fathom
