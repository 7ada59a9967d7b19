#include "fathom/io/images.h"

#include <png.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>

namespace fathom {

namespace {

constexpr std::int64_t kMostPixels = std::int64_t(1) << 28;

// The simplified interface of libpng reports errors by return codes: no jumps over C++ frames.
Array parse_png(std::span<const std::byte> b, const std::string& path) {
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&image, b.data(), b.size()))
    raise<DataError>("{}: not a readable PNG: {}", path, image.message);
  if (std::int64_t(image.width) * std::int64_t(image.height) > kMostPixels) {
    png_image_free(&image);
    raise<DataError>("{}: the PNG is too large: {} x {}", path, image.width, image.height);
  }
  const bool color = (image.format & PNG_FORMAT_FLAG_COLOR) != 0;
  image.format = color ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  const std::int64_t h = image.height, w = image.width;
  Array out(DType::u8, color ? Shape{h, w, 3} : Shape{h, w});
  png_color black{0, 0, 0};
  if (!png_image_finish_read(&image, &black, out.raw(), 0, nullptr)) {
    png_image_free(&image);
    raise<DataError>("{}: the PNG is cut or corrupt: {}", path, image.message);
  }
  return out;
}

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
    if (error != std::errc() || v < 0) raise<DataError>("{}: the PGM is cut or damaged", path);
    p = end;
    return v;
  };
  const std::int64_t w = next_number(), h = next_number(), most = next_number();
  if (w < 1 || h < 1 || w > kMostPixels / h || most < 1 || most > 255)
    raise<DataError>("{}: PGM of {} x {} with {} levels is not supported", path, w, h, most);
  if (!plain && last - p - 1 < w * h) raise<DataError>("{}: the PGM is cut", path);
  if (plain && last - p < w * h) raise<DataError>("{}: the PGM is cut", path);
  Array out(DType::u8, Shape{h, w});
  if (!plain) ++p;
  for (std::int64_t i = 0; i < w * h; ++i) {
    const std::int64_t v = plain ? next_number() : std::int64_t(static_cast<unsigned char>(p[i]));
    if (v > most) raise<DataError>("{}: a PGM pixel exceeds {}", path, most);
    out.data<std::uint8_t>()[i] = std::uint8_t(v * 255 / most);
  }
  return out;
}

}  // namespace

Array parse_image(const Bytes& bytes, const std::string& path) {
  const auto b = bytes.span();
  if (b.size() > 8 && std::memcmp(b.data(), "\x89PNG\r\n\x1a\n", 8) == 0) return parse_png(b, path);
  if (b.size() > 8 && b[0] == std::byte{'P'} && (b[1] == std::byte{'2'} || b[1] == std::byte{'5'})) return parse_pgm(b, path);
  raise<DataError>("{}: neither PNG nor PGM", path);
}

Array read_image(const std::string& path) { return parse_image(map_file(path), path); }

ImageFolder read_image_folder(const std::string& path) {
  ImageFolder out;
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    std::string ending = entry.path().extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    if (ending == ".png" || ending == ".pgm") files.push_back(entry.path().string());
  }
  if (error) raise<DataError>("{}: cannot be listed: {}", path, error.message());
  if (files.empty()) raise<DataError>("{}: the folder holds no PNG or PGM images", path);
  std::sort(files.begin(), files.end());
  Shape one;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Array image = read_image(files[i]);
    if (i == 0) {
      one = image.shape();
      out.pixels = Array(DType::u8, one.with_front({std::int64_t(files.size()), kNoLabel}));
    } else if (image.shape() != one) {
      raise<DataError>("{}: is {}, the first image is {}: all must be of one size", files[i], image.shape().text(), one.text());
    }
    std::memcpy(out.pixels.raw() + i * image.bytes(), image.raw(), image.bytes());
    out.names.push_back(std::filesystem::path(files[i]).filename().string());
  }
  return out;
}

std::string encode_png(const Array& a) {
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.height = png_uint_32(a.shape().extent(0));
  image.width = png_uint_32(a.shape().extent(1));
  image.format = a.shape().rank() == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  const void* pixels = a.data<std::uint8_t>();
  png_alloc_size_t size = 0;
  if (!png_image_write_get_memory_size(image, size, 0, pixels, 0, nullptr))
    raise<DataError>("a picture of {} cannot be encoded: {}", a.shape().text(), image.message);
  std::string out(size, '\0');
  if (!png_image_write_to_memory(&image, out.data(), &size, 0, pixels, 0, nullptr))
    raise<DataError>("a picture of {} cannot be encoded: {}", a.shape().text(), image.message);
  out.resize(size);
  return out;
}

void write_png(const std::string& path, const Array& image) { write_atomically(path, encode_png(image)); }

Array tile_grid(const Array& images, std::int64_t columns, std::int64_t gap, std::int64_t zoom) {
  const std::int64_t n = images.shape().extent(0), h = images.shape().extent(1), w = images.shape().extent(2);
  columns = std::max<std::int64_t>(1, std::min(columns, n));
  const std::int64_t rows = (n + columns - 1) / columns;
  const std::int64_t height = rows * (h * zoom + gap) + gap, width = columns * (w * zoom + gap) + gap;
  Array out(DType::u8, Shape{height, width});
  std::fill_n(out.data<std::uint8_t>(), out.size(), std::uint8_t(128));
  const double* v = images.data<double>();
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t top = gap + i / columns * (h * zoom + gap), left = gap + i % columns * (w * zoom + gap);
    for (std::int64_t y = 0; y < h * zoom; ++y)
      for (std::int64_t x = 0; x < w * zoom; ++x) {
        const double p = std::clamp(v[(i * h + y / zoom) * w + x / zoom], 0.0, 1.0);
        out.data<std::uint8_t>()[(top + y) * width + left + x] = std::uint8_t(std::lround(p * 255));
      }
  }
  return out;
}

}  // namespace fathom
