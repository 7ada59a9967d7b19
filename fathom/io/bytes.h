// Bytes of files: mapped, read, unpacked, and written so that a reader never sees half a file.
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

// Maps a file read-only; pages are private. Throws DataError: missing, a folder, unreadable, empty.
Bytes map_file(const std::string& path);

// The same, unpacked when the file is gzip, whatever its name. Throws DataError when it is cut or
// corrupt, or would unpack to more than `limit` bytes.
Bytes read_unpacked(const std::string& path, std::size_t limit = std::size_t(1) << 34);

// Raw deflate (`zlib_header` false) or zlib data of known unpacked size.
Bytes inflate_bytes(std::span<const std::byte> packed, std::size_t unpacked, bool zlib_header,
                    const std::string& path);

// Writes `content` beside `path` and renames it into place when it is whole and on disk. On failure
// (a full disk) throws DataError, and a file that was there before stays as it was.
void write_atomically(const std::string& path, std::span<const std::byte> content);
void write_atomically(const std::string& path, const std::string& content);

}  // namespace fathom
