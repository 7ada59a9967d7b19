#include "fathom/jobs/table_checks.h"

#include <algorithm>
#include <cmath>

#include "fathom/jobs/row_blocks.h"

namespace fathom {

namespace {

// One value, or a missing cell on both sides.
bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool equal_columns(const Array& x, std::int64_t a, std::int64_t b) {
  return all_rows(x, [&](std::int64_t, const double* row) { return same(row[a], row[b]); });
}

bool constant_column(const Array& x, std::int64_t j) {
  double first = NAN;
  return all_rows(x, [&](std::int64_t, const double* row) {
    if (std::isnan(first)) first = row[j];
    return std::isnan(row[j]) || row[j] == first;
  });
}

// Counts of cells, and of rows, for which `says` holds; the first of them.
struct Found {
  std::int64_t count = 0, first = -1;
  void add(std::int64_t place) {
    if (count++ == 0) first = place;
  }
};

std::string count_of(std::int64_t count, const std::string& thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

}  // namespace

bool check_cells(const Array& x, const std::vector<std::string>& columns, bool accepted,
                 const std::string& path) {
  const auto d = std::int64_t(columns.size());
  Found missing, infinite;
  each_row(x, [&](std::int64_t i, const double* row) {
    for (std::int64_t j = 0; j < d; ++j) {
      if (std::isnan(row[j])) {
        missing.add(i * d + j);
      } else if (std::isinf(row[j])) {
        infinite.add(i * d + j);
      }
    }
  });
  const auto place = [&](const Found& f) {
    return fmt::format("the first in row {}, column \"{}\"", f.first / d + 1,
                       columns[std::size_t(f.first % d)]);
  };
  if (infinite.count > 0)
    raise<DataError>("{}: {}, {}: no density is finite there; empty cells count as missing", path,
                     count_of(infinite.count, "infinite value"), place(infinite));
  if (missing.count > 0 && !accepted)
    raise<DataError>(
        "{}: {}, {}: this model needs complete data; drop those rows or columns, or fill them in",
        path, count_of(missing.count, "missing cell"), place(missing));
  return missing.count > 0;
}

void check_columns(const Array& x, const TableFormat& format, const TableMoments& m,
                   const std::string& path) {
  const std::vector<std::string>& columns = format.columns;
  const std::int64_t d = m.width();
  if (m.rows < 2) raise<DataError>("{}: one row: a covariance needs two", path);
  std::string constant;
  int constants = 0;
  for (std::int64_t j = 0; j < d; ++j) {
    if (!format.is_real(std::size_t(j)) || m.sd(j) > 1e-9 * std::abs(m.at(j)) ||
        !constant_column(x, j))
      continue;
    if (constants++ < 40) constant += (constant.empty() ? "" : ",") + columns[std::size_t(j)];
  }
  if (constants > 0)
    raise<DataError>("{}: {} constant, and no density is finite there: leave {} out with --drop {}",
                     path,
                     constants == 1 ? "column \"" + constant + "\" is"
                                    : fmt::format("{} columns are", constants),
                     constants == 1 ? "it" : "them", constant);
  for (std::int64_t a = 0; a < d; ++a)
    for (std::int64_t b = a + 1; b < d; ++b)
      if (std::abs(m.sd(a) - m.sd(b)) <= 1e-9 * m.sd(a) && equal_columns(x, a, b))
        raise<DataError>(
            "{}: columns \"{}\" and \"{}\" are the same: leave one of them out with --drop", path,
            columns[std::size_t(a)], columns[std::size_t(b)]);
}

void note_rows(const TableRows& rows, const TableFormat& format, bool guessed, const Note& note) {
  const std::int64_t d = format.width();
  if (guessed && !format.kinds.empty()) {
    std::string text;
    for (std::size_t j = 0; j < std::size_t(std::min<std::int64_t>(d, 20)); ++j)
      text += fmt::format(
          "{}{} {}{}", j == 0 ? "" : ", ", format.columns[j], format.kinds[j],
          format.levels[j].empty() ? "" : fmt::format(" ({} levels)", format.levels[j].size()));
    note(fmt::format("kinds of columns: {}{}; --kind says otherwise", text, d > 20 ? ", ..." : ""));
  }
  if (format.missing && !format.target.empty()) {
    std::int64_t unknown = 0;
    each_row(rows.x, [&](std::int64_t, const double* row) { unknown += std::isnan(row[d - 1]); });
    if (unknown > 0)
      note(fmt::format("{} without a \"{}\": {} left out", count_of(unknown, "row"), format.target,
                       unknown == 1 ? "it is" : "they are"));
  } else if (format.missing) {
    std::int64_t cells = 0;
    Found empty;
    each_row(rows.x, [&](std::int64_t i, const double* row) {
      const std::int64_t gone = std::count_if(row, row + d, [](double c) { return std::isnan(c); });
      cells += gone;
      if (gone == d) empty.add(i);
    });
    note(fmt::format("{} of {} cells are missing; the model integrates over them", cells,
                     rows.x.size()));
    if (empty.count > 0)
      note(fmt::format("{} without any cell, the first is row {}: nothing is learned from {}",
                       count_of(empty.count, "row"), empty.first + 1,
                       empty.count == 1 ? "it" : "them"));
  }
  if (rows.weights.size() > 0)
    note(fmt::format("rows count as often as column \"{}\" says, {:g} in total", format.weights,
                     rows.total()));
  if (!rows.components.empty()) {
    const auto known =
        std::count_if(rows.components.begin(), rows.components.end(), [](int k) { return k >= 0; });
    note(fmt::format("column \"{}\" says the component of {} of {} rows", format.labels, known,
                     rows.count()));
  }
}

}  // namespace fathom
