#include "fathom/io/run_folder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

namespace fathom {

namespace fs = std::filesystem;

namespace {

constexpr const char* kMetrics = "metrics.jsonl";

std::string dump(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// `path` without ".", ".." and a slash at its end.
fs::path folder_named(const std::string& path) {
  fs::path p = fs::path(path).lexically_normal();
  if (!p.has_filename()) p = p.parent_path();
  if (p.empty() || !p.has_filename() || p.filename() == "." || p.filename() == "..")
    raise<DataError>("\"{}\" cannot be a run folder: give it a name", path);
  return p;
}

// A name beside `p` that nobody else uses.
fs::path hidden_sibling(const fs::path& p, const char* why) {
  static std::atomic<unsigned> count{0};
  return p.parent_path() /
         fmt::format(".{}.{}-{}.{}", p.filename().string(), ::getpid(), count++, why);
}

// Removes what fits that were killed left beside `p`: their processes are gone.
void remove_leftovers(const fs::path& p) {
  const std::string begin = "." + p.filename().string() + ".";
  std::error_code ignored;
  const fs::path parent = p.has_parent_path() ? p.parent_path() : fs::path(".");
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(begin, 0) != 0 || !name.ends_with(".new")) continue;
    int pid = 0;
    const char* first = name.data() + begin.size();
    const auto [next, error] = std::from_chars(first, name.data() + name.size(), pid);
    if (error != std::errc() || next == first || *next != '-' || pid < 1) continue;
    if (::kill(pid, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), ignored);
  }
}

// Does `write`. Errors name the run, not the hidden place where it is made.
template <class F>
void write_in(const std::string& place, const std::string& path, F&& write) {
  try {
    write();
  } catch (const DataError& e) {
    std::string text = e.what();
    if (text.rfind(place, 0) == 0) text.replace(0, place.size(), path);
    throw DataError(text);
  }
}

// The whole lines of a text: all up to its last line end.
std::string_view whole_lines(std::string_view text) { return text.substr(0, text.rfind('\n') + 1); }

std::string text_of(const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored) || fs::file_size(path, ignored) == 0) return {};
  const Bytes b = map_file(path);
  return {reinterpret_cast<const char*>(b.data.get()), b.size};
}

}  // namespace

RunFolder RunFolder::create(const std::string& path, bool force) {
  std::error_code ignored;
  const fs::path final = folder_named(path);
  if (fs::exists(final, ignored)) {
    if (!fs::is_directory(final, ignored)) raise<DataError>("{}: exists and is no folder", path);
    const bool empty = fs::is_empty(final, ignored);
    if (!empty && !force)
      raise<DataError>(
          "{}: the folder exists and is not empty: choose another, --force to replace it or "
          "--resume to go on",
          path);
    if (!empty && !fs::exists(final / "config.json", ignored))
      raise<DataError>("{}: not a run folder: --force replaces runs only", path);
  }
  std::error_code error;
  if (final.has_parent_path()) fs::create_directories(final.parent_path(), error);
  if (error) raise<DataError>("{}: its folder cannot be made: {}", path, error.message());
  remove_leftovers(final);
  RunFolder run;
  run.path_ = final.string();
  run.force_ = force;
  run.place_ = hidden_sibling(final, "new").string();
  if (!fs::create_directory(run.place_, error) || error) {
    run.published_ = true;  // nothing to remove
    raise<DataError>("{}: cannot be made: {}", path,
                     error ? error.message() : "its place is taken");
  }
  return run;
}

RunFolder RunFolder::open(const std::string& path) {
  RunFolder run;
  run.path_ = run.place_ = path;
  run.published_ = true;
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) raise<DataError>("{}: there is no such run folder", path);
  if (!run.has("config.json"))
    raise<DataError>("{}: not a run folder: it has no config.json", path);
  const auto config = run.read_json("config.json");
  const auto format = config.is_object() ? config.find("format") : config.end();
  if (!config.is_object() || format == config.end() || !format->is_number_integer())
    raise<DataError>("{}: not a run folder: its config.json names no format", path);
  if (format->get<std::int64_t>() > kFormat)
    raise<DataError>(
        "{}: written by a newer version (format {}, this one reads up to {}): update fathom", path,
        format->get<std::int64_t>(), kFormat);
  return run;
}

RunFolder::RunFolder(RunFolder&& o) noexcept
    : path_(std::move(o.path_)),
      place_(std::move(o.place_)),
      published_(o.published_),
      force_(o.force_) {
  o.published_ = true;  // the new owner removes it
}

