#include "fathom/jobs/table_progress.h"

#include <cstring>
#include <filesystem>

#include "fathom/jobs/version.h"
#include "fathom/kernels/isa.h"

namespace fathom {

namespace {

constexpr const char *kFile = "progress.json", *kTensors = "progress.safetensors";

nlohmann::json json_of(const Climbed& c) {
  return {{"per_row", c.per_row},  // null where it is no number
          {"last_rise", c.last_rise},
          {"sweeps", c.sweeps},
          {"converged", c.converged},
          {"fault", c.fault}};
}

Climbed climbed_of(const nlohmann::json& j) {
  Climbed c;
  if (j.at("per_row").is_number()) c.per_row = j.at("per_row");
  if (j.at("last_rise").is_number()) c.last_rise = j.at("last_rise");
  c.sweeps = j.at("sweeps");
  c.converged = j.at("converged");
  c.fault = j.at("fault");
  return c;
}

void add(const State& state, const std::string& prefix, Tensors& out) {
  for (const auto& [name, a] : state.slots()) out.arrays[prefix + name] = a;
}

void take(const Tensors& in, const std::string& prefix, State& state) {
  for (const auto& [name, a] : in.arrays) {
    if (!name.starts_with(prefix)) continue;
    std::memcpy(state.slot(name.substr(prefix.size()), a.dtype(), a.shape()).raw(), a.raw(),
                a.bytes());
  }
}

}  // namespace

Climbed climbed(const Ascent& a, double rows) {
  Climbed c;
  c.per_row = a.elbo() / rows;
  c.sweeps = a.sweeps;
  c.converged = a.converged;
  if (a.bounds.size() > 1) c.last_rise = (a.elbo() - a.bounds[a.bounds.size() - 2]) / rows;
  return c;
}

void write_progress(RunFolder& folder, const std::optional<TableProgress>& progress) {
  if (!progress) {
    std::error_code ignored;
    for (const char* name : {kFile, kTensors}) std::filesystem::remove(folder.file(name), ignored);
    return;
  }
  const TableProgress& p = *progress;
  nlohmann::json j = {{"restart", p.restart},
                      {"bounds", p.ascent.bounds},
                      {"sweeps", p.ascent.sweeps},
                      {"narrow_sweeps", p.ascent.narrow_sweeps},
                      {"converged", p.ascent.converged},
                      {"best", p.best},
                      {"kept", json_of(p.kept)},
                      {"seconds", p.seconds}};
  j["ended"] = nlohmann::json::array();
  for (const Climbed& c : p.ended) j["ended"].push_back(json_of(c));
  Tensors tensors;
  add(p.state, "climb.", tensors);
  add(p.factors, "best.", tensors);
  folder.write_tensors(kTensors, tensors);
  folder.write_json(kFile, j);
}

std::optional<TableProgress> read_progress(const RunFolder& folder) {
  if (!folder.has(kFile)) return {};
  const nlohmann::json j = folder.read_json(kFile);
  const Tensors tensors = folder.read_tensors(kTensors);
  TableProgress p;
  try {
    p.restart = j.at("restart");
    p.ascent.bounds = j.at("bounds").get<std::vector<double>>();
    p.ascent.sweeps = j.value("sweeps", int(p.ascent.bounds.size()));
    p.ascent.narrow_sweeps = j.value("narrow_sweeps", 0);
    p.ascent.converged = j.value("converged", false);
    for (const nlohmann::json& c : j.at("ended")) p.ended.push_back(climbed_of(c));
    p.best = j.at("best");
    p.kept = climbed_of(j.at("kept"));
    p.seconds = j.at("seconds");
  } catch (const nlohmann::json::exception&) {
    raise<DataError>("{}: damaged: fit anew with --force", folder.file(kFile));
  }
  take(tensors, "climb.", p.state);
  take(tensors, "best.", p.factors);
  return p;
}

TakenUp take_up(const std::string& run, std::string_view task, bool force,
                const nlohmann::json& asked, const std::set<std::string>& given, const Note& note) {
  if (force) raise<ConfigError>("--resume goes on, --force starts anew: choose one");
  if (run.empty()) raise<ConfigError>("--resume: -o names the run to go on with");
  RunFolder folder = RunFolder::open(run);
  const nlohmann::json config = folder.read_json("config.json");
  if (config.value("task", "") != task)
    raise<ConfigError>("{}: the run of fit {}, not of fit {}", run, config.value("task", "?"),
                       task);
  std::optional<TableProgress> progress = read_progress(folder);
  if (!progress)
    raise<ConfigError>("{}: the fit has ended, there is nothing to go on with: --force fits anew",
                       run);
  nlohmann::json had = config.value("settings", nlohmann::json::object());
  for (const std::string& name : given)
    if (asked.contains(name) && had.contains(name) && asked[name] != had[name])
      raise<ConfigError>("--{} {} differs from the run's {}: a resumed run keeps its settings",
                         name, asked[name].dump(), had[name].dump());
  const auto differs = [&](const char* key, std::string_view what, std::string_view now) {
    if (const std::string then = config.value(key, ""); then != now && note)
      note(fmt::format("the run was begun with {} {}; bits may differ with {}", what, then, now));
  };
  differs("isa", "instruction set", kernels::name_of(kernels::isa()));
  differs("version", "version", kVersion);
  return {std::move(folder), std::move(*progress), std::move(had)};
}

void check_same_data(const RunFolder& folder, std::uint32_t fingerprint, const std::string& file,
                     std::string_view kind) {
  const nlohmann::json run = folder.read_json("config.json");
  const auto had = run.value("data", nlohmann::json::object());
  if (had.value("fingerprint", std::uint32_t(0)) != fingerprint)
    raise<DataError>("{}: not the {} that {} was fitted to", file, kind, folder.path());
}

}  // namespace fathom
