// What can be done with a fitted VAE: score data, sample, encode, decode, reconstruct. Each is a
// configuration and a function from it to figures or a file.
#pragma once

#include <string>

#include "fathom/jobs/rows_file.h"
#include "fathom/jobs/vae_score.h"

namespace fathom {

struct EvaluateVaeConfig {
  std::string run, data;
  std::int64_t samples = 100;
  int draws = 1;
  std::uint64_t seed = 1;
  int threads = 0;

  static void fields(auto& self, auto&& f) {
    f("samples", self.samples, "importance samples per row for log p(x); 0: none");
    f("draws", self.draws, "draws per row for terms of the ELBO that are sampled");
    f("seed", self.seed, "seed of every draw");
    f("threads", self.threads, "threads; 0: one per processor");
  }
};

// The figures under the keys of summary.json: elbo, elbo_se, terms, log_px, log_px_se, bits_per_dim
// ...
nlohmann::json evaluate_vae(const EvaluateVaeConfig& config, const Progress& progress = {});

struct SampleVaeConfig {
  std::string run, out;
  std::int64_t count = 64;
  bool noise = false;
  std::uint64_t seed = 1;
  int threads = 0;

  static void fields(auto& self, auto&& f) {
    f("count", self.count, "how many rows");
    f("noise", self.noise, "draw x from p(x | z) too, instead of giving its mean");
    f("seed", self.seed, "seed of every draw");
    f("threads", self.threads, "threads; 0: one per processor");
  }
};

// E[x | z], or a draw of x, for z from the prior.
RowsFile sample_vae(const SampleVaeConfig& config);

struct MapVaeConfig {
  std::string run, data, out;
  std::int64_t rows = 0;
  int threads = 0;

  static void fields(auto& self, auto&& f) {
    f("rows", self.rows, "how many rows, from the first; 0: all");
    f("threads", self.threads, "threads; 0: one per processor");
  }
};

// Means and standard deviations of q(z | x): z1_mean, ..., z1_sd, ...
RowsFile encode_vae(const MapVaeConfig& config, const Progress& progress = {});
// E[x | z] for the codes in a file: latent numbers per row, or what encode wrote (means are taken).
RowsFile decode_vae(const MapVaeConfig& config, const Progress& progress = {});
// E[x | z] at the posterior mean of each row; a PNG shows each original above its reconstruction.
RowsFile reconstruct_vae(const MapVaeConfig& config, const Progress& progress = {});

// Originals and their reconstructions in lines of `columns`, one below the other; f64 [2 n, width].
Array interleave(const Array& originals, const Array& reconstructions, std::int64_t columns);

}  // namespace fathom
