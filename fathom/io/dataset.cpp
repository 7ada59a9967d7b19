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
  d.values = std::move(a);
  d.kind = std::move(kind);
}

Array pick_array(const std::string& path, const std::string& name) {
  const auto arrays = read_npz(path);
  std::string names;
  for (const auto& [n, a] : arrays) names += (names.empty() ? "" : ", ") + n;
  if (name.empty()) {
    if (arrays.size() > 1) raise<DataError>("{}: holds several arrays ({}): name one with --array", path, names);
    return arrays.begin()->second;
  }
  const auto found = arrays.find(name);
  if (found == arrays.end()) raise<DataError>("{}: has no array \"{}\" among {}", path, name, names);
  return found->second;
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
    return d;
  }
  const Bytes bytes = read_unpacked(path);
  const auto b = bytes.span();
  const auto begins = [&](const char* magic, std::size_t n) { return b.size() >= n && std::memcmp(b.data(), magic, n) == 0; };
  if (begins("\x93NUMPY", 6)) {
    set_array(d, parse_npy(bytes, path), "npy");
  } else if (begins("PK\x03\x04", 4)) {
    set_array(d, pick_array(path, o.array), "npz");
  } else if (looks_like_idx(b)) {
    set_array(d, parse_idx(bytes, path), "idx");
  } else if (begins("\x89PNG", 4)) {
    raise<DataError>("{}: one image is no data set: name a folder of images", path);
  } else {
    CsvOptions csv;
    csv.columns = o.columns;
    csv.text_columns = o.text;
    Table t = parse_csv(bytes, path, csv, workers);
    d.columns = std::move(t.names);
    d.text_names = std::move(t.text_names);
    d.text = std::move(t.text);
    d.missing = t.missing;
    d.first_missing = std::move(t.first_missing);
    set_array(d, t.values, "csv");
  }
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
  const std::string column = d.columns.empty() ? fmt::format("{}", first % width) : "\"" + d.columns[first % width] + "\"";
  raise<DataError>("{}: {} NaN or infinite value{}, the first in row {}, column {}: this model needs complete data; "
                   "drop those rows or columns, or fill them in",
                   d.source, bad, bad == 1 ? "" : "s", first / width + 1, column);
}

}  // namespace

void check_finite(const Dataset& d) {
  if (d.values.dtype() == DType::f32) check_values<float>(d);
  if (d.values.dtype() == DType::f64) check_values<double>(d);
}

}  // namespace fathom
