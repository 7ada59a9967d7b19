// Bytes of files: mapped, unpacked, and written so that a reader never sees half a file.
#pragma once

#include <cstddef>
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

// Maps a file; its pages are private and may be written to. The file must not be cut while the
// mapping lives (replacing it by rename is fine). Throws DataError: missing, a folder, unreadable,
// empty.
Bytes map_file(const std::string& path);

// The same, unpacked when the file is gzip, whatever its name. Throws DataError when it is cut or
// corrupt, or would unpack to more than `limit` bytes.
Bytes read_unpacked(const std::string& path, std::size_t limit = std::size_t(1) << 34);

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
  void commit();

 private:
  [[noreturn]] void fail(const char* what);

  std::string path_, target_, part_;  // as given; with links resolved; where it is written
  int fd_ = -1;
};

void write_atomically(const std::string& path, std::span<const std::byte> content);
void write_atomically(const std::string& path, const std::string& content);

}  // namespace fathom
