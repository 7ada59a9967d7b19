// Coordinate ascent on rows in batches, for tables that are large.
//
// memoised    Statistics of each batch are kept; visiting one replaces its own and updates the
//             factors on the sum. The ELBO never falls, and is exact (Hughes & Sudderth 2013).
// stochastic  Statistics of a batch, as many times as it goes into the rows, stand for all, and
//             each factor goes a part rho of the way to its optimum (Hoffman et al. 2013, eq. 36).
//             With one batch and rho = 1 it is coordinate ascent.
#pragma once

#include <span>
#include <vector>

#include "fathom/climb/ascend.h"
#include "fathom/climb/coordinate.h"

namespace fathom {

// Rows of a batch, and what part of all there is it holds.
struct RowBatch {
  std::int64_t first = 0, rows = 0;
  double share = 1;
};

// Batches of whole sequences, which begin in these rows, and at last the row behind all: `parts`
// of nearly equally many.
std::vector<RowBatch> batches_of_sequences(std::span<const std::int64_t> firsts,
                                           std::int64_t parts);

class BatchClimb {
 public:
  // `options.batch` rows at a time, the last batch shorter. Throws ConfigError where the model's
  // sums over rows are not statistics.
  BatchClimb(const Model& model, const DataSet& data, State& state,
             const CoordinateOptions& options);
  // Batches of sequences of rows (documents), which they do not cut.
  BatchClimb(const Model& model, const DataSet& data, State& state,
             const CoordinateOptions& options, std::vector<RowBatch> batches);

  std::int64_t batches() const { return std::int64_t(batches_.size()); }
  // The ELBO afterwards; NaN until every batch has been visited once.
  double memoised(std::int64_t batch, Workers& workers);
  // An unbiased estimate of the ELBO beforehand, before the factors moved by `rho`; NaN where none
  // is asked for, which saves the terms of the factors.
  double stochastic(std::int64_t batch, double rho, Workers& workers, bool estimate = true);
  // A pass over all rows; or an estimate from the first `most` batches alone.
  double elbo(Workers& workers, std::int64_t most = 0);

  // Statistics of batches that were visited and latents that are warm, for another start.
  void forget();

  CoordinateClimb& climb() { return climb_; }

 private:
  void show(std::int64_t batch);

  std::vector<RowBatch> batches_;
  CoordinateClimb climb_;
  std::vector<std::vector<Array>> kept_;  // by batch
  std::vector<double> beyond_;
  std::int64_t visited_ = 0;
};

struct StochasticConfig {
  double delay = 1, forgetting = 0.7;

  static void fields(auto& self, auto&& f) {
    f("delay", self.delay, "tau of the step rho = (t + tau)^-kappa of SVI: at least 0");
    f("forgetting", self.forgetting, "kappa of it: above 0.5, at most 1");
  }
};

// rho at step t = 1, 2, ...: Robbins & Monro's conditions hold. Hoffman et al. 2013, eq. 26.
double step_size(const StochasticConfig& config, std::int64_t t);

}  // namespace fathom
