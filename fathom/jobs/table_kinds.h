// The kind of every column of a table, and the levels of its categories.
#pragma once

#include "fathom/jobs/column_kinds.h"
#include "fathom/jobs/table_columns.h"
#include "fathom/jobs/table_data.h"

namespace fathom {

// Kinds of the columns at `places` that are known: those of a fitted table, or as declared.
std::map<int, ColumnKind> known_kinds(const TableNeeds& needs, const TableFormat* fitted,
                                      const std::vector<int>& places,
                                      const std::vector<std::string>& names,
                                      const std::string& path);

// Columns whose cells are read as text: categories, by what is known or seen.
std::vector<int> category_places(const std::vector<int>& places, const TableHead& head,
                                 const std::map<int, ColumnKind>& known);

// Settles f.kinds and f.levels of the columns of x [n, d]; those of categories become levels when
// they are read. Cells of the columns `coded`, by their places in the file, are places among these
// names. Where nothing is known of a column it is real, or `guess` by its numbers. Takes two passes
// over the rows at most. Throws DataError where cells are not of their kind, or no levels.
void settle_kinds(Array& x, TableFormat& f, const std::map<int, ColumnKind>& known,
                  const std::map<int, std::vector<std::string>>& coded, bool guess,
                  const TableFormat* fitted, const std::string& path);

}  // namespace fathom
