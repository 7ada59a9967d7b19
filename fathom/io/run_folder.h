// The folder that a fit leaves: config.json, metrics.jsonl, *.safetensors, summary.json, report.html,
// pictures. It is made beside its final place and renamed when `publish` is called, so that a fit that
// fails at once leaves nothing; later writes are atomic, one file at a time.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "fathom/io/safetensors.h"

namespace fathom {

class RunFolder {
 public:
  static constexpr int kFormat = 1;  // of the folder; larger ones are refused on opening

  // A new run. An existing folder that is not empty is refused unless `force`, which replaces it
  // when the new one is published.
  static RunFolder create(const std::string& path, bool force);
  // An existing run: throws DataError when there is none, or it is of a newer format.
  static RunFolder open(const std::string& path);

  ~RunFolder();  // removes what was never published
  RunFolder(RunFolder&&) noexcept;

  void publish();
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const;  // where `name` lies now
  bool has(const std::string& name) const;

  void write_json(const std::string& name, const nlohmann::json& value);
  nlohmann::json read_json(const std::string& name) const;
  void write_text(const std::string& name, const std::string& text);
  void write_tensors(const std::string& name, const Tensors& tensors);
  Tensors read_tensors(const std::string& name) const;
  // One line more; on disk when it returns.
  void append_metrics(const nlohmann::json& line);
  // The whole lines; one that was torn by a crash is left out.
  std::vector<nlohmann::json> read_metrics() const;
  // Keeps the first `count` lines: a resume writes the rest anew.
  void truncate_metrics(std::size_t count);

 private:
  RunFolder() = default;
  std::string path_, place_;  // final and present folder
  bool published_ = false, force_ = false;
};

}  // namespace fathom
