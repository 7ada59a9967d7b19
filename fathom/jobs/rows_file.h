// Rows that a verb makes, as a file whose ending says the kind.
#pragma once

#include <string>
#include <vector>

#include "fathom/io/npy.h"

namespace fathom {

struct RowsFile {
  std::string path;
  std::int64_t rows = 0, width = 0;
};

// Throws ConfigError unless `path` ends in .npy, .csv or, where `item` has a shape, .png.
void check_rows_file(const std::string& path, const std::vector<std::int64_t>& item);

// Writes rows [n, width] f64: .npy and .csv as they are, .png as pictures of shape `item` side by
// side.
RowsFile write_rows(const std::string& path, const Array& rows,
                    const std::vector<std::string>& names, const std::vector<std::int64_t>& item);

// {"x1", "x2", ...}.
std::vector<std::string> numbered(const std::string& name, std::int64_t count);

}  // namespace fathom
