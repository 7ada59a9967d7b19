// What a VAE's parameters are worth on rows: the ELBO, log p(x) by importance weights, the units of
// the latent. Rows are taken in slices, so that memory stays small and a caller can follow and
// stop.
//
// Where the model draws bits anew each epoch, they are drawn once here, from the seed, so that
// every figure is of the same bits.
#pragma once

#include <functional>
#include <vector>

#include "fathom/jobs/vae_run.h"

namespace fathom {

// Told how many rows are done; false stops with Interrupted.
using Progress = std::function<bool(std::int64_t done, std::int64_t rows)>;

// Thrown when a progress callback says stop.
struct Interrupted : Error {
  Interrupted() : Error("interrupted") {}
};

struct UnitFigures {
  std::vector<double>
      activity;              // variance over rows of E[z_j | x] (Burda et al. 2016, section 5.2)
  std::vector<double> kl;    // mean over rows of KL(q(z_j | x) || N(0, 1)), nats
  std::vector<double> mean;  // mean over rows of E[z_j | x]
  std::int64_t rows = 0;
};

class VaeScorer {
 public:
  VaeScorer(const VaeConfig& config, const PixelFormat& format, double initial_variance,
            State& state, std::uint64_t seed, Workers& workers);

  Evaluation elbo(const VaeRows& rows, int samples, const Progress& progress = {});
  LogEvidence evidence(const VaeRows& rows, std::int64_t draws, const Progress& progress = {});
  // Means and standard deviations of q(z | x), [rows, latent], f64.
  struct Codes {
    Array mean, sd;
  };
  Codes encode(const VaeRows& rows, const Progress& progress = {});
  UnitFigures units(const VaeRows& rows, const Progress& progress = {});
  // E[x | z] at codes [rows, latent] f64; [rows, width].
  Array decode(const Array& codes, const Progress& progress = {});
  // Standard normal codes, a function of the seed.
  static Array prior_codes(std::int64_t rows, std::int64_t latent, std::uint64_t seed);
  // The rows as the model sees them: bits drawn, u8 where they are.
  VaeRows seen(const VaeRows& rows) const;

  const Vae& vae() const { return *vae_; }

 private:
  void sliced(const VaeRows& rows, std::int64_t size, const Progress& progress,
              const std::function<void(const VaeRows&, std::int64_t)>& each);

  VaeConfig config_;
  PixelFormat format_;
  std::unique_ptr<Vae> vae_;
  State& state_;
  std::uint64_t seed_;
  Workers& workers_;
  bool draws_bits_;
};

}  // namespace fathom
