// Files that lack columns of a fit, for models that sum over what was not seen.
#pragma once

#include "fathom/jobs/table_data.h"

namespace fathom {

// As load_table_rows(), of a file with these columns of `format` alone: no cell of the others was
// seen.
TableRows rows_with_absent(const std::string& path, const TableConfig& config,
                           const TableFormat& format, const std::vector<char>& here,
                           TableNeeds needs, Workers& workers, const Note& note);

}  // namespace fathom
