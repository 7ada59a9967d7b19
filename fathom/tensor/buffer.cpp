#include "fathom/tensor/buffer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

namespace fathom {

// Zeros of large blocks are pages that the system has not handed out yet: each comes when it is
// first touched, on the thread that does.
std::shared_ptr<std::byte> allocate_bytes(std::size_t bytes) {
  constexpr std::size_t align = 64;
  void* block = std::calloc(bytes + 2 * align, 1);
  if (!block) throw std::bad_alloc();
  void* p = block;
  std::size_t left = bytes + 2 * align;
  std::align(align, bytes + align, p, left);
  return {static_cast<std::byte*>(p), [block](std::byte*) { std::free(block); }};
}

Array::Array(DType dtype, Shape shape)
    : dtype_(dtype),
      shape_(shape),
      memory_(allocate_bytes(std::size_t(shape.size()) * size_of(dtype))) {}

Array::Array(DType dtype, Shape shape, std::shared_ptr<std::byte> memory)
    : dtype_(dtype), shape_(shape), memory_(std::move(memory)) {}

Array::Array(std::int64_t rows, std::shared_ptr<std::byte> memory,
             std::shared_ptr<const RowRecipe> recipe)
    : shape_({rows, recipe->width()}), memory_(std::move(memory)), recipe_(std::move(recipe)) {}

void Array::refuse() const {
  raise<ShapeError>("[array] rows {} are made when they are read: take a part of them made",
                    shape_.text());
}

void Array::check(DType wanted) const {
  if (wanted != dtype_)
    raise<ShapeError>("[array] holds {}, asked for {}", name_of(dtype_), name_of(wanted));
}

Array Array::reshaped(Shape shape) const {
  if (shape.size() != size())
    raise<ShapeError>("[array] {} cannot be seen as {}", shape_.text(), shape.text());
  Array out = *this;
  if (recipe_ && (shape.rank() != 2 || shape.extent(1) != shape_.extent(1))) refuse();
  out.shape_ = shape;
  return out;
}

Array Array::copy() const {
  Array a(dtype_, shape_);
  if (recipe_) {
    recipe_->read(stored(), 0, shape_.extent(0), a.data<double>());
  } else if (bytes()) {
    std::memcpy(a.raw(), raw(), bytes());
  }
  return a;
}

Array Array::part(std::int64_t first, std::int64_t count) const {
  if (shape_.rank() == 0 || first < 0 || count < 0 || first + count > shape_.extent(0))
    raise<ShapeError>("[array] {} of {} from {} on", count, shape_.text(), first);
  std::vector<Axis> axes(shape_.axes().begin(), shape_.axes().end());
  const std::size_t row = recipe_                ? recipe_->stored_bytes()
                          : shape_.extent(0) > 0 ? bytes() / std::size_t(shape_.extent(0))
                                                 : 0;
  axes[0].extent = count;
  Array out = *this;
  out.shape_ = Shape(std::span<const Axis>(axes));
  out.memory_ = {memory_, memory_.get() + std::size_t(first) * row};
  return out;
}

namespace {

// What makes rows [n, d] when they are read, as they are.
RowRecipe recipe_of(const Array& a) {
  if (a.recipe()) {
    if (!a.recipe()->indicators.is.empty())
      raise<ShapeError>("[array] indicators {} are read as they are", a.shape().text());
    return *a.recipe();
  }
  if (a.shape().rank() != 2)
    raise<ShapeError>("[array] columns of {}: rows have two axes", a.shape().text());
  RowRecipe r{a.dtype(), a.shape().extent(1), {}, {}, {}};
  for (int j = 0; j < int(r.pitch); ++j) r.places.push_back(j);
  r.shift.assign(std::size_t(r.pitch), 0);
  r.scale.assign(std::size_t(r.pitch), 1);
  return r;
}

}  // namespace

Array Array::columns(const std::vector<int>& places) const {
  const RowRecipe all = recipe_of(*this);
  RowRecipe r{all.dtype, all.pitch, {}, {}, {}};
  for (const int place : places) {
    const bool stored = place >= 0;
    if (place < RowRecipe::kOne || place >= int(all.places.size()))
      raise<ShapeError>("[array] column {} of {}", place, shape_.text());
    r.places.push_back(stored ? all.places[std::size_t(place)] : place);
    r.shift.push_back(stored ? all.shift[std::size_t(place)] : 0);
    r.scale.push_back(stored ? all.scale[std::size_t(place)] : 1);
    if (!all.levels.empty())
      r.levels.push_back(stored ? all.levels[std::size_t(place)] : StoredLevels());
  }
  return {shape_.extent(0), memory_, std::make_shared<const RowRecipe>(std::move(r))};
}

Array Array::scaled(const std::vector<double>& shift, const std::vector<double>& scale) const {
  RowRecipe r = recipe_of(*this);
  if (shift.size() != r.places.size() || scale.size() != r.places.size())
    raise<ShapeError>("[array] {} columns with {} shifts and {} scales", r.places.size(),
                      shift.size(), scale.size());
  for (std::size_t j = 0; j < shift.size(); ++j) {
    if (r.scale[j] != 1 || (r.shift[j] != 0 && shift[j] != 0))
      raise<ShapeError>("[array] column {} is shifted and scaled already", j);
    if (r.shift[j] == 0) r.shift[j] = shift[j];
    r.scale[j] = scale[j];
  }
  return {shape_.extent(0), memory_, std::make_shared<const RowRecipe>(std::move(r))};
}

Array Array::with_levels(std::vector<StoredLevels> levels) const {
  RowRecipe r = recipe_of(*this);
  if (levels.size() != r.places.size() || r.changes_values())
    raise<ShapeError>("[array] levels of {} columns for rows {} as they are stored", levels.size(),
                      shape_.text());
  if (r.levels.empty()) r.levels.resize(levels.size());
  for (std::size_t j = 0; j < levels.size(); ++j) {
    if (levels[j].empty()) continue;
    StoredLevels& known = r.levels[j];
    if (known.empty()) {
      known = std::move(levels[j]);
    } else {  // of what the stored numbers stand for already
      for (double& level : known.level) level = levels[j].of(level);
    }
  }
  return {shape_.extent(0), memory_, std::make_shared<const RowRecipe>(std::move(r))};
}

Array Array::indicators(int column, std::int64_t count, double yes, double no,
                        double unknown) const {
  const RowRecipe all = recipe_of(*this);
  const auto at = std::size_t(column);
  if (column < 0 || at >= all.places.size() || all.places[at] < 0 || all.shift[at] != 0 ||
      all.scale[at] != 1)
    raise<ShapeError>("[array] indicators of column {} of {}: a stored column, as it is", column,
                      shape_.text());
  RowRecipe r{all.dtype, all.pitch, {}, {}, {}};
  r.indicators = {all.places[at], {}, yes, no, unknown};
  r.indicators.is.assign(std::size_t(count), std::numeric_limits<double>::quiet_NaN());
  for (std::int64_t l = 0; l < count; ++l) {
    if (all.levels.empty() || all.levels[at].empty()) {
      r.indicators.is[std::size_t(l)] = double(l);
      continue;
    }
    const StoredLevels& known = all.levels[at];
    const auto found = std::find(known.level.begin(), known.level.end(), double(l));
    if (found != known.level.end())
      r.indicators.is[std::size_t(l)] = known.stored[std::size_t(found - known.level.begin())];
  }
  return {shape_.extent(0), memory_, std::make_shared<const RowRecipe>(std::move(r))};
}

namespace {

template <class F>
void visit_numbers(const Array& a, F&& f) {
  switch (a.dtype()) {
    case DType::f32: return f(a.data<float>());
    case DType::f64: return f(a.data<double>());
    case DType::u8: return f(a.data<std::uint8_t>());
    case DType::i32: return f(a.data<std::int32_t>());
    case DType::i64: return f(a.data<std::int64_t>());
    case DType::boolean: return f(a.data<bool>());
    case DType::key: break;
  }
  raise<ShapeError>("[cast] {} is not a number type", name_of(a.dtype()));
}

template <class T>
void fill_from(Array& out, const Array& in) {
  visit_numbers(in, [&](const auto* p) {
    T* q = out.data<T>();
    for (std::int64_t i = 0; i < in.size(); ++i) q[i] = static_cast<T>(p[i]);
  });
}

}  // namespace

Array Array::cast(DType to) const {
  if (recipe_) return to == dtype_ ? copy() : copy().cast(to);
  Array out(to, shape_);
  switch (to) {
    case DType::f32: fill_from<float>(out, *this); break;
    case DType::f64: fill_from<double>(out, *this); break;
    case DType::u8: fill_from<std::uint8_t>(out, *this); break;
    case DType::i32: fill_from<std::int32_t>(out, *this); break;
    case DType::i64: fill_from<std::int64_t>(out, *this); break;
    case DType::boolean: fill_from<bool>(out, *this); break;
    case DType::key: raise<ShapeError>("[cast] nothing casts to key");
  }
  return out;
}

}  // namespace fathom
