// The folder that a fit leaves: config.json, metrics.jsonl, *.safetensors, summary.json,
// report.html, pictures. It is made beside its final place and renamed when `publish` is called, so
// that a fit that fails at once leaves nothing; later writes are atomic, one file at a time.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "fathom/io/safetensors.h"

namespace fathom {

class RunFolder {
 public:
  static constexpr int kFormat = 1;  // of the folder; larger ones are refused on opening

  // A new run. An existing folder that is not empty is refused unless it is a run and `force` is
  // given; it is then replaced when the new one is published.
  static RunFolder create(const std::string& path, bool force);
  // An existing run: throws DataError when there is none, or it is of a newer format.
  static RunFolder open(const std::string& path);

  ~RunFolder();  // removes what was never published
  RunFolder(RunFolder&&) noexcept;

  // Renames the folder into its place. Does nothing the second time.
  void publish();
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const;  // where `name` lies now
  bool has(const std::string& name) const;

  // Text that is not UTF-8 is mended in JSON, and a number that is not finite becomes null.
  void write_json(const std::string& name, const nlohmann::json& value);
  nlohmann::json read_json(const std::string& name) const;
  void write_text(const std::string& name, const std::string& text);
  void write_bytes(const std::string& name, std::span<const std::byte> bytes);
  void write_tensors(const std::string& name, const Tensors& tensors);
  Tensors read_tensors(const std::string& name) const;

  // One line more, handed to the system when it returns. What a crash left of a torn last line is
  // cut off first. On failure (a full disk) throws DataError, and the lines are those from before.
  void append_metrics(const nlohmann::json& line);
  // The whole lines; a torn last one is left out. Throws DataError naming a line that is no JSON.
  std::vector<nlohmann::json> read_metrics() const;
  // Keeps the first `count` lines: a resume writes the rest anew.
  void truncate_metrics(std::size_t count);

 private:
  RunFolder() = default;
  std::string path_, place_;  // final and present folder
  bool published_ = false, force_ = false;
};

}  // namespace fathom
