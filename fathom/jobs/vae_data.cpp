#include "fathom/jobs/vae_data.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <optional>

#include "fathom/climb/fit.h"
#include "fathom/kernels/rng.h"

namespace fathom {

namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    if (comma > at) out.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

std::optional<double> number(const std::string& text) {
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return {};
  return v;
}

// Calls f(pointer to elements of the array's type).
template <class F>
auto with_elements(const Array& a, F&& f) {
  switch (a.dtype()) {
    case DType::u8: return f(a.data<std::uint8_t>());
    case DType::i32: return f(a.data<std::int32_t>());
    case DType::i64: return f(a.data<std::int64_t>());
    case DType::f32: return f(a.data<float>());
    case DType::f64: return f(a.data<double>());
    default: raise<DataError>("values of type {} cannot be modelled", name_of(a.dtype()));
  }
}

struct Pixels {
  Dataset data;
  std::string label;  // its column
  std::vector<double> labels;
  std::string label_note;
};

bool names_a_label(const std::string& column) {
  return column == "label" || column == "class" || column == "target";
}

// Takes column `k` out of a table.
void take_label(Pixels& l, std::size_t k) {
  Dataset& d = l.data;
  const std::int64_t rows = d.rows(), width = std::int64_t(d.columns.size());
  Array rest(DType::f64, Shape{rows, width - 1});
  const double* from = d.values.data<double>();
  double* to = rest.data<double>();
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < width; ++j) {
      const double v = from[i * width + j];
      if (j == std::int64_t(k)) {
        l.labels.push_back(v);
      } else {
        *to++ = v;
      }
    }
  l.label = d.columns[k];
  d.columns.erase(d.columns.begin() + std::ptrdiff_t(k));
  d.values = rest;
  d.item = Shape{width - 1};
}

// Labels of images lie beside them where MNIST and its kin put them.
void find_label_file(Pixels& l, const std::string& path) {
  const std::string images = "images-idx3", labels = "labels-idx1";
  const std::size_t at = path.rfind(images);
  if (at == std::string::npos) return;
  std::string beside = path;
  beside.replace(at, images.size(), labels);
  std::error_code ignored;
  if (!std::filesystem::exists(beside, ignored)) return;
  try {
    const Dataset d = load_dataset(beside);
    if (d.values.size() != l.data.rows()) return;
    with_elements(d.values, [&](const auto* v) { l.labels.assign(v, v + d.values.size()); });
    l.label_note = beside;
  } catch (const DataError&) {
    // Pictures do without colours.
  }
}

Pixels load(const std::string& path, const VaeDataConfig& config, Workers& workers) {
  Pixels l;
  DatasetOptions options;
  options.array = config.array;
  options.columns = split(config.columns);
  l.data = load_dataset(path, options, &workers);
  const auto& columns = l.data.columns;
  if (!columns.empty() && config.label != "none") {
    const bool search = config.label == "auto";
    const auto found = std::find_if(columns.begin(), columns.end(), [&](const std::string& c) {
      return search ? names_a_label(c) : c == config.label;
    });
    if (found != columns.end() && columns.size() > 1) {
      take_label(l, std::size_t(found - columns.begin()));
    } else if (!search) {
      raise<ConfigError>("{}: there is no column \"{}\" to be the label", path, config.label);
    }
  }
  return l;
}

// Height and width for pictures; empty where rows are no images.
std::vector<std::int64_t> picture_shape(const Dataset& d, std::int64_t width) {
  std::vector<std::int64_t> item;
  for (int i = 0; i < d.item.rank(); ++i)
    if (d.item.extent(i) != 1) item.push_back(d.item.extent(i));
  if (item.size() == 2 || (item.size() == 3 && item[2] == 3)) return item;
  const auto side = std::int64_t(std::lround(std::sqrt(double(width))));
  if (item.size() <= 1 && width >= 16 && side * side == width) return {side, side};
  return {};
}

std::string shape_text(const std::vector<std::int64_t>& item) {
  return fmt::format("{}", fmt::join(item, " x "));
}

struct Range {
  double low = INFINITY, high = -INFINITY;
};

Range range_of(const Array& a) {
  return with_elements(a, [&](const auto* v) {
    const auto [low, high] = std::minmax_element(v, v + a.size());
    return Range{double(*low), double(*high)};
  });
}

// First value that is neither 0 nor `one`; -1: none.
std::int64_t first_grey(const Array& a, double one) {
  return with_elements(a, [&](const auto* v) {
    using T = std::remove_cvref_t<decltype(*v)>;
    const T top = T(one);
    for (std::int64_t i = 0; i < a.size(); ++i)
      if (v[i] != T(0) && v[i] != top) return i;
    return std::int64_t(-1);
  });
}

