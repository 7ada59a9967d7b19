#include "fathom/jobs/table_data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

#include "fathom/base/key.h"
#include "fathom/jobs/coded_columns.h"
#include "fathom/jobs/column_kinds.h"
#include "fathom/jobs/converted_table.h"
#include "fathom/jobs/nearest.h"
#include "fathom/jobs/rows_file.h"
#include "fathom/jobs/table_checks.h"
#include "fathom/jobs/table_roles.h"

namespace fathom {

namespace {

// Farther than so many standard deviations from zero, columns lose digits to their mean and are
// shifted.
constexpr double kFar = 10;

// Files of so many bytes are streamed; text of so many is not held either.
constexpr std::uintmax_t kStreamed = std::uintmax_t(1) << 26, kConverted = std::uintmax_t(1) << 30;

// How a table is read.
struct Reading {
  Workers& workers;
  bool stream = false;    // rows are made when they are read
  std::string converted;  // where text is converted to; empty: it is held
  Note note;
};

// What is said of rows beside their numbers, and columns that are not numbers, are held in memory.
bool must_hold(const TableConfig& c, const TableNeeds& needs) {
  return needs.kinds || !c.weights.empty() || !c.ids.empty() || !c.labels.empty() ||
         !c.target.empty();
}

Reading reading_of(const std::string& path, const TableConfig& config, const TableNeeds& needs,
                   Workers& workers, const std::string& place, const Note& note) {
  if (config.stream != "auto" && config.stream != "always" && config.stream != "never")
    raise<ConfigError>("--stream \"{}\": one of auto, always, never", config.stream);
  if (must_hold(config, needs)) {
    if (config.stream == "always")
      raise<ConfigError>(
          "--stream always: tables with weights, ids, labels, a target or kinds of columns are "
          "held "
          "in memory");
    return {workers, false, {}, note};
  }
  std::error_code ignored;
  const auto size = std::filesystem::is_regular_file(path, ignored)
                        ? std::filesystem::file_size(path, ignored)
                        : 0;
  const auto larger = [&](std::uintmax_t than) {
    return size > 0 && (config.stream == "auto" ? size >= than : config.stream == "always");
  };
  return {workers, larger(kStreamed), larger(kConverted) ? place : std::string(), note};
}

struct Loaded {
  TableFormat format;
  TableRows rows;                    // as the file has them, components not yet known
  std::vector<std::string> classes;  // of each row, where a column says so
  std::string kind;
};

Array chosen_columns(const Array& x, const std::vector<int>& places, bool stream = false) {
  if (stream) return x.columns(places);
  const std::int64_t n = x.shape().extent(0), d = x.size() / n;
  const auto k = std::int64_t(places.size());
  Array out(DType::f64, Shape{n, k});
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < k; ++j)
      out.data<double>()[i * k + j] = x.data<double>()[i * d + places[std::size_t(j)]];
  return out;
}

// Rows with one more cell, which nobody has seen.
Array with_unknown_column(const Array& x) {
  const std::int64_t n = x.shape().extent(0), d = x.size() / n;
  Array out(DType::f64, Shape{n, d + 1});
  for (std::int64_t i = 0; i < n; ++i) {
    std::copy_n(x.data<double>() + i * d, d, out.data<double>() + i * (d + 1));
    out.data<double>()[i * (d + 1) + d] = std::numeric_limits<double>::quiet_NaN();
  }
  return out;
}

// The columns that are wanted, that which they explain the last.
std::vector<int> columns_and_target(const TableConfig& config,
                                    const std::vector<std::string>& names, const std::string& label,
                                    const std::vector<int>& roles, const std::string& path,
                                    std::string* target) {
  std::vector<int> places =
      places_of(split_names(config.columns), split_names(config.drop), names, label, roles, path);
  if (config.target.empty()) return places;
  const int place = places_of({config.target}, {}, names, label, roles, path).front();
  std::erase(places, place);
  if (places.empty())
    raise<ConfigError>("{}: no columns are left to explain \"{}\"", path, config.target);
  places.push_back(place);
  *target = names[std::size_t(place)];
  return places;
}

// The head without what is said of columns that have a role of their own.
// `categories`: nor of text, which is modelled unless its column is called a label.
TableHead without_roles(TableHead head, const TableRoles& roles, bool categories) {
  if (categories) head.second.clear();
  for (const int place : {roles.weights, roles.ids}) {
    if (place >= 0) head.first[std::size_t(place)].clear();
    if (place >= 0 && std::size_t(place) < head.second.size())
      head.second[std::size_t(place)].clear();
  }
  return head;
}

// What readers of tables call a column: its name, or its number from 0.
std::string reader_name(const TableHead& head, int place) {
  const std::string number = std::to_string(place);  // unless a column is called so
  const bool name = std::find(head.first.begin(), head.first.end(), number) != head.first.end();
  return name && head.header ? head.first[std::size_t(place)] : number;
}

// Takes the last column of rows out of them.
Array last_column(Array& x) {
  const std::int64_t n = x.shape().extent(0), d = x.size() / n;
  Array last = chosen_columns(x, {int(d - 1)}).reshaped(Shape{n});
  std::vector<int> others(std::size_t(d - 1));
  std::iota(others.begin(), others.end(), 0);
  x = chosen_columns(x, others);
  return last;
}

// Columns whose cells are read as text: categories, by what is declared or seen.
std::vector<int> text_places(const std::vector<int>& places, const TableHead& head,
                             const std::map<int, ColumnKind>& declared) {
  std::vector<int> out;
  for (const int place : places) {
    const auto kind = declared.find(place);
    if (kind != declared.end() ? kind->second == ColumnKind::category
                               : head.text[std::size_t(place)])
      out.push_back(place);
  }
  return out;
}

// Columns of numbers at their places among all, those of text left NaN.
template <class F>
Array among(const Array& numbers, const std::vector<int>& places, F&& is_text) {
  const std::int64_t n = numbers.shape().extent(0), d = std::int64_t(places.size());
  const std::int64_t width = numbers.shape().extent(1);
  if (width == d) return numbers;
  Array x(DType::f64, Shape{n, d});
  for (std::int64_t j = 0, from = 0; j < d; ++j) {
    const bool text = is_text(places[std::size_t(j)]);
    for (std::int64_t i = 0; i < n; ++i)
      x.data<double>()[i * d + j] = text ? NAN : numbers.data<double>()[i * width + from];
    from += !text;
  }
  return x;
}

// Kinds of the columns of a fit: those of a fitted table, or as declared, or guessed.
std::map<int, ColumnKind> kinds_of(const TableNeeds& needs, const TableFormat* fitted,
                                   const std::vector<int>& places,
                                   const std::vector<std::string>& names, const std::string& path) {
  if (!fitted || fitted->kinds.empty()) return declared_kinds(needs.kind, names, path);
  std::map<int, ColumnKind> kinds;
  for (std::size_t j = 0; j < places.size() && j < fitted->kinds.size(); ++j)
    kinds[places[j]] = kind_named(fitted->kinds[j]);
  return kinds;
}

// Settles the kind of every column of l.rows.x, whose categories are `cells` or numbers still.
void settle_kinds(Loaded& l, const std::map<int, ColumnKind>& known,
                  const std::map<int, std::vector<std::string>>& cells, const TableNeeds& needs,
                  const TableFormat* fitted, const std::string& path) {
  TableFormat& f = l.format;
  Array& x = l.rows.x;
  for (std::size_t j = 0; j < f.places.size(); ++j) {
    const auto column = std::int64_t(j);
    const auto text = cells.find(f.places[j]);
    const auto kind = known.find(f.places[j]);
    const ColumnKind k = kind != known.end()   ? kind->second
                         : text != cells.end() ? ColumnKind::category
                         : needs.coded         ? ColumnKind::real
                                               : guessed_kind(x, column);
    f.kinds.emplace_back(name_of(k));
    f.levels.emplace_back();
    check_kind(x, column, k, f.columns[j], path);
    if (k != ColumnKind::category) continue;
    const auto all = text != cells.end() ? text->second : cells_of_column(x, column);
    f.levels[j] = fitted ? fitted->levels.at(j) : levels_of(all);
    if (!fitted && f.levels[j].size() > 20 && f.levels[j].size() == all.size())
      raise<DataError>(
          "{}: all cells of column \"{}\" differ, so that it says nothing of groups: --ids \"{}\" "
          "names "
          "rows by it, --drop \"{}\" leaves it out",
          path, f.columns[j], f.columns[j], f.columns[j]);
    write_levels(all, f.levels[j], x, column, f.columns[j], path);
  }
}

// Gzipped text is unpacked in memory, and labels are kept there.
bool is_gzip(const std::string& path) {
  const Bytes b = map_file(path, Pages::read_only);
  return b.size > 1 && b.data.get()[0] == std::byte(0x1f) && b.data.get()[1] == std::byte(0x8b);
}

Dataset read_text(const std::string& path, DatasetOptions options, std::string& label,
                  const Reading& how) {
  if (how.converted.empty() || is_gzip(path)) return load_dataset(path, options, &how.workers);
  if (how.note && !label.empty())
    how.note(fmt::format("column \"{}\" is a label: of a file larger than memory it is left out",
                         label));
  label.clear();
  options.label.clear();
  return converted_table(path, options, how.converted, how.workers, how.note);
}

Loaded load_text(const std::string& path, const TableConfig& config, const TableNeeds& needs,
                 const TableHead& head, const TableFormat* fitted, const Reading& how) {
  Loaded l;
  TableFormat& f = l.format;
  DatasetOptions options;
  options.array = config.array;
  const std::vector<std::string> names =
      head.header ? head.first : numbered("x", std::int64_t(head.first.size()));
  const TableRoles roles{role_place("weights", config.weights, names, path),
                         role_place("ids", config.ids, names, path),
                         role_place("labels", config.labels, names, path)};
  const std::vector<std::string> wanted = split_names(config.columns);
  const bool by_labels = roles.labels >= 0 && head.header && config.label == "auto";
  f.label = by_labels ? names[std::size_t(roles.labels)]
                      : label_among(without_roles(head, roles, needs.kinds), config.label, wanted);
  if (!f.label.empty() && std::find(names.begin(), names.end(), f.label) == names.end())
    raise<ConfigError>("{}: there is no column \"{}\" to be the label{}", path, f.label,
                       meant(f.label, names));
  f.places = columns_and_target(config, names, f.label, roles.all(), path, &f.target);
  const std::map<int, ColumnKind> known =
      needs.kinds ? kinds_of(needs, fitted, f.places, names, path) : std::map<int, ColumnKind>();
  const std::vector<int> text_of =
      needs.kinds ? text_places(f.places, head, known) : std::vector<int>();
  const auto is_text = [&](int place) {
    return std::find(text_of.begin(), text_of.end(), place) != text_of.end();
  };
  for (const int place : f.places)
    if (!is_text(place)) options.columns.push_back(reader_name(head, place));
  if (options.columns.empty() && roles.weights < 0)  // none named would be all
    for (int place = 0; place < int(names.size()); ++place)
      if (!is_text(place) && place != roles.ids && place != roles.labels &&
          names[std::size_t(place)] != f.label)
        options.drop.push_back(reader_name(head, place));
  if (roles.weights >= 0) options.columns.push_back(reader_name(head, roles.weights));
  std::vector<std::vector<std::string>*> texts;
  const auto text = [&](int place, std::vector<std::string>& to) {
    if (place < 0) return;
    options.text.push_back(reader_name(head, place));
    texts.push_back(&to);
  };
  text(roles.ids, l.rows.ids);
  text(roles.labels, l.classes);
  std::map<int, std::vector<std::string>> cells;
  for (const int place : text_of) text(place, cells[place]);
  const bool same = roles.labels >= 0 && names[std::size_t(roles.labels)] == f.label;
  if (!same) options.label = f.label;
  options.pages = how.stream ? Pages::read_only : Pages::own;
  Dataset d = read_text(path, options, f.label, how);
  for (std::size_t i = 0; i < texts.size(); ++i) *texts[i] = std::move(d.text[i]);
  l.rows.labels = same ? l.classes : std::move(d.labels);
  l.rows.x = d.values;
  if (roles.weights >= 0) l.rows.weights = last_column(l.rows.x);
  l.kind = d.kind;
  for (const int place : f.places) f.columns.push_back(names[std::size_t(place)]);
  f.file_width = int(names.size());
  f.named = head.header;
  if (!needs.kinds) return l;
  l.rows.x = among(l.rows.x, f.places, is_text);
  settle_kinds(l, known, cells, needs, fitted, path);
  return l;
}

Loaded load_array(const std::string& path, const TableConfig& config, const TableNeeds& needs,
                  const TableFormat* fitted, const Reading& how) {
  Loaded l;
  DatasetOptions options;
  options.array = config.array;
  options.pages = how.stream ? Pages::read_only : Pages::own;
  const Dataset d = load_dataset(path, options, &how.workers);
  const std::int64_t width = d.values.size() / d.rows();
  if (config.label != "auto" && config.label != "none")
    raise<ConfigError>(
        "{}: columns of {} have no names: --label \"{}\" needs a table with a header", path, d.kind,
        config.label);
  l.kind = d.kind;
  Array& x = l.rows.x;
  const bool cast = d.values.dtype() != DType::f64;
  l.rows.single = d.values.dtype() == DType::f32;
  x = (cast && !how.stream ? d.values.cast(DType::f64) : d.values).reshaped(Shape{d.rows(), width});
  const std::vector<std::string> names = numbered("x", width);
  l.format.file_width = int(width);
  const TableRoles roles{role_place("weights", config.weights, names, path),
                         role_place("ids", config.ids, names, path),
                         role_place("labels", config.labels, names, path)};
  l.format.places = columns_and_target(config, names, "", roles.all(), path, &l.format.target);
  const auto column = [&](int place) {
    return chosen_columns(x, {place}).reshaped(Shape{d.rows()});
  };
  const auto text = [&](int place, std::vector<std::string>& to) {
    if (place < 0) return;
    const Array c = column(place);
    for (const double v : c.values<double>())
      to.push_back(std::isnan(v) ? std::string() : fmt::format("{}", v));
  };
  if (roles.weights >= 0) l.rows.weights = column(roles.weights);
  text(roles.ids, l.rows.ids);
  text(roles.labels, l.classes);
  if (!std::is_sorted(l.format.places.begin(), l.format.places.end()) ||
      std::int64_t(l.format.places.size()) < width || x.dtype() != DType::f64)
    x = chosen_columns(x, l.format.places, how.stream);
  for (const int place : l.format.places) l.format.columns.push_back(names[std::size_t(place)]);
  if (needs.kinds)
    settle_kinds(l, kinds_of(needs, fitted, l.format.places, names, path), {}, needs, fitted, path);
  return l;
}

// `fitted`: the table that a model was fitted to; null in a fit.
Loaded load(const std::string& path, const TableConfig& config, TableNeeds needs,
            const TableFormat* fitted, const Reading& how) {
  if (fitted && fitted->kinds.empty()) needs.kinds = needs.coded = false;  // numbers alone
  if (!config.labels.empty() && needs.components == 0)
    raise<ConfigError>("--labels \"{}\" says which component rows belong to: this model has none",
                       config.labels);
  const TableHead head = head_of(path);
  Loaded l = head.first.empty() ? load_array(path, config, needs, fitted, how)
                                : load_text(path, config, needs, head, fitted, how);
  l.format.missing = check_cells(l.rows.x, l.format.columns, needs.missing, path);
  if (l.format.missing) l.rows.x = l.rows.x.made();  // such rows are held
  l.format.weights = config.weights;
  l.format.ids = config.ids;
  l.format.labels = config.labels;
  if (l.rows.weights.size() > 0) check_weights(l.rows.weights, config.weights, path);
  if (needs.coded) code_categories(l.format, l.rows.x, path);
  return l;
}

void choose_scale(const TableMoments& m, const TableConfig& config, TableFormat& f) {
  const std::int64_t d = m.width(), scaled = d - (f.target.empty() ? 0 : 1);
  const auto moved = [&](std::int64_t j) { return j < scaled && f.is_real(std::size_t(j)); };
  bool far = config.standardize || config.centre;
  for (std::int64_t j = 0; j < scaled; ++j) far |= moved(j) && std::abs(m.at(j)) > kFar * m.sd(j);
  f.standardized = config.standardize;
  for (std::int64_t j = 0; j < d; ++j) {
    f.shift.push_back(far && moved(j) ? m.at(j) : 0);
    f.scale.push_back(config.standardize && moved(j) ? m.sd(j) : 1);
  }
}

// In place where rows are held: they are ours alone, and a mapped file is copied page by page where
// it is written to.
void apply_scale(Array& x, const TableFormat& f, const Reading& how) {
  if (std::all_of(f.shift.begin(), f.shift.end(), [](double s) { return s == 0; }) &&
      std::all_of(f.scale.begin(), f.scale.end(), [](double s) { return s == 1; }))
    return;
  if (how.stream && !f.missing) {
    x = x.scaled(f.shift, f.scale);
    return;
  }
  const std::int64_t d = f.width(), n = x.size() / d, block = 4096;
  double* v = x.data<double>();
  how.workers.each(std::size_t((n + block - 1) / block), [&](std::size_t b, int) {
    const std::int64_t first = std::int64_t(b) * block, past = std::min(first + block, n);
    for (std::int64_t i = first; i < past; ++i)
      for (std::int64_t j = 0; j < d; ++j)
        v[i * d + j] = (v[i * d + j] - f.shift[std::size_t(j)]) / f.scale[std::size_t(j)];
  });
}

std::uint32_t fingerprint(const Array& x) {
  const std::int64_t n = x.shape().extent(0), step = std::max<std::int64_t>(1, n / 64);
  std::uint64_t h = mix64(std::uint64_t(n));
  for (std::int64_t i = 0; i < n; i += step) {
    const Array row = x.part(i, 1).made();
    for (std::size_t k = 0; k < row.bytes(); ++k)
      h = (h ^ std::uint64_t(row.raw()[k])) * 0x100000001b3ull;  // FNV-1a
  }
  return std::uint32_t(h ^ h >> 32);
}

}  // namespace

