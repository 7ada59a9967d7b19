#include "fathom/jobs/column_data.h"

#include <algorithm>
#include <cmath>

#include "fathom/climb/start.h"

namespace fathom {

ColumnMixtureConfig column_config(const TableMoments& m, const ColumnGroups& groups, bool missing) {
  ColumnMixtureConfig c;
  c.bits = std::int64_t(groups.bits.size());
  c.counts = std::int64_t(groups.counts.size());
  c.levels = groups.levels;
  c.missing = missing;
  if (const auto d = std::int64_t(groups.real.size()); d > 0) {
    c.real.mean = Array(DType::f64, Shape{d});
    c.real.inverse_scale = Array(DType::f64, Shape{d, d});
    c.real.dof = 2;
    for (std::int64_t j = 0; j < d; ++j) {
      const auto from = std::int64_t(groups.real[std::size_t(j)]);
      c.real.mean.data<double>()[j] = m.at(from);
      c.real.inverse_scale.data<double>()[j * d + j] = m.at(from, from);
    }
  }
  if (c.counts > 0) {
    c.rates = Array(DType::f64, Shape{c.counts});
    for (std::int64_t j = 0; j < c.counts; ++j)
      c.rates.data<double>()[j] =
          1 / std::max(m.at(std::int64_t(groups.counts[std::size_t(j)])), 1e-3);
  }
  return c;
}

void add_column_data(const TableRows& rows, const ColumnGroups& groups, DataSet& set) {
  const auto add = [&](const std::string& name, const Array& a) {
    set.columns[name] = rows.streamed ? a : a.made();
  };
  const auto columns = [&](const char* name, const std::vector<std::size_t>& of) {
    if (!of.empty()) add(name, rows.x.columns({of.begin(), of.end()}));
  };
  columns("real", groups.real);
  columns("bits", groups.bits);
  columns("counts", groups.counts);
  for (std::size_t j = 0; j < groups.categories.size(); ++j)  // of a missing one, zeros
    add(fmt::format("level.{}", j), rows.x.indicators(int(groups.categories[j]), groups.levels[j]));
}

Array column_features(const DataSet& set) {
  const std::int64_t n = set.rows;
  std::vector<Array> parts;
  std::int64_t width = 0;
  for (const auto& [name, a] : set.columns) {
    if (name == "weight" || name == "begins" || name.starts_with("choice")) continue;
    parts.push_back(filled_with_means(a));
    if (name == "counts")
      for (std::int64_t i = 0; i < a.size(); ++i)
        parts.back().data<double>()[i] = std::sqrt(parts.back().data<double>()[i]);
    width += a.shape().extent(1);
  }
  Array out(DType::f64, Shape{n, width});
  std::int64_t at = 0;
  for (const Array& p : parts) {
    const std::int64_t k = p.shape().extent(1);
    for (std::int64_t i = 0; i < n; ++i)
      std::copy_n(p.data<double>() + i * k, k, out.data<double>() + i * width + at);
    at += k;
  }
  return out;
}

}  // namespace fathom
