#include "fathom/jobs/table_roles.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "fathom/base/error.h"
#include "fathom/jobs/nearest.h"

namespace fathom {

namespace {

// A whole number from 1 that a component may be called by; 0: it is none.
int component_number(const std::string& label) {
  constexpr int kMost = 1 << 16;
  int number = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), number);
  const bool whole = error == std::errc() && end == label.data() + label.size();
  return whole && number >= 1 && number <= kMost ? number : 0;
}

}  // namespace

std::vector<int> TableRoles::all() const {
  std::vector<int> out;
  for (const int place : {weights, ids, labels, sequence})
    if (place >= 0) out.push_back(place);
  return out;
}

int role_place(const std::string& flag, const std::string& name,
               const std::vector<std::string>& names, const std::string& path) {
  if (name.empty()) return -1;
  const auto named = std::find(names.begin(), names.end(), name);
  if (named != names.end()) return int(named - names.begin());
  const int number = component_number(name);
  if (number == 0)
    raise<ConfigError>("{}: --{}: there is no column \"{}\"{}", path, flag, name,
                       meant(name, names));
  if (number > int(names.size()))
    raise<ConfigError>("{}: --{} {}: columns are numbered from 1 to {}", path, flag, number,
                       names.size());
  return number - 1;
}

void check_weights(const Array& weights, const std::string& column, const std::string& path) {
  const double* w = weights.data<double>();
  double total = 0;
  for (std::int64_t i = 0; i < weights.size(); ++i) {
    if (!std::isfinite(w[i]) || w[i] < 0)
      raise<DataError>("{}: row {} has the weight {} in column \"{}\": weights are numbers from 0",
                       path, i + 1, std::isnan(w[i]) ? "NaN" : fmt::format("{:g}", w[i]), column);
    total += w[i];
  }
  if (total == 0)
    raise<DataError>("{}: all weights in column \"{}\" are zero: no row counts", path, column);
  if (total < 2)
    raise<DataError>(
        "{}: the weights in column \"{}\" add up to {:g}; a row counts as often as its weight "
        "says, "
        "and a spread needs two rows: multiply them, such that they add up to the rows there are",
        path, column, total);
}

bool is_missing(const std::string& cell) {
  static constexpr std::string_view kMissing[] = {"",    "NA",   "N/A",  "NaN",
                                                  "nan", "null", "NULL", "?"};
  return std::find(std::begin(kMissing), std::end(kMissing), cell) != std::end(kMissing);
}

std::vector<std::string> classes_of(const RowTexts& labels) {
  std::set<std::string> different;
  for (std::int64_t i = 0; i < labels.size(); ++i)
    if (std::string label = labels[i]; !is_missing(label)) different.insert(std::move(label));
  int largest = 0;
  bool numbers = true;
  for (const std::string& label : different) {
    const int number = component_number(label);
    numbers = numbers && number > 0;
    largest = std::max(largest, number);
  }
  if (!numbers) return {different.begin(), different.end()};
  std::vector<std::string> classes;
  for (int k = 1; k <= largest; ++k) classes.push_back(std::to_string(k));
  return classes;
}

std::vector<int> components_of_labels(const RowTexts& labels,
                                      const std::vector<std::string>& classes, std::int64_t count,
                                      const std::string& column) {
  std::map<std::string, int> places;
  for (std::size_t k = 0; k < classes.size(); ++k) places.emplace(classes[k], int(k));
  std::vector<int> out(std::size_t(labels.size()), -1);
  for (std::int64_t i = 0; i < labels.size(); ++i) {
    const std::string label = labels[i];
    if (is_missing(label)) continue;
    const auto at = places.find(label);
    if (at == places.end() || at->second >= count)
      raise<DataError>(
          "row {}: the label \"{}\" in column \"{}\" names no component: there are {}; "
          "--components "
          "{} has one for each label",
          i + 1, label, column, count, classes.size());
    out[std::size_t(i)] = at->second;
  }
  return out;
}

}  // namespace fathom
