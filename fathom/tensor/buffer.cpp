#include "fathom/tensor/buffer.h"

#include <cstring>
#include <new>

namespace fathom {

std::shared_ptr<std::byte> allocate_bytes(std::size_t bytes) {
  constexpr std::align_val_t align{64};
  auto* p = static_cast<std::byte*>(::operator new(bytes + 64, align));
  std::memset(p, 0, bytes + 64);
  return {p, [](std::byte* q) { ::operator delete (q, std::align_val_t{64}); }};
}

Array::Array(DType dtype, Shape shape)
    : dtype_(dtype),
      shape_(shape),
      memory_(allocate_bytes(std::size_t(shape.size()) * size_of(dtype))) {}

Array::Array(DType dtype, Shape shape, std::shared_ptr<std::byte> memory)
    : dtype_(dtype), shape_(shape), memory_(std::move(memory)) {}

void Array::check(DType wanted) const {
  if (wanted != dtype_)
    raise<ShapeError>("[array] holds {}, asked for {}", name_of(dtype_), name_of(wanted));
}

Array Array::reshaped(Shape shape) const {
  if (shape.size() != size())
    raise<ShapeError>("[array] {} cannot be seen as {}", shape_.text(), shape.text());
  return {dtype_, shape, memory_};
}

Array Array::copy() const {
  Array a(dtype_, shape_);
  if (bytes()) std::memcpy(a.raw(), raw(), bytes());
  return a;
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
