#include "fathom/jobs/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "fathom/io/bytes.h"
#include "fathom/io/npy.h"
#include "fathom/jobs/rows_file.h"

namespace fathom {

std::string quoted(std::string cell) {
  if (cell.find_first_of(",;\t|\"\r\n ") == std::string::npos) return cell;
  for (std::size_t at = 0; (at = cell.find('"', at)) != std::string::npos; at += 2)
    cell.insert(at, 1, '"');
  return '"' + cell + '"';
}

std::string TextTable::csv(bool header) const {
  std::string out = id_name.empty() ? "" : quoted(id_name) + ",";
  for (const std::string& name : names) out += quoted(name) + ",";
  out.back() = '\n';
  if (!header) out.clear();
  const std::size_t width = names.size();
  const std::int64_t n = values.shape().extent(0);
  for (std::int64_t i = 0; i < n; ++i) {
    if (!id_name.empty()) out += quoted(ids[std::size_t(i)]) + ",";
    for (std::size_t j = 0; j < width; ++j) {
      const double v = values.data<double>()[std::size_t(i) * width + j];
      if (j < levels.size() && !levels[j].empty()) {
        if (!std::isnan(v)) out += quoted(levels[j].at(std::size_t(v)));
      } else if (!std::isnan(v)) {
        fmt::format_to(std::back_inserter(out), "{}", v);
      }
      out += j + 1 < width ? ',' : '\n';
    }
  }
  return out;
}

void write_table(const std::string& path, const TextTable& table) {
  check_rows_file(path, {});
  if (path.ends_with(".npy")) {
    write_npy(path, table.values);
  } else {
    write_atomically(path, table.csv());
  }
}

TableSink::TableSink(const std::string& path, std::int64_t rows, bool keep)
    : path_(path), rows_(rows), keep_(keep) {
  if (path.empty()) return;
  check_rows_file(path, {});
  if (!path.ends_with(".npy")) csv_.emplace(path);
}

void TableSink::take(const TextTable& block) {
  const std::int64_t n = block.values.shape().extent(0), width = block.values.shape().extent(1);
  if (taken_ == 0) {
    kept_.id_name = block.id_name;
    kept_.names = block.names;
    kept_.levels = block.levels;
    if (keep_) kept_.values = Array(DType::f64, Shape{rows_, width});
    if (!path_.empty() && !csv_) npy_.emplace(path_, DType::f64, width);
  }
  if (npy_) npy_->write(block.values);
  if (csv_) csv_->write(block.csv(taken_ == 0));
  if (keep_) {
    std::copy_n(block.values.data<double>(), block.values.size(),
                kept_.values.data<double>() + taken_ * width);
    kept_.ids.insert(kept_.ids.end(), block.ids.begin(), block.ids.end());
  }
  taken_ += n;
}

TextTable TableSink::finish() {
  if (npy_) npy_->commit();
  if (csv_) csv_->commit();
  return std::move(kept_);
}

}  // namespace fathom
