#include "fathom/jobs/rows_file.h"

#include "fathom/io/csv.h"
#include "fathom/io/images.h"
#include "fathom/report/pictures.h"

namespace fathom {

void check_rows_file(const std::string& path, const std::vector<std::int64_t>& item) {
  if (path.ends_with(".npy") || path.ends_with(".csv")) return;
  if (!path.ends_with(".png"))
    raise<ConfigError>("{}: the name must end in .npy, .csv or .png", path);
  if (item.empty())
    raise<ConfigError>("{}: these rows are no pictures: name a .npy or .csv file", path);
}

RowsFile write_rows(const std::string& path, const Array& rows,
                    const std::vector<std::string>& names, const std::vector<std::int64_t>& item) {
  check_rows_file(path, item);
  const std::int64_t n = rows.shape().extent(0), width = rows.size() / n;
  if (path.ends_with(".npy")) write_npy(path, rows);
  if (path.ends_with(".csv")) write_csv(path, names, rows);
  if (path.ends_with(".png")) {
    if (n > 10000)
      raise<ConfigError>("{}: {} pictures are too many for one PNG: write .npy, or fewer rows",
                         path, n);
    const std::int64_t columns = std::min<std::int64_t>(n, 16);
    write_png(path, sheet(rows, item, {.columns = columns, .zoom = zoom_for(item, 16)}));
  }
  return {path, n, width};
}

std::vector<std::string> numbered(const std::string& name, std::int64_t count) {
  std::vector<std::string> out;
  for (std::int64_t i = 1; i <= count; ++i) out.push_back(fmt::format("{}{}", name, i));
  return out;
}

}  // namespace fathom
