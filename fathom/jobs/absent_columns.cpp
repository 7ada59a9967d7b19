#include "fathom/jobs/absent_columns.h"

namespace fathom {

TableRows rows_with_absent(const std::string& path, const TableConfig& config,
                           const TableFormat& format, const std::vector<char>& here,
                           TableNeeds needs, Workers& workers, const Note& note) {
  TableFormat part = format;
  part.columns.clear(), part.places.clear(), part.shift.clear(), part.scale.clear();
  part.kinds.clear(), part.levels.clear();
  for (std::size_t j = 0; j < here.size(); ++j) {
    if (!here[j]) continue;
    part.columns.push_back(format.columns[j]);
    part.places.push_back(format.places[j]);
    part.shift.push_back(format.shift[j]);
    part.scale.push_back(format.scale[j]);
    if (!format.kinds.empty()) part.kinds.push_back(format.kinds[j]);
    if (!format.levels.empty()) part.levels.push_back(format.levels[j]);
  }
  needs.absent = false;
  TableRows rows = load_table_rows(path, config, part, needs, workers, {}, note);
  std::vector<int> columns;
  int from = 0;
  for (const char has : here) columns.push_back(has ? from++ : RowRecipe::kMissing);
  rows.x = rows.streamed ? rows.x.columns(columns) : rows.x.columns(columns).made();
  rows.missing = true;
  return rows;
}

}  // namespace fathom
