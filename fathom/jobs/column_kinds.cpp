#include "fathom/jobs/column_kinds.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "fathom/base/error.h"
#include "fathom/jobs/nearest.h"
#include "fathom/jobs/row_blocks.h"
#include "fathom/jobs/table_roles.h"

namespace fathom {

namespace {

constexpr std::string_view kKinds[] = {"real", "binary", "count", "category"};
constexpr double kMostCounts = 20;  // the mean above which whole numbers are taken for real
constexpr std::size_t kMostLevels = 1000;

}  // namespace

std::optional<double> number_of(const std::string& cell) {
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  const bool whole = error == std::errc() && end == cell.data() + cell.size();
  return whole ? std::optional(value) : std::nullopt;
}

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

ColumnKind ColumnLook::guess() const {
  if (no_count.row >= 0) return ColumnKind::real;
  if (most <= 1) return ColumnKind::binary;
  return total < kMostCounts * double(seen) ? ColumnKind::count : ColumnKind::real;
}

void ColumnLook::check(ColumnKind kind, const std::string& name, const std::string& path) const {
  if (kind == ColumnKind::real || kind == ColumnKind::category) return;
  const Place& wrong = kind == ColumnKind::binary ? no_bit : no_count;
  if (wrong.row < 0) return;
  raise<DataError>(
      "{}: row {}, column \"{}\" is {:g}: {}; --kind real={} takes it for a real number", path,
      wrong.row + 1, name, wrong.value,
      kind == ColumnKind::binary ? "a binary column holds 0 and 1"
                                 : "counts are whole numbers from 0",
      name);
}

std::vector<ColumnLook> look_at_columns(const Array& x, const std::vector<bool>& different) {
  std::vector<ColumnLook> out(different.size());
  each_row(x, [&](std::int64_t i, const double* row) {
    for (std::size_t j = 0; j < out.size(); ++j) {
      const double v = row[j];
      if (std::isnan(v)) continue;
      ColumnLook& c = out[j];
      if (c.no_bit.row < 0 && v != 0 && v != 1) c.no_bit = {i, v};
      if (c.no_count.row < 0 && (v < 0 || v != std::floor(v))) c.no_count = {i, v};
      c.total += v;
      c.most = std::max(c.most, v);
      ++c.seen;
      if (different[j] && c.different.size() <= ColumnLook::kMostDifferent) c.different.insert(v);
    }
  });
  return out;
}

std::vector<std::string> levels_of(const std::vector<std::string>& names) {
  std::vector<std::string> levels;
  for (const std::string& name : names)
    if (!is_missing(name)) levels.push_back(name);
  std::sort(levels.begin(), levels.end());
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  if (std::all_of(levels.begin(), levels.end(),
                  [](const std::string& l) { return number_of(l).has_value(); }))
    std::sort(levels.begin(), levels.end(), [](const std::string& a, const std::string& b) {
      return *number_of(a) < *number_of(b);
    });
  return levels;
}

void check_levels(const std::vector<std::string>& levels, const std::string& name,
                  const std::string& path) {
  if (levels.size() <= kMostLevels) return;
  const bool more = levels.size() > ColumnLook::kMostDifferent;
  raise<DataError>(
      "{}: column \"{}\" has {}{} different values: too many to be categories; leave it out with "
      "--drop \"{}\", or name rows by it with --ids",
      path, name, more ? "more than " : "", levels.size() - more, name);
}

}  // namespace fathom
