#include "fathom/jobs/vae_run.h"

#include <cstring>

#include "fathom/jobs/fields_json.h"

namespace fathom {

namespace {

void copy_into(State& state, const std::string& file, const Tensors& tensors,
               const std::string& name, DType dtype, const Shape& shape) {
  const auto found = tensors.arrays.find(name);
  if (found == tensors.arrays.end()) raise<DataError>("{}: has no tensor \"{}\"", file, name);
  const Array& a = found->second;
  if (a.dtype() != dtype || !(a.shape() == shape))
    raise<DataError>("{}: tensor \"{}\" is {} {}, the model wants {} {}", file, name,
                     fathom::name_of(a.dtype()), a.shape().text(), fathom::name_of(dtype),
                     shape.text());
  std::memcpy(state.slot(name, dtype, shape).raw(), a.raw(), a.bytes());
}

Tensors read(const VaeRun& run, const std::string& name) {
  if (!run.folder.has(name))
    raise<DataError>(
        "{}: the run has no {}: it ended before its first save; fit it anew with --force",
        run.folder.path(), name);
  return run.folder.read_tensors(name);
}

}  // namespace

std::unique_ptr<Vae> make_vae(const VaeConfig& config, const PixelFormat& format,
                              double initial_variance) {
  VaeConfig c = config;
  if (format.bits) c.binarize = "fixed:0";  // they are bits already
  return std::make_unique<Vae>(c, format.width, format.stored(), initial_variance);
}

VaeRun open_vae_run(const std::string& path) {
  VaeRun run{RunFolder::open(path), {}, {}, {}, {}, 0.1, nullptr, {}};
  run.config = run.folder.read_json("config.json");
  const std::string file = run.folder.file("config.json");
  if (!run.config.is_object() || run.config.value("task", "") != "vae")
    raise<DataError>("{}: not the run of a vae", file);
  try {
    from_json(run.config.at("settings"), run.settings, file);
    from_json(run.config.at("pixels"), run.format, file);
    run.data = run.config.at("data").at("source").get<std::string>();
    run.initial_variance = run.config.at("initial_variance").get<double>();
  } catch (const nlohmann::json::exception&) {
    raise<DataError>("{}: damaged: it lacks settings, pixels, data or initial_variance", file);
  }
  run.vae = make_vae(run.settings.model, run.format, run.initial_variance);
  const Tensors tensors = read(run, "model.safetensors");
  const Model& m = run.vae->model;
  for (const nn::Parameter& p : parameters_of(m))
    copy_into(run.state, run.folder.file("model.safetensors"), tensors, p.name, m.dtype(), p.shape);
  return run;
}

FitPosition read_checkpoint(VaeRun& run) {
  const std::string file = run.folder.file("checkpoint.safetensors");
  const Tensors tensors = read(run, "checkpoint.safetensors");
  const Model& m = run.vae->model;
  for (const nn::Parameter& p : parameters_of(m))
    copy_into(run.state, file, tensors, p.name, m.dtype(), p.shape);
  for (const auto& [name, a] : tensors.arrays)
    if (!run.state.find(name)) copy_into(run.state, file, tensors, name, a.dtype(), a.shape());
  FitPosition position;
  const auto found = tensors.metadata.find("position");
  const auto json =
      nlohmann::json::parse(found == tensors.metadata.end() ? "" : found->second, nullptr, false);
  if (!json.is_object())
    raise<DataError>("{}: damaged: it does not say where the fit stands", file);
  from_json(json, position, file);  // a best of null is none yet
  return position;
}

void write_model(RunFolder& folder, const Model& model, const State& state) {
  Tensors out;
  for (const nn::Parameter& p : parameters_of(model)) out.arrays[p.name] = *state.find(p.name);
  out.metadata["format"] = std::to_string(RunFolder::kFormat);
  folder.write_tensors("model.safetensors", out);
}

void write_checkpoint(RunFolder& folder, const State& state, const FitPosition& position) {
  Tensors out;
  for (const auto& [name, a] : state.slots()) out.arrays[name] = a;
  out.metadata["format"] = std::to_string(RunFolder::kFormat);
  out.metadata["position"] = to_json(position).dump();
  folder.write_tensors("checkpoint.safetensors", out);
}

std::string describe_vae(const VaeConfig& c, const PixelFormat& f) {
  const std::vector<std::int64_t> hidden = parse_widths(c.hidden);
  const auto net = [](std::int64_t in, auto first, auto last, std::int64_t out) {
    return first == last ? fmt::format("{}-{}", in, out)
                         : fmt::format("{}-{}-{}", in, fmt::join(first, last, "-"), out);
  };
  std::string text = fmt::format("z ~ N(0, I_{}), encoder {}, decoder {}", c.latent,
                                 net(f.width, hidden.begin(), hidden.end(), 2 * c.latent),
                                 net(c.latent, hidden.rbegin(), hidden.rend(), f.width));
  text += hidden.empty() ? ", both affine" : ", " + c.activation;
  text += c.likelihood == "gaussian" ? fmt::format(", gaussian with {} variance",
                                                   c.sigma2 == "learned" ? "learned" : c.sigma2)
                                     : ", bernoulli";
  return text;
}

}  // namespace fathom
