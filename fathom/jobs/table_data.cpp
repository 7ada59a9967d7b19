#include "fathom/jobs/table_data.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fathom/base/key.h"
#include "fathom/jobs/nearest.h"
#include "fathom/jobs/table_columns.h"

namespace fathom {

namespace {

// Farther than so many standard deviations from zero, columns lose digits to their mean and are
// shifted.
constexpr double kFar = 10;

struct Loaded {
  Array x;  // [n, d] f64
  TableFormat format;
  std::vector<std::string> labels;
  std::string kind;
};

// All that is done about cells without a number.
void require_complete(const Dataset& d) { check_finite(d); }

Array chosen_columns(const Array& x, const std::vector<int>& places) {
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
                                    const std::vector<std::string>& names, bool named,
                                    const std::string& label, const std::string& path,
                                    std::string* target) {
  std::vector<int> places =
      places_of(split_names(config.columns), split_names(config.drop), names, label, path);
  if (config.target.empty()) return places;
  const int place = places_of({config.target}, {}, names, label, path).front();
  std::erase(places, place);
  if (places.empty())
    raise<ConfigError>("{}: no columns are left to explain \"{}\"", path, config.target);
  places.push_back(place);
  *target = named ? names[std::size_t(place)] : fmt::format("x{}", place + 1);
  return places;
}

Loaded load_text(const std::string& path, const TableConfig& config, const TableHead& head,
                 Workers& workers) {
  Loaded l;
  TableFormat& f = l.format;
  DatasetOptions options;
  options.array = config.array;
  const std::vector<std::string>& first_line = head.first;
  const std::vector<std::string> wanted = split_names(config.columns);
  f.label = options.label = label_among(head, config.label, wanted);
  if (!f.label.empty() &&
      std::find(first_line.begin(), first_line.end(), f.label) == first_line.end())
    raise<ConfigError>("{}: there is no column \"{}\" to be the label{}", path, f.label,
                       meant(f.label, first_line));
  f.places = columns_and_target(config, first_line, head.header, f.label, path, &f.target);
  for (const int place : f.places) {
    const std::string number = std::to_string(place);  // unless a column is called so
    const bool name = std::find(first_line.begin(), first_line.end(), number) != first_line.end();
    options.columns.push_back(name && head.header ? first_line[std::size_t(place)] : number);
  }
  Dataset d = load_dataset(path, options, &workers);
  require_complete(d);
  l.x = d.values;
  l.labels = std::move(d.labels);
  l.kind = d.kind;
  f.columns = d.columns;
  f.file_width = int(first_line.size());
  f.named = head.header;
  if (!f.named)
    for (std::size_t j = 0; j < f.columns.size(); ++j)
      f.columns[j] = fmt::format("x{}", f.places[j] + 1);
  return l;
}

Loaded load_array(const std::string& path, const TableConfig& config, Workers& workers) {
  Loaded l;
  const Dataset d = load_dataset(path, {.array = config.array}, &workers);
  require_complete(d);
  const std::int64_t width = d.values.size() / d.rows();
  if (config.label != "auto" && config.label != "none")
    raise<ConfigError>(
        "{}: columns of {} have no names: --label \"{}\" needs a table with a header", path, d.kind,
        config.label);
  l.kind = d.kind;
  l.x = d.values.dtype() == DType::f64 ? d.values : d.values.cast(DType::f64);
  l.x = l.x.reshaped(Shape{d.rows(), width});
  std::vector<std::string> names;
  for (std::int64_t j = 1; j <= width; ++j) names.push_back(fmt::format("x{}", j));
  l.format.file_width = int(width);
  l.format.places = columns_and_target(config, names, true, "", path, &l.format.target);
  if (!std::is_sorted(l.format.places.begin(), l.format.places.end()) ||
      std::int64_t(l.format.places.size()) < width)
    l.x = chosen_columns(l.x, l.format.places);
  for (const int place : l.format.places) l.format.columns.push_back(names[std::size_t(place)]);
  return l;
}

Loaded load(const std::string& path, const TableConfig& config, Workers& workers) {
  const TableHead head = head_of(path);
  return head.first.empty() ? load_array(path, config, workers)
                            : load_text(path, config, head, workers);
}

bool equal_columns(const Array& x, std::int64_t d, std::int64_t a, std::int64_t b) {
  const double* v = x.data<double>();
  for (std::int64_t i = 0; i < x.size(); i += d)
    if (v[i + a] != v[i + b]) return false;
  return true;
}

bool constant_column(const Array& x, std::int64_t d, std::int64_t j) {
  const double* v = x.data<double>();
  for (std::int64_t i = 0; i < x.size(); i += d)
    if (v[i + j] != v[j]) return false;
  return true;
}

// Constant and equal columns: their covariance has no inverse.
void check_columns(const Loaded& l, const TableMoments& m, const std::string& path) {
  const std::int64_t d = m.width();
  if (m.rows < 2) raise<DataError>("{}: one row: a covariance needs two", path);
  std::string constant;
  int constants = 0;
  for (std::int64_t j = 0; j < d; ++j) {
    if (m.sd(j) > 1e-9 * std::abs(m.at(j)) || !constant_column(l.x, d, j)) continue;
    if (constants++ < 40)
      constant += (constant.empty() ? "" : ",") + l.format.columns[std::size_t(j)];
  }
  if (constants > 0)
    raise<DataError>("{}: {} constant, and no density is finite there: leave {} out with --drop {}",
                     path,
                     constants == 1 ? "column \"" + constant + "\" is"
                                    : fmt::format("{} columns are", constants),
                     constants == 1 ? "it" : "them", constant);
  for (std::int64_t a = 0; a < d; ++a)
    for (std::int64_t b = a + 1; b < d; ++b)
      if (std::abs(m.sd(a) - m.sd(b)) <= 1e-9 * m.sd(a) && equal_columns(l.x, d, a, b))
        raise<DataError>(
            "{}: columns \"{}\" and \"{}\" are the same: leave one of them out with --drop", path,
            l.format.columns[std::size_t(a)], l.format.columns[std::size_t(b)]);
}

void choose_scale(const TableMoments& m, const TableConfig& config, TableFormat& f) {
  const std::int64_t d = m.width(), scaled = d - (f.target.empty() ? 0 : 1);
  bool far = config.standardize || config.centre;
  for (std::int64_t j = 0; j < scaled; ++j) far |= std::abs(m.at(j)) > kFar * m.sd(j);
  f.standardized = config.standardize;
  for (std::int64_t j = 0; j < d; ++j) {
    f.shift.push_back(far && j < scaled ? m.at(j) : 0);
    f.scale.push_back(config.standardize && j < scaled ? m.sd(j) : 1);
  }
}

// In place: rows are ours alone, and a mapped file is copied page by page where it is written to.
void apply_scale(Array& x, const TableFormat& f, Workers& workers) {
  if (std::all_of(f.shift.begin(), f.shift.end(), [](double s) { return s == 0; }) &&
      std::all_of(f.scale.begin(), f.scale.end(), [](double s) { return s == 1; }))
    return;
  const std::int64_t d = f.width(), n = x.size() / d, block = 4096;
  double* v = x.data<double>();
  workers.each(std::size_t((n + block - 1) / block), [&](std::size_t b, int) {
    const std::int64_t first = std::int64_t(b) * block, past = std::min(first + block, n);
    for (std::int64_t i = first; i < past; ++i)
      for (std::int64_t j = 0; j < d; ++j)
        v[i * d + j] = (v[i * d + j] - f.shift[std::size_t(j)]) / f.scale[std::size_t(j)];
  });
}

std::uint32_t fingerprint(const Array& x) {
  const std::int64_t n = x.shape().extent(0), step = std::max<std::int64_t>(1, n / 64);
  const std::size_t bytes = x.bytes() / std::size_t(n);
  std::uint64_t h = mix64(std::uint64_t(n));
  for (std::int64_t i = 0; i < n; i += step)
    for (std::size_t k = 0; k < bytes; ++k)
      h = (h ^ std::uint64_t(x.raw()[std::size_t(i) * bytes + k])) * 0x100000001b3ull;  // FNV-1a
  return std::uint32_t(h ^ h >> 32);
}

}  // namespace

double TableFormat::log_scale() const {
  double s = 0;
  for (double v : scale) s += std::log(v);
  return s;
}

TableData load_table(const std::string& path, const TableConfig& config, Workers& workers,
                     const Note& note) {
  Loaded l = load(path, config, workers);
  TableData out;
  const TableMoments raw = moments_of(l.x, workers);
  check_columns(l, raw, path);
  out.fingerprint = fingerprint(l.x);
  choose_scale(raw, config, l.format);
  apply_scale(l.x, l.format, workers);
  out.moments = transformed(raw, l.format.shift, l.format.scale);
  if (note && !l.format.label.empty())
    note(fmt::format("column \"{}\" is a label: it colours pictures and is not modelled",
                     l.format.label));
  if (note && config.standardize)
    note(
        fmt::format("columns are brought to mean 0 and standard deviation 1: bounds are of the "
                    "standardized values; in the table's own units they are {:.6g} nats per row "
                    "{}",
                    std::abs(l.format.log_scale()), l.format.log_scale() > 0 ? "lower" : "higher"));
  out.source = path;
  out.kind = l.kind;
  out.format = std::move(l.format);
  out.rows = {std::move(l.x), std::move(l.labels)};
  return out;
}

TableRows load_table_rows(const std::string& path, const TableConfig& config,
                          const TableFormat& format, Workers& workers) {
  const std::vector<std::string> header = head_of(path).first;
  TableConfig c = config;
  c.columns.clear();
  c.drop.clear();
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
  Loaded l;
  if (!by_name && format.named && !header.empty()) {
    // A header that lacks a column says which; without one, columns are taken by place.
    const bool some = std::any_of(needed.begin(), needed.end(), here);
    for (const std::string& name : needed)
      if (some && !here(name))
        raise<DataError>("{}: there is no column \"{}\", which the run was fitted to", path, name);
  }
  l = load(path, c, workers);
  const std::int64_t width = l.format.width(), wanted = format.width();
  if (!by_name && width == format.file_width && (width != wanted || !format.target.empty())) {
    l.x = chosen_columns(l.x, format.places);
  } else if (!format.target.empty() && width == wanted - 1) {
    l.x = with_unknown_column(l.x);
  } else if (width != wanted) {
    raise<DataError>("{}: rows have {} numbers, the model's have {}", path, width, wanted);
  }
  apply_scale(l.x, format, workers);
  return {std::move(l.x), std::move(l.labels)};
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
  const std::int64_t n = rows.count(), d = rows.x.size() / n;
  if (n <= most) return rows;
  TableRows out;
  out.x = Array(DType::f64, Shape{most, d});
  for (std::int64_t i = 0; i < most; ++i) {
    const std::int64_t from = i * n / most;
    std::copy_n(rows.x.data<double>() + from * d, d, out.x.data<double>() + i * d);
    if (!rows.labels.empty()) out.labels.push_back(rows.labels[std::size_t(from)]);
  }
  return out;
}

}  // namespace fathom
