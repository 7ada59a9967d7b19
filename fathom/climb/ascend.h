// Sweeps until the bound no longer rises: the loop of EM and of variational Bayes. It prints
// nothing; progress goes to a callback.
#pragma once

#include <functional>

#include "fathom/climb/coordinate.h"

namespace fathom {

struct AscentConfig {
  int sweeps = 1000;
  double tolerance = 1e-8;

  static void fields(auto& self, auto&& f) {
    f("sweeps", self.sweeps, "most passes over the rows");
    f("tolerance", self.tolerance, "rise of the bound per row, in nats, below which a fit ends");
  }
};

struct SweepRecord {
  int sweep = 0;  // passes over the rows so far
  double elbo = 0;
  double seconds = 0;  // for each
  int taken = 1;       // by this step
};

// One or more sweeps of a climb by other means than its own (batches, extrapolation).
struct AscentStep {
  double elbo = 0;
  int sweeps = 1;  // passes over the rows that it took
};
using Stepper = std::function<AscentStep(Workers&)>;

struct Ascent {
  std::vector<double> bounds;  // after each step
  int sweeps = 0;              // passes over the rows
  int narrow_sweeps = 0;       // of which the first so many computed rows in f32
  bool converged = false, interrupted = false;
  double elbo() const { return bounds.back(); }
};

// Sweeps of `climb` over `rows` rows. `each` is called after every sweep and ends the climb by
// returning false. Throws NumericError where a sweep lowers the bound by more than 1e-10 of the sum
// of the sizes of its terms and climb.error(), naming the block and the term that fell most, or
// where the bound is not finite; ConfigError where components that rows choose from are all alike.
//
// A climb that was interrupted goes on from `before`, what it had come to, with its slots as they
// were: the rest is then, bit for bit, what it would have been.
Ascent ascend(CoordinateClimb& climb, std::int64_t rows, const AscentConfig& config,
              Workers& workers, const std::function<bool(const SweepRecord&)>& each = {},
              Ascent before = {});

struct AnnealConfig {
  double start = 2, cooling = 0.9, nudge = 1e-3;
  int sweeps = 5;

  static void fields(auto& self, auto&& f) {
    f("start", self.start, "first temperature: above 1");
    f("cooling", self.cooling, "each temperature over the one before: above 0, below 1");
    f("nudge", self.nudge,
      "share of where it began in the natural parameters before each temperature: below 1");
    f("sweeps", self.sweeps, "sweeps at each temperature");
  }
};

// Sweeps of a climb with CoordinateOptions::tempered while the temperature falls to 1, where it is
// left. `each` gets the temperature and the objective, which is an ELBO at 1 alone. Raised
// temperatures flatten what the objective has of local optima. Returns the sweeps taken.
//
// Above a critical temperature components coincide (Rose 1998, section II), and what is alike stays
// so. Before each new temperature, 1 included, a small share of every factor's natural parameters
// is therefore that of where the climb began; they form a convex set, so that this is a factor.
// Where the spread of components is free the critical temperature of their means is 1: deviations
// of means that coincide come back over t after a sweep. There only mild temperatures help.
int anneal(CoordinateClimb& climb, const AnnealConfig& config, Workers& workers,
           const std::function<void(double temperature, double objective)>& each = {});

// The same by steps on the state that `climb` is on. Those of a climb that is not `monotone`
// (stochastic) may lower the bound, and end where they move it by no more than the tolerance.
Ascent ascend_by(const Stepper& step, bool monotone, CoordinateClimb& climb, std::int64_t rows,
                 const AscentConfig& config, Workers& workers,
                 const std::function<bool(const SweepRecord&)>& each = {}, Ascent before = {});

}  // namespace fathom
