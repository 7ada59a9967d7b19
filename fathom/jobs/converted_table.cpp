#include "fathom/jobs/converted_table.h"

#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "fathom/io/csv.h"
#include "fathom/io/npy.h"

namespace fathom {

namespace {

namespace fs = std::filesystem;

// What tells whether a conversion is of this file as it is now.
nlohmann::json origin(const std::string& path, const DatasetOptions& options) {
  return {{"source", fs::absolute(path).lexically_normal().string()},
          {"bytes", fs::file_size(path)},
          {"modified", fs::last_write_time(path).time_since_epoch().count()},
          {"wanted", options.columns}};
}

// The conversion's description; null where there is none, or it is of something else.
nlohmann::json description(const std::string& place, const nlohmann::json& of) {
  std::error_code ignored;
  if (!fs::exists(place + ".json", ignored) || !fs::exists(place + ".npy", ignored)) return {};
  const Bytes text = map_file(place + ".json");
  const char* p = reinterpret_cast<const char*>(text.data.get());
  nlohmann::json j = nlohmann::json::parse(p, p + text.size, nullptr, false);
  if (!j.is_object() || j.value("origin", nlohmann::json()) != of) return {};
  return j;
}

std::string megabytes(std::uintmax_t bytes) {
  return fmt::format("{:.0f} MB", std::max(1.0, double(bytes) / 1e6));
}

// Writes `to`.npy and returns its description.
nlohmann::json convert(const std::string& path, const DatasetOptions& options,
                       const std::string& to, Workers& workers) {
  CsvOptions csv;
  csv.columns = options.columns;
  std::unique_ptr<NpyRows> file;
  const Bytes bytes = map_file(path, Pages::read_only);
  const Table t = parse_csv_in_pieces(bytes, path, csv, &workers, [&](const Array& rows) {
    if (!file) file = std::make_unique<NpyRows>(to + ".npy", DType::f64, rows.shape().extent(1));
    file->write(rows);
  });
  file->commit();
  return {{"columns", t.names}, {"missing", t.missing}, {"first_missing", t.first_missing}};
}

}  // namespace

Dataset converted_table(const std::string& path, const DatasetOptions& options,
                        const std::string& place, Workers& workers, const Note& note) {
  if (!options.label.empty() || !options.id.empty() || !options.text.empty())
    raise<ConfigError>("{}: columns of text are not read from a file larger than memory", path);
  const nlohmann::json of = origin(path, options);
  nlohmann::json made = description(place, of);
  const bool found = !made.is_null();
  std::error_code ignored;
  const bool taken = !found && fs::exists(place + ".npy", ignored);  // by another table
  const std::string at = taken ? fmt::format("{}-{}", place, ::getpid()) : place;
  if (!found) {
    if (note)
      note(
          fmt::format("{}: {} of text are converted once to numbers that are read from disk as "
                      "they are needed{}",
                      path, megabytes(fs::file_size(path)),
                      taken ? "" : ": table.npy in the run folder, which may be deleted"));
    made = convert(path, options, at, workers);
    made["origin"] = of;
    if (!taken) write_atomically(at + ".json", made.dump(1) + "\n");
  } else if (note) {
    note(fmt::format("{}: its numbers are read from {}.npy, made of it before", path, place));
  }
  Dataset d;
  d.source = path;
  d.kind = "csv";
  d.values = read_npy(at + ".npy", Pages::read_only);
  if (taken) fs::remove(at + ".npy", ignored);  // its mapping lives on
  d.item = d.values.shape().without(0);
  d.columns = made.at("columns").get<std::vector<std::string>>();
  d.missing = made.at("missing").get<std::int64_t>();
  d.first_missing = made.at("first_missing").get<std::string>();
  return d;
}

}  // namespace fathom
