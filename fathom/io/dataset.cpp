#include "fathom/io/dataset.h"

#include <cmath>
#include <cstring>
#include <filesystem>

#include "fathom/io/csv.h"
#include "fathom/io/idx.h"
#include "fathom/io/images.h"
#include "fathom/io/npy.h"

namespace fathom {

namespace {

void set_array(Dataset& d, Array a, std::string kind) {
  if (a.shape().rank() == 0) raise<DataError>("{}: holds one number, not rows", d.source);
  if (a.size() == 0) raise<DataError>("{}: holds no rows", d.source);
  d.item = a.shape().without(0);
  if (a.dtype() == DType::boolean) {  // bytes 0 and 1
    Array bytes(DType::u8, a.shape());
    std::copy_n(a.raw(), a.bytes(), bytes.raw());
    a = std::move(bytes);
  }
  d.values = std::move(a);
  d.kind = std::move(kind);
}

Array pick_array(const std::string& path, const std::string& name) {
  if (!name.empty()) return read_npz(path, name);
  const auto names = npz_names(path);
  if (names.size() == 1) return read_npz(path, names[0]);
  std::string known;
  for (const std::string& n : names) known += (known.empty() ? "" : ", ") + n;
  raise<DataError>("{}: holds several arrays ({}): name one with --array", path, known);
}

void load_table(Dataset& d, const Bytes& bytes, const DatasetOptions& o, Workers* workers) {
  CsvOptions csv;
  csv.columns = o.columns;
  csv.drop = o.drop;
  csv.text_columns = o.text;
  csv.dtype = o.dtype;
  if (!o.label.empty()) csv.text_columns.push_back(o.label);
  if (!o.id.empty()) csv.text_columns.push_back(o.id);
  Table t = parse_csv(bytes, d.source, csv, workers);
  if (t.names.empty() && o.text.empty())
    raise<DataError>("{}: no columns of numbers are left", d.source);
  const auto take = [&](const std::string& name) {
    std::vector<std::string> column;
    if (name.empty()) return column;
    column = std::move(t.text.back());
    t.text.pop_back();
    t.text_names.pop_back();
    return column;
  };
  d.ids = take(o.id);
  d.labels = take(o.label);
  d.columns = std::move(t.names);
  d.text_names = std::move(t.text_names);
  d.text = std::move(t.text);
  d.missing = t.missing;
  d.first_missing = std::move(t.first_missing);
  if (!d.columns.empty() || t.values.shape().extent(0) == 0) {
    set_array(d, t.values, "csv");
  } else {  // text alone
    d.values = t.values;
    d.kind = "csv";
  }
}

void load_file(Dataset& d, const DatasetOptions& o, Workers* workers) {
  const Bytes bytes = read_unpacked(d.source, kMostUnpacked, o.pages);
  const auto b = bytes.span();
  const auto begins = [&](std::string_view magic) {
    return b.size() >= magic.size() && std::memcmp(b.data(), magic.data(), magic.size()) == 0;
  };
  const bool image =
      begins("\x89PNG") || begins("P5\n") || begins("P2\n") || begins("P5 ") || begins("P2 ");
  if (begins("\x93NUMPY")) {
    set_array(d, parse_npy(bytes, d.source), "npy");
  } else if (begins("PK\x03\x04")) {
    set_array(d, pick_array(d.source, o.array), "npz");
  } else if (looks_like_idx(b)) {
    set_array(d, parse_idx(bytes, d.source), "idx");
  } else if (image) {
    raise<DataError>("{}: one image is no data set: name a folder of images", d.source);
  } else {
    load_table(d, bytes, o, workers);
  }
  const bool table_asked =
      !o.columns.empty() || !o.drop.empty() || !o.text.empty() || !o.label.empty() || !o.id.empty();
  if (table_asked && d.kind != "csv")
    raise<DataError>("{}: columns are chosen from tables, this is {}", d.source, d.kind);
  if (!o.array.empty() && d.kind != "npz")
    raise<DataError>("{}: an array is named in an NPZ, this is {}", d.source, d.kind);
}

}  // namespace

Dataset load_dataset(const std::string& path, const DatasetOptions& o, Workers* workers) {
  Dataset d;
  d.source = path;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    ImageFolder images = read_image_folder(path);
    d.ids = std::move(images.names);
    set_array(d, images.pixels, "images");
  } else {
    load_file(d, o, workers);
  }
  d.note = fmt::format("{} rows of {} {} ({})", d.rows(), name_of(d.values.dtype()), d.item.text(),
                       d.kind);
  if (d.missing) d.note += fmt::format(", {} missing, the first in {}", d.missing, d.first_missing);
  return d;
}

namespace {

template <class T>
void check_values(const Dataset& d) {
  const auto v = d.values.values<T>();
  std::size_t bad = 0, first = 0;
  for (std::size_t i = 0; i < v.size(); ++i) {
    if (std::isfinite(v[i])) continue;
    if (bad++ == 0) first = i;
  }
  if (bad == 0) return;
  const std::size_t width = v.size() / std::size_t(d.rows());
  const std::string column = d.columns.size() == width ? "\"" + d.columns[first % width] + "\""
                                                       : fmt::format("{}", first % width + 1);
  const bool cells = std::int64_t(bad) == d.missing;  // of a table: cells without a number
  raise<DataError>(
      "{}: {} {}{}, the first in row {}, column {}: this model needs complete data; drop those "
      "rows or columns, or fill them in",
      d.source, bad, cells ? "missing cell" : "NaN or infinite value", bad == 1 ? "" : "s",
      first / width + 1, column);
}

}  // namespace

void check_finite(const Dataset& d) {
  if (d.values.dtype() == DType::f32) check_values<float>(d);
  if (d.values.dtype() == DType::f64) check_values<double>(d);
}

}  // namespace fathom
