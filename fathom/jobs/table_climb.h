// How a table is climbed: whole sweeps, sweeps that are extrapolated, or rows in batches.
#pragma once

#include <optional>

#include "fathom/climb/batches.h"
#include "fathom/climb/squarem.h"
#include "fathom/jobs/table_model.h"

namespace fathom {

struct TableClimbSettings {
  bool accelerate = false;
  std::int64_t batch = 0;
  StochasticConfig steps;

  static void fields(auto& self, auto&& f) {
    f("accelerate", self.accelerate,
      "extrapolate sweeps (SQUAREM), which takes fewer of them where a climb crawls");
    f("batch", self.batch,
      "most rows at a time, of sequences about so many and whole ones: sums of each batch are "
      "kept, "
      "and factors move after each; with svi they stand for all rows, and 0 is 256 or a tenth of "
      "the rows");
    StochasticConfig::fields(self.steps, f);
  }
  // Throws ConfigError naming flags that say nothing or go with no other.
  void check(bool stochastic) const;
};

// A climb on `state` and the steps that it is made of. Starts and terms are of all rows.
class TableClimb {
 public:
  // Throws ConfigError where the model's rows cannot be taken in batches. `key` orders batches.
  TableClimb(const TableModel& model, const TableRows& rows, State& state,
             const TableClimbSettings& settings, Key key);
  CoordinateClimb& whole() { return whole_; }
  // Whether a climb goes on from its slots and its Ascent: batches with kept sums have more.
  bool goes_on() const { return !batches_ || stochastic_; }
  // Moves the factors of a start by annealing, where the model asks for it. The sweeps taken.
  int anneal(Workers& workers);
  Ascent ascend(AscentConfig config, Workers& workers,
                const std::function<bool(const SweepRecord&)>& each,
                Ascent before = {});  // as ascend() has it

 private:
  AscentStep lap(Workers& workers);

  const TableClimbSettings& settings_;
  bool stochastic_;
  std::int64_t rows_;
  Key key_;
  CoordinateClimb whole_;
  double annealed_from_;
  State warm_;
  std::optional<CoordinateClimb> tempered_;  // on `warm_`
  std::optional<BatchClimb> batches_;
  std::optional<Squarem> fast_;
  std::int64_t steps_ = 0;
};

// Below this rise per row, in nats, laps of stochastic steps are noise.
inline constexpr double kStochasticTolerance = 1e-5;

}  // namespace fathom
