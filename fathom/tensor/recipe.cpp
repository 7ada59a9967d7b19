#include "fathom/tensor/recipe.h"

#include <algorithm>

#include "fathom/base/error.h"

namespace fathom {

namespace {

template <class T>
void read_as(const RowRecipe& r, const std::byte* from, std::int64_t first, std::int64_t count,
             double* to) {
  const std::int64_t d = r.width();
  const bool whole = d == r.pitch && std::is_sorted(r.places.begin(), r.places.end());
  const bool plain = !r.changes_values();
  const auto* row = reinterpret_cast<const T*>(from) + first * r.pitch;
  const double *shift = r.shift.data(), *scale = r.scale.data();
  for (std::int64_t i = 0; i < count; ++i, row += r.pitch, to += d) {
    if (whole) {
      for (std::int64_t j = 0; j < d; ++j) to[j] = double(row[j]);
    } else {
      for (std::int64_t j = 0; j < d; ++j) to[j] = double(row[r.places[std::size_t(j)]]);
    }
    if (plain) continue;
    for (std::int64_t j = 0; j < d; ++j) to[j] = (to[j] - shift[j]) / scale[j];
  }
}

}  // namespace

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
