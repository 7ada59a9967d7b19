#include "fathom/jobs/sequences.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "fathom/jobs/table_roles.h"
#include "fathom/kernels/rng.h"
#include "fathom/kernels/sequences.h"

namespace fathom {

std::vector<RowRange> sequences_of(const Array& begins, std::int64_t rows) {
  std::vector<RowRange> all;
  if (begins.size() == 0) {
    if (rows > 0) all.push_back({0, rows});
    return all;
  }
  kernels::each_sequence(begins.data<double>(), rows, [&](std::int64_t first, std::int64_t last) {
    all.push_back({first, last});
  });
  return all;
}

Array marks_of(const TableRows& rows) {
  if (rows.begins.size() > 0) return rows.begins;
  Array one(DType::f64, Shape{rows.count()});
  if (one.size() > 0) one.data<double>()[0] = 1;
  return one;
}

Array begins_of(const RowTexts& ids, const std::string& column) {
  Array out(DType::f64, Shape{ids.size()});
  std::unordered_map<std::string, std::int64_t> seen;
  for (const std::int64_t i : ids.changes()) {
    const std::string id = ids[i];
    if (is_missing(id))
      raise<DataError>("row {}: the name of its sequence is missing in column \"{}\"", i + 1,
                       column);
    out.data<double>()[i] = 1;
    const auto [before, fresh] = seen.try_emplace(id, i + 1);
    if (!fresh)
      raise<DataError>(
          "row {}: sequence \"{}\" of column \"{}\" goes on after another one; it began in row {}: "
          "sort the rows by sequence, then by time",
          i + 1, id, column, before->second);
  }
  return out;
}

void check_sequence_weights(const Array& weights, const Array& begins, const std::string& column) {
  const double* w = weights.data<double>();
  for (const auto& [first, last] : sequences_of(begins, weights.size()))
    for (std::int64_t i = first + 1; i < last; ++i)
      if (w[i] != w[i - 1])
        raise<DataError>(
            "row {}: its weight {:g} in column \"{}\" differs from that of the row before, {:g}: "
            "all rows of a sequence count alike",
            i + 1, w[i], column, w[i - 1]);
}

TableRows some_sequences(const TableRows& rows, std::int64_t most, Key key) {
  const std::vector<RowRange> all = sequences_of(rows);
  std::vector<double> u(all.size(), 0.0);
  kernels::fill_uniform(key, nullptr, 0, std::int64_t(u.size()), 1, u.data());
  std::vector<std::size_t> order(u.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return u[a] < u[b]; });
  std::vector<std::int64_t> places, begins;
  for (const std::size_t s : order) {
    const std::int64_t room = most - std::int64_t(places.size()),
                       length = all[s].last - all[s].first;
    if (room <= 0) break;
    std::int64_t from = all[s].first;
    if (length > most) from += std::int64_t(u[s] * double(length - most));
    begins.push_back(std::int64_t(places.size()));
    for (std::int64_t i = 0; i < std::min(room, length); ++i) places.push_back(from + i);
  }
  TableRows out = chosen_rows(rows, places);
  out.begins = Array(DType::f64, Shape{std::int64_t(places.size())});
  for (const std::int64_t b : begins) out.begins.data<double>()[b] = 1;
  return out;
}

}  // namespace fathom
