#include "fathom/jobs/look.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "fathom/graph/dot.h"

namespace fathom {

namespace {

template <class T>
void add_range(nlohmann::json& out, const Array& a) {
  double low = INFINITY, high = -INFINITY, sum = 0;
  std::int64_t finite = 0;
  for (const T v : a.values<T>()) {
    const auto x = double(v);
    if (!std::isfinite(x)) continue;
    low = std::min(low, x);
    high = std::max(high, x);
    sum += x;
    ++finite;
  }
  if (finite == 0) return;
  out["min"] = low;
  out["max"] = high;
  out["mean"] = sum / double(finite);
}

nlohmann::json info_of_data(const std::string& path, Workers& workers) {
  const Dataset d = load_dataset(path, {}, &workers);
  nlohmann::json out = {{"what", "data"},
                        {"source", path},
                        {"kind", d.kind},
                        {"rows", d.rows()},
                        {"dims", d.values.size() / d.rows()},
                        {"dtype", name_of(d.values.dtype())}};
  out["item"] = nlohmann::json::array();
  for (int i = 0; i < d.item.rank(); ++i) out["item"].push_back(d.item.extent(i));
  if (!d.columns.empty()) out["columns"] = d.columns;
  out["missing"] = d.missing;
  if (d.missing > 0) out["first_missing"] = d.first_missing;
  switch (d.values.dtype()) {
    case DType::u8: add_range<std::uint8_t>(out, d.values); break;
    case DType::i32: add_range<std::int32_t>(out, d.values); break;
    case DType::i64: add_range<std::int64_t>(out, d.values); break;
    case DType::f32: add_range<float>(out, d.values); break;
    case DType::f64: add_range<double>(out, d.values); break;
    default: break;
  }
  return out;
}

nlohmann::json info_of_run(const std::string& path) {
  const RunFolder folder = RunFolder::open(path);
  nlohmann::json out = {
      {"what", "run"}, {"run", path}, {"config", folder.read_json("config.json")}};
  const auto metrics = folder.read_metrics();
  if (!metrics.empty()) out["last"] = metrics.back();
  if (folder.has("summary.json")) out["summary"] = folder.read_json("summary.json");
  if (out["config"].value("settings", nlohmann::json::object()).contains("sweeps")) {
    const int last = metrics.empty() ? 0 : metrics.back().value("sweep", 0);
    out["sweeps"] = out.value("summary", nlohmann::json::object()).value("sweeps", last);
  } else {
    out["epochs"] = metrics.size();
  }
  if (folder.has("model.safetensors")) {
    std::int64_t parameters = 0;
    for (const auto& [name, a] : folder.read_tensors("model.safetensors").arrays)
      parameters += a.size();
    out["parameters"] = parameters;
  }
  if (folder.has("report.html")) out["report"] = folder.file("report.html");
  return out;
}

}  // namespace

nlohmann::json info(const std::string& path, Workers& workers) {
  std::error_code ignored;
  const bool run = std::filesystem::exists(std::filesystem::path(path) / "config.json", ignored);
  return run ? info_of_run(path) : info_of_data(path, workers);
}

PlanText plan_vae(const PlanVaeConfig& c) {
  if (c.width < 1 || c.batch < 1) raise<ConfigError>("--width and --batch must be at least 1");
  std::unique_ptr<Vae> vae;
  ClimbOptions options;
  options.batch = c.batch;
  options.samples = c.samples;
  if (c.run.empty()) {
    vae = std::make_unique<Vae>(c.model, c.width, DType::f32);
  } else {
    VaeRun run = open_vae_run(c.run);
    vae = std::move(run.vae);
    const FitConfig& f = run.settings.fit;
    options = {std::min(f.batch, run.config.at("data").value("rows", f.batch)), f.samples,
               f.optimiser, f.clip};
  }
  State state;
  PlanText out;
  for (const nn::Parameter& p : parameters_of(vae->model)) out.parameters += p.shape.size();
  const GradientClimb climb(vae->model, options, state);
  out.plan = climb.program().plan().text();
  out.memory = climb.program().memory();

  Graph graph(op_table());
  LowerOptions lower;
  lower.capacity = options.batch;
  lower.samples = options.samples;
  Lowering lowering(vae->model, graph, lower);
  std::vector<Value> roots;
  for (const Term& t : lowering.terms()) roots.push_back(t.value);
  out.dot = dot(graph, roots);
  return out;
}

}  // namespace fathom
