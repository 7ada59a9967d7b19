// A zip file ends with a directory of its entries; each entry says where its local header lies, and
// the bytes follow that. Only the directory is believed, as local headers may leave sizes open.
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "fathom/io/little_impl.h"
#include "fathom/io/npy.h"

namespace fathom {

using detail::little;

namespace {

struct Entry {
  std::string name;  // without ".npy"
  std::uint32_t method = 0, crc = 0, packed = 0, unpacked = 0, local = 0;
};

[[noreturn]] void damaged(const std::string& path) {
  raise<DataError>("{}: the NPZ (zip) file is cut or corrupt: save it again", path);
}

// Where the end record stands: within the last 64 KB, which a comment may fill.
std::size_t find_end(std::span<const std::byte> b, const std::string& path) {
  if (b.size() < 22) damaged(path);
  for (std::size_t i = b.size() - 22;; --i) {
    if (little(b.data() + i, 4) == 0x06054b50u) return i;
    if (i == 0 || b.size() - i > 65600) damaged(path);
  }
}

std::vector<Entry> read_directory(const Bytes& file, const std::string& path) {
  const auto b = file.span();
  const std::size_t end = find_end(b, path);
  const std::size_t count = little(b.data() + end + 10, 2);
  std::size_t at = little(b.data() + end + 16, 4);
  const auto too_large = [&] {
    raise<DataError>("{}: an NPZ of 4 GB and more (zip64) is not supported: save its arrays as NPY",
                     path);
  };
  if (at == 0xffffffffu) too_large();
  std::vector<Entry> entries;
  std::uint64_t packed = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (at + 46 > end || little(b.data() + at, 4) != 0x02014b50u) damaged(path);
    const std::byte* p = b.data() + at;
    Entry e{{},
            little(p + 10, 2),
            little(p + 16, 4),
            little(p + 20, 4),
            little(p + 24, 4),
            little(p + 42, 4)};
    const std::size_t name = little(p + 28, 2);
    if (at + 46 + name > end) damaged(path);
    e.name.assign(reinterpret_cast<const char*>(p) + 46, name);
    at += 46 + name + little(p + 30, 2) + little(p + 32, 2);
    if (e.packed == 0xffffffffu || e.unpacked == 0xffffffffu || e.local == 0xffffffffu) too_large();
    packed += e.packed;
    if (packed > b.size()) damaged(path);  // entries share bytes: a bomb
    if (!e.name.ends_with(".npy")) continue;
    e.name.resize(e.name.size() - 4);
    entries.push_back(std::move(e));
  }
  if (entries.empty()) raise<DataError>("{}: the NPZ holds no arrays", path);
  return entries;
}

Array read_entry(const Bytes& file, const Entry& e, const std::string& path) {
  const auto b = file.span();
  const std::string where = path + "[" + e.name + "]";
  if (std::size_t(e.local) + 30 > b.size() || little(b.data() + e.local, 4) != 0x04034b50u)
    damaged(path);
  const std::byte* p = b.data() + e.local;
  const std::size_t body = std::size_t(e.local) + 30 + little(p + 26, 2) + little(p + 28, 2);
  if (body > b.size() || e.packed > b.size() - body) damaged(path);
  if (e.unpacked > 1100 * std::uint64_t(e.packed) + 4096)
    damaged(path);  // deflate packs at most 1032 : 1
  Bytes content{std::shared_ptr<std::byte>(file.data, file.data.get() + body), e.packed};
  if (e.method == 8) {
    content = inflate_bytes(content.span(), e.unpacked, false, where);
  } else if (e.method != 0 || e.packed != e.unpacked) {
    raise<DataError>("{}: packed in a way other than deflate, or damaged", where);
  }
  if (::crc32_z(0, reinterpret_cast<const unsigned char*>(content.data.get()), content.size) !=
      e.crc)
    raise<DataError>("{}: corrupt, its check sum is wrong: save it again", where);
  return parse_npy(content, where);
}

}  // namespace

std::vector<std::string> npz_names(const std::string& path) {
  std::vector<std::string> names;
  for (const Entry& e : read_directory(map_file(path), path)) names.push_back(e.name);
  return names;
}

Array read_npz(const std::string& path, const std::string& name) {
  const Bytes file = map_file(path);
  std::string known;
  for (const Entry& e : read_directory(file, path)) {
    if (e.name == name) return read_entry(file, e, path);
    known += (known.empty() ? "" : ", ") + e.name;
  }
  raise<DataError>("{}: there is no array \"{}\": it holds {}", path, name, known);
}

std::map<std::string, Array> read_npz(const std::string& path) {
  const Bytes file = map_file(path);
  std::map<std::string, Array> out;
  for (const Entry& e : read_directory(file, path)) out.emplace(e.name, read_entry(file, e, path));
  return out;
}

}  // namespace fathom
