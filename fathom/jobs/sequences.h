// Rows that follow each other, in one or many sequences.
#pragma once

#include "fathom/jobs/table_data.h"

namespace fathom {

struct RowRange {
  std::int64_t first = 0, last = 0;  // of rows [first, last)
};

// All sequences of rows; `begins` [rows] as in TableRows, empty: there is one.
std::vector<RowRange> sequences_of(const Array& begins, std::int64_t rows);
inline std::vector<RowRange> sequences_of(const TableRows& rows) {
  return sequences_of(rows.begins, rows.count());
}
// Where they begin, [n]: 1 there, also where there is but one sequence, else 0.
Array marks_of(const TableRows& rows);

// Where sequences begin, [n]: 1 where the id differs from that of the row before, else 0. Throws
// DataError naming the row where an id comes back after another one: rows of a sequence must follow
// each other.
Array begins_of(const RowTexts& ids, const std::string& column);

// Throws DataError naming the row whose weight differs from that of the row before in its sequence:
// a sequence counts as one.
void check_sequence_weights(const Array& weights, const Array& begins, const std::string& column);

// At most `most` rows, in memory: whole sequences, a keyed choice of them, the last one cut short;
// of a longer one a keyed piece.
TableRows some_sequences(const TableRows& rows, std::int64_t most, Key key);

}  // namespace fathom
