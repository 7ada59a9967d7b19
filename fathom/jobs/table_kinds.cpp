#include "fathom/jobs/table_kinds.h"

#include <algorithm>
#include <cmath>

#include "fathom/jobs/row_blocks.h"

namespace fathom {

namespace {

// What codes, places among `names`, stand for.
StoredLevels levels_of_codes(const std::vector<std::string>& names,
                             const std::vector<std::string>& levels) {
  std::map<std::string, double> place;
  for (std::size_t l = 0; l < levels.size(); ++l) place[levels[l]] = double(l);
  StoredLevels out;
  for (std::size_t code = 0; code < names.size(); ++code)
    if (const auto found = place.find(names[code]); found != place.end()) {
      out.stored.push_back(double(code));
      out.level.push_back(found->second);
    }
  return out;
}

// The same of numbers, which levels are the text of.
StoredLevels levels_of_numbers(const std::vector<std::string>& levels) {
  std::map<double, double> place;
  for (std::size_t l = 0; l < levels.size(); ++l)
    if (const std::optional<double> v = number_of(levels[l])) place.emplace(*v, double(l));
  StoredLevels out;
  for (const auto& [number, level] : place) {
    out.stored.push_back(number);
    out.level.push_back(level);
  }
  return out;
}

std::vector<std::string> texts_of(const std::set<double>& numbers) {
  std::vector<std::string> out;
  for (const double v : numbers) out.push_back(fmt::format("{}", v));
  return out;
}

// Throws where a cell of a category is none of its levels.
void check_seen(const Array& x, const TableFormat& f, const std::vector<StoredLevels>& stored,
                const std::map<int, std::vector<std::string>>& coded, const std::string& path) {
  each_row(x, [&](std::int64_t i, const double* row) {
    for (std::size_t j = 0; j < stored.size(); ++j) {
      if (f.kinds[j] != name_of(ColumnKind::category)) continue;
      if (std::isnan(row[j]) || !std::isnan(stored[j].of(row[j]))) continue;
      const auto names = coded.find(f.places[j]);
      raise<DataError>(
          "{}: row {}, column \"{}\" is \"{}\", which the fit has not seen; it knows {}", path,
          i + 1, f.columns[j],
          names == coded.end() ? fmt::format("{}", row[j]) : names->second.at(std::size_t(row[j])),
          fmt::join(f.levels[j], ", "));
    }
  });
}

}  // namespace

std::map<int, ColumnKind> known_kinds(const TableNeeds& needs, const TableFormat* fitted,
                                      const std::vector<int>& places,
                                      const std::vector<std::string>& names,
                                      const std::string& path) {
  if (!fitted || fitted->kinds.empty()) return declared_kinds(needs.kind, names, path);
  std::map<int, ColumnKind> kinds;
  for (std::size_t j = 0; j < places.size() && j < fitted->kinds.size(); ++j)
    kinds[places[j]] = kind_named(fitted->kinds[j]);
  return kinds;
}

std::vector<int> category_places(const std::vector<int>& places, const TableHead& head,
                                 const std::map<int, ColumnKind>& known) {
  std::vector<int> out;
  for (const int place : places) {
    const auto kind = known.find(place);
    if (kind != known.end() ? kind->second == ColumnKind::category : head.text[std::size_t(place)])
      out.push_back(place);
  }
  return out;
}

void settle_kinds(Array& x, TableFormat& f, const std::map<int, ColumnKind>& known,
                  const std::map<int, std::vector<std::string>>& coded, bool guess,
                  const TableFormat* fitted, const std::string& path) {
  const std::size_t d = f.places.size();
  const auto kind_of = [&](std::size_t j, const ColumnLook* look) {
    const auto kind = known.find(f.places[j]);
    return kind != known.end()           ? kind->second
           : coded.contains(f.places[j]) ? ColumnKind::category
           : look && guess               ? look->guess()
                                         : ColumnKind::real;
  };
  std::vector<bool> different(d);
  for (std::size_t j = 0; j < d; ++j)
    different[j] = kind_of(j, nullptr) == ColumnKind::category && !coded.contains(f.places[j]);
  const std::vector<ColumnLook> looks = look_at_columns(x, different);
  std::vector<StoredLevels> stored(d);
  bool categories = false;
  for (std::size_t j = 0; j < d; ++j) {
    const ColumnKind k = kind_of(j, &looks[j]);
    f.kinds.emplace_back(name_of(k));
    f.levels.emplace_back();
    looks[j].check(k, f.columns[j], path);
    if (k != ColumnKind::category) continue;
    const auto text = coded.find(f.places[j]);
    f.levels[j] = fitted                ? fitted->levels.at(j)
                  : text != coded.end() ? levels_of(text->second)
                                        : levels_of(texts_of(looks[j].different));
    if (!fitted && f.levels[j].size() > 20 &&
        std::int64_t(f.levels[j].size()) == x.shape().extent(0))
      raise<DataError>(
          "{}: all cells of column \"{}\" differ, so that it says nothing of groups: --ids \"{}\" "
          "names "
          "rows by it, --drop \"{}\" leaves it out",
          path, f.columns[j], f.columns[j], f.columns[j]);
    check_levels(f.levels[j], f.columns[j], path);
    stored[j] = text != coded.end() ? levels_of_codes(text->second, f.levels[j])
                                    : levels_of_numbers(f.levels[j]);
    categories = true;
  }
  if (!categories) return;
  if (fitted) check_seen(x, f, stored, coded, path);
  x = x.with_levels(std::move(stored));
}

}  // namespace fathom
