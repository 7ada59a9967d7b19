#include "fathom/io/npy.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace fathom {

namespace {

struct Header {
  DType dtype;
  bool fortran;
  Shape shape;
};

std::optional<DType> dtype_named(std::string_view d) {
  if (d == "<f4") return DType::f32;
  if (d == "<f8") return DType::f64;
  if (d == "|u1") return DType::u8;
  if (d == "<i4") return DType::i32;
  if (d == "<i8") return DType::i64;
  if (d == "|b1") return DType::boolean;
  return {};
}

std::string_view npy_name(DType t) {
  switch (t) {
    case DType::f32: return "<f4";
    case DType::f64: return "<f8";
    case DType::u8: return "|u1";
    case DType::i32: return "<i4";
    case DType::i64: return "<i8";
    case DType::boolean: return "|b1";
    case DType::key: break;
  }
  raise<DataError>("keys cannot be written as NPY");
}

// What follows `'key':` in the header's dictionary.
std::string_view field(std::string_view text, std::string_view key, const std::string& path) {
  const std::size_t at = text.find(key);
  const std::size_t colon = at == std::string_view::npos ? at : text.find(':', at);
  if (colon == std::string_view::npos) raise<DataError>("{}: the NPY header lacks {}", path, key);
  std::string_view rest = text.substr(colon + 1);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return rest;
}

Header parse_header(std::string_view text, const std::string& path) {
  Header h{};
  std::string_view d = field(text, "'descr'", path);
  const std::size_t close = d.size() > 1 ? d.find('\'', 1) : std::string_view::npos;
  if (d.empty() || d[0] != '\'' || close == std::string_view::npos)
    raise<DataError>("{}: NPY arrays of records are not supported", path);
  const auto dtype = dtype_named(d.substr(1, close - 1));
  if (!dtype)
    raise<DataError>("{}: NPY dtype {} is not supported: use float32, float64, uint8, int32, int64 or bool", path,
                     d.substr(1, close - 1));
  h.dtype = *dtype;
  h.fortran = field(text, "'fortran_order'", path).substr(0, 4) == "True";
  std::string_view s = field(text, "'shape'", path);
  const std::size_t end = s.find(')');
  if (s.empty() || s[0] != '(' || end == std::string_view::npos) raise<DataError>("{}: the NPY shape is damaged", path);
  s = s.substr(1, end - 1);
  std::array<Axis, Shape::kMaxRank> axes{};
  std::size_t rank = 0;
  for (const char *p = s.data(), *last = s.data() + s.size(); p < last;) {
    if (*p == ' ' || *p == ',') {
      ++p;
      continue;
    }
    std::int64_t e = 0;
    const auto [next, error] = std::from_chars(p, last, e);
    if (error != std::errc() || e < 0 || rank == axes.size() || e > (std::int64_t(1) << 40))
      raise<DataError>("{}: the NPY shape ({}) cannot be used", path, s);
    axes[rank++].extent = e;
    p = next;
  }
  h.shape = Shape(std::span<const Axis>(axes.data(), rank));
  return h;
}

Array from_fortran(const Array& in, const Shape& shape) {
  Array out(in.dtype(), shape);
  const std::size_t width = size_of(in.dtype());
  std::vector<std::int64_t> at(std::size_t(std::max(shape.rank(), 1)), 0);
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    std::int64_t from = 0, step = 1;
    for (int a = 0; a < shape.rank(); ++a) {
      from += at[std::size_t(a)] * step;
      step *= shape.extent(a);
    }
    std::memcpy(out.raw() + std::size_t(i) * width, in.raw() + std::size_t(from) * width, width);
    for (int a = shape.rank(); a-- > 0;) {
      if (++at[std::size_t(a)] < shape.extent(a)) break;
      at[std::size_t(a)] = 0;
    }
  }
  return out;
}

std::uint32_t little(const std::byte* p, int bytes) {
  std::uint32_t v = 0;
  for (int i = bytes; i-- > 0;) v = v << 8 | std::to_integer<std::uint32_t>(p[i]);
  return v;
}

}  // namespace

