// Columns of a text file as a table reads them: numbers, categories, and text that is not modelled.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fathom/jobs/row_texts.h"
#include "fathom/jobs/table_data.h"

namespace fathom {

// Columns by what readers of tables call them (DatasetOptions::columns).
struct TextColumns {
  std::vector<std::string> numbers, categories, texts;
  std::vector<std::string> others;  // the rest, where there are no numbers: none named would be all
};

struct TextRows {
  // [n, numbers + categories] f64: of a category the place of its cell among `names`, NaN of one
  // that says nothing.
  Array values;
  std::vector<std::vector<std::string>> names;  // of each category, as they appear
  std::vector<RowTexts> texts;
};

// Gives the different cells of a column numbers as they appear. After kMost no more are told apart:
// nothing is modelled with so many.
class CellCodes {
 public:
  static constexpr std::size_t kMost = std::size_t(1) << 16;
  double of(const std::string& cell);  // NaN of one that says nothing
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::map<std::string, double> codes_;
  std::vector<std::string> names_;
};

// Rows of numbers, with a column of codes behind them for each column of cells.
Array with_codes(const Array& numbers, const std::vector<std::vector<std::string>>& cells,
                 std::span<CellCodes> codes);

// The whole file, held.
TextRows held_text(const std::string& path, const TextColumns& columns, Workers& workers);

}  // namespace fathom
