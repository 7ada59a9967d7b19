// What a fit's figures mean, in plain words: pure text from numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fathom {

// log p(x) by importance weights on some rows, beside the ELBO of the same rows; nats per row.
struct GapFigures {
  std::int64_t rows = 0, draws = 0;
  double elbo = 0, log_px = 0;
  double gap_se = 0;  // of their difference, from the spread over rows
};

// What is known of a finished fit of a VAE.
struct VaeFigures {
  std::string unit = "row";
  std::int64_t n = 0, dims = 0;  // rows that `elbo` is of
  std::int64_t train_rows = 0;   // all of them; `n` where they are no more
  std::string likelihood = "bernoulli";
  double elbo = 0;                                    // per row, on the training rows
  std::optional<double> validation;                   // per row, of the state that is kept
  std::vector<double> train_curve, validation_curve;  // per epoch
  std::int64_t epochs = 0, asked = 0, best_epoch = 0;
  std::string stopped = "epochs";  // epochs | patience | interrupted
  std::vector<double> activity;    // variance over rows of each unit's posterior mean
  std::optional<GapFigures> gap;
  bool gap_lost = false;         // log p(x) had no finite estimate
  std::optional<double> sigma2;  // of a gaussian likelihood
  bool sigma2_learned = false;
  std::optional<double> lambda1;  // largest eigenvalue of the data's covariance
};

inline constexpr double kActive = 0.01;  // Burda et al. 2016, section 5.2

// Sentences, the most important first.
std::vector<std::string> vae_verdict(const VaeFigures& figures);

// How much the last part of a curve still rises per epoch: the slope of a line through the last
// max(3, a fifth) points; 0 for fewer than 4.
double late_slope(const std::vector<double>& curve);

}  // namespace fathom