double divisor_for(const VaeDataConfig& c, const Dataset& d) {
  if (c.scale == "auto" || c.scale == "none") return 1;
  if (c.scale == "max") {
    const double top = range_of(d.values).high;
    if (!(top > 0))
      raise<DataError>("{}: --scale max needs a positive value; the largest is {}", d.source, top);
    return top;
  }
  const auto v = number(c.scale);
  if (!v || !(*v > 0) || !std::isfinite(*v))
    raise<ConfigError>("--scale \"{}\": auto, none, max or a positive number", c.scale);
  return *v;
}

std::string place_text(const Dataset& d, std::int64_t element, std::int64_t width) {
  const std::int64_t column = element % width;
  return fmt::format("row {}, column {}", element / width + 1,
                     d.columns.empty() ? std::to_string(column + 1)
                                       : "\"" + d.columns[std::size_t(column)] + "\"");
}

void check_unit_range(const Dataset& d, double divisor, std::int64_t width) {
  const Range r = range_of(d.values);
  if (r.low >= 0 && r.high <= divisor) return;
  const std::int64_t at = with_elements(d.values, [&](const auto* v) {
    for (std::int64_t i = 0;; ++i)
      if (double(v[i]) < 0 || double(v[i]) > divisor) return i;
  });
  const std::string remedy = r.low < 0 ? "--likelihood gaussian takes any numbers"
                                       : fmt::format(
                                             "--scale {:g} divides by the largest value; "
                                             "--likelihood gaussian takes any numbers",
                                             r.high);
  raise<DataError>(
      "{}: values lie in [{:g}, {:g}], the first outside [0, {:g}] in {}: a bernoulli likelihood "
      "needs pixels in [0, 1]; {}",
      d.source, r.low, r.high, divisor, place_text(d, at, width), remedy);
}

void check_grey(const Dataset& d, double one, std::int64_t width) {
  const std::int64_t at = first_grey(d.values, one);
  if (at < 0) return;
  raise<DataError>(
      "{}: grey values, the first in {}: under a bernoulli they are not a likelihood; say "
      "--binarize dynamic (bits drawn anew each epoch), threshold (above one half) or fixed:SEED "
      "(drawn once), or model them with --likelihood gaussian",
      d.source, place_text(d, at, width));
}

// A table with the columns of the fit in another order is brought to that order. Throws DataError
// where some of them are there and others are not.
void match_columns(Dataset& d, const std::vector<std::string>& wanted) {
  if (wanted.empty() || d.columns == wanted || d.columns.size() != wanted.size()) return;
  std::vector<std::size_t> from;
  const std::string* missing = nullptr;
  for (const std::string& name : wanted) {
    const auto found = std::find(d.columns.begin(), d.columns.end(), name);
    if (found == d.columns.end()) {
      missing = missing ? missing : &name;
    } else {
      from.push_back(std::size_t(found - d.columns.begin()));
    }
  }
  if (from.empty()) return;  // names of another kind: columns go by their places
  if (missing)
    raise<DataError>("{}: the column \"{}\" of the fit is missing: name columns as there", d.source,
                     *missing);
  Array out(d.values.dtype(), d.values.shape());
  const std::size_t size = size_of(out.dtype()), width = wanted.size();
  for (std::size_t i = 0; i < std::size_t(d.rows()); ++i)
    for (std::size_t j = 0; j < width; ++j)
      std::copy_n(d.values.raw() + (i * width + from[j]) * size, size,
                  out.raw() + (i * width + j) * size);
  d.values = std::move(out);
  d.columns = wanted;
}

// Rows as wide as those of the fit, their columns in its order. What they hold is looked at later.
void match_shape(Dataset& d, const PixelFormat& f) {
  match_columns(d, f.columns);
  const std::int64_t width = d.values.size() / d.rows();
  if (width != f.width)
    raise<DataError>("{}: rows have {} numbers, the model's have {}{}", d.source, width, f.width,
                     f.item.empty() ? "" : " (" + shape_text(f.item) + ")");
}

