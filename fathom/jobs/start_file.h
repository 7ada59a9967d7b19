// What rows belong to at first, from a file: a start that somebody else has found.
#pragma once

#include <string>

#include "fathom/base/workers.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

// [rows, components], each row scaled to add up to one, from a CSV or NPY with a column for each
// component, or as `fathom predict` writes it: the columns p1, p2, ... of a header. Throws
// DataError naming file, row and remedy where shapes differ or a row says nothing.
Array read_start_file(const std::string& path, std::int64_t components, std::int64_t rows,
                      Workers& workers);

}  // namespace fathom
