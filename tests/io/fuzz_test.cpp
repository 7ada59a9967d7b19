// Damaged files: each reader is given whole ones with bits flipped, bytes set, parts cut, repeated
// and spliced in. It must succeed or throw Error, and soon. Sizes that a header promises are
// checked before memory is taken, so that nothing here needs much of it.
#include <sys/resource.h>
#include <zlib.h>

#include <functional>

#include "fathom/base/key.h"
#include "fathom/io/csv.h"
#include "fathom/io/dataset.h"
#include "fathom/io/idx.h"
#include "fathom/io/images.h"
#include "fathom/io/npy.h"
#include "fathom/io/run_folder.h"
#include "tests/io/support.h"

namespace fathom::io_test {
namespace {

using Reader = std::function<void(const std::string&)>;

// Any exception but Error fails the test.
void feed(const Reader& read, const std::string& bytes) {
  try {
    read(bytes);
  } catch (const Error& e) {
    ASSERT_NE(std::string(e.what()), "");
    ASSERT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
  }
}

std::string damaged(std::string s, const std::vector<std::string>& seeds, std::uint64_t n) {
  const Random4 how = philox({2, 3}, 0, n);
  const Random4 where = philox({2, 3}, 1, n);
  for (unsigned i = 0; i <= how.word[0] % 3; ++i) {
    const std::size_t at = s.empty() ? 0 : where.word[i] % s.size();
    const std::string& other = seeds[how.word[1] % seeds.size()];
    const std::size_t from = other.empty() ? 0 : where.word[3] % other.size(),
                      length = how.word[3] % 40;
    switch ((how.word[2] >> (4 * i)) % 6) {
      case 0: s = s.substr(0, at); break;
      case 1: s.insert(at, other.substr(from, length)); break;
      case 2: s.replace(at, length, other.substr(from, length)); break;
      case 3: s.erase(at, length); break;
      case 4: s.insert(at, s.substr(at, length)); break;
      default:
        if (!s.empty()) s[at] = "\0\xff\x7f\"\n,9e.-"[how.word[3] % 10];
    }
  }
  return s;
}

void fuzz(const std::vector<std::string>& seeds, const Reader& read, std::uint64_t splices = 3000) {
  for (const std::string& seed : seeds) {
    ASSERT_NO_FATAL_FAILURE(feed(read, seed));
    const std::size_t step = 1 + seed.size() / 600;
    for (std::size_t i = 0; i < seed.size(); i += step) {
      ASSERT_NO_FATAL_FAILURE(feed(read, seed.substr(0, i)));
      for (const int bit : {1, 16, 128}) {
        std::string s = seed;
        s[i] = char(s[i] ^ bit);
        ASSERT_NO_FATAL_FAILURE(feed(read, s));
      }
    }
  }
  for (std::uint64_t n = 0; n < splices; ++n)
    ASSERT_NO_FATAL_FAILURE(feed(read, damaged(seeds[n % seeds.size()], seeds, n)));
}

Reader from_memory(const std::function<void(const Bytes&)>& parse) {
  return [parse](const std::string& s) { parse(bytes_of(s)); };
}

TEST(Fuzz, Csv) {
  fuzz({"a,b,c\n1,2.5,-3e4\n\"4\",NA,0.000001\n7,8,9\r\n", "x y z\n 1  2 3\n4 5 6 \n",
        "1;2\n3;\n\n5;6", "id\tv\nname\t123456789.125\n\"q\"\"uote\nd\"\t0.12345678901234567\n"},
       from_memory([](const Bytes& b) {
         parse_csv(b, "t");
         CsvOptions o;
         o.text_columns = {"0"};
         o.dtype = DType::f32;
         parse_csv(b, "t", o);
       }),
       8000);
}

std::vector<std::string> npy_seeds() {
  TempFolder t;
  write_npy(t / "a", Array(DType::f64, {3, 2}));
  write_npy(t / "b", Array(DType::u8, {5}));
  std::string fortran = get(t / "a");
  fortran.replace(fortran.find("False"), 5, "True ");
  return {get(t / "a"), get(t / "b"), fortran};
}

TEST(Fuzz, Npy) {
  fuzz(npy_seeds(), from_memory([](const Bytes& b) { parse_npy(b, "a"); }));
}

TEST(Fuzz, Idx) {
  fuzz({std::string("\0\0\x8\3\0\0\0\2\0\0\0\1\0\0\0\3abcdef", 22),
        std::string("\0\0\xe\1\0\0\0\1abcdefgh", 16)},
       from_memory([](const Bytes& b) { parse_idx(b, "a"); }));
}

TEST(Fuzz, Images) {
  Array grey(DType::u8, {6, 5}), color(DType::u8, {4, 4, 3});
  for (int i = 0; i < 30; ++i) grey.data<std::uint8_t>()[i] = std::uint8_t(i * i);
  fuzz({encode_png(grey), encode_png(color), "P2\n3 2\n15\n1 2 3 4 5 15\n", "P5 2 2 255\nabcd"},
       from_memory([](const Bytes& b) { parse_image(b, "a"); }));
}

TEST(Fuzz, SafetensorsAndRuns) {
  TempFolder t;
  Tensors m;
  m.arrays.emplace("w", Array(DType::f32, {2, 3}));
  m.arrays.emplace("n", Array(DType::i64, {1}));
  m.metadata["format"] = "1";
  write_safetensors(t / "m", m);
  fuzz({get(t / "m")}, [&](const std::string& s) { read_safetensors(put(t / "f", s)); });
  std::filesystem::create_directory(t / "run");
  fuzz(
      {"{\"format\": 1, \"seed\": [1, 2.5, \"x\"]}"},
      [&](const std::string& s) {
        put(t / "run/config.json", s);
        put(t / "run/metrics.jsonl", s + "\n" + s);
        RunFolder::open(t / "run").read_metrics();
      },
      500);
}

// Deflated bytes: with a gzip header for a window of 31, bare for one of -15.
std::string deflated(const std::string& s, int window) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, uLong(s.size())) + 32, '\0'), in = s;
  z.next_in = reinterpret_cast<Bytef*>(in.data());
  z.avail_in = uInt(in.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = uInt(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

// A zip file of one entry, stored or deflated.
std::string zip_of(const std::string& npy, bool deflate) {
  const auto u16 = [](std::size_t v) { return little(std::uint16_t(v)); };
  const auto u32 = [](std::size_t v) { return little(std::uint32_t(v)); };
  const std::string body = deflate ? deflated(npy, -15) : npy, method = u16(deflate ? 8 : 0);
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(npy.data()), uInt(npy.size()));
  const std::string sizes = u32(crc) + u32(body.size()) + u32(npy.size()) + u16(5) + u16(0);
  const std::string start = "PK\3\4" + u16(20) + u16(0) + method + u32(0) + sizes + "a.npy" + body;
  const std::string directory = "PK\1\2" + u16(20) + u16(20) + u16(0) + method + u32(0) + sizes +
                                u16(0) + u16(0) + u16(0) + u32(0) + u32(0) + "a.npy";
  return start + directory + "PK\5\6" + u32(0) + u16(1) + u16(1) + u32(directory.size()) +
         u32(start.size()) + u16(0);
}

// Whatever a file holds, the reader that is chosen must cope: zip, gzip and all others.
TEST(Fuzz, Datasets) {
  TempFolder t;
  const std::string npy = npy_seeds()[1], stored = zip_of(npy, false), packed = zip_of(npy, true);
  for (const std::string& zip : {stored, packed})
    EXPECT_EQ(load_dataset(put(t / "whole", zip)).values.shape(), (Shape{5}));
  EXPECT_EQ(load_dataset(put(t / "whole", deflated("a,b\n1,2\n", 31))).columns.size(), 2u);
  fuzz({stored, packed, deflated("a,b\n1,2\n", 31), deflated(npy, 31), "a,b\n1,2\n", npy},
       [&](const std::string& s) { load_dataset(put(t / "f", s)); });
}

TEST(Fuzz, NeededLittleMemory) {
  rusage usage{};
  ASSERT_EQ(::getrusage(RUSAGE_SELF, &usage), 0);
  EXPECT_LT(usage.ru_maxrss, 2'000'000);  // KB; the sanitizers' own included
}

}  // namespace
}  // namespace fathom::io_test
