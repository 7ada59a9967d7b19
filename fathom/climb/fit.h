// The fitting loop: epochs of minibatches, validation, early stopping, checkpoints, exact resume.
// One loop for all that climb by steps on batches. It prints nothing: progress goes to callbacks.
//
// The order of rows, every draw and every sum are functions of (seed, epoch), so that a run that
// was interrupted and resumed is the same run, bit for bit.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "fathom/climb/evaluate.h"
#include "fathom/climb/gradient_climb.h"

namespace fathom {

struct FitConfig {
  int epochs = 20;
  std::int64_t batch = 128;
  double rate = 1e-3;
  int samples = 1;
  double clip = 0;
  int patience = 0;
  std::uint64_t seed = 1;
  Optimiser optimiser;
  Schedule schedule;

  static void fields(auto& self, auto&& f) {
    f("epochs", self.epochs, "passes over the training rows");
    f("batch", self.batch, "rows of a step");
    f("lr", self.rate, "learning rate");
    f("samples", self.samples, "draws of each latent per row and step");
    f("clip", self.clip, "largest global norm of the gradient; 0: unlimited");
    f("patience", self.patience,
      "epochs without a better validation ELBO before stopping; 0: never");
    f("seed", self.seed, "seed of every draw");
    Optimiser::fields(self.optimiser, f);
    Schedule::fields(self.schedule, f);
  }
};

// Where a fit stands: with the slots of its State, all that a resume needs.
struct FitPosition {
  std::int64_t epoch = 0;    // epochs completed
  std::int64_t batch = 0;    // batches of the present epoch completed
  std::int64_t step = 0;     // steps completed
  std::vector<double> sums;  // of each term over the rows of the present epoch
  double best = -std::numeric_limits<double>::infinity();  // validation ELBO per row
  std::int64_t best_epoch = 0;

  static void fields(auto& self, auto&& f) {
    f("epoch", self.epoch, "");
    f("batch", self.batch, "");
    f("step", self.step, "");
    f("sums", self.sums, "");
    f("best", self.best, "");
    f("best_epoch", self.best_epoch, "");
  }
};

struct NamedValue {
  std::string name;
  double value;  // per row, nats
};

struct EpochRecord {
  std::int64_t epoch = 0;  // 1-based
  double elbo = 0;         // training, per row, at the parameters of each step
  std::vector<NamedValue> terms;
  double validation = 0;  // ELBO per row; meaningful where has_validation
  bool has_validation = false, best = false;
  double rate = 0;
  double seconds = 0;  // of this epoch, validation not counted
  double rows_per_second = 0;
};

struct StepRecord {
  std::int64_t step = 0, epoch = 0, row = 0, rows = 0;  // row: rows of this epoch done
};

enum class Stopped : std::uint8_t { epochs, patience, interrupted };
std::string_view name_of(Stopped s);

struct FitCallbacks {
  std::function<void(const EpochRecord&)> epoch;
  std::function<void(const StepRecord&)> step;
  // Asked after every step; true stops the fit cleanly.
  std::function<bool()> interrupted;
  // Called at the end of every epoch and when the fit stops; `best` when the state is the best so
  // far.
  std::function<void(const State&, const FitPosition&, bool best)> checkpoint;
};

struct FitResult {
  Stopped stopped = Stopped::epochs;
  FitPosition position;
  double elbo = 0;  // of the last epoch, per row
};

// Fits `model` to `train`, from `state` and `position` (fresh ones for a new fit: see init_fit).
// `validation` may be empty (rows = 0). Throws NumericError when the bound becomes NaN or infinite,
// naming term, op and step; the state is then that of the last good epoch's start.
FitResult fit(const Model& model, const DataSet& train, const DataSet& validation,
              const FitConfig& config, State& state, const FitPosition& position, Workers& workers,
              const FitCallbacks& callbacks);

// Starting parameters for `config.seed`.
void init_fit(const Model& model, const FitConfig& config, State& state);

// The rows of epoch `epoch` in their order: a permutation that depends on (seed, epoch) alone.
std::vector<std::int64_t> epoch_order(std::uint64_t seed, std::int64_t epoch, std::int64_t rows);

}  // namespace fathom
