// What is looked at in a table before a model sees it, and what is told of it.
#pragma once

#include <algorithm>

#include "fathom/jobs/table_data.h"

namespace fathom {

// Calls f(rows, first row) for blocks of the rows of x, which may be made when they are read.
template <class F>
void each_block(const Array& x, F&& f) {
  constexpr std::int64_t kBlock = 4096;
  const std::int64_t n = x.shape().extent(0);
  for (std::int64_t first = 0; first < n; first += kBlock)
    f(x.part(first, std::min(kBlock, n - first)).made(), first);
}

// Whether cells [n, d] are missing (NaN). Throws DataError naming the place: of missing cells where
// they are not `accepted`, of infinities, and the column that has no cell at all.
bool check_cells(const Array& x, const std::vector<std::string>& columns, bool accepted,
                 const std::string& path);

// Constant real and equal columns: their covariance has no inverse. Throws DataError naming them.
void check_columns(const Array& x, const TableFormat& format, const TableMoments& m,
                   const std::string& path);

// What a user should know of the rows of a fit: missing cells, rows without any, weights, labels.
void note_rows(const TableRows& rows, const TableFormat& format, const Note& note);

}  // namespace fathom
