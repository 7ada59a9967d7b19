// The columns of a file as a table has them, before they are scaled.
//
// A table that is streamed is not held: its cells are read from the file, or from what text was
// converted to (jobs/converted_table.h), tile by tile. What makes rows of them is a recipe
// (tensor/recipe.h): which columns, what stands for categories, how they are shifted and scaled.
// Missing cells need nothing of their own: they are NaN on disk. Held is one number a row, where
// there are such: weights, and known components. Ids and labels stay on disk and are read again
// where they are written or drawn. Checks are passes over the rows. Categories that are coded as
// numbers (jobs/coded_columns.h) are held.
#pragma once

#include "fathom/jobs/table_data.h"

namespace fathom {

// How a table is read.
struct Reading {
  Workers& workers;
  bool stream = false;    // rows are made when they are read
  std::string converted;  // where text is converted to; empty: it is held
  Note note;
};
// Throws ConfigError unless config.stream is one of its words.
Reading reading_of(const std::string& path, const TableConfig& config, Workers& workers,
                   const std::string& place, const Note& note);

struct ReadTable {
  TableFormat format;
  TableRows rows;    // as the file has them, components not yet known
  RowTexts classes;  // of each row, where a column says so
  std::string kind;  // of the file
};
// `fitted`: the table that a model was fitted to; null in a fit. Throws as load_table does where
// columns or cells are wrong.
ReadTable read_columns(const std::string& path, const TableConfig& config, TableNeeds needs,
                       const TableFormat* fitted, const Reading& how);

}  // namespace fathom
