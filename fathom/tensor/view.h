// A window on elements owned elsewhere: pointer, dtype, extents and strides in elements. The last
// axes are dense except where a view was narrowed; kernels that need more say so.
#pragma once

#include <cstddef>

#include "fathom/tensor/dtype.h"
#include "fathom/tensor/shape.h"

namespace fathom {

struct View {
  std::byte* raw = nullptr;
  DType dtype = DType::f64;
  std::int8_t rank = 0;
  std::int64_t extent[Shape::kMaxRank] = {};
  std::int64_t stride[Shape::kMaxRank] = {};

  template <class T>
  T* data() const {
    return reinterpret_cast<T*>(raw);
  }
  std::int64_t size(int first, int last) const {
    std::int64_t n = 1;
    for (int i = first; i < last; ++i) n *= extent[i];
    return n;
  }
  std::int64_t size() const { return size(0, rank); }
};

// A dense view of `shape` at `raw`.
inline View dense_view(std::byte* raw, DType dtype, const Shape& shape) {
  View v;
  v.raw = raw;
  v.dtype = dtype;
  v.rank = std::int8_t(shape.rank());
  std::int64_t step = 1;
  for (int i = shape.rank(); i-- > 0;) {
    v.extent[i] = shape.extent(i);
    v.stride[i] = step;
    step *= shape.extent(i);
  }
  return v;
}

}  // namespace fathom
