#include "fathom/jobs/start_file.h"

#include <cctype>
#include <cmath>
#include <filesystem>

#include "fathom/io/csv.h"
#include "fathom/io/npy.h"

namespace fathom {

namespace {

// p1, p2, ..., or p.name: what `fathom predict` calls the probability of a component.
bool names_probability(const std::string& column) {
  return column.size() > 1 && column[0] == 'p' &&
         (column[1] == '.' || std::isdigit(static_cast<unsigned char>(column[1])) != 0);
}

Table read_any(const std::string& path, Workers& workers) {
  if (!std::filesystem::exists(path))
    raise<DataError>(
        "--start \"{}\": no such file, and none of kmeans, random, blocks; a file has a column for "
        "each component",
        path);
  if (!path.ends_with(".npy")) return read_csv(path, {}, &workers);
  Table t;
  t.values = read_npy(path).cast(DType::f64);
  if (t.values.shape().rank() != 2)
    raise<DataError>("{}: shape {}, a start is [rows, components]", path, t.values.shape().text());
  return t;
}

}  // namespace

Array read_start_file(const std::string& path, std::int64_t components, std::int64_t rows,
                      Workers& workers) {
  const Table t = read_any(path, workers);
  const std::int64_t n = t.values.shape().extent(0), width = t.values.shape().extent(1);
  std::vector<std::int64_t> from;
  for (std::int64_t j = 0; j < std::int64_t(t.names.size()); ++j)
    if (names_probability(t.names[std::size_t(j)])) from.push_back(j);
  if (std::int64_t(from.size()) != components) {
    if (width != components)
      raise<DataError>("{}: {} columns for {} components: one for each, or p1 to p{} of a header",
                       path, width, components, components);
    from.clear();
    for (std::int64_t j = 0; j < width; ++j) from.push_back(j);
  }
  if (n != rows) raise<DataError>("{}: {} rows, the table has {}", path, n, rows);
  Array out(DType::f64, Shape{rows, components});
  for (std::int64_t i = 0; i < rows; ++i) {
    const double* row = t.values.data<double>() + i * width;
    double *to = out.data<double>() + i * components, total = 0;
    for (std::int64_t k = 0; k < components; ++k) {
      to[k] = row[from[std::size_t(k)]];
      if (!(to[k] >= 0) || !std::isfinite(to[k]))
        raise<DataError>("{}: row {}, column {}: {} is no share of a row: 0 or above", path, i + 1,
                         from[std::size_t(k)] + 1, to[k]);
      total += to[k];
    }
    if (!(total > 0))
      raise<DataError>("{}: row {} belongs to no component: one share above 0 at least", path,
                       i + 1);
    for (std::int64_t k = 0; k < components; ++k) to[k] /= total;
  }
  return out;
}

}  // namespace fathom
