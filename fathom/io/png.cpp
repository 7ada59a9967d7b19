// PNG through libpng, which reports an error by a jump. The functions that it may jump out of hold
// only plain data; all else is around them.
#include <png.h>

#include <cstring>

#include "fathom/io/images.h"
#include "fathom/io/png_impl.h"

namespace fathom {

namespace {

struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const std::byte *at = nullptr, *last = nullptr;
  std::int64_t width = 0, height = 0, stored = 0;  // stored: bytes of the unpacked samples
  int channels = 0;
  char message[100] = "";

  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

void on_error(png_structp png, png_const_charp text) {
  auto* r = static_cast<Reader*>(png_get_error_ptr(png));
  std::strncpy(r->message, text, sizeof r->message - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep to, std::size_t count) {
  auto* r = static_cast<Reader*>(png_get_io_ptr(png));
  if (count > std::size_t(r->last - r->at)) png_error(png, "the file is cut");
  std::memcpy(to, r->at, count);
  r->at += count;
}

// Reads the header and asks for 8-bit grey or colour, with alpha where there is any.
bool read_header(Reader* r) {
  if (setjmp(png_jmpbuf(r->png))) return false;
  png_set_read_fn(r->png, r, on_read);
  png_read_info(r->png, r->info);
  r->width = png_get_image_width(r->png, r->info);
  r->height = png_get_image_height(r->png, r->info);
  r->stored = r->height * std::int64_t(png_get_rowbytes(r->png, r->info));
  png_set_expand(r->png);
  png_set_strip_16(r->png);
  png_set_interlace_handling(r->png);
  png_read_update_info(r->png, r->info);
  r->channels = png_get_channels(r->png, r->info);
  return true;
}

bool read_rows(Reader* r, png_bytepp rows) {
  if (setjmp(png_jmpbuf(r->png))) return false;
  png_read_image(r->png, rows);
  png_read_end(r->png, nullptr);
  return true;
}

// Two channels become one and four three, on black.
void flatten(const std::vector<png_byte>& in, int channels, std::uint8_t* out) {
  const int colors = channels < 3 ? 1 : 3;
  const bool alpha = channels != colors;
  for (std::size_t i = 0; i + std::size_t(channels) <= in.size(); i += std::size_t(channels))
    for (int c = 0; c < colors; ++c) {
      const unsigned v = in[i + std::size_t(c)], a = alpha ? in[i + std::size_t(colors)] : 255u;
      *out++ = std::uint8_t((v * a + 127) / 255);
    }
}

}  // namespace

namespace detail {

Array parse_png(std::span<const std::byte> b, const std::string& path) {
  Reader r;
  r.at = b.data();
  r.last = b.data() + b.size();
  r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
  if (r.png) r.info = png_create_info_struct(r.png);
  if (!r.info) raise<DataError>("{}: no memory to read a PNG", path);
  if (!read_header(&r))
    raise<DataError>("{}: not a readable PNG ({}): write it again", path, r.message);
  // Deflate packs at most 1032 : 1; a header that promises more is damaged.
  if (r.stored > 1100 * std::int64_t(b.size()) + 4096)
    raise<DataError>("{}: {} x {} pixels cannot be in {} bytes of PNG", path, r.width, r.height,
                     b.size());
  const auto width = std::size_t(r.width) * std::size_t(r.channels);
  std::vector<png_byte> samples(width * std::size_t(r.height));
  std::vector<png_bytep> rows(std::size_t(r.height));
  for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = samples.data() + y * width;
  if (!read_rows(&r, rows.data()))
    raise<DataError>("{}: the PNG is cut or corrupt ({}): write it again", path, r.message);
  Array out(DType::u8, r.channels < 3 ? Shape{r.height, r.width} : Shape{r.height, r.width, 3});
  flatten(samples, r.channels, out.data<std::uint8_t>());
  return out;
}

}  // namespace detail

std::string encode_png(const Array& a) {
  const Shape& s = a.shape();
  const bool color = s.rank() == 3 && s.extent(2) == 3;
  if (a.dtype() != DType::u8 || !(s.rank() == 2 || color) || a.size() == 0)
    raise<ShapeError>("[png] a picture is u8 [height, width] or [height, width, 3], given {} {}",
                      name_of(a.dtype()), s.text());
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.height = png_uint_32(s.extent(0));
  image.width = png_uint_32(s.extent(1));
  image.format = color ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  std::string out(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t size = out.size();
  if (!png_image_write_to_memory(&image, out.data(), &size, 0, a.raw(), 0, nullptr))
    raise<DataError>("[png] a picture of {} cannot be encoded: {}", s.text(), image.message);
  out.resize(size);
  return out;
}

void write_png(const std::string& path, const Array& image) {
  write_atomically(path, encode_png(image));
}

}  // namespace fathom