// Decides how values are stored, and checks them against the likelihood.
PixelFormat decide(const Pixels& l, const VaeDataConfig& config, const VaeConfig& model) {
  const Dataset& d = l.data;
  PixelFormat f;
  f.width = d.values.size() / d.rows();
  f.item = picture_shape(d, f.width);
  f.columns = d.columns;
  f.label = l.label;
  const bool bytes = d.values.dtype() == DType::u8;
  const bool bernoulli = model.likelihood == "bernoulli";
  f.eight_bit = bytes && (config.scale == "auto" || config.scale == "255");
  if (f.eight_bit && first_grey(d.values, 1) < 0) {  // bytes 0 and 1 are no shades of grey
    f.eight_bit = false;
    f.bits = bernoulli;
  }
  if (!f.eight_bit && !f.bits) f.divisor = divisor_for(config, d);
  f.drawn = bernoulli && !f.bits && model.binarize.rfind("fixed", 0) == 0;
  if (!bernoulli || f.bits) return f;
  if (!f.eight_bit) check_unit_range(d, f.divisor, f.width);
  if (model.binarize == "none") check_grey(d, f.eight_bit ? 255 : f.divisor, f.width);
  return f;
}

// [n, width] as the format stores it.
Array store(const Array& values, const PixelFormat& f) {
  const std::int64_t rows = values.size() / f.width;
  if (f.eight_bit || f.bits) return values.reshaped(Shape{rows, f.width});
  Array out(DType::f32, Shape{rows, f.width});
  with_elements(values, [&](const auto* v) {
    float* to = out.data<float>();
    for (std::int64_t i = 0; i < values.size(); ++i) to[i] = float(double(v[i]) / f.divisor);
  });
  return out;
}

VaeRows all_rows(Pixels&& l, const PixelFormat& f) {
  VaeRows rows;
  rows.set.rows = l.data.rows();
  rows.set.columns["x"] = store(l.data.values, f);
  rows.labels = std::move(l.labels);
  rows.place.resize(std::size_t(rows.set.rows));
  std::iota(rows.place.begin(), rows.place.end(), std::int64_t(0));
  return rows;
}

// Moves a keyed choice of `count` rows out of `rows`. What stays is closed up in place from the
// end, so that memory does not hold the table twice.
VaeRows split_off(VaeRows& rows, std::int64_t count, std::uint64_t seed) {
  Array& x = rows.set.columns["x"];
  const std::int64_t n = rows.set.rows, left = n - count;
  const std::size_t bytes = x.bytes() / std::size_t(n);
  std::vector<std::int64_t> order = epoch_order(seed, -1, n);  // no epoch's own
  std::vector<std::int64_t> taken(order.begin(), order.begin() + std::ptrdiff_t(count));
  std::sort(taken.begin(), taken.end());
  std::vector<bool> is_taken(static_cast<std::size_t>(n));
  for (std::int64_t i : taken) is_taken[std::size_t(i)] = true;

  VaeRows out;
  out.set.rows = count;
  Array kept(x.dtype(), Shape{count, x.size() / n});
  for (std::size_t k = 0; k < taken.size(); ++k) {
    std::memcpy(kept.raw() + k * bytes, x.raw() + std::size_t(taken[k]) * bytes, bytes);
    out.place.push_back(rows.place[std::size_t(taken[k])]);
    if (!rows.labels.empty()) out.labels.push_back(rows.labels[std::size_t(taken[k])]);
  }
  out.set.columns["x"] = kept;

  std::int64_t from = n - 1;
  for (std::int64_t to : taken) {
    if (to >= left) break;
    while (is_taken[std::size_t(from)]) --from;
    std::memcpy(x.raw() + std::size_t(to) * bytes, x.raw() + std::size_t(from) * bytes, bytes);
    rows.place[std::size_t(to)] = rows.place[std::size_t(from)];
    if (!rows.labels.empty()) rows.labels[std::size_t(to)] = rows.labels[std::size_t(from)];
    --from;
  }
  rows = slice_rows(rows, 0, left);
  return out;
}

void describe(const Pixels& l, const PixelFormat& f, const VaeConfig& model, const Note& note) {
  const Dataset& d = l.data;
  note(fmt::format("{}: {} rows of {} numbers{}", d.source, d.rows(), f.width,
                   f.item.empty() ? "" : fmt::format(", pictures of {}", shape_text(f.item))));
  if (!l.label.empty())
    note(fmt::format("column \"{}\" is a label: kept for pictures, not modelled", l.label));
  if (f.eight_bit) note("8-bit pixels scaled to [0, 1]; densities are of the scaled values");
  if (f.divisor != 1)
    note(fmt::format("values divided by {:g}; densities are of the scaled values", f.divisor));
  if (model.likelihood == "bernoulli" && model.binarize == "dynamic")
    note("bits are drawn anew for every row and epoch, with the grey value as probability");
  if (model.likelihood == "bernoulli" && model.binarize == "threshold")
    note("pixels above one half are 1, others 0");
}

