// Zip files laid out by hand, from PKWARE's APPNOTE 4.3.
#include <zlib.h>

#include "fathom/io/npy.h"
#include "tests/io/support.h"

namespace fathom::io_test {
namespace {

struct Member {
  std::string name, content;
  bool deflate = false;
};

std::string raw_deflate(const std::string& s) {
  std::string out(s.size() + 100, '\0');
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(s.data()));
  z.avail_in = unsigned(s.size());
  z.next_out = reinterpret_cast<unsigned char*>(out.data());
  z.avail_out = unsigned(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.erase(out.size() - z.avail_out);
  deflateEnd(&z);
  return out;
}

// As numpy writes it: local sizes are left to the zip64 extra field, the directory has the true
// ones.
std::string zip(const std::vector<Member>& members) {
  const auto u16 = [](std::size_t v) { return little(std::uint16_t(v)); };
  const auto u32 = [](std::size_t v) { return little(std::uint32_t(v)); };
  std::string body, directory;
  for (const Member& m : members) {
    const std::string data = m.deflate ? raw_deflate(m.content) : m.content;
    const auto crc = crc32(0, reinterpret_cast<const unsigned char*>(m.content.data()),
                           unsigned(m.content.size()));
    const std::string common = u16(20) + u16(0) + u16(m.deflate ? 8 : 0) + u32(0) + u32(crc);
    const std::string extra = u16(1) + u16(16) + little(std::uint64_t(m.content.size())) +
                              little(std::uint64_t(data.size()));
    directory += "PK\1\2" + u16(20) + common + u32(data.size()) + u32(m.content.size()) +
                 u16(m.name.size()) + u16(0) + u16(0) + u16(0) + u16(0) + u32(0) +
                 u32(body.size()) + m.name;
    body += "PK\3\4" + common + u32(0xffffffff) + u32(0xffffffff) + u16(m.name.size()) +
            u16(extra.size()) + m.name + extra + data;
  }
  return body + directory + "PK\5\6" + u16(0) + u16(0) + u16(members.size()) + u16(members.size()) +
         u32(directory.size()) + u32(body.size()) + u16(0);
}

std::string npy_bytes(const Array& a) {
  TempFolder t;
  write_npy(t / "a", a);
  return get(t / "a");
}

const Array kA = Array::of<double>({2, 2}, std::vector<double>{1, 2, 3, 4});
const Array kB = Array::of<std::int32_t>({3}, std::vector<std::int32_t>{7, 8, 9});

TEST(Npz, StoredAndDeflated) {
  TempFolder t;
  for (const bool deflate : {false, true}) {
    const std::string path = put(t / "m.npz", zip({{"a.npy", npy_bytes(kA), deflate},
                                                   {"notes.txt", "hi", false},
                                                   {"b.npy", npy_bytes(kB), deflate}}));
    EXPECT_EQ(npz_names(path), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(list<double>(read_npz(path, "a")), list<double>(kA));
    const auto all = read_npz(path);
    EXPECT_EQ(all.size(), 2u);
    EXPECT_EQ(list<std::int32_t>(all.at("b")), list<std::int32_t>(kB));
    expect_error([&] { read_npz(path, "c"); }, {"m.npz", "no array \"c\"", "a, b"});
  }
}

TEST(Npz, Refusals) {
  TempFolder t;
  const auto fails = [&](std::string bytes, std::initializer_list<const char*> parts) {
    expect_error([&] { read_npz(put(t / "m.npz", bytes)); }, parts);
  };
  const std::string whole = zip({{"a.npy", npy_bytes(kA), false}});
  fails(whole.substr(0, whole.size() - 1), {"m.npz", "cut or corrupt"});
  fails("PK", {"cut or corrupt"});
  fails(zip({{"notes.txt", "hi", false}}), {"no arrays"});
  std::string wrong = whole;
  wrong[30 + 5 + 20 + 130] ^= 1;  // an element
  fails(wrong, {"m.npz[a]", "check sum"});
  std::string large = whole;
  large.replace(whole.find("PK\1\2") + 20, 4, "\xff\xff\xff\xff");
  fails(large, {"zip64", "NPY"});
  std::string method = whole;
  method[whole.find("PK\1\2") + 10] = 12;
  fails(method, {"m.npz[a]", "deflate"});
}

}  // namespace
}  // namespace fathom::io_test
