#include "fathom/io/bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <new>
#include <vector>

#include "fathom/tensor/buffer.h"

namespace fathom {

namespace fs = std::filesystem;

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

struct Inflater {
  z_stream stream{};
  Inflater(int window, const std::string& path) {
    if (inflateInit2(&stream, window) != Z_OK)
      raise<DataError>("{}: cannot be unpacked: no memory", path);
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

Bytes own(std::vector<std::byte> v) {
  auto keep = std::make_shared<std::vector<std::byte>>(std::move(v));
  return {std::shared_ptr<std::byte>(keep, keep->data()), keep->size()};
}

unsigned char* bytes_of(const std::byte* p) {
  return reinterpret_cast<unsigned char*>(const_cast<std::byte*>(p));
}

}  // namespace

Bytes map_file(const std::string& path, Pages pages) {
  // Not blocking: a pipe is then refused below, not waited for.
  const Descriptor d(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (d.fd < 0)
    raise<DataError>(
        "{}: {}", path,
        errno == ENOENT ? "there is no such file: check the path" : std::strerror(errno));
  struct stat info {};
  if (::fstat(d.fd, &info) != 0 || !S_ISREG(info.st_mode)) raise<DataError>("{}: not a file", path);
  const auto size = std::size_t(info.st_size);
  if (size == 0) raise<DataError>("{}: the file is empty: download or write it again", path);
  const int access = pages == Pages::own ? PROT_READ | PROT_WRITE : PROT_READ;
  void* p = ::mmap(nullptr, size, access, MAP_PRIVATE, d.fd, 0);
  if (p == MAP_FAILED) raise<DataError>("{}: cannot be mapped: {}", path, std::strerror(errno));
  return {{static_cast<std::byte*>(p), [size](std::byte* q) { ::munmap(q, size); }}, size};
}

Bytes read_unpacked(const std::string& path, std::size_t limit, Pages pages) {
  const Bytes raw = map_file(path, pages);
  const unsigned char* b = bytes_of(raw.data.get());
  if (raw.size < 2 || b[0] != 0x1f || b[1] != 0x8b) return raw;
  Inflater inflater(15 + 16, path);
  z_stream& z = inflater.stream;
  std::vector<std::byte> out, block(1 << 18);
  std::size_t at = 0;
  int state = Z_OK;
  for (;;) {
    z.next_in = const_cast<unsigned char*>(b + at);
    z.avail_in = unsigned(std::min<std::size_t>(raw.size - at, 1u << 30));
    z.next_out = bytes_of(block.data());
    z.avail_out = unsigned(block.size());
    state = inflate(&z, Z_NO_FLUSH);
    at = std::size_t(z.next_in - b);
    out.insert(out.end(), block.begin(), block.end() - z.avail_out);
    if (out.size() > limit) raise<DataError>("{}: unpacks to more than {} bytes", path, limit);
    if (state == Z_STREAM_END) {  // members may follow each other, and padding the last
      while (at < raw.size && b[at] == 0) ++at;
      if (at == raw.size || inflateReset(&z) != Z_OK) break;
    } else if (state != Z_OK) {
      break;
    }
  }
  if (state != Z_STREAM_END)
    raise<DataError>("{}: the gzip data are cut or corrupt: download it again", path);
  if (out.empty()) raise<DataError>("{}: the file is empty: download or write it again", path);
  return own(std::move(out));
}

Bytes inflate_bytes(std::span<const std::byte> packed, std::size_t unpacked, bool zlib_header,
                    const std::string& path) {
  constexpr std::size_t kMost = 0xffffffffu;
  if (packed.size() > kMost || unpacked > kMost)
    raise<DataError>("{}: packed data of 4 GB and more", path);
  std::vector<std::byte> out(std::max<std::size_t>(unpacked, 1));
  Inflater inflater(zlib_header ? 15 : -15, path);
  z_stream& z = inflater.stream;
  z.next_in = bytes_of(packed.data());
  z.avail_in = unsigned(packed.size());
  z.next_out = bytes_of(out.data());
  z.avail_out = unsigned(unpacked);
  if (inflate(&z, Z_FINISH) != Z_STREAM_END || z.avail_out != 0)
    raise<DataError>("{}: packed data are cut or corrupt: write it again", path);
  out.resize(unpacked);
  return own(std::move(out));
}

std::shared_ptr<std::byte> lazy_bytes(std::size_t bytes) {
  if (bytes < (std::size_t(1) << 22)) return allocate_bytes(bytes);
  const std::size_t size = bytes + 64;
  void* p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  ::madvise(p, size, MADV_HUGEPAGE);
  return {static_cast<std::byte*>(p), [size](std::byte* q) { ::munmap(q, size); }};
}

AtomicFile::AtomicFile(const std::string& path) : path_(path), target_(path) {
  static std::atomic<unsigned> count{0};
  std::error_code error;
  if (fs::is_symlink(path, error)) {
    const fs::path real = fs::canonical(path, error);
    if (!error) target_ = real.string();
  }
  if (fs::exists(target_, error) && !fs::is_regular_file(target_, error))
    raise<DataError>("{}: cannot be written: it exists and is not a file", path);
  const fs::path target(target_);
  for (int tries = 0; fd_ < 0; ++tries) {
    const std::string name =
        fmt::format(".{}.{}-{}.part", target.filename().string(), ::getpid(), count++);
    part_ = (target.parent_path() / name).string();
    fd_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0 && (errno != EEXIST || tries == 100)) {
      const int why = errno;
      part_.clear();
      errno = why;
      fail("made");
    }
  }
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!part_.empty()) ::unlink(part_.c_str());
}

void AtomicFile::fail(const char* what) {
  const bool full = errno == ENOSPC || errno == EFBIG || errno == EDQUOT;
  raise<DataError>("{}: cannot be {}: {}{}", path_, what,
                   errno == ENOENT ? "there is no such folder" : std::strerror(errno),
                   full ? ": make room, then try again; what was saved before is kept, and "
                          "--resume goes on from it"
                        : "");
}

void AtomicFile::write(std::span<const std::byte> content) {
  for (std::size_t at = 0; at < content.size();) {
    const ssize_t n = ::write(fd_, content.data() + at, content.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("written");
    at += std::size_t(n);
  }
}

void AtomicFile::write(const std::string& content) {
  write(std::as_bytes(std::span<const char>(content.data(), content.size())));
}

void AtomicFile::rewrite(std::size_t at, const std::string& content) {
  if (::pwrite(fd_, content.data(), content.size(), off_t(at)) != ssize_t(content.size()))
    fail("written");
}

void AtomicFile::commit() {
  if (::fsync(fd_) != 0) fail("written");
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) fail("written");
  if (::rename(part_.c_str(), target_.c_str()) != 0) fail("renamed into place");
  part_.clear();
  // The new name itself is on disk once its folder is; where folders cannot be synced, so be it.
  const fs::path folder = fs::path(target_).parent_path();
  const Descriptor d(
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (d.fd >= 0) ::fsync(d.fd);
}

void write_atomically(const std::string& path, std::span<const std::byte> content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void write_atomically(const std::string& path, const std::string& content) {
  write_atomically(path, std::as_bytes(std::span<const char>(content.data(), content.size())));
}

}  // namespace fathom
