#include "fathom/jobs/table_columns.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "fathom/io/bytes.h"
#include "fathom/jobs/nearest.h"

namespace fathom {

namespace {

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
  return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
}

std::string unquoted(const std::string& cell) {
  return cell.size() > 1 && cell.front() == '"' && cell.back() == '"'
             ? cell.substr(1, cell.size() - 2)
             : cell;
}

char delimiter_of(const std::string& line) {
  constexpr std::string_view kDelimiters = ",;\t|";
  return *std::max_element(kDelimiters.begin(), kDelimiters.end(), [&](char a, char b) {
    return std::count(line.begin(), line.end(), a) < std::count(line.begin(), line.end(), b);
  });
}

std::vector<std::string> cells_of(const std::string& line, char delimiter) {
  std::vector<std::string> cells;
  for (std::size_t at = 0; at <= line.size();) {
    const std::size_t next = std::min(line.find(delimiter, at), line.size());
    cells.push_back(unquoted(trimmed(line.substr(at, next - at))));
    at = next + 1;
  }
  return cells;
}

// Neither a number nor a missing cell.
bool has_text(const std::string& cell) {
  static constexpr std::string_view kOther[] = {"NA",   "N/A", "NaN", "nan", "null",
                                                "NULL", "?",   "inf", "-inf"};
  return cell.find_first_not_of("+-.0123456789eE") != std::string::npos &&
         std::find(std::begin(kOther), std::end(kOther), cell) == std::end(kOther);
}

bool is_label(const std::string& name) {
  return name == "label" || name == "class" || name == "target";
}

}  // namespace

std::vector<std::string> split_names(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    std::string name = trimmed(text.substr(at, comma - at));
    if (!name.empty()) out.push_back(std::move(name));
    at = comma + 1;
  }
  return out;
}

TableHead head_of(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return {};
  const Bytes bytes = read_unpacked(path, kMostUnpacked, Pages::read_only);
  const char* p = reinterpret_cast<const char*>(bytes.data.get());
  std::string_view text(p, std::min<std::size_t>(bytes.size, 1 << 20));
  if (text.starts_with("PK") || text.starts_with("\x93NUMPY")) return {};
  if (text.substr(0, 4096).find('\0') != std::string_view::npos) return {};
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const auto take = [&] {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
  };
  TableHead h;
  const std::string line = take();
  const char delimiter = delimiter_of(line);
  h.first = cells_of(line, delimiter);
  h.second = cells_of(take(), delimiter);
  h.text.assign(h.first.size(), false);
  std::vector<std::string> cells = h.second;
  for (int i = 0; i < 1000; ++i) {
    for (std::size_t j = 0; j < h.first.size() && cells.size() == h.first.size(); ++j)
      h.text[j] = h.text[j] || has_text(cells[j]);
    if (text.empty()) break;
    cells = cells_of(take(), delimiter);
  }
  // As readers of tables decide it (io/csv.h): text over numbers, or nothing but text.
  bool over = false, numbers = false;
  for (std::size_t j = 0; j < h.first.size(); ++j) {
    const bool text_here = has_text(h.first[j]);
    over |= text_here && (j >= h.second.size() || !has_text(h.second[j]));
    numbers |= !text_here && !h.first[j].empty();
    h.header |= text_here;
  }
  h.header = h.header && (over || !numbers);
  return h;
}

std::string label_among(const TableHead& head, const std::string& label,
                        const std::vector<std::string>& wanted) {
  const std::vector<std::string>& names = head.first;
  if (label == "none" || names.size() < 2 || !head.header) return {};
  if (label != "auto") return label;
  auto found = std::find_if(names.begin(), names.end(), is_label);
  if (found == names.end() && head.second.size() == names.size() &&
      std::count_if(head.second.begin(), head.second.end(), has_text) == 1)
    found = names.begin() +
            (std::find_if(head.second.begin(), head.second.end(), has_text) - head.second.begin());
  if (found == names.end()) return {};
  return std::find(wanted.begin(), wanted.end(), *found) == wanted.end() ? *found : std::string();
}

namespace {

std::vector<int> named_places(const std::vector<std::string>& wanted,
                              const std::vector<std::string>& names, const std::string& path) {
  std::vector<int> places;
  for (const std::string& w : wanted) {
    int place = 0;
    const auto named = std::find(names.begin(), names.end(), w);
    const auto [end, error] = std::from_chars(w.data(), w.data() + w.size(), place);
    if (named != names.end()) {
      place = int(named - names.begin()) + 1;
    } else if (error != std::errc() || end != w.data() + w.size()) {
      const std::size_t shown = std::min<std::size_t>(names.size(), 8);
      raise<ConfigError>("{}: there is no column \"{}\"{} The {} columns are {}{}", path, w,
                         nearest(w, names).empty() ? "." : meant(w, names), names.size(),
                         fmt::join(names.begin(), names.begin() + std::ptrdiff_t(shown), ", "),
                         shown < names.size() ? ", ..." : "");
    } else if (place < 1 || place > int(names.size())) {
      raise<ConfigError>("{}: there is no column {}: they are numbered from 1 to {}", path, w,
                         names.size());
    }
    if (std::find(places.begin(), places.end(), place - 1) != places.end())
      raise<ConfigError>("{}: column \"{}\" is named twice", path, w);
    places.push_back(place - 1);
  }
  return places;
}

}  // namespace

std::vector<int> places_of(const std::vector<std::string>& wanted,
                           const std::vector<std::string>& drop,
                           const std::vector<std::string>& names, const std::string& label,
                           const std::vector<int>& roles, const std::string& path) {
  const auto has_role = [&](int place) {
    return std::find(roles.begin(), roles.end(), place) != roles.end();
  };
  std::vector<int> places = named_places(wanted, names, path);
  if (wanted.empty())
    for (std::size_t j = 0; j < names.size(); ++j)
      if ((label.empty() || names[j] != label) && !has_role(int(j))) places.push_back(int(j));
  for (const int out : named_places(drop, names, path)) std::erase(places, out);
  if (places.empty()) raise<ConfigError>("{}: no columns are left to model", path);
  for (const int place : places)
    if (has_role(place))
      raise<ConfigError>(
          "{}: column \"{}\" holds weights, ids or labels and cannot be modelled too", path,
          names[std::size_t(place)]);
  for (const int place : places)
    if (!label.empty() && names[std::size_t(place)] == label)
      raise<ConfigError>("{}: column \"{}\" is the label: --label none models it", path, label);
  return places;
}

}  // namespace fathom
