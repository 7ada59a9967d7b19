#include "fathom/io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

namespace fathom {

namespace {

constexpr std::pair<DType, std::string_view> kNames[] = {
    {DType::f32, "F32"}, {DType::f64, "F64"}, {DType::u8, "U8"},
    {DType::i32, "I32"}, {DType::i64, "I64"}, {DType::boolean, "BOOL"}};

DType dtype_named(const std::string& name, const std::string& path) {
  for (const auto& [t, n] : kNames)
    if (n == name) return t;
  raise<DataError>("{}: tensors of type {} are not supported", path, name);
}

}  // namespace

Tensors read_safetensors(const std::string& path) {
  const Bytes file = map_file(path);
  if (file.size < 8) raise<DataError>("{}: cut: a safetensors file has at least 8 bytes", path);
  std::uint64_t length = 0;
  std::memcpy(&length, file.data.get(), 8);
  if (length > file.size - 8) raise<DataError>("{}: the safetensors header is cut or damaged", path);
  const char* text = reinterpret_cast<const char*>(file.data.get()) + 8;
  const auto header = nlohmann::json::parse(text, text + length, nullptr, false);
  if (!header.is_object()) raise<DataError>("{}: the safetensors header is no JSON object", path);
  const std::uint64_t body = 8 + length, size = file.size - body;
  Tensors out;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  try {
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        out.metadata = entry.get<std::map<std::string, std::string>>();
        continue;
      }
      const DType dtype = dtype_named(entry.at("dtype").get<std::string>(), path);
      const auto extents = entry.at("shape").get<std::vector<std::int64_t>>();
      const auto offsets = entry.at("data_offsets").get<std::vector<std::uint64_t>>();
      std::array<Axis, Shape::kMaxRank> axes{};
      if (extents.size() > axes.size() || offsets.size() != 2)
        raise<DataError>("{}: tensor \"{}\" is damaged", path, name);
      double bytes = double(size_of(dtype));
      for (std::size_t i = 0; i < extents.size(); ++i) {
        if (extents[i] < 0) raise<DataError>("{}: tensor \"{}\" has a negative extent", path, name);
        axes[i].extent = extents[i];
        bytes *= double(extents[i]);
      }
      if (offsets[0] > offsets[1] || offsets[1] > size || double(offsets[1] - offsets[0]) != bytes)
        raise<DataError>("{}: tensor \"{}\" does not fit its place in the file", path, name);
      ranges.emplace_back(offsets[0], offsets[1]);
      const Array mapped(dtype, Shape(std::span<const Axis>(axes.data(), extents.size())),
                         std::shared_ptr<std::byte>(file.data, file.data.get() + body + offsets[0]));
      const bool aligned = reinterpret_cast<std::uintptr_t>(mapped.raw()) % size_of(dtype) == 0;
      out.arrays.emplace(name, aligned ? mapped : mapped.copy());
    }
  } catch (const nlohmann::json::exception&) {
    raise<DataError>("{}: the safetensors header is damaged", path);
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].first < ranges[i - 1].second) raise<DataError>("{}: two tensors overlap", path);
  return out;
}

void write_safetensors(const std::string& path, const Tensors& tensors) {
  nlohmann::json header = nlohmann::json::object();
  if (!tensors.metadata.empty()) header["__metadata__"] = tensors.metadata;
  std::uint64_t at = 0;
  for (const auto& [name, a] : tensors.arrays) {
    std::vector<std::int64_t> extents;
    for (int i = 0; i < a.shape().rank(); ++i) extents.push_back(a.shape().extent(i));
    const auto type = std::find_if(std::begin(kNames), std::end(kNames), [&](const auto& n) { return n.first == a.dtype(); });
    header[name] = {{"dtype", std::string(type->second)}, {"shape", extents}, {"data_offsets", {at, at + a.bytes()}}};
    at += a.bytes();
  }
  std::string out(8, '\0');
  out += header.dump();
  while (out.size() % 64) out += ' ';  // arrays start aligned; those after them need not
  const std::uint64_t length = out.size() - 8;
  std::memcpy(out.data(), &length, 8);
  out.reserve(out.size() + at);
  for (const auto& [name, a] : tensors.arrays) out.append(reinterpret_cast<const char*>(a.raw()), a.bytes());
  write_atomically(path, out);
}

}  // namespace fathom
