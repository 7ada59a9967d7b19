// Little-endian integers in a file.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fathom::detail {

inline std::uint32_t little(const std::byte* p, int bytes) {
  std::uint32_t v = 0;
  for (int i = bytes; i-- > 0;) v = v << 8 | std::to_integer<std::uint32_t>(p[i]);
  return v;
}

}  // namespace fathom::detail