RunFolder::~RunFolder() {
  if (published_) return;
  std::error_code ignored;
  fs::remove_all(place_, ignored);
}

void RunFolder::publish() {
  if (published_) return;
  std::error_code error, ignored;
  fs::path old;
  if (fs::exists(path_, ignored)) {
    if (!force_ && !fs::is_empty(path_, ignored))
      raise<DataError>("{}: the run cannot be put in place: the folder has been filled meanwhile",
                       path_);
    old = hidden_sibling(path_, "old");
    fs::rename(path_, old, error);
  }
  if (!error) fs::rename(place_, path_, error);
  if (error) {
    if (!old.empty() && fs::exists(old, ignored)) fs::rename(old, path_, ignored);
    raise<DataError>("{}: the run cannot be put in place: {}", path_, error.message());
  }
  place_ = path_;
  published_ = true;
  if (!old.empty()) fs::remove_all(old, ignored);
}

std::string RunFolder::file(const std::string& name) const {
  return (fs::path(place_) / name).string();
}

bool RunFolder::has(const std::string& name) const {
  std::error_code ignored;
  return fs::exists(file(name), ignored);
}

void RunFolder::write_text(const std::string& name, const std::string& text) {
  write_in(place_, path_, [&] { write_atomically(file(name), text); });
}

void RunFolder::write_bytes(const std::string& name, std::span<const std::byte> bytes) {
  write_in(place_, path_, [&] { write_atomically(file(name), bytes); });
}

void RunFolder::write_json(const std::string& name, const nlohmann::json& value) {
  write_in(place_, path_, [&] { write_atomically(file(name), dump(value, 2)); });
}

nlohmann::json RunFolder::read_json(const std::string& name) const {
  const Bytes b = map_file(file(name));
  const char* p = reinterpret_cast<const char*>(b.data.get());
  auto value = nlohmann::json::parse(p, p + b.size, nullptr, false);
  if (value.is_discarded()) raise<DataError>("{}: not valid JSON", file(name));
  return value;
}

void RunFolder::write_tensors(const std::string& name, const Tensors& tensors) {
  write_in(place_, path_, [&] { write_safetensors(file(name), tensors); });
}

Tensors RunFolder::read_tensors(const std::string& name) const {
  return read_safetensors(file(name));
}

void RunFolder::append_metrics(const nlohmann::json& line) {
  const std::string path = file(kMetrics), shown = (fs::path(path_) / kMetrics).string(),
                    text = dump(line, -1);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) raise<DataError>("{}: cannot be written: {}", shown, std::strerror(errno));
  off_t end = ::lseek(fd, 0, SEEK_END);
  char last = '\n';
  if (end > 0 && ::pread(fd, &last, 1, end - 1) == 1 && last != '\n')
    end = off_t(whole_lines(text_of(path)).size());
  std::size_t done = 0;
  bool good = ::ftruncate(fd, end) == 0;
  while (good && done < text.size()) {
    const ssize_t n = ::pwrite(fd, text.data() + done, text.size() - done, end + off_t(done));
    good = n > 0 || (n < 0 && errno == EINTR);
    if (n > 0) done += std::size_t(n);
  }
  const int why = errno;
  if (!good && ::ftruncate(fd, end) != 0) done = 0;  // a torn line is cut off by the next append
  ::close(fd);
  if (!good) raise<DataError>("{}: cannot be written: {}", shown, std::strerror(why));
}

std::vector<nlohmann::json> RunFolder::read_metrics() const {
  const std::string all = text_of(file(kMetrics));
  std::vector<nlohmann::json> lines;
  for (std::string_view rest = whole_lines(all); !rest.empty();) {
    const std::size_t end = rest.find('\n');
    auto value = nlohmann::json::parse(rest.substr(0, end), nullptr, false);
    if (value.is_discarded())
      raise<DataError>("{} line {}: not valid JSON", file(kMetrics), lines.size() + 1);
    lines.push_back(std::move(value));
    rest.remove_prefix(end + 1);
  }
  return lines;
}

void RunFolder::truncate_metrics(std::size_t count) {
  const std::string all = text_of(file(kMetrics));
  std::string_view kept = whole_lines(all);
  std::size_t at = 0;
  for (std::size_t i = 0; i < count && at < kept.size(); ++i) at = kept.find('\n', at) + 1;
  if (has(kMetrics)) write_text(kMetrics, std::string(kept.substr(0, at)));
}

}  // namespace fathom