namespace {

// Columns of a file.
std::int64_t width_of(const std::string& path, const TableConfig& config,
                      const std::vector<std::string>& first_line, Workers& workers) {
  if (!first_line.empty()) return std::int64_t(first_line.size());
  DatasetOptions options;
  options.array = config.array;
  options.pages = Pages::read_only;
  const Dataset d = load_dataset(path, options, &workers);
  return d.values.size() / d.rows();
}

}  // namespace

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
  for (std::int64_t i = 0; i < rows.count(); ++i)
    s += (w ? w[i] : 1) * log_scale(rows.x.data<double>() + i * width());
  return s / rows.total();
}

double TableRows::total() const {
  if (weights.size() == 0) return double(count());
  const auto w = weights.values<double>();
  return std::accumulate(w.begin(), w.end(), 0.0);
}

bool TableRows::missing() const {
  if (x.recipe()) return false;  // rows with gaps are held
  const auto v = x.values<double>();
  return std::any_of(v.begin(), v.end(), [](double c) { return std::isnan(c); });
}

TableData load_table(const std::string& path, const TableConfig& config, const TableNeeds& needs,
                     Workers& workers, const Note& note, const std::string& place) {
  const Reading how = reading_of(path, config, needs, workers, place, note);
  Loaded l = load(path, config, needs, nullptr, how);
  TableData out;
  Array& x = l.rows.x;
  const bool plain = !l.format.missing && l.rows.weights.size() == 0;
  const TableMoments raw = plain ? moments_of(x, workers) : moments_of_some(x, l.rows.weights);
  for (std::int64_t j = 0; j < raw.width(); ++j)
    if (std::isnan(raw.at(j)))
      raise<DataError>("{}: all cells of column \"{}\" are missing{}: leave it out with --drop {}",
                       path, l.format.columns[std::size_t(j)],
                       l.rows.weights.size() > 0 ? " in rows that count" : "",
                       l.format.columns[std::size_t(j)]);
  check_columns(x, l.format, raw, path);
  out.fingerprint = fingerprint(x);
  choose_scale(raw, config, l.format);
  apply_scale(x, l.format, how);
  out.moments = transformed(raw, l.format.shift, l.format.scale);
  if (note && !l.format.label.empty() && config.labels.empty())
    note(fmt::format("column \"{}\" is a label: it colours pictures and is not modelled",
                     l.format.label));
  if (note && config.standardize)
    note(fmt::format(
        "columns are brought to mean 0 and standard deviation 1: bounds are of the "
        "standardized values; in the table's own units they are {:.6g} nats per row "
        "{}",
        std::abs(l.format.log_scale(l.rows)), l.format.log_scale(l.rows) > 0 ? "lower" : "higher"));
  if (!config.labels.empty()) {
    l.format.classes = classes_of(l.classes);
    try {
      l.rows.components =
          components_of_labels(l.classes, l.format.classes, needs.components, config.labels);
    } catch (const DataError& e) {
      raise<DataError>("{}: {}", path, e.what());
    }
  }
  if (note) note_coding(l.format, note);
  if (note) note_rows(l.rows, l.format, note);
  out.source = path;
  out.kind = l.kind;
  out.format = std::move(l.format);
  out.rows = std::move(l.rows);
  return out;
}

