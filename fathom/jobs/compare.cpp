#include "fathom/jobs/compare.h"

#include <algorithm>

#include "fathom/io/run_folder.h"

namespace fathom {

namespace {

// What must agree, each with the words for where it does not.
struct Terms {
  nlohmann::json data, columns, scale;
  std::string kind;
};

// Densities are of real columns, probabilities of others: a run whose columns are all real is like
// one of a model that knows no other.
std::vector<bool> real_columns(const std::vector<std::string>& kinds) {
  std::vector<bool> real;
  for (const std::string& kind : kinds) real.push_back(kind == "real");
  return std::find(real.begin(), real.end(), false) == real.end() ? std::vector<bool>() : real;
}

Terms terms_of(const nlohmann::json& config, const nlohmann::json& summary) {
  const auto object = nlohmann::json::object();
  const auto data = config.value("data", object), table = config.value("table", object);
  Terms t;
  t.data = {data.value("fingerprint", nlohmann::json()), summary.value("n", nlohmann::json())};
  if (config.contains("pixels")) {
    t.columns = config["pixels"].value("columns", nlohmann::json());
    t.scale = {config["pixels"].value("divisor", nlohmann::json()),
               config["pixels"].value("bits", false) || config["pixels"].value("drawn", false)};
  } else {
    t.columns = table.value("columns", nlohmann::json());
    t.scale = {table.value("scale", nlohmann::json()),
               real_columns(table.value("kinds", std::vector<std::string>()))};
  }
  t.kind = summary.contains("elbo") ? "ELBO" : summary.value("objective_kind", "?");
  return t;
}

// Why `b` cannot stand beside `a`; empty: it can.
std::string difference(const Terms& a, const Terms& b) {
  if (a.kind != b.kind) return fmt::format("a bound of another kind: {}, not {}", b.kind, a.kind);
  if (a.columns != b.columns) return "of other columns";
  if (a.data != b.data) return "of other data";
  if (a.scale != b.scale) return "of values on another scale (standardized or not)";
  return {};
}

std::string few_settings(const nlohmann::json& config) {
  const auto s = config.value("settings", nlohmann::json::object());
  std::string text;
  for (const char* key : {"components", "states", "topics", "alpha", "eta", "covariance", "method",
                          "latent", "hidden", "target", "likelihood", "prior", "structure"})
    if (s.contains(key))
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key,
                          s[key].is_string() ? s[key].get<std::string>() : s[key].dump());
  if (s.value("process", false)) text += ", process";
  return text;
}

}  // namespace

std::vector<ComparedRun> compare_runs(const std::vector<std::string>& runs) {
  std::vector<ComparedRun> all;
  std::vector<Terms> groups;
  for (const std::string& path : runs) {
    const RunFolder folder = RunFolder::open(path);
    if (!folder.has("summary.json"))
      raise<DataError>("{}: the fit has not ended: it has no summary.json", path);
    const auto config = folder.read_json("config.json"), s = folder.read_json("summary.json");
    const Terms t = terms_of(config, s);
    ComparedRun r;
    r.run = path;
    r.task = config.value("task", "?");
    r.model = few_settings(config);
    r.kind = t.kind;
    r.rows = s.value("n", std::int64_t(0));
    r.total = s.contains("elbo") ? s.value("elbo", 0.0) : s.value("objective", 0.0);
    r.per_row = r.total / double(std::max<std::int64_t>(r.rows, 1));
    const auto same = std::find_if(groups.begin(), groups.end(),
                                   [&](const Terms& g) { return difference(g, t).empty(); });
    r.group = int(same - groups.begin());
    if (same == groups.end()) groups.push_back(t);
    if (r.group > 0) r.apart = difference(groups.front(), t);
    all.push_back(std::move(r));
  }
  std::stable_sort(all.begin(), all.end(), [](const ComparedRun& a, const ComparedRun& b) {
    return a.group != b.group ? a.group < b.group : a.total > b.total;
  });
  return all;
}

nlohmann::json to_json(const std::vector<ComparedRun>& compared) {
  nlohmann::json out = nlohmann::json::array();
  for (const ComparedRun& r : compared) {
    nlohmann::json one = {{"run", r.run},         {"task", r.task},  {"model", r.model},
                          {"kind", r.kind},       {"n", r.rows},     {"bound", r.total},
                          {"per_row", r.per_row}, {"group", r.group}};
    if (!r.apart.empty()) one["apart"] = r.apart;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace fathom
