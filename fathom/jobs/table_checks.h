// What is looked at in a table before a model sees it, and what is told of it.
#pragma once

#include "fathom/jobs/table_data.h"

namespace fathom {

// Whether cells [n, d] are missing (NaN). Throws DataError naming the place: of missing cells where
// they are not `accepted`, and of infinities.
bool check_cells(const Array& x, const std::vector<std::string>& columns, bool accepted,
                 const std::string& path);

// Constant real and equal columns: their covariance has no inverse. Throws DataError naming them.
void check_columns(const Array& x, const TableFormat& format, const TableMoments& m,
                   const std::string& path);

// What a user should know of the rows of a fit: missing cells, rows without any, weights, labels;
// kinds of columns, where they are `guessed`.
void note_rows(const TableRows& rows, const TableFormat& format, bool guessed, const Note& note);

}  // namespace fathom
