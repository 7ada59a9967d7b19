// What the tests of io/ share: a folder of their own, files of given bytes, the text of an error.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/io/bytes.h"
#include "fathom/tensor/buffer.h"

namespace fathom::io_test {

// A new folder that is removed at the end.
class TempFolder {
 public:
  TempFolder() {
    path_ = (std::filesystem::temp_directory_path() / "fathom_io_XXXXXX").string();
    if (!::mkdtemp(path_.data())) throw std::runtime_error("no temporary folder");
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A new file each time: cutting an old one makes some file systems wait for the disk.
inline std::string put(const std::string& path, const std::string& bytes) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

inline std::string get(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

inline Bytes bytes_of(const std::string& s) {
  const std::shared_ptr<std::byte> data = allocate_bytes(s.size());
  std::memcpy(data.get(), s.data(), s.size());
  return {data, s.size()};
}

// The text of the Error that `f` throws; "" when it throws none.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

template <class F>
void expect_error(F&& f, std::initializer_list<const char*> parts) {
  const std::string text = error_of(f);
  EXPECT_NE(text, "") << "nothing was thrown";
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  for (const char* part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << part << " not in: " << text;
}

// Little- and big-endian bytes of a number.
template <class T>
std::string little(T v) {
  std::string s(sizeof v, '\0');
  std::memcpy(s.data(), &v, sizeof v);
  return s;
}
template <class T>
std::string big(T v) {
  const std::string s = little(v);
  return {s.rbegin(), s.rend()};
}

inline std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& e : std::filesystem::directory_iterator(folder))
    names.push_back(e.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

template <class T>
std::vector<T> list(const Array& a) {
  return {a.data<T>(), a.data<T>() + a.size()};
}

}  // namespace fathom::io_test
