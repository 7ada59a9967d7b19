#include "fathom/io/run_folder.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace fathom {

namespace fs = std::filesystem;

RunFolder RunFolder::create(const std::string& path, bool force) {
  std::error_code ignored;
  const fs::path final = fs::path(path).lexically_normal();
  if (fs::exists(final, ignored)) {
    if (!fs::is_directory(final, ignored)) raise<DataError>("{}: exists and is no folder", path);
    if (!fs::is_empty(final, ignored) && !force)
      raise<DataError>("{}: the folder exists and is not empty: choose another, --force to replace it or --resume to go on", path);
    if (force && !fs::is_empty(final, ignored) && !fs::exists(final / "config.json", ignored))
      raise<DataError>("{}: not a run folder: --force replaces runs only", path);
  }
  RunFolder run;
  run.path_ = path;
  run.force_ = force;
  fs::path parent = final.has_parent_path() ? final.parent_path() : fs::path(".");
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) raise<DataError>("{}: its folder cannot be made: {}", path, error.message());
  fs::path name = final.filename();
  if (name.empty()) name = parent.filename();
  run.place_ = (parent / ("." + name.string() + ".new")).string();
  fs::remove_all(run.place_, ignored);
  fs::create_directory(run.place_, error);
  if (error) raise<DataError>("{}: cannot be made: {}", path, error.message());
  return run;
}

RunFolder RunFolder::open(const std::string& path) {
  RunFolder run;
  run.path_ = run.place_ = path;
  run.published_ = true;
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) raise<DataError>("{}: there is no such run folder", path);
  if (!run.has("config.json")) raise<DataError>("{}: not a run folder: it has no config.json", path);
  const auto config = run.read_json("config.json");
  const int format = config.value("format", 0);
  if (format > kFormat)
    raise<DataError>("{}: written by a newer version (format {}, this one reads up to {}): update fathom", path, format, kFormat);
  return run;
}

RunFolder::RunFolder(RunFolder&& o) noexcept
    : path_(std::move(o.path_)), place_(std::move(o.place_)), published_(o.published_), force_(o.force_) {
  o.published_ = true;  // the new owner removes it
}

RunFolder::~RunFolder() {
  if (published_) return;
  std::error_code ignored;
  fs::remove_all(place_, ignored);
}

void RunFolder::publish() {
  if (published_) return;
  std::error_code error;
  if (force_) fs::remove_all(path_, error);
  fs::remove(path_, error);  // an empty folder
  fs::rename(place_, path_, error);
  if (error) raise<DataError>("{}: the run cannot be put in place: {}", path_, error.message());
  place_ = path_;
  published_ = true;
}

std::string RunFolder::file(const std::string& name) const { return (fs::path(place_) / name).string(); }

bool RunFolder::has(const std::string& name) const {
  std::error_code ignored;
  return fs::exists(file(name), ignored);
}

void RunFolder::write_text(const std::string& name, const std::string& text) { write_atomically(file(name), text); }

void RunFolder::write_json(const std::string& name, const nlohmann::json& value) {
  write_atomically(file(name), value.dump(2) + "\n");
}

nlohmann::json RunFolder::read_json(const std::string& name) const {
  const Bytes b = map_file(file(name));
  const char* p = reinterpret_cast<const char*>(b.data.get());
  auto value = nlohmann::json::parse(p, p + b.size, nullptr, false);
  if (value.is_discarded()) raise<DataError>("{}: not valid JSON", file(name));
  return value;
}

void RunFolder::write_tensors(const std::string& name, const Tensors& tensors) { write_safetensors(file(name), tensors); }
Tensors RunFolder::read_tensors(const std::string& name) const { return read_safetensors(file(name)); }

void RunFolder::append_metrics(const nlohmann::json& line) {
  std::ofstream out(file("metrics.jsonl"), std::ios::app);
  out << line.dump() << '\n' << std::flush;
  if (!out) raise<DataError>("{}: cannot be written: is the disk full?", file("metrics.jsonl"));
}

std::vector<nlohmann::json> RunFolder::read_metrics() const {
  std::vector<nlohmann::json> lines;
  std::ifstream in(file("metrics.jsonl"));
  for (std::string line; std::getline(in, line);) {
    auto value = nlohmann::json::parse(line, nullptr, false);
    if (value.is_discarded()) break;
    lines.push_back(std::move(value));
  }
  return lines;
}

void RunFolder::truncate_metrics(std::size_t count) {
  std::string text;
  const auto lines = read_metrics();
  for (std::size_t i = 0; i < std::min(count, lines.size()); ++i) text += lines[i].dump() + "\n";
  if (has("metrics.jsonl")) write_text("metrics.jsonl", text);
}

}  // namespace fathom
