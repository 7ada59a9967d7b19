#include "fathom/jobs/table_data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "fathom/base/key.h"
#include "fathom/jobs/converted_table.h"
#include "fathom/jobs/nearest.h"
#include "fathom/jobs/table_columns.h"

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

Reading reading_of(const std::string& path, const TableConfig& config, Workers& workers,
                   const std::string& place, const Note& note) {
  if (config.stream != "auto" && config.stream != "always" && config.stream != "never")
    raise<ConfigError>("--stream \"{}\": one of auto, always, never", config.stream);
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
  Array x;  // [n, d] f64
  TableFormat format;
  std::vector<std::string> labels;
  std::string kind;
};

// All that is done about cells without a number.
void require_complete(const Dataset& d) { check_finite(d); }

Array chosen_columns(const Array& x, const std::vector<int>& places, bool stream) {
  if (stream) return x.columns(places);
  const std::int64_t n = x.shape().extent(0), d = x.size() / n;
  const auto k = std::int64_t(places.size());
  Array out(DType::f64, Shape{n, k});
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < k; ++j)
      out.data<double>()[i * k + j] = x.data<double>()[i * d + places[std::size_t(j)]];
  return out;
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

Loaded load_text(const std::string& path, const TableConfig& config, const TableHead& head,
                 const Reading& how) {
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
  f.places = places_of(wanted, split_names(config.drop), first_line, f.label, path);
  for (const int place : f.places) {
    const std::string number = std::to_string(place);  // unless a column is called so
    const bool name = std::find(first_line.begin(), first_line.end(), number) != first_line.end();
    options.columns.push_back(name && head.header ? first_line[std::size_t(place)] : number);
  }
  options.pages = how.stream ? Pages::read_only : Pages::own;
  Dataset d = read_text(path, options, f.label, how);
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

Loaded load_array(const std::string& path, const TableConfig& config, const Reading& how) {
  Loaded l;
  DatasetOptions options;
  options.array = config.array;
  options.pages = how.stream ? Pages::read_only : Pages::own;
  const Dataset d = load_dataset(path, options, &how.workers);
  require_complete(d);
  const std::int64_t width = d.values.size() / d.rows();
  if (config.label != "auto" && config.label != "none")
    raise<ConfigError>(
        "{}: columns of {} have no names: --label \"{}\" needs a table with a header", path, d.kind,
        config.label);
  l.kind = d.kind;
  const bool cast = d.values.dtype() != DType::f64;
  l.x =
      (cast && !how.stream ? d.values.cast(DType::f64) : d.values).reshaped(Shape{d.rows(), width});
  std::vector<std::string> names;
  for (std::int64_t j = 1; j <= width; ++j) names.push_back(fmt::format("x{}", j));
  l.format.file_width = int(width);
  l.format.places =
      places_of(split_names(config.columns), split_names(config.drop), names, "", path);
  if (!std::is_sorted(l.format.places.begin(), l.format.places.end()) ||
      std::int64_t(l.format.places.size()) < width || l.x.dtype() != DType::f64)
    l.x = chosen_columns(l.x, l.format.places, how.stream);
  for (const int place : l.format.places) l.format.columns.push_back(names[std::size_t(place)]);
  return l;
}

Loaded load(const std::string& path, const TableConfig& config, const Reading& how) {
  const TableHead head = head_of(path);
  return head.first.empty() ? load_array(path, config, how) : load_text(path, config, head, how);
}

// Whether test(row) holds of all rows.
template <class F>
bool all_rows(const Array& x, F&& test) {
  constexpr std::int64_t kBlock = 4096;
  const std::int64_t n = x.shape().extent(0), d = x.size() / n;
  for (std::int64_t first = 0; first < n; first += kBlock) {
    const Array block = x.part(first, std::min(kBlock, n - first)).made();
    const double* v = block.data<double>();
    for (std::int64_t i = 0; i < block.size(); i += d)
      if (!test(v + i)) return false;
  }
  return true;
}

bool equal_columns(const Array& x, std::int64_t a, std::int64_t b) {
  return all_rows(x, [&](const double* row) { return row[a] == row[b]; });
}

bool constant_column(const Array& x, std::int64_t j) {
  const double first = x.part(0, 1).made().data<double>()[j];
  return all_rows(x, [&](const double* row) { return row[j] == first; });
}

// Constant and equal columns: their covariance has no inverse.
void check_columns(const Loaded& l, const TableMoments& m, const std::string& path) {
  const std::int64_t d = m.width();
  if (m.rows < 2) raise<DataError>("{}: one row: a covariance needs two", path);
  std::string constant;
  int constants = 0;
  for (std::int64_t j = 0; j < d; ++j) {
    if (m.sd(j) > 1e-9 * std::abs(m.at(j)) || !constant_column(l.x, j)) continue;
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
      if (std::abs(m.sd(a) - m.sd(b)) <= 1e-9 * m.sd(a) && equal_columns(l.x, a, b))
        raise<DataError>(
            "{}: columns \"{}\" and \"{}\" are the same: leave one of them out with --drop", path,
            l.format.columns[std::size_t(a)], l.format.columns[std::size_t(b)]);
}

void choose_scale(const TableMoments& m, bool standardize, TableFormat& f) {
  const std::int64_t d = m.width();
  bool far = standardize;
  for (std::int64_t j = 0; j < d; ++j) far |= std::abs(m.at(j)) > kFar * m.sd(j);
  f.standardized = standardize;
  for (std::int64_t j = 0; j < d; ++j) {
    f.shift.push_back(far ? m.at(j) : 0);
    f.scale.push_back(standardize ? m.sd(j) : 1);
  }
}

// In place where rows are held: they are ours alone, and a mapped file is copied page by page where
// it is written to.
void apply_scale(Array& x, const TableFormat& f, const Reading& how) {
  if (std::all_of(f.shift.begin(), f.shift.end(), [](double s) { return s == 0; }) &&
      std::all_of(f.scale.begin(), f.scale.end(), [](double s) { return s == 1; }))
    return;
  if (how.stream) {
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

double TableFormat::log_scale() const {
  double s = 0;
  for (double v : scale) s += std::log(v);
  return s;
}

TableData load_table(const std::string& path, const TableConfig& config, Workers& workers,
                     const Note& note, const std::string& place) {
  const Reading how = reading_of(path, config, workers, place, note);
  Loaded l = load(path, config, how);
  TableData out;
  const TableMoments raw = moments_of(l.x, workers);
  check_columns(l, raw, path);
  out.fingerprint = fingerprint(l.x);
  choose_scale(raw, config.standardize, l.format);
  apply_scale(l.x, l.format, how);
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
                          const TableFormat& format, Workers& workers, const std::string& place,
                          const Note& note) {
  const std::vector<std::string> header = head_of(path).first;
  TableConfig c = config;
  c.columns.clear();
  c.drop.clear();
  c.label = "none";
  const auto here = [&](const std::string& name) {
    return std::find(header.begin(), header.end(), name) != header.end();
  };
  const bool by_name =
      format.named && std::all_of(format.columns.begin(), format.columns.end(), here);
  if (by_name)
    for (const std::string& name : format.columns) {
      const auto at = std::find(header.begin(), header.end(), name) - header.begin();
      const bool comma = name.find(',') != std::string::npos;  // such a name cannot be in a list
      c.columns += (comma ? std::to_string(at + 1) : name) + ",";
    }
  if (by_name && !format.label.empty() && here(format.label)) c.label = format.label;
  Loaded l;
  if (!by_name && format.named && !header.empty()) {
    // A header that lacks a column says which; without one, columns are taken by place.
    const bool some = std::any_of(format.columns.begin(), format.columns.end(), here);
    for (const std::string& name : format.columns)
      if (some && !here(name))
        raise<DataError>("{}: there is no column \"{}\", which the run was fitted to", path, name);
  }
  const Reading how = reading_of(path, config, workers, place, note);
  l = load(path, c, how);
  const std::int64_t width = l.format.width(), wanted = format.width();
  if (!by_name && width == format.file_width && width != wanted) {
    l.x = chosen_columns(l.x, format.places, how.stream);
  } else if (width != wanted) {
    raise<DataError>("{}: rows have {} numbers, the model's have {}", path, width, wanted);
  }
  apply_scale(l.x, format, how);
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
    const Array row = rows.x.part(from, 1).made();
    std::copy_n(row.data<double>(), d, out.x.data<double>() + i * d);
    if (!rows.labels.empty()) out.labels.push_back(rows.labels[std::size_t(from)]);
  }
  return out;
}

}  // namespace fathom
