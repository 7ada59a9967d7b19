#include "fathom/jobs/table_data.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fathom/base/key.h"
#include "fathom/jobs/absent_columns.h"
#include "fathom/jobs/coded_columns.h"
#include "fathom/jobs/table_checks.h"
#include "fathom/jobs/table_reading.h"
#include "fathom/jobs/table_roles.h"

namespace fathom {

namespace {

// Farther than so many standard deviations from zero, columns lose digits to their mean and are
// shifted.
constexpr double kFar = 10;

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
void apply_scale(TableRows& rows, const TableFormat& f, Workers& workers) {
  if (std::all_of(f.shift.begin(), f.shift.end(), [](double s) { return s == 0; }) &&
      std::all_of(f.scale.begin(), f.scale.end(), [](double s) { return s == 1; }))
    return;
  if (rows.streamed) {
    rows.x = rows.x.scaled(f.shift, f.scale);
    return;
  }
  const std::int64_t d = f.width(), n = rows.count(), block = 4096;
  double* v = rows.x.data<double>();
  workers.each(std::size_t((n + block - 1) / block), [&](std::size_t b, int) {
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

TableData load_table(const std::string& path, const TableConfig& config, const TableNeeds& needs,
                     Workers& workers, const Note& note, const std::string& place) {
  const Reading how = reading_of(path, config, workers, place, note);
  ReadTable l = read_columns(path, config, needs, nullptr, how);
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
  if (!needs.alike) check_columns(x, l.format, raw, path);
  out.fingerprint = fingerprint(x);
  choose_scale(raw, config, l.format);
  apply_scale(l.rows, l.format, workers);
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
  if (note) note_rows(l.rows, l.format, !needs.alike, note);
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
  if (needs.absent && format.named) {
    std::vector<char> known;
    for (const std::string& name : format.columns) known.push_back(here(name));
    const auto lacking = std::count(known.begin(), known.end(), 0);
    if (lacking > 0 && lacking < format.width())
      return rows_with_absent(path, config, format, known, needs, workers, note);
  }
  const bool by_name = format.named && std::all_of(needed.begin(), needed.end(), here);
  if (by_name)
    for (const std::string& name : needed) {
      const auto at = std::find(header.begin(), header.end(), name) - header.begin();
      const bool comma = name.find(',') != std::string::npos;  // such a name cannot be in a list
      c.columns += (comma ? std::to_string(at + 1) : name) + ",";
    }
  if (by_name && !format.label.empty() && here(format.label)) c.label = format.label;
  for (std::string* role : {&c.weights, &c.ids, &c.sequence})
    if (format.named && !here(*role)) role->clear();
  // A header that lacks some columns says which. With none of them, columns are taken by place.
  const auto lacking = [&](const std::string& name) { return !here(name); };
  const auto lacks = std::find_if(needed.begin(), needed.end(), lacking);
  const auto refuse_names = [&] {
    if (!by_name && format.named && !header.empty())
      raise<DataError>("{}: there is no column \"{}\", which the run was fitted to", path, *lacks);
  };
  if (std::any_of(needed.begin(), needed.end(), here)) refuse_names();
  if (!by_name) {  // a file of the columns of the model alone, or one like that of the fit
    const std::int64_t file = width_of(path, c, header, workers);
    if (file == format.width()) c.weights = c.ids = c.sequence = {};
    const bool in_order = std::is_sorted(format.places.begin(), format.places.end());
    if (file == format.file_width && (file != format.width() || !in_order))
      for (const int column : format.places) c.columns += std::to_string(column + 1) + ",";
  }
  const Reading how = reading_of(path, c, workers, place, note);
  ReadTable l = read_columns(path, c, needs, &format, how);
  if (!format.target.empty() && l.format.width() == of_model.width() - 1) {
    std::vector<int> columns(std::size_t(l.format.width()), 0);
    std::iota(columns.begin(), columns.end(), 0);
    columns.push_back(RowRecipe::kMissing);  // what nobody has seen
    l.rows.x = how.stream ? l.rows.x.columns(columns) : l.rows.x.columns(columns).made();
    l.rows.missing = true;
  } else if (l.format.width() != of_model.width()) {
    refuse_names();
    raise<DataError>("{}: rows have {} numbers, the model's have {}", path, l.format.width(),
                     of_model.width());
  }
  apply_scale(l.rows, of_model, workers);
  return std::move(l.rows);
}

}  // namespace fathom
