#include "fathom/jobs/converted_table.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "fathom/io/csv.h"
#include "fathom/io/npy.h"

namespace fathom {

namespace {

namespace fs = std::filesystem;

constexpr const char* kFiles[] = {".npy", ".text.npy", ".ends.npy"};

// What tells whether a conversion is of this file as it is now.
nlohmann::json origin(const std::string& path) {
  return {{"source", fs::absolute(path).lexically_normal().string()},
          {"bytes", fs::file_size(path)},
          {"modified", fs::last_write_time(path).time_since_epoch().count()}};
}

// Places of columns among those that were converted; -1: not among them.
std::vector<int> places_among(const nlohmann::json& made, const char* kind,
                              const std::vector<std::string>& wanted) {
  const auto names = made.value(kind, std::vector<std::string>());
  std::vector<int> places;
  for (const std::string& name : wanted) {
    const auto found = std::find(names.begin(), names.end(), name);
    places.push_back(found == names.end() ? -1 : int(found - names.begin()));
  }
  return places;
}

bool has(const nlohmann::json& made, const char* kind, const std::vector<std::string>& wanted) {
  const std::vector<int> places = places_among(made, kind, wanted);
  return std::find(places.begin(), places.end(), -1) == places.end();
}

// The conversion's description; null where there is none, or it is of something else.
nlohmann::json description(const std::string& place, const nlohmann::json& of,
                           const TextColumns& columns) {
  std::error_code ignored;
  if (!fs::exists(place + ".json", ignored) || !fs::exists(place + ".npy", ignored)) return {};
  const Bytes text = map_file(place + ".json");
  const char* p = reinterpret_cast<const char*>(text.data.get());
  nlohmann::json j = nlohmann::json::parse(p, p + text.size, nullptr, false);
  if (!j.is_object() || j.value("origin", nlohmann::json()) != of) return {};
  for (const char* file : kFiles)
    if (!columns.texts.empty() && !fs::exists(place + file, ignored)) return {};
  return has(j, "numbers", columns.numbers) && has(j, "categories", columns.categories) &&
                 has(j, "texts", columns.texts)
             ? j
             : nlohmann::json();
}

std::string megabytes(std::uintmax_t bytes) {
  return fmt::format("{:.0f} MB", std::max(1.0, double(bytes) / 1e6));
}

// Cells of columns of text and where they end, written row by row.
class TextFiles {
 public:
  TextFiles(const std::string& place, std::int64_t columns)
      : bytes_(place + ".text.npy", DType::u8, 1),
        ends_(place + ".ends.npy", DType::i64, columns) {}
  // cells[column][row].
  void write(std::span<const std::vector<std::string>> cells) {
    const std::size_t n = cells[0].size(), width = cells.size();
    Array ends(DType::i64, Shape{std::int64_t(n), std::int64_t(width)});
    std::string text;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < width; ++k) {
        text += cells[k][i];
        ends.data<std::int64_t>()[i * width + k] = size_ + std::int64_t(text.size());
        text += '\n';
      }
    size_ += std::int64_t(text.size());
    Array bytes(DType::u8, Shape{std::int64_t(text.size()), 1});
    std::copy(text.begin(), text.end(), bytes.data<std::uint8_t>());
    bytes_.write(bytes);
    ends_.write(ends);
  }
  void commit() {
    bytes_.commit();
    ends_.commit();
  }

 private:
  NpyRows bytes_, ends_;
  std::int64_t size_ = 0;
};

// Writes the files of `to` and returns their description.
nlohmann::json convert(const std::string& path, const TextColumns& columns, const std::string& to,
                       Workers& workers) {
  CsvOptions csv;
  csv.columns = columns.numbers;
  csv.drop = columns.others;
  csv.text_columns = columns.categories;
  csv.text_columns.insert(csv.text_columns.end(), columns.texts.begin(), columns.texts.end());
  const std::size_t categories = columns.categories.size();
  std::vector<CellCodes> codes(categories);
  std::unique_ptr<NpyRows> numbers;
  std::unique_ptr<TextFiles> texts;
  if (!columns.texts.empty())
    texts = std::make_unique<TextFiles>(to, std::int64_t(columns.texts.size()));
  const Bytes bytes = map_file(path, Pages::read_only);
  parse_csv_in_pieces(bytes, path, csv, &workers,
                      [&](const Array& rows, const std::vector<std::vector<std::string>>& text) {
                        const Array values = with_codes(rows, text, codes);
                        if (!numbers)
                          numbers = std::make_unique<NpyRows>(to + ".npy", DType::f64,
                                                              values.shape().extent(1));
                        numbers->write(values);
                        if (texts) texts->write(std::span(text).subspan(categories));
                      });
  if (texts) texts->commit();
  numbers->commit();
  nlohmann::json names = nlohmann::json::array();
  for (const CellCodes& c : codes) names.push_back(c.names());
  return {{"numbers", columns.numbers},
          {"categories", columns.categories},
          {"names", names},
          {"texts", columns.texts}};
}

// The columns that are wanted of the files at `place`, mapped.
TextRows mapped(const std::string& place, const nlohmann::json& made, const TextColumns& columns) {
  TextRows out;
  std::vector<int> from = places_among(made, "numbers", columns.numbers);
  for (const int k : places_among(made, "categories", columns.categories)) {
    from.push_back(int(made.at("numbers").size()) + k);
    out.names.push_back(made.at("names").at(std::size_t(k)).get<std::vector<std::string>>());
  }
  out.values = read_npy(place + ".npy", Pages::read_only);
  std::vector<int> all(std::size_t(out.values.shape().extent(1)), 0);
  std::iota(all.begin(), all.end(), 0);
  if (from != all) out.values = out.values.columns(from);
  if (columns.texts.empty()) return out;
  const Array bytes = read_npy(place + ".text.npy", Pages::read_only),
              ends = read_npy(place + ".ends.npy", Pages::read_only);
  for (const int k : places_among(made, "texts", columns.texts))
    out.texts.emplace_back(bytes, ends, k);
  return out;
}

}  // namespace

TextRows converted_table(const std::string& path, const TextColumns& columns,
                         const std::string& place, Workers& workers, const Note& note) {
  const nlohmann::json of = origin(path);
  nlohmann::json made = description(place, of, columns);
  if (!made.is_null()) {
    if (note)
      note(fmt::format("{}: its numbers are read from {}.npy, made of it before", path, place));
    return mapped(place, made, columns);
  }
  std::error_code ignored;
  const bool taken = fs::exists(place + ".npy", ignored);  // by another table
  const std::string at = taken ? fmt::format("{}-{}", place, ::getpid()) : place;
  if (note)
    note(
        fmt::format("{}: {} of text are converted once to numbers that are read from disk as "
                    "they are needed{}",
                    path, megabytes(fs::file_size(path)),
                    taken ? ""
                          : ": table.npy and its companions in the run folder, which may be "
                            "deleted"));
  made = convert(path, columns, at, workers);
  made["origin"] = of;
  if (!taken)
    write_atomically(at + ".json",
                     made.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  TextRows out = mapped(at, made, columns);
  if (taken)  // mappings live on
    for (const char* file : kFiles) fs::remove(at + file, ignored);
  return out;
}

}  // namespace fathom
