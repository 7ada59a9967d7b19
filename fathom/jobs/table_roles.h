// Columns of a table that are not modelled but say something of its rows: how often each counts,
// what it is called, which component it is known to belong to, which sequence it is of.
#pragma once

#include <string>
#include <vector>

#include "fathom/jobs/row_texts.h"
#include "fathom/jobs/table_columns.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

// Places from 0 of these columns in the file; -1: none.
struct TableRoles {
  int weights = -1, ids = -1, labels = -1, sequence = -1;
  std::vector<int> all() const;  // those that there are, in order of this declaration
};

// The place of a column that `flag` names, by name or by number from 1; an empty name: -1. Throws
// ConfigError naming the nearest where there is none.
int role_place(const std::string& flag, const std::string& name,
               const std::vector<std::string>& names, const std::string& path);

// Throws DataError naming the row unless weights [n] are finite, not negative and worth two rows.
void check_weights(const Array& weights, const std::string& column, const std::string& path);

// Whether a cell says nothing: empty, NA, NaN, null, ?.
bool is_missing(const std::string& cell);

// The names of components that labels give: the labels that occur, in order, numbers by size. Where
// all are whole numbers from 1, a component for each number up to the largest.
std::vector<std::string> classes_of(const RowTexts& labels);

// The place of each label among `classes`, -1 of one that says nothing. Throws DataError naming the
// row of a label that is none of the first `count` of them.
std::vector<int> components_of_labels(const RowTexts& labels,
                                      const std::vector<std::string>& classes, std::int64_t count,
                                      const std::string& column);

}  // namespace fathom
