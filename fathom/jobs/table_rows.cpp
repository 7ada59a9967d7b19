// Rows of a table in parts, and what is summed over them.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "fathom/jobs/row_blocks.h"
#include "fathom/jobs/table_data.h"

namespace fathom {

double TableFormat::log_scale() const {
  double s = 0;
  for (double v : scale) s += std::log(v);
  return s;
}

double TableFormat::log_scale(const double* row) const {
  double s = 0;
  for (std::size_t j = 0; j < scale.size(); ++j)
    if (!std::isnan(row[j])) s += std::log(scale[j]);
  return s;
}

double TableFormat::log_scale(const TableRows& rows) const {
  if (!missing) return log_scale();
  const double* w = rows.weights.size() > 0 ? rows.weights.data<double>() : nullptr;
  double s = 0;
  each_row(rows.x,
           [&](std::int64_t i, const double* row) { s += (w ? w[i] : 1) * log_scale(row); });
  return s / rows.total();
}

double TableRows::total() const {
  if (weights.size() == 0) return double(count());
  const auto w = weights.values<double>();
  return std::accumulate(w.begin(), w.end(), 0.0);
}

Array in_file_units(const Array& rows, const TableFormat& f) {
  Array out = rows.copy();
  const std::int64_t d = f.width();
  for (std::int64_t i = 0; i < out.size(); ++i) {
    const auto j = std::size_t(i % d);
    out.data<double>()[i] = out.data<double>()[i] * f.scale[j] + f.shift[j];
  }
  return out;
}

Array in_model_units(const Array& rows, const TableFormat& f) {
  Array out = rows.copy();
  const std::int64_t d = f.width();
  for (std::int64_t i = 0; i < out.size(); ++i) {
    const auto j = std::size_t(i % d);
    out.data<double>()[i] = (out.data<double>()[i] - f.shift[j]) / f.scale[j];
  }
  return out;
}

TableRows held_rows(const TableRows& rows) {
  TableRows all = rows;
  all.x = rows.x.made();
  all.streamed = false;
  return all;
}

TableRows even_rows(const TableRows& rows, std::int64_t most) {
  const std::int64_t n = rows.count();
  if (n <= most) return held_rows(rows);
  std::vector<std::int64_t> places(std::size_t(most), 0);
  for (std::int64_t i = 0; i < most; ++i) places[std::size_t(i)] = i * n / most;
  return chosen_rows(rows, places);
}

TableRows chosen_rows(const TableRows& rows, std::span<const std::int64_t> places) {
  const auto n = std::int64_t(places.size());
  TableRows out;
  // Rows [places, width] of an array.
  const auto chosen = [&](const Array& from) {
    const std::int64_t d = from.size() / rows.count();
    Array to(DType::f64, Shape{n, d});
    for (std::int64_t i = 0; i < n; ++i) {
      const Array row = from.part(places[std::size_t(i)], 1).made();
      std::copy_n(row.data<double>(), d, to.data<double>() + i * d);
    }
    return to;
  };
  out.x = chosen(rows.x);
  if (rows.weights.size() > 0) out.weights = chosen(rows.weights).reshaped(Shape{n});
  out.labels = rows.labels.chosen(places);
  out.ids = rows.ids.chosen(places);
  if (!rows.components.empty())
    for (const std::int64_t i : places) out.components.push_back(rows.components[std::size_t(i)]);
  out.missing = rows.missing;
  if (rows.start.size() > 0) out.start = chosen(rows.start);
  return out;
}

}  // namespace fathom
