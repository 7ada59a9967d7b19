#include "fathom/tensor/recipe.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fathom/base/error.h"

namespace fathom {

namespace {

template <class T>
void read_indicators(const RowRecipe& r, const T* row, std::int64_t count, double* to) {
  const StoredIndicators& what = r.indicators;
  for (std::int64_t i = 0; i < count; ++i, row += r.pitch) {
    const auto v = double(row[what.place]);
    const bool unknown = std::isnan(v);
    for (const double is : what.is) *to++ = unknown ? what.unknown : v == is ? what.yes : what.no;
  }
}

double without_place(int place) {
  return place == RowRecipe::kOne ? 1 : std::numeric_limits<double>::quiet_NaN();
}

template <class T>
void read_as(const RowRecipe& r, const std::byte* from, std::int64_t first, std::int64_t count,
             double* to) {
  const auto* row = reinterpret_cast<const T*>(from) + first * r.pitch;
  if (!r.indicators.is.empty()) return read_indicators(r, row, count, to);
  const std::int64_t d = r.width();
  bool whole = d == r.pitch;
  for (std::int64_t j = 0; whole && j < d; ++j) whole = r.places[std::size_t(j)] == j;
  const bool plain = !r.changes_values();
  const bool stored =
      std::all_of(r.places.begin(), r.places.end(), [](int place) { return place >= 0; });
  const double *shift = r.shift.data(), *scale = r.scale.data();
  for (std::int64_t i = 0; i < count; ++i, row += r.pitch, to += d) {
    if (whole) {
      for (std::int64_t j = 0; j < d; ++j) to[j] = double(row[j]);
    } else if (stored) {
      for (std::int64_t j = 0; j < d; ++j) to[j] = double(row[r.places[std::size_t(j)]]);
    } else {
      for (std::int64_t j = 0; j < d; ++j)
        if (const int place = r.places[std::size_t(j)]; place >= 0) {
          to[j] = double(row[place]);
        } else {
          to[j] = without_place(place);
        }
    }
    for (std::size_t j = 0; j < r.levels.size(); ++j)
      if (!r.levels[j].empty()) to[j] = r.levels[j].of(to[j]);
    if (plain) continue;
    for (std::int64_t j = 0; j < d; ++j) to[j] = (to[j] - shift[j]) / scale[j];
  }
}

}  // namespace

double StoredLevels::of(double value) const {
  const auto at = std::lower_bound(stored.begin(), stored.end(), value);
  return at != stored.end() && *at == value ? level[std::size_t(at - stored.begin())]
                                            : std::numeric_limits<double>::quiet_NaN();
}

bool RowRecipe::changes_values() const {
  return std::any_of(shift.begin(), shift.end(), [](double s) { return s != 0; }) ||
         std::any_of(scale.begin(), scale.end(), [](double s) { return s != 1; });
}

void RowRecipe::read(const std::byte* from, std::int64_t first, std::int64_t count,
                     double* to) const {
  switch (dtype) {
    case DType::f32: return read_as<float>(*this, from, first, count, to);
    case DType::f64: return read_as<double>(*this, from, first, count, to);
    case DType::u8:
    case DType::boolean: return read_as<std::uint8_t>(*this, from, first, count, to);
    case DType::i32: return read_as<std::int32_t>(*this, from, first, count, to);
    case DType::i64: return read_as<std::int64_t>(*this, from, first, count, to);
    case DType::key: break;
  }
  raise<ShapeError>("[rows] {} is not a number type", name_of(dtype));
}

}  // namespace fathom