Array parse_npy(const Bytes& bytes, const std::string& path) {
  const auto b = bytes.span();
  if (b.size() < 12 || std::memcmp(b.data(), "\x93NUMPY", 6) != 0) raise<DataError>("{}: not an NPY file", path);
  const bool old = b[6] == std::byte{1};
  const std::size_t start = old ? 10 : 12, length = little(b.data() + 8, old ? 2 : 4);
  if (length > b.size() - start) raise<DataError>("{}: the NPY header is cut", path);
  const Header h = parse_header({reinterpret_cast<const char*>(b.data()) + start, length}, path);
  const std::size_t body = start + length;
  double wanted = double(size_of(h.dtype));
  for (int i = 0; i < h.shape.rank(); ++i) wanted *= double(h.shape.extent(i));
  if (wanted != double(b.size() - body))
    raise<DataError>("{}: the NPY header promises {} {}, {} bytes follow", path, name_of(h.dtype), h.shape.text(),
                     b.size() - body);
  const Array mapped(h.dtype, h.shape, std::shared_ptr<std::byte>(bytes.data, bytes.data.get() + body));
  const bool aligned = reinterpret_cast<std::uintptr_t>(mapped.raw()) % size_of(h.dtype) == 0;
  if (h.fortran && h.shape.rank() > 1) return from_fortran(mapped, h.shape);
  return aligned ? mapped : mapped.copy();
}

Array read_npy(const std::string& path) { return parse_npy(map_file(path), path); }

std::map<std::string, Array> read_npz(const std::string& path) {
  const Bytes file = map_file(path);
  const auto b = file.span();
  const auto damaged = [&]() { raise<DataError>("{}: the NPZ (zip) file is cut or corrupt", path); };
  // The end record stands within the last 64 KB; it says where the directory begins.
  std::size_t end = b.size();
  for (std::size_t i = b.size() >= 22 ? b.size() - 22 : 0; b.size() >= 22; --i) {
    if (little(b.data() + i, 4) == 0x06054b50u) {
      end = i;
      break;
    }
    if (i == 0 || b.size() - i > 66000) break;
  }
  if (end == b.size()) damaged();
  const std::size_t entries = little(b.data() + end + 10, 2);
  std::size_t at = little(b.data() + end + 16, 4);
  std::map<std::string, Array> out;
  for (std::size_t e = 0; e < entries; ++e) {
    if (at + 46 > b.size() || little(b.data() + at, 4) != 0x02014b50u) damaged();
    const std::uint32_t method = little(b.data() + at + 10, 2), packed = little(b.data() + at + 20, 4),
                        unpacked = little(b.data() + at + 24, 4), name_size = little(b.data() + at + 28, 2),
                        extra = little(b.data() + at + 30, 2), comment = little(b.data() + at + 32, 2),
                        local = little(b.data() + at + 42, 4);
    if (at + 46 + name_size > b.size()) damaged();
    std::string name(reinterpret_cast<const char*>(b.data()) + at + 46, name_size);
    at += 46 + name_size + extra + comment;
    if (packed == 0xffffffffu || local == 0xffffffffu)
      raise<DataError>("{}: arrays of 4 GB and more in an NPZ are not supported: save them as NPY", path);
    if (std::size_t(local) + 30 > b.size() || little(b.data() + local, 4) != 0x04034b50u) damaged();
    const std::size_t body = std::size_t(local) + 30 + little(b.data() + local + 26, 2) + little(b.data() + local + 28, 2);
    if (body > b.size() || packed > b.size() - body) damaged();
    if (double(unpacked) > 1100.0 * double(packed) + 4096) damaged();  // deflate packs at most 1032 : 1
    Bytes content{std::shared_ptr<std::byte>(file.data, file.data.get() + body), packed};
    if (method == 8) {
      content = inflate_bytes(content.span(), unpacked, false, path);
    } else if (method != 0 || packed != unpacked) {
      damaged();
    }
    if (name.size() > 4 && name.ends_with(".npy")) name.resize(name.size() - 4);
    out.emplace(name, parse_npy(content, path + "[" + name + "]"));
  }
  if (out.empty()) raise<DataError>("{}: the NPZ holds no arrays", path);
  return out;
}

void write_npy(const std::string& path, const Array& array) {
  std::string shape;
  for (int i = 0; i < array.shape().rank(); ++i) shape += fmt::format("{}, ", array.shape().extent(i));
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", npy_name(array.dtype()), shape);
  while ((10 + header.size() + 1) % 64) header += ' ';
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out += char(header.size() & 0xff);
  out += char(header.size() >> 8);
  out += header;
  out.append(reinterpret_cast<const char*>(array.raw()), array.bytes());
  write_atomically(path, out);
}

}  // namespace fathom
