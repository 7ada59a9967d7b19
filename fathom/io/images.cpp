#include "fathom/io/images.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "fathom/io/png_impl.h"

namespace fathom {

namespace {

constexpr std::int64_t kMostPixels = std::int64_t(1) << 28;
constexpr std::int64_t kMostBytes = std::int64_t(1) << 36;

Array parse_pgm(std::span<const std::byte> b, const std::string& path) {
  const char* p = reinterpret_cast<const char*>(b.data());
  const char* last = p + b.size();
  const bool plain = p[1] == '2';
  p += 2;
  const auto next_number = [&]() {
    while (p < last && (std::isspace(static_cast<unsigned char>(*p)) || *p == '#')) {
      if (*p == '#')
        while (p < last && *p != '\n') ++p;
      else
        ++p;
    }
    std::int64_t v = 0;
    const auto [end, error] = std::from_chars(p, last, v);
    if (error != std::errc() || v < 0)
      raise<DataError>("{}: the PGM is cut or damaged: write it again", path);
    p = end;
    return v;
  };
  const std::int64_t w = next_number(), h = next_number(), most = next_number();
  if (w < 1 || h < 1 || w > kMostPixels / h || most < 1 || most > 255)
    raise<DataError>("{}: PGM of {} x {} with {} levels is not supported", path, w, h, most);
  if (!plain && last - p - 1 < w * h) raise<DataError>("{}: the PGM is cut: write it again", path);
  if (plain && last - p < w * h) raise<DataError>("{}: the PGM is cut: write it again", path);
  Array out(DType::u8, Shape{h, w});
  if (!plain) ++p;
  for (std::int64_t i = 0; i < w * h; ++i) {
    const std::int64_t v = plain ? next_number() : std::int64_t(static_cast<unsigned char>(p[i]));
    if (v > most) raise<DataError>("{}: a PGM pixel exceeds {}", path, most);
    out.data<std::uint8_t>()[i] = std::uint8_t((v * 255 + most / 2) / most);
  }
  return out;
}

}  // namespace

Array parse_image(const Bytes& bytes, const std::string& path) {
  const auto b = bytes.span();
  if (b.size() > 8 && std::memcmp(b.data(), "\x89PNG\r\n\x1a\n", 8) == 0)
    return detail::parse_png(b, path);
  if (b.size() > 8 && b[0] == std::byte{'P'} && (b[1] == std::byte{'2'} || b[1] == std::byte{'5'}))
    return parse_pgm(b, path);
  raise<DataError>("{}: neither PNG nor PGM", path);
}

Array read_image(const std::string& path) { return parse_image(map_file(path), path); }

ImageFolder read_image_folder(const std::string& path) {
  ImageFolder out;
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    std::string ending = entry.path().extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(),
                   [](unsigned char c) { return char(std::tolower(c)); });
    const bool hidden = entry.path().filename().string().starts_with('.');
    if (!hidden && (ending == ".png" || ending == ".pgm")) files.push_back(entry.path().string());
  }
  if (error) raise<DataError>("{}: cannot be listed: {}", path, error.message());
  if (files.empty()) raise<DataError>("{}: the folder holds no PNG or PGM images", path);
  std::sort(files.begin(), files.end());
  Shape one;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Array image = read_image(files[i]);
    if (i == 0) {
      one = image.shape();
      const Shape all = one.with_front({std::int64_t(files.size()), kNoLabel});
      if (double(one.size()) * double(files.size()) > double(kMostBytes))
        raise<DataError>("{}: {} images of {} are too many to hold in memory", path, files.size(),
                         one.text());
      out.pixels = {DType::u8, all, lazy_bytes(std::size_t(all.size()))};
    } else if (image.shape() != one) {
      raise<DataError>("{}: is {}, the first image is {}: all must be of one size", files[i],
                       image.shape().text(), one.text());
    }
    std::memcpy(out.pixels.raw() + i * image.bytes(), image.raw(), image.bytes());
    out.names.push_back(std::filesystem::path(files[i]).filename().string());
  }
  return out;
}

namespace {

std::uint8_t level(std::uint8_t v) { return v; }
template <class T>
std::uint8_t level(T v) {
  return v > 0 ? std::uint8_t(std::lround(std::min(double(v), 1.0) * 255)) : std::uint8_t(0);
}

// Copies one image of h x w pixels, enlarged, to `out`, whose rows have `pitch` samples.
template <class T>
void place_tile(const T* in, std::int64_t h, std::int64_t w, std::int64_t depth, std::int64_t zoom,
                std::uint8_t* out, std::int64_t pitch) {
  for (std::int64_t y = 0; y < h * zoom; ++y)
    for (std::int64_t x = 0; x < w * zoom; ++x)
      for (std::int64_t c = 0; c < depth; ++c)
        out[y * pitch + x * depth + c] = level(in[((y / zoom) * w + x / zoom) * depth + c]);
}

}  // namespace

Array tile_grid(const Array& images, std::int64_t columns, std::int64_t gap, std::int64_t zoom) {
  const Shape& s = images.shape();
  const bool color = s.rank() == 4 && s.extent(3) == 3;
  const DType t = images.dtype();
  if (!(s.rank() == 3 || color) || images.size() == 0 || !(is_real(t) || t == DType::u8))
    raise<ShapeError>("[tiles] images are u8, f32 or f64 [n, h, w] or [n, h, w, 3], given {} {}",
                      name_of(t), s.text());
  if (gap < 0 || zoom < 1) raise<ShapeError>("[tiles] gap {} or zoom {} cannot be", gap, zoom);
  const std::int64_t n = s.extent(0), h = s.extent(1), w = s.extent(2), depth = color ? 3 : 1;
  columns = std::clamp<std::int64_t>(columns, 1, n);
  const std::int64_t down = h * zoom + gap, across = w * zoom + gap;
  const std::int64_t height = (n + columns - 1) / columns * down + gap,
                     width = columns * across + gap;
  Array out(DType::u8, color ? Shape{height, width, 3} : Shape{height, width});
  std::fill_n(out.data<std::uint8_t>(), out.size(), std::uint8_t(128));
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t top = gap + i / columns * down, left = gap + i % columns * across;
    std::uint8_t* to = out.data<std::uint8_t>() + (top * width + left) * depth;
    const std::int64_t from = i * h * w * depth;
    if (t == DType::u8)
      place_tile(images.data<std::uint8_t>() + from, h, w, depth, zoom, to, width * depth);
    if (t == DType::f32)
      place_tile(images.data<float>() + from, h, w, depth, zoom, to, width * depth);
    if (t == DType::f64)
      place_tile(images.data<double>() + from, h, w, depth, zoom, to, width * depth);
  }
  return out;
}

}  // namespace fathom