void fix_bits(VaeRows& rows, const PixelFormat& f, std::uint64_t seed, Workers& workers) {
  Array& x = rows.set.columns["x"];
  x = draw_bits(x, rows.place, f.eight_bit, seed, workers);
}

}  // namespace

std::uint64_t check_binarize(const std::string& b) {
  if (b == "none" || b == "dynamic" || b == "threshold") return 0;
  std::uint64_t seed = 0;
  if (b.rfind("fixed:", 0) == 0) {
    const auto [end, error] = std::from_chars(b.data() + 6, b.data() + b.size(), seed);
    if (error == std::errc() && end == b.data() + b.size()) return seed;
  }
  raise<ConfigError>(
      "--binarize \"{}\": dynamic, threshold, fixed:SEED with a whole number, or none", b);
}

Array draw_bits(const Array& pixels, const std::vector<std::int64_t>& place, bool eight_bit,
                std::uint64_t seed, Workers& workers) {
  const std::int64_t rows = std::int64_t(place.size()),
                     width = pixels.size() / std::max<std::int64_t>(rows, 1);
  Array bits(DType::u8, Shape{rows, width});
  const Key key = fold(Key{seed, 0}, 0x626974);  // "bit"
  const std::uint8_t* grey = eight_bit ? pixels.data<std::uint8_t>() : nullptr;
  const float* unit = eight_bit ? nullptr : pixels.data<float>();
  std::uint8_t* out = bits.data<std::uint8_t>();
  constexpr std::int64_t kRows = 64;
  workers.each(std::size_t((rows + kRows - 1) / kRows), [&](std::size_t task, int) {
    const std::int64_t first = std::int64_t(task) * kRows, count = std::min(rows - first, kRows);
    std::vector<float> u(std::size_t(count * width));
    kernels::fill_uniform(key, place.data() + first, 0, count, width, u.data());
    const std::int64_t at = first * width;
    for (std::int64_t i = 0; i < count * width; ++i)
      out[at + i] = u[std::size_t(i)] < (grey ? float(grey[at + i]) / 255.0f : unit[at + i]);
  });
  return bits;
}

Array as_pixels(const Array& stored, const PixelFormat& f) {
  if (stored.dtype() == DType::f32) return stored;
  Array out(DType::f32, stored.shape());
  const double unit = f.eight_bit && !f.drawn ? 1.0 / 255 : 1.0;
  const std::uint8_t* in = stored.data<std::uint8_t>();
  float* to = out.data<float>();
  for (std::int64_t i = 0; i < stored.size(); ++i) to[i] = float(in[i] * unit);
  return out;
}

VaeRows slice_rows(const VaeRows& rows, std::int64_t first, std::int64_t count) {
  VaeRows out;
  const std::int64_t last = std::min(first + count, rows.set.rows);
  out.set.rows = last - first;
  for (const auto& [name, a] : rows.set.columns) {
    const auto owner = std::make_shared<Array>(a);
    const std::int64_t width = a.size() / rows.set.rows;
    std::byte* at = owner->raw() + std::size_t(first * width) * size_of(a.dtype());
    out.set.columns[name] =
        Array(a.dtype(), Shape{out.set.rows, width}, std::shared_ptr<std::byte>(owner, at));
  }
  out.place.assign(rows.place.begin() + first, rows.place.begin() + last);
  if (!rows.labels.empty())
    out.labels.assign(rows.labels.begin() + first, rows.labels.begin() + last);
  return out;
}

VaeRows even_rows(const VaeRows& rows, std::int64_t most) {
  const std::int64_t n = std::min(most, rows.set.rows);
  if (n == rows.set.rows) return rows;
  const auto from = [&](std::int64_t i) { return i * rows.set.rows / n; };
  VaeRows out;
  out.set.rows = n;
  for (const auto& [name, a] : rows.set.columns) {
    const std::int64_t width = a.size() / rows.set.rows;
    const std::size_t bytes = std::size_t(width) * size_of(a.dtype());
    Array some(a.dtype(), Shape{n, width});
    for (std::int64_t i = 0; i < n; ++i)
      std::copy_n(a.raw() + std::size_t(from(i)) * bytes, bytes,
                  some.raw() + std::size_t(i) * bytes);
    out.set.columns[name] = some;
  }
  for (std::int64_t i = 0; i < n; ++i) out.place.push_back(rows.place[std::size_t(from(i))]);
  if (!rows.labels.empty())
    for (std::int64_t i = 0; i < n; ++i) out.labels.push_back(rows.labels[std::size_t(from(i))]);
  return out;
}

