#include "fathom/jobs/coded_columns.h"

#include <algorithm>
#include <cmath>

#include "fathom/jobs/row_blocks.h"

namespace fathom {

namespace {

bool is_category(const std::string& kind) { return kind == "category"; }

void check_coding(const TableFormat& f, const std::string& path) {
  for (std::size_t j = 0; j < f.columns.size(); ++j) {
    const std::string& name = f.columns[j];
    if (f.kinds[j] != "real" && !is_category(f.kinds[j]))
      raise<ConfigError>("--kind {}={}: columns of a regression are real or category", f.kinds[j],
                         name);
    if (!is_category(f.kinds[j])) continue;
    if (name == f.target)
      raise<DataError>(
          "{}: the target \"{}\" holds categories, such as \"{}\", and a regression explains "
          "numbers: write one as 1 and the others as 0 for --likelihood bernoulli",
          path, name, f.levels[j].empty() ? "" : f.levels[j].front());
    if (f.levels[j].size() == 1)
      raise<DataError>(
          "{}: column \"{}\" is constant, all its cells are \"{}\": leave it out with --drop {}",
          path, name, f.levels[j].front(), name);
  }
}

}  // namespace

void code_categories(TableFormat& f, Array& x, const std::string& path) {
  check_coding(f, path);
  if (std::none_of(f.kinds.begin(), f.kinds.end(), is_category)) {
    f.kinds.clear();
    f.levels.clear();
    return;
  }
  f.file_columns = std::move(f.columns);
  f.file_kinds = std::move(f.kinds);
  f.file_levels = std::move(f.levels);
  f.columns.clear();
  f.kinds.clear();
  f.levels.clear();
  struct From {
    std::size_t column;
    std::size_t level;  // 0: the number itself
  };
  std::vector<From> from;
  for (std::size_t j = 0; j < f.file_columns.size(); ++j) {
    const std::vector<std::string>& levels = f.file_levels[j];
    if (!is_category(f.file_kinds[j])) {
      from.push_back({j, 0});
      f.columns.push_back(f.file_columns[j]);
    }
    for (std::size_t k = 1; k < levels.size(); ++k) {
      from.push_back({j, k});
      f.columns.push_back(f.file_columns[j] + "=" + levels[k]);
    }
  }
  each_row(x, [&](std::int64_t i, const double* row) {
    for (std::size_t j = 0; j < f.file_columns.size(); ++j)
      if (is_category(f.file_kinds[j]) && std::isnan(row[j]))
        raise<DataError>(
            "{}: row {}, column \"{}\": a category that is missing has no code: leave the row out, "
            "or the column with --drop {}",
            path, i + 1, f.file_columns[j], f.file_columns[j]);
  });
  std::vector<int> places;
  std::vector<StoredLevels> codes;
  for (const From& c : from) {
    places.push_back(int(c.column));
    StoredLevels& code = codes.emplace_back();
    for (std::size_t k = 0; c.level > 0 && k < f.file_levels[c.column].size(); ++k) {
      code.stored.push_back(double(k));
      code.level.push_back(k == c.level ? 1 : 0);
    }
  }
  x = x.columns(places).with_levels(codes);
}

TableFormat format_of_file(const TableFormat& format) {
  TableFormat f = format;
  if (!format.coded()) return f;
  f.columns = format.file_columns;
  f.kinds = format.file_kinds;
  f.levels = format.file_levels;
  return f;
}

void note_coding(const TableFormat& f, const Note& note) {
  for (std::size_t j = 0; j < f.file_columns.size(); ++j) {
    if (!is_category(f.file_kinds[j])) continue;
    const std::vector<std::string>& levels = f.file_levels[j];
    const std::size_t shown = std::min<std::size_t>(levels.size(), 6);
    note(fmt::format("column \"{}\" holds categories, coded as 0 and 1: {}{}, {}compared with {}",
                     f.file_columns[j],
                     fmt::join(levels.begin() + 1, levels.begin() + std::ptrdiff_t(shown), ", "),
                     shown < levels.size() ? ", ..." : "", levels.size() > 2 ? "each " : "",
                     levels.front()));
  }
}

}  // namespace fathom
