// A VAE's run folder as the jobs see it: its settings, model and parameters.
//
//   config.json             what was asked, fully resolved: format, version, isa, seed, threads,
//                           "settings", "pixels", "data"
//   model.safetensors       the best parameters
//   checkpoint.safetensors  the last state: parameters, moments of the optimiser, position
#pragma once

#include <memory>
#include <set>
#include <string>

#include "fathom/climb/fit.h"
#include "fathom/io/run_folder.h"
#include "fathom/jobs/vae_data.h"

namespace fathom {

struct VaeSettings {
  VaeConfig model;
  FitConfig fit;
  VaeDataConfig data;

  static void fields(auto& self, auto&& f) {
    VaeConfig::fields(self.model, f);
    FitConfig::fields(self.fit, f);
    VaeDataConfig::fields(self.data, f);
  }
};

// The model for rows of this format.
std::unique_ptr<Vae> make_vae(const VaeConfig& config, const PixelFormat& format,
                              double initial_variance);

struct VaeRun {
  RunFolder folder;
  nlohmann::json config;
  VaeSettings settings;
  PixelFormat format;
  std::string data;  // path of what it was fitted to
  double initial_variance = 0.1;
  std::unique_ptr<Vae> vae;
  State state;  // the best parameters; of a resume the last state

  // The name of a row: "image" or "row".
  std::string unit() const { return format.item.empty() ? "row" : "image"; }
};

// Opens a run with its best parameters. Throws DataError naming the file that is missing or
// damaged.
VaeRun open_vae_run(const std::string& path);

// Reads the last state of the run instead, and where it stands.
FitPosition read_checkpoint(VaeRun& run);

// The parameters of `model` in `state`, and the whole state with its position.
void write_model(RunFolder& folder, const Model& model, const State& state);
void write_checkpoint(RunFolder& folder, const State& state, const FitPosition& position);

// A network in words: "64-500-500-4 tanh".
std::string describe_vae(const VaeConfig& config, const PixelFormat& format);

// Keys of one purpose under a seed; fits use purposes 1 to 4 (climb/fit.cpp).
enum class Draws : std::uint64_t { evaluation = 11, evidence = 12, samples = 13, pictures = 14 };
inline Key key_for(std::uint64_t seed, Draws d) { return fold(Key{seed, 0}, std::uint64_t(d)); }

}  // namespace fathom