std::uint32_t fingerprint(const VaeRows& rows) {
  const Array& x = rows.set.columns.at("x");
  const std::size_t bytes = x.bytes() / std::size_t(rows.set.rows);
  std::uint64_t h = mix64(std::uint64_t(rows.set.rows));
  const std::int64_t step = std::max<std::int64_t>(1, rows.set.rows / 64);
  for (std::int64_t i = 0; i < rows.set.rows; i += step)
    for (std::size_t k = 0; k < bytes; ++k)
      h = (h ^ std::uint64_t(x.raw()[std::size_t(i) * bytes + k])) * 0x100000001b3ull;  // FNV-1a
  return std::uint32_t(h ^ h >> 32);
}

VaeData load_vae_data(const std::string& path, const VaeDataConfig& config, const VaeConfig& model,
                      std::uint64_t seed, Workers& workers, const Note& note,
                      const PixelFormat* fitted) {
  const std::uint64_t bits_seed = check_binarize(model.binarize);
  if (model.likelihood == "gaussian" && model.binarize != "none")
    raise<ConfigError>("--binarize {} makes bits: it goes with --likelihood bernoulli",
                       model.binarize);
  Pixels l = load(path, config, workers);
  if (l.labels.empty() && config.label == "auto") find_label_file(l, path);
  VaeData out;
  out.source = path;
  out.kind = l.data.kind;
  if (fitted) match_shape(l.data, *fitted);
  check_finite(l.data);
  out.format = decide(l, config, model);
  describe(l, out.format, model, note);
  if (!l.label_note.empty()) note(fmt::format("labels for pictures from {}", l.label_note));
  out.train = all_rows(std::move(l), out.format);
  if (out.format.drawn) {
    fix_bits(out.train, out.format, bits_seed, workers);
    note(fmt::format("bits are drawn once, with the grey value as probability and seed {}",
                     bits_seed));
  }
  const auto part = number(config.validation);
  if (!part && !config.validation.empty()) {
    out.validation = load_vae_rows(config.validation, config, out.format, model, workers);
    return out;
  }
  if (part && !(*part >= 0 && *part < 1))
    raise<ConfigError>("--validation {}: a part of the rows in [0, 1), or a file",
                       config.validation);
  const std::int64_t n = out.train.set.rows;
  if (part && *part > 0 && n > 1) {
    const auto count = std::clamp<std::int64_t>(std::llround(*part * double(n)), 1, n - 1);
    out.validation = split_off(out.train, count, seed);
  }
  return out;
}

VaeRows load_vae_rows(const std::string& path, const VaeDataConfig& given, const PixelFormat& f,
                      const VaeConfig& model, Workers& workers) {
  VaeDataConfig config = given;
  if (!f.label.empty() && config.label == "auto") config.label = f.label;
  Pixels l;
  try {
    l = load(path, config, workers);
  } catch (const ConfigError&) {  // this table has no labels
    config.label = "none";
    l = load(path, config, workers);
  }
  if (l.labels.empty() && config.label == "auto") find_label_file(l, path);
  match_shape(l.data, f);
  check_finite(l.data);
  const Dataset& d = l.data;
  const bool bytes = d.values.dtype() == DType::u8;
  if ((f.eight_bit || f.bits) && !bytes)
    raise<DataError>("{}: holds {}, the model was fitted to bytes", path,
                     name_of(d.values.dtype()));
  if (f.bits && first_grey(d.values, 1) >= 0)
    raise<DataError>("{}: the model was fitted to bytes 0 and 1; here are others", path);
  if (model.likelihood == "bernoulli" && !f.eight_bit && !f.bits)
    check_unit_range(d, f.divisor, f.width);
  if (model.likelihood == "bernoulli" && model.binarize == "none" && !f.bits)
    check_grey(d, f.eight_bit ? 255 : f.divisor, f.width);
  // Bytes 0 and 1 are bits, not pixels of which 255 are white.
  if (model.likelihood == "bernoulli" && f.eight_bit && first_grey(d.values, 1) < 0) {
    Array wide(DType::u8, d.values.shape());
    std::transform(d.values.data<std::uint8_t>(), d.values.data<std::uint8_t>() + d.values.size(),
                   wide.data<std::uint8_t>(), [](auto b) { return std::uint8_t(255 * b); });
    l.data.values = wide;
  }
  VaeRows rows = all_rows(std::move(l), f);
  if (f.drawn) fix_bits(rows, f, check_binarize(model.binarize), workers);
  return rows;
}

}  // namespace fathom
