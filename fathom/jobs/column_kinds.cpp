#include "fathom/jobs/column_kinds.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "fathom/base/error.h"
#include "fathom/jobs/nearest.h"
#include "fathom/jobs/table_roles.h"

namespace fathom {

namespace {

constexpr std::string_view kKinds[] = {"real", "binary", "count", "category"};
constexpr double kMostCounts = 20;  // the mean above which whole numbers are taken for real
constexpr std::size_t kMostLevels = 1000;

bool number_of(const std::string& cell, double& value) {
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc() && end == cell.data() + cell.size();
}

}  // namespace

std::string_view name_of(ColumnKind kind) { return kKinds[std::size_t(kind)]; }

ColumnKind kind_named(const std::string& name) {
  const auto found = std::find(std::begin(kKinds), std::end(kKinds), name);
  if (found == std::end(kKinds))
    raise<ConfigError>("--kind \"{}\": one of {}, as in --kind \"count=a,b real=c\"", name,
                       fmt::join(kKinds, ", "));
  return ColumnKind(found - std::begin(kKinds));
}

std::map<int, ColumnKind> declared_kinds(const std::string& text,
                                         const std::vector<std::string>& names,
                                         const std::string& path) {
  std::map<int, ColumnKind> kinds;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" ;", at), text.size());
    const std::string part = text.substr(at, end - at);
    at = end + 1;
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos)
      raise<ConfigError>("--kind \"{}\": say which columns, as in --kind \"count=a,b real=c\"",
                         part);
    const ColumnKind kind = kind_named(part.substr(0, equals));
    for (const std::string& name : split_names(part.substr(equals + 1)))
      if (!kinds.emplace(role_place("kind", name, names, path), kind).second)
        raise<ConfigError>("{}: --kind names column \"{}\" twice", path, name);
  }
  return kinds;
}

ColumnKind guessed_kind(const Array& x, std::int64_t column) {
  const std::int64_t n = x.shape().extent(0), d = x.size() / n;
  double total = 0, most = 0;
  std::int64_t seen = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double v = x.data<double>()[i * d + column];
    if (std::isnan(v)) continue;
    if (v < 0 || v != std::floor(v)) return ColumnKind::real;
    total += v;
    most = std::max(most, v);
    ++seen;
  }
  if (most <= 1) return ColumnKind::binary;
  return total < kMostCounts * double(seen) ? ColumnKind::count : ColumnKind::real;
}

void check_kind(const Array& x, std::int64_t column, ColumnKind kind, const std::string& name,
                const std::string& path) {
  if (kind == ColumnKind::real || kind == ColumnKind::category) return;
  const std::int64_t n = x.shape().extent(0), d = x.size() / n;
  for (std::int64_t i = 0; i < n; ++i) {
    const double v = x.data<double>()[i * d + column];
    if (std::isnan(v)) continue;
    const bool fits = kind == ColumnKind::binary ? v == 0 || v == 1 : v >= 0 && v == std::floor(v);
    if (!fits)
      raise<DataError>(
          "{}: row {}, column \"{}\" is {:g}: {}; --kind real={} takes it for a real number", path,
          i + 1, name, v,
          kind == ColumnKind::binary ? "a binary column holds 0 and 1"
                                     : "counts are whole numbers from 0",
          name);
  }
}

std::vector<std::string> levels_of(const std::vector<std::string>& cells) {
  std::vector<std::string> levels;
  for (const std::string& cell : cells)
    if (!is_missing(cell)) levels.push_back(cell);
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  double value = 0;
  if (std::all_of(levels.begin(), levels.end(),
                  [&](const std::string& l) { return number_of(l, value); }))
    std::sort(levels.begin(), levels.end(), [](const std::string& a, const std::string& b) {
      double x = 0, y = 0;
      number_of(a, x);
      number_of(b, y);
      return x < y;
    });
  return levels;
}

void write_levels(const std::vector<std::string>& cells, const std::vector<std::string>& levels,
                  Array& x, std::int64_t column, const std::string& name, const std::string& path) {
  if (levels.size() > kMostLevels)
    raise<DataError>(
        "{}: column \"{}\" has {} different values: too many to be categories; leave it out with "
        "--drop \"{}\", or name rows by it with --ids",
        path, name, levels.size(), name);
  std::map<std::string, double> place;
  const std::int64_t n = x.shape().extent(0), d = x.size() / n;
  for (std::size_t i = 0; i < levels.size(); ++i) place[levels[i]] = double(i);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::string& cell = cells[std::size_t(i)];
    const auto found = place.find(cell);
    if (found == place.end() && !is_missing(cell))
      raise<DataError>(
          "{}: row {}, column \"{}\" is \"{}\", which the fit has not seen; it knows {}", path,
          i + 1, name, cell, fmt::join(levels, ", "));
    x.data<double>()[i * d + column] = found == place.end() ? NAN : found->second;
  }
}

std::vector<std::string> cells_of_column(const Array& x, std::int64_t column) {
  const std::int64_t n = x.shape().extent(0), d = x.size() / n;
  std::vector<std::string> cells;
  for (std::int64_t i = 0; i < n; ++i) {
    const double v = x.data<double>()[i * d + column];
    cells.push_back(std::isnan(v) ? std::string() : fmt::format("{}", v));
  }
  return cells;
}

}  // namespace fathom
