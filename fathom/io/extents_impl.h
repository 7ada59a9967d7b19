// The shape that a file's header promises, checked against the bytes that the file holds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "fathom/tensor/dtype.h"
#include "fathom/tensor/shape.h"

namespace fathom::detail {

// None when rank or extents cannot be, or the elements would not take exactly `bytes`.
inline std::optional<Shape> exact_shape(std::span<const std::uint64_t> extents, DType dtype,
                                        std::uint64_t bytes) {
  constexpr std::uint64_t kMost = std::uint64_t(1) << 48;
  if (extents.size() > std::size_t(Shape::kMaxRank)) return {};
  std::array<Axis, Shape::kMaxRank> axes{};
  std::uint64_t size = 1;
  bool none = false;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    const std::uint64_t e = extents[i];
    if (e > kMost || (e && size > kMost / e)) return {};
    axes[i].extent = std::int64_t(e);
    none |= e == 0;
    if (e) size *= e;
  }
  if ((none ? 0 : size) * size_of(dtype) != bytes) return {};
  return Shape(std::span<const Axis>(axes.data(), extents.size()));
}

}  // namespace fathom::detail
