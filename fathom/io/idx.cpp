#include "fathom/io/idx.h"

#include <algorithm>
#include <cstring>

namespace fathom {

namespace {

std::uint32_t big_endian(const std::byte* p) {
  std::uint32_t v = 0;
  for (int i = 0; i < 4; ++i) v = v << 8 | std::to_integer<std::uint32_t>(p[i]);
  return v;
}

}  // namespace

bool looks_like_idx(std::span<const std::byte> b) {
  if (b.size() < 4 || b[0] != std::byte{0} || b[1] != std::byte{0}) return false;
  const auto type = std::to_integer<int>(b[2]), rank = std::to_integer<int>(b[3]);
  return (type == 8 || type == 9 || (type >= 0xb && type <= 0xe)) && rank >= 1 && rank <= 8;
}

Array parse_idx(const Bytes& bytes, const std::string& path) {
  const auto b = bytes.span();
  if (!looks_like_idx(b))
    raise<DataError>("{}: not an IDX file: its first bytes are not 0 0 type rank", path);
  const auto type = std::to_integer<int>(b[2]);
  const auto rank = std::to_integer<std::size_t>(b[3]);
  DType dtype;
  switch (type) {
    case 0x08: dtype = DType::u8; break;
    case 0x0c: dtype = DType::i32; break;
    case 0x0d: dtype = DType::f32; break;
    case 0x0e: dtype = DType::f64; break;
    default: raise<DataError>("{}: IDX elements of type {:#x} are not supported", path, type);
  }
  const std::size_t header = 4 + 4 * rank;
  if (b.size() < header)
    raise<DataError>("{}: the IDX header is cut, {} bytes: download it again", path, b.size());
  std::array<Axis, Shape::kMaxRank> axes{};
  unsigned long long count = 1;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::uint32_t e = big_endian(b.data() + 4 + 4 * i);
    axes[i].extent = e;
    count = e && count > (1ull << 40) / e ? 1ull << 41 : count * e;
  }
  const Shape shape(std::span<const Axis>(axes.data(), rank));
  const std::size_t width = size_of(dtype);
  if (count > (1ull << 40) || b.size() - header != count * width)
    raise<DataError>(
        "{}: the IDX header promises {} of {} elements, the file holds {} bytes of "
        "them: download it again",
        path, shape.text(), name_of(dtype), b.size() - header);
  if (count == 0) raise<DataError>("{}: the IDX file holds no elements", path);
  const std::shared_ptr<std::byte> body(bytes.data, bytes.data.get() + header);
  if (width == 1) return {dtype, shape, body};
  Array out(dtype, shape);
  std::memcpy(out.raw(), body.get(), out.bytes());
  for (std::size_t i = 0; i < out.bytes(); i += width)
    std::reverse(out.raw() + i, out.raw() + i + width);
  return out;
}

Array read_idx(const std::string& path) { return parse_idx(read_unpacked(path), path); }

}  // namespace fathom
