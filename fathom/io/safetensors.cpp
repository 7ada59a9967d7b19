#include "fathom/io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "fathom/io/extents_impl.h"

namespace fathom {

namespace {

constexpr std::pair<DType, std::string_view> kNames[] = {
    {DType::f32, "F32"}, {DType::f64, "F64"}, {DType::u8, "U8"},
    {DType::i32, "I32"}, {DType::i64, "I64"}, {DType::boolean, "BOOL"}};

DType dtype_named(const std::string& dtype, const std::string& tensor, const std::string& path) {
  for (const auto& [t, n] : kNames)
    if (n == dtype) return t;
  raise<DataError>("{}: tensor \"{}\" is of type {}, which is not supported", path, tensor, dtype);
}

std::string file_name_of(DType dtype, const std::string& tensor, const std::string& path) {
  for (const auto& [t, n] : kNames)
    if (t == dtype) return std::string(n);
  raise<DataError>("{}: tensor \"{}\" of {} cannot be written", path, tensor, name_of(dtype));
}

// Throws nlohmann's exception unless they are integers from 0 on.
std::vector<std::uint64_t> whole_numbers(const nlohmann::json& list) {
  std::vector<std::uint64_t> out;
  for (const auto& item : list.get_ref<const nlohmann::json::array_t&>())
    out.push_back(item.get_ref<const nlohmann::json::number_unsigned_t&>());
  return out;
}

}  // namespace

Tensors read_safetensors(const std::string& path) {
  const Bytes file = map_file(path);
  if (file.size < 8)
    raise<DataError>("{}: cut, a safetensors file has at least 8 bytes: restore it or fit again",
                     path);
  std::uint64_t length = 0;
  std::memcpy(&length, file.data.get(), 8);
  if (length > file.size - 8)
    raise<DataError>("{}: the safetensors header is cut or damaged: restore it or fit again", path);
  const char* text = reinterpret_cast<const char*>(file.data.get()) + 8;
  const auto header =
      nlohmann::json::parse(text, text + length, nullptr, false);  // discarded when bad
  if (!header.is_object())
    raise<DataError>("{}: the safetensors header is no JSON object: restore it or fit again", path);
  const std::uint64_t body = 8 + length;
  Tensors out;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
  try {
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        out.metadata = entry.get<std::map<std::string, std::string>>();
        continue;
      }
      const DType dtype = dtype_named(entry.at("dtype").get<std::string>(), name, path);
      const auto extents = whole_numbers(entry.at("shape")),
                 place = whole_numbers(entry.at("data_offsets"));
      std::optional<Shape> shape;
      if (place.size() == 2 && place[0] <= place[1] && place[1] <= file.size - body)
        shape = detail::exact_shape(extents, dtype, place[1] - place[0]);
      if (!shape)
        raise<DataError>(
            "{}: tensor \"{}\" does not fit its place in the file: restore it or fit again", path,
            name);
      places.emplace_back(place[0], place[1]);
      const Array mapped(dtype, *shape, {file.data, file.data.get() + body + place[0]});
      const bool aligned = reinterpret_cast<std::uintptr_t>(mapped.raw()) % size_of(dtype) == 0;
      out.arrays.emplace(name, aligned ? mapped : mapped.copy());
    }
  } catch (const nlohmann::json::exception&) {
    raise<DataError>("{}: the safetensors header is damaged: restore it or fit again", path);
  }
  std::sort(places.begin(), places.end());
  std::uint64_t at = 0;
  for (const auto& [first, last] : places) {
    if (first != at)
      raise<DataError>("{}: tensors overlap or leave a hole at byte {}: restore it or fit again",
                       path, body + at);
    at = last;
  }
  if (body + at != file.size)
    raise<DataError>("{}: the tensors end at byte {}, the file at {}: restore it or fit again",
                     path, body + at, file.size);
  return out;
}

void write_safetensors(const std::string& path, const Tensors& tensors) {
  std::vector<const std::pair<const std::string, Array>*>
      order;  // wide elements first: all are aligned
  for (const auto& entry : tensors.arrays) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return size_of(a->second.dtype()) > size_of(b->second.dtype());
  });
  nlohmann::json header = nlohmann::json::object();
  if (!tensors.metadata.empty()) header["__metadata__"] = tensors.metadata;
  std::uint64_t at = 0;
  for (const auto* entry : order) {
    const auto& [name, a] = *entry;
    if (name == "__metadata__") raise<DataError>("{}: no tensor may be named __metadata__", path);
    std::vector<std::int64_t> extents;
    for (int i = 0; i < a.shape().rank(); ++i) extents.push_back(a.shape().extent(i));
    header[name] = {{"dtype", file_name_of(a.dtype(), name, path)},
                    {"shape", extents},
                    {"data_offsets", {at, at + a.bytes()}}};
    at += a.bytes();
  }
  std::string start(8, '\0');
  start += header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  while (start.size() % 64) start += ' ';
  const std::uint64_t length = start.size() - 8;
  std::memcpy(start.data(), &length, 8);
  AtomicFile file(path);
  file.write(start);
  for (const auto* entry : order) file.write({entry->second.raw(), entry->second.bytes()});
  file.commit();
}

}  // namespace fathom
