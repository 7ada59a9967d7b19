#include "fathom/io/images.h"

#include <zlib.h>

#include <cmath>

#include "tests/io/support.h"

namespace fathom::io_test {
namespace {

using Levels = std::vector<std::uint8_t>;

// A PNG laid out by hand (RFC 2083): signature, header, samples, end. Rows are not filtered.
std::string png(std::uint32_t width, std::uint32_t height, int depth, int color,
                const std::string& rows, const std::string& more = "") {
  const auto chunk = [](const std::string& type, const std::string& data) {
    const std::string both = type + data;
    const auto crc =
        crc32(0, reinterpret_cast<const unsigned char*>(both.data()), unsigned(both.size()));
    return big(std::uint32_t(data.size())) + both + big(std::uint32_t(crc));
  };
  std::string packed(rows.size() + 100, '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<unsigned char*>(packed.data()), &size,
           reinterpret_cast<const unsigned char*>(rows.data()), rows.size());
  packed.resize(size);
  const std::string kind = {char(depth), char(color), 0, 0, 0};
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", big(width) + big(height) + kind) + more +
         chunk("IDAT", packed) + chunk("IEND", "");
}

Array image(const std::string& bytes) { return parse_image(bytes_of(bytes), "p.png"); }

TEST(Png, KnownBytes) {
  const std::string z(1, '\0');
  EXPECT_EQ(list<std::uint8_t>(image(png(2, 2, 8, 0, z + "\1\2" + z + "\3\4"))),
            (Levels{1, 2, 3, 4}));
  const Array rgb = image(png(1, 2, 8, 2, z + "abc" + z + "def"));
  EXPECT_EQ(rgb.shape(), (Shape{2, 1, 3}));
  EXPECT_EQ(list<std::uint8_t>(rgb), (Levels{'a', 'b', 'c', 'd', 'e', 'f'}));
  // One bit a pixel, sixteen bits a sample, transparency.
  EXPECT_EQ(list<std::uint8_t>(image(png(3, 1, 1, 0, z + "\xa0"))), (Levels{255, 0, 255}));
  EXPECT_EQ(list<std::uint8_t>(image(png(2, 1, 16, 0, z + "\x12\x34\xff\x01"))),
            (Levels{0x12, 0xff}));
  EXPECT_EQ(list<std::uint8_t>(image(png(2, 1, 8, 4, z + "\x64\xff\x64\x80"))), (Levels{100, 50}));
  EXPECT_EQ(list<std::uint8_t>(image(png(1, 1, 8, 6, z + "abc" + z))), (Levels{0, 0, 0}));
}

TEST(Png, RoundTrip) {
  TempFolder t;
  for (const Shape& s : {Shape{5, 7}, Shape{5, 7, 3}, Shape{1, 1}}) {
    Array a(DType::u8, s);
    for (int i = 0; i < a.size(); ++i) a.data<std::uint8_t>()[i] = std::uint8_t(i * 37);
    write_png(t / "a.png", a);
    const Array b = read_image(t / "a.png");
    EXPECT_EQ(b.shape(), s);
    EXPECT_EQ(list<std::uint8_t>(b), list<std::uint8_t>(a));
  }
  expect_error([] { encode_png(Array(DType::f64, {2, 2})); }, {"[png]", "f64"});
  expect_error([] { encode_png(Array(DType::u8, {2, 2, 2})); }, {"[png]", "[2, 2, 2]"});
  expect_error([] { encode_png(Array(DType::u8, {0, 2})); }, {"[png]"});
}

TEST(Png, Refusals) {
  const std::string whole = png(2, 2, 8, 0, std::string(6, '\0'));
  expect_error([&] { image(whole.substr(0, whole.size() - 20)); }, {"p.png", "cut or corrupt"});
  expect_error([&] { image(whole.substr(0, 20)); }, {"p.png", "cut"});
  expect_error([&] { image(png(60000, 60000, 8, 0, "")); }, {"p.png", "60000 x 60000"});
  expect_error([&] { image("GIF89a and more"); }, {"p.png", "neither PNG nor PGM"});
}

TEST(Pgm, KnownBytes) {
  EXPECT_EQ(list<std::uint8_t>(image("P2\n# a comment\n2 2\n255\n0 1\n2 255\n")),
            (Levels{0, 1, 2, 255}));
  const Array a = image(std::string("P5 3 1 255\n\0\x7f\xff", 14));
  EXPECT_EQ(a.shape(), (Shape{1, 3}));
  EXPECT_EQ(list<std::uint8_t>(a), (Levels{0, 127, 255}));
  EXPECT_EQ(list<std::uint8_t>(image("P2 2 1 15 15 1")), (Levels{255, 17}));
  expect_error([] { image("P5 3 1 255\n12"); }, {"PGM", "cut"});
  expect_error([] { image("P5 3000 3000 255\n12"); }, {"PGM", "cut"});
  expect_error([] { image("P2 2 1 15 16 1"); }, {"exceeds 15"});
  expect_error([] { image("P5 1 1 65535\nab"); }, {"65535 levels"});
  expect_error([] { image("P2 x y z 1 2"); }, {"damaged"});
}

TEST(ImageFolder, SortsByNameAndChecksSizes) {
  TempFolder t;
  const auto grey = [](std::uint8_t v) {
    Array a(DType::u8, {2, 3});
    std::fill_n(a.data<std::uint8_t>(), 6, v);
    return a;
  };
  write_png(t / "b.PNG", grey(2));
  write_png(t / "a.png", grey(1));
  put(t / "c.pgm", "P2 3 2 255 3 3 3 3 3 3");
  put(t / "._a.png", "what a Macintosh leaves");
  put(t / "notes.txt", "no image");
  const ImageFolder f = read_image_folder(t.path());
  EXPECT_EQ(f.names, (std::vector<std::string>{"a.png", "b.PNG", "c.pgm"}));
  EXPECT_EQ(f.pixels.shape(), (Shape{3, 2, 3}));
  EXPECT_EQ(f.pixels.data<std::uint8_t>()[6], 2);
  EXPECT_EQ(f.pixels.data<std::uint8_t>()[12], 3);
  write_png(t / "d.png", Array(DType::u8, {3, 3}));
  expect_error([&] { read_image_folder(t.path()); }, {"d.png", "[3, 3]", "[2, 3]"});
  TempFolder empty;
  expect_error([&] { read_image_folder(empty.path()); }, {"no PNG or PGM"});
}

TEST(TileGrid, PlacesImagesOnGrey) {
  const Array a = Array::of<double>({3, 1, 1}, std::vector<double>{0, 1, 0.5});
  const Array g = tile_grid(a, 2, 1, 1);
  EXPECT_EQ(g.shape(), (Shape{5, 5}));
  const auto v = list<std::uint8_t>(g);
  EXPECT_EQ(v[5 + 1], 0);
  EXPECT_EQ(v[5 + 3], 255);
  EXPECT_EQ(v[15 + 1], 128);
  EXPECT_EQ(std::count(v.begin(), v.end(), 128), 23);
  const Array f = Array::of<float>({1, 1, 2}, std::vector<float>{-3.f, std::nanf("")});
  EXPECT_EQ(list<std::uint8_t>(tile_grid(f, 9, 0, 2)), (Levels{0, 0, 0, 0, 0, 0, 0, 0}));
  const Array c = Array::of<std::uint8_t>({2, 1, 1, 3}, Levels{1, 2, 3, 4, 5, 6});
  EXPECT_EQ(list<std::uint8_t>(tile_grid(c, 2, 0, 1)), (Levels{1, 2, 3, 4, 5, 6}));
  expect_error([] { tile_grid(Array(DType::f64, {2, 2}), 1); }, {"[tiles]", "[2, 2]"});
  expect_error([] { tile_grid(Array(DType::f64, {0, 2, 2}), 1); }, {"[tiles]"});
}

}  // namespace
}  // namespace fathom::io_test
