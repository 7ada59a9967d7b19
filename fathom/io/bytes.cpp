#include "fathom/io/bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace fathom {

namespace {

struct Descriptor {
  int fd;
  explicit Descriptor(int f) : fd(f) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

Bytes own(std::vector<std::byte> v) {
  auto keep = std::make_shared<std::vector<std::byte>>(std::move(v));
  return {std::shared_ptr<std::byte>(keep, keep->data()), keep->size()};
}

}  // namespace

Bytes map_file(const std::string& path) {
  Descriptor d(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (d.fd < 0) raise<DataError>("{}: {}", path, errno == ENOENT ? "there is no such file" : std::strerror(errno));
  struct stat info {};
  if (::fstat(d.fd, &info) != 0 || !S_ISREG(info.st_mode)) raise<DataError>("{}: not a file", path);
  const auto size = std::size_t(info.st_size);
  if (size == 0) raise<DataError>("{}: the file is empty", path);
  void* p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, d.fd, 0);
  if (p == MAP_FAILED) raise<DataError>("{}: cannot be mapped: {}", path, std::strerror(errno));
  return {std::shared_ptr<std::byte>(static_cast<std::byte*>(p), [size](std::byte* q) { ::munmap(q, size); }), size};
}

Bytes read_unpacked(const std::string& path, std::size_t limit) {
  const Bytes raw = map_file(path);
  const auto* b = reinterpret_cast<const unsigned char*>(raw.data.get());
  if (raw.size < 2 || b[0] != 0x1f || b[1] != 0x8b) return raw;
  z_stream z{};
  if (inflateInit2(&z, 15 + 16) != Z_OK) raise<DataError>("{}: gzip cannot be started", path);
  std::vector<std::byte> out;
  out.reserve(std::min(raw.size * 6, limit));
  z.next_in = const_cast<unsigned char*>(b);
  z.avail_in = static_cast<unsigned>(std::min<std::size_t>(raw.size, 0xffffffffu));
  std::vector<std::byte> block(1 << 18);
  int state = Z_OK;
  while (state == Z_OK) {
    z.next_out = reinterpret_cast<unsigned char*>(block.data());
    z.avail_out = static_cast<unsigned>(block.size());
    state = inflate(&z, Z_NO_FLUSH);
    out.insert(out.end(), block.begin(), block.begin() + std::ptrdiff_t(block.size() - z.avail_out));
    if (out.size() > limit) break;
    if (state == Z_OK && z.avail_in == 0 && z.avail_out != 0) break;  // cut
    if (state == Z_STREAM_END && z.avail_in > 0) {  // members may follow each other
      if (inflateReset(&z) != Z_OK) break;
      state = Z_OK;
    }
  }
  inflateEnd(&z);
  if (out.size() > limit) raise<DataError>("{}: unpacks to more than {} bytes", path, limit);
  if (state != Z_STREAM_END) raise<DataError>("{}: the gzip data are cut or corrupt", path);
  if (out.empty()) raise<DataError>("{}: the file is empty", path);
  return own(std::move(out));
}

Bytes inflate_bytes(std::span<const std::byte> packed, std::size_t unpacked, bool zlib_header,
                    const std::string& path) {
  std::vector<std::byte> out(std::max<std::size_t>(unpacked, 1));
  z_stream z{};
  if (inflateInit2(&z, zlib_header ? 15 : -15) != Z_OK) raise<DataError>("{}: deflate cannot be started", path);
  z.next_in = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(packed.data()));
  z.avail_in = static_cast<unsigned>(packed.size());
  z.next_out = reinterpret_cast<unsigned char*>(out.data());
  z.avail_out = static_cast<unsigned>(unpacked);
  const int state = inflate(&z, Z_FINISH);
  const std::size_t made = unpacked - z.avail_out;
  inflateEnd(&z);
  if (state != Z_STREAM_END || made != unpacked) raise<DataError>("{}: packed data are cut or corrupt", path);
  out.resize(unpacked);
  return own(std::move(out));
}

void write_atomically(const std::string& path, std::span<const std::byte> content) {
  const std::string part = path + ".part";
  const auto fail = [&](const char* what) {
    const int error = errno;
    ::unlink(part.c_str());
    raise<DataError>("{}: cannot be {}: {}", path, what, std::strerror(error));
  };
  {
    Descriptor d(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (d.fd < 0) fail("made");
    for (std::size_t at = 0; at < content.size();) {
      const ssize_t n = ::write(d.fd, content.data() + at, content.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) fail("written");
      at += std::size_t(n);
    }
    if (::fsync(d.fd) != 0) fail("written");
  }
  if (::rename(part.c_str(), path.c_str()) != 0) fail("renamed into place");
}

void write_atomically(const std::string& path, const std::string& content) {
  write_atomically(path, std::as_bytes(std::span<const char>(content.data(), content.size())));
}

}  // namespace fathom
