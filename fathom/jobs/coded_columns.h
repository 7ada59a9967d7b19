// Columns of categories as numbers for models that take numbers alone: one column of 0 and 1 for
// each level but the first, called "column=level" (treatment coding). The first level, by size of
// numbers or in order of text, is what the others are compared with.
#pragma once

#include "fathom/jobs/table_data.h"

namespace fathom {

// Codes the categories of x [n, columns], whose kinds and levels are settled; rows are made when
// they are read. `format` then has the new columns and remembers those of the file. Throws
// DataError where a category is missing in a row, has one level or is what others explain,
// ConfigError where a column is declared to be of another kind than real or category.
void code_categories(TableFormat& format, Array& x, const std::string& path);

// The format of the same table with the columns of its file, by which other files are read.
TableFormat format_of_file(const TableFormat& format);

// Which columns were coded, and against which level.
void note_coding(const TableFormat& format, const Note& note);

}  // namespace fathom
