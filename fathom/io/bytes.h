// Bytes of files: mapped, unpacked, and written so that a reader never sees half a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "fathom/base/error.h"

namespace fathom {

// The bytes of a file. Sharing `data` keeps the mapping (or the copy) alive.
struct Bytes {
  std::shared_ptr<std::byte> data;
  std::size_t size = 0;
  std::span<const std::byte> span() const { return {data.get(), size}; }
};

// Maps a file. Its pages are private and may be written to, or they may not: then they are no
// memory of the process's own, whatever their number. The file must not be cut while the mapping
// lives (replacing it by rename is fine). Throws DataError: missing, a folder, unreadable, empty.
enum class Pages : std::uint8_t { own, read_only };
Bytes map_file(const std::string& path, Pages pages = Pages::own);

// The same, unpacked when the file is gzip, whatever its name. Throws DataError when it is cut or
// corrupt, or would unpack to more than `limit` bytes.
inline constexpr std::size_t kMostUnpacked = std::size_t(1) << 34;
Bytes read_unpacked(const std::string& path, std::size_t limit = kMostUnpacked,
                    Pages pages = Pages::own);

// Raw deflate (`zlib_header` false) or zlib data of known unpacked size.
Bytes inflate_bytes(std::span<const std::byte> packed, std::size_t unpacked, bool zlib_header,
                    const std::string& path);

// Zeroed bytes, 64-byte aligned. Large blocks take memory page by page as they are first touched.
std::shared_ptr<std::byte> lazy_bytes(std::size_t bytes);

// A file being written beside its place. `commit` puts it on disk and renames it into place;
// without that nothing is left of it. On failure (a full disk) throws DataError, and what lay at
// `path` before stays as it was.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> content);
  void write(const std::string& content);
  void rewrite(std::size_t at, const std::string& content);  // over what is there
  void commit();

 private:
  [[noreturn]] void fail(const char* what);

  std::string path_, target_, part_;  // as given; with links resolved; where it is written
  int fd_ = -1;
};

void write_atomically(const std::string& path, std::span<const std::byte> content);
void write_atomically(const std::string& path, const std::string& content);

}  // namespace fathom
