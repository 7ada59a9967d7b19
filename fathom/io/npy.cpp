#include "fathom/io/npy.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "fathom/io/extents_impl.h"
#include "fathom/io/little_impl.h"

namespace fathom {

using detail::little;

namespace {

struct Header {
  DType dtype;
  bool fortran;
  std::vector<std::uint64_t> extents;
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

std::string printable(std::string_view s) {
  std::string out(s.substr(0, 40));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) c = '?';
  return out;
}

// What follows `'key':` in the header's dictionary.
std::string_view field(std::string_view text, std::string_view key, const std::string& path) {
  const std::size_t at = text.find(key);
  const std::size_t colon = at == std::string_view::npos ? at : text.find(':', at);
  if (colon == std::string_view::npos)
    raise<DataError>("{}: the NPY header lacks {}: save it again", path, key);
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
    raise<DataError>(
        "{}: NPY dtype \"{}\" is not supported: save it as little-endian float32, float64, "
        "uint8, int32, int64 or bool",
        path, printable(d.substr(1, close - 1)));
  h.dtype = *dtype;
  const std::string_view order = field(text, "'fortran_order'", path);
  h.fortran = order.starts_with("True");
  if (!h.fortran && !order.starts_with("False"))
    raise<DataError>("{}: the NPY order is damaged: save it again", path);
  std::string_view s = field(text, "'shape'", path);
  const std::size_t end = s.find(')');
  if (s.empty() || s[0] != '(' || end == std::string_view::npos)
    raise<DataError>("{}: the NPY shape is damaged: save it again", path);
  s = s.substr(1, end - 1);
  for (const char *p = s.data(), *last = s.data() + s.size(); p < last;) {
    if (*p == ' ' || *p == ',') {
      ++p;
      continue;
    }
    std::uint64_t e = 0;
    const auto [next, error] = std::from_chars(p, last, e);
    if (error != std::errc()) raise<DataError>("{}: the NPY shape is damaged: save it again", path);
    h.extents.push_back(e);
    p = next;
  }
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

}  // namespace

Array parse_npy(const Bytes& bytes, const std::string& path) {
  const auto b = bytes.span();
  if (b.size() < 12 || std::memcmp(b.data(), "\x93NUMPY", 6) != 0)
    raise<DataError>("{}: not an NPY file", path);
  const auto version = std::to_integer<int>(b[6]);
  if (version < 1 || version > 3)
    raise<DataError>("{}: NPY version {} is not supported", path, version);
  const std::size_t start = version == 1 ? 10 : 12,
                    length = little(b.data() + 8, version == 1 ? 2 : 4);
  if (length > b.size() - start) raise<DataError>("{}: the NPY header is cut: save it again", path);
  const Header h = parse_header({reinterpret_cast<const char*>(b.data()) + start, length}, path);
  const std::size_t body = start + length;
  const auto shape = detail::exact_shape(h.extents, h.dtype, b.size() - body);
  if (!shape)
    raise<DataError>("{}: the NPY header promises {} [{}], {} bytes follow: save it again", path,
                     name_of(h.dtype), fmt::join(h.extents, ", "), b.size() - body);
  const Array mapped(h.dtype, *shape,
                     std::shared_ptr<std::byte>(bytes.data, bytes.data.get() + body));
  if (h.fortran && shape->rank() > 1) return from_fortran(mapped, *shape);
  const bool aligned = reinterpret_cast<std::uintptr_t>(mapped.raw()) % size_of(h.dtype) == 0;
  return aligned ? mapped : mapped.copy();
}

Array read_npy(const std::string& path, Pages pages) {
  return parse_npy(map_file(path, pages), path);
}

namespace {

// What stands before the elements, `least` bytes long or more.
std::string npy_start(DType dtype, const std::string& shape, std::size_t least = 0) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                   npy_name(dtype), shape);
  while (10 + header.size() + 1 < least || (10 + header.size() + 1) % 64) header += ' ';
  header += '\n';
  std::string start("\x93NUMPY\x01\x00", 8);
  start += char(header.size() & 0xff);
  start += char(header.size() >> 8);
  return start + header;
}

}  // namespace

void write_npy(const std::string& path, const Array& array) {
  std::string shape;
  for (int i = 0; i < array.shape().rank(); ++i)
    shape += fmt::format("{}, ", array.shape().extent(i));
  const std::string start = npy_start(array.dtype(), shape);
  AtomicFile file(path);
  file.write(start);
  file.write({array.raw(), array.bytes()});
  file.commit();
}

NpyRows::NpyRows(const std::string& path, DType dtype, std::int64_t width)
    : file_(path), dtype_(dtype), width_(width) {
  file_.write(header());
}

// Two numbers of at most 19 digits: its length is the same for all.
std::string NpyRows::header() const {
  return npy_start(dtype_, fmt::format("{}, {}, ", rows_, width_), 128);
}

void NpyRows::write(const Array& rows) {
  if (rows.dtype() != dtype_ || rows.size() != rows.shape().extent(0) * width_)
    raise<ShapeError>("[npy] {} {} in a file of {} rows of {}", name_of(rows.dtype()),
                      rows.shape().text(), name_of(dtype_), width_);
  file_.write({rows.raw(), rows.bytes()});
  rows_ += rows.shape().extent(0);
}

void NpyRows::commit() {
  file_.rewrite(0, header());
  file_.commit();
}

}  // namespace fathom