TableRows load_table_rows(const std::string& path, const TableConfig& config,
                          const TableFormat& of_model, const TableNeeds& needs, Workers& workers,
                          const std::string& place, const Note& note) {
  const TableFormat format = format_of_file(of_model);
  const std::vector<std::string> header = head_of(path).first;
  TableConfig c = config;
  c.columns.clear();
  c.drop.clear();
  c.labels.clear();
  c.label = "none";
  const auto here = [&](const std::string& name) {
    return std::find(header.begin(), header.end(), name) != header.end();
  };
  std::vector<std::string> needed = format.columns;
  if (!format.target.empty() && !here(format.target)) needed.pop_back();
  const bool by_name = format.named && std::all_of(needed.begin(), needed.end(), here);
  if (by_name)
    for (const std::string& name : needed) {
      const auto at = std::find(header.begin(), header.end(), name) - header.begin();
      const bool comma = name.find(',') != std::string::npos;  // such a name cannot be in a list
      c.columns += (comma ? std::to_string(at + 1) : name) + ",";
    }
  if (by_name && !format.label.empty() && here(format.label)) c.label = format.label;
  for (std::string* role : {&c.weights, &c.ids})
    if (format.named && !here(*role)) role->clear();
  if (!by_name && format.named && !header.empty()) {
    // A header that lacks a column says which; without one, columns are taken by place.
    const bool some = std::any_of(needed.begin(), needed.end(), here);
    for (const std::string& name : needed)
      if (some && !here(name))
        raise<DataError>("{}: there is no column \"{}\", which the run was fitted to", path, name);
  }
  if (!by_name) {  // a file of the columns of the model alone, or one like that of the fit
    const std::int64_t file = width_of(path, c, header, workers);
    if (file == format.width()) c.weights = c.ids = {};
    const bool in_order = std::is_sorted(format.places.begin(), format.places.end());
    if (file == format.file_width && (file != format.width() || !in_order))
      for (const int column : format.places) c.columns += std::to_string(column + 1) + ",";
  }
  if (!format.target.empty()) c.stream = "never";
  const Reading how = reading_of(path, c, needs, workers, place, note);
  Loaded l = load(path, c, needs, &format, how);
  if (!format.target.empty() && l.format.width() == of_model.width() - 1)
    l.rows.x = with_unknown_column(l.rows.x);
  else if (l.format.width() != of_model.width())
    raise<DataError>("{}: rows have {} numbers, the model's have {}", path, l.format.width(),
                     of_model.width());
  TableFormat scaled = of_model;
  scaled.missing = l.format.missing;
  apply_scale(l.rows.x, scaled, how);
  return std::move(l.rows);
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

TableRows even_rows(const TableRows& rows, std::int64_t most) {
  const std::int64_t n = rows.count();
  if (n <= most) {
    TableRows all = rows;
    all.x = rows.x.made();
    return all;
  }
  std::vector<std::int64_t> places(std::size_t(most), 0);
  for (std::int64_t i = 0; i < most; ++i) places[std::size_t(i)] = i * n / most;
  return chosen_rows(rows, places);
}

TableRows chosen_rows(const TableRows& rows, std::span<const std::int64_t> places) {
  const std::int64_t d = rows.x.size() / rows.count();
  TableRows out;
  out.x = Array(DType::f64, Shape{std::int64_t(places.size()), d});
  if (rows.weights.size() > 0) out.weights = Array(DType::f64, Shape{std::int64_t(places.size())});
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto from = std::size_t(places[i]);
    const Array row = rows.x.part(places[i], 1).made();
    std::copy_n(row.data<double>(), d, out.x.data<double>() + std::int64_t(i) * d);
    if (rows.weights.size() > 0) out.weights.data<double>()[i] = rows.weights.data<double>()[from];
    if (!rows.labels.empty()) out.labels.push_back(rows.labels[from]);
    if (!rows.ids.empty()) out.ids.push_back(rows.ids[from]);
    if (!rows.components.empty()) out.components.push_back(rows.components[from]);
  }
  if (rows.start.size() > 0) {
    const std::int64_t k = rows.start.shape().extent(1);
    out.start = Array(DType::f64, Shape{out.count(), k});
    for (std::size_t i = 0; i < places.size(); ++i)
      std::copy_n(rows.start.data<double>() + places[i] * k, k,
                  out.start.data<double>() + std::int64_t(i) * k);
  }
  return out;
}

}  // namespace fathom
