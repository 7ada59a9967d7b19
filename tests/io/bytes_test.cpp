#include "fathom/io/bytes.h"

#include <sys/resource.h>
#include <zlib.h>

#include <csignal>

#include "tests/io/support.h"

namespace fathom::io_test {
namespace {

std::string gzip(const std::string& s) {
  std::string out(s.size() + 1000, '\0');
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(s.data()));
  z.avail_in = unsigned(s.size());
  z.next_out = reinterpret_cast<unsigned char*>(out.data());
  z.avail_out = unsigned(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.erase(out.size() - z.avail_out);
  deflateEnd(&z);
  return out;
}

std::string text_of(const Bytes& b) {
  return {reinterpret_cast<const char*>(b.data.get()), b.size};
}

TEST(Bytes, MapsAFileAndOutlivesItsName) {
  TempFolder t;
  const std::string path = put(t / "a", "hello");
  const Bytes b = map_file(path);
  std::filesystem::remove(path);
  EXPECT_EQ(text_of(b), "hello");
}

TEST(Bytes, NamesWhatCannotBeRead) {
  TempFolder t;
  expect_error([&] { map_file(t / "none"); }, {"none", "there is no such file"});
  expect_error([&] { map_file(t.path()); }, {"not a file"});
  expect_error([&] { map_file(put(t / "e", "")); }, {"/e", "empty"});
}

TEST(Bytes, UnpacksGzipMembersAndPadding) {
  TempFolder t;
  std::string big;
  for (int i = 0; i < 100000; ++i) big += std::to_string(i * 7919) + "\n";
  EXPECT_EQ(text_of(read_unpacked(put(t / "a", gzip(big)))), big);
  EXPECT_EQ(
      text_of(read_unpacked(put(t / "b", gzip("one ") + gzip("two") + std::string(512, '\0')))),
      "one two");
  EXPECT_EQ(text_of(read_unpacked(put(t / "c", "plain"))), "plain");
}

TEST(Bytes, RefusesDamagedGzip) {
  TempFolder t;
  const std::string whole = gzip("some text that is packed");
  for (std::size_t n = 2; n < whole.size(); ++n)
    expect_error([&] { read_unpacked(put(t / "cut", whole.substr(0, n))); }, {"cut", "corrupt"});
  std::string wrong = whole;
  wrong[wrong.size() - 6] ^= 1;  // the check sum
  expect_error([&] { read_unpacked(put(t / "sum", wrong)); }, {"sum", "corrupt"});
  expect_error([&] { read_unpacked(put(t / "bomb", gzip(std::string(1 << 20, 'x'))), 1000); },
               {"bomb", "1000"});
}

TEST(Bytes, LazyBytesAreZero) {
  for (const std::size_t n : {std::size_t(0), std::size_t(100), std::size_t(5) << 20}) {
    const auto p = lazy_bytes(n);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p.get()) % 64, 0u);
    for (std::size_t i = 0; i < n; i += 997) EXPECT_EQ(p.get()[i], std::byte{0});
  }
}

TEST(AtomicFile, ReplacesAndLeavesNothingElse) {
  TempFolder t;
  write_atomically(t / "a", std::string("one"));
  write_atomically(t / "a", std::string("two"));
  EXPECT_EQ(get(t / "a"), "two");
  EXPECT_EQ(files_in(t.path()), std::vector<std::string>{"a"});
}

TEST(AtomicFile, WithoutCommitNothingHappens) {
  TempFolder t;
  write_atomically(t / "a", std::string("one"));
  {
    AtomicFile f(t / "a");
    f.write("half");
  }
  EXPECT_EQ(get(t / "a"), "one");
  EXPECT_EQ(files_in(t.path()), std::vector<std::string>{"a"});
}

TEST(AtomicFile, WritesThroughALink) {
  TempFolder t;
  write_atomically(t / "real", std::string("one"));
  std::filesystem::create_symlink("real", t / "link");
  write_atomically(t / "link", std::string("two"));
  EXPECT_TRUE(std::filesystem::is_symlink(t / "link"));
  EXPECT_EQ(get(t / "real"), "two");
}

TEST(AtomicFile, RefusesWhatIsNotAFile) {
  TempFolder t;
  expect_error([&] { write_atomically("/dev/full", std::string("x")); },
               {"/dev/full", "not a file"});
  expect_error([&] { write_atomically(t.path(), std::string("x")); }, {"not a file"});
  expect_error([&] { write_atomically(t / "none/a", std::string("x")); },
               {"none/a", "no such folder"});
}

// A limit on the size of files stands for a full disk: both make write() fail midway.
TEST(AtomicFile, AFailedWriteLeavesTheOldFile) {
  TempFolder t;
  write_atomically(t / "a", std::string("one"));
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit low = old;
  low.rlim_cur = 1 << 16;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &low), 0);
  const std::string error = error_of([&] { write_atomically(t / "a", std::string(1 << 20, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(error.find("cannot be written"), std::string::npos) << error;
  EXPECT_EQ(get(t / "a"), "one");
  EXPECT_EQ(files_in(t.path()), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace fathom::io_test
