// Gradient steps as graph updates: the optimiser is part of the plan, fused behind each block of
// the gradient. Slots are named after the parameter: <name>.m and <name>.v.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fathom/exec/program.h"
#include "fathom/ops/all_ops.h"

namespace fathom {

// Kingma & Ba 2015, algorithm 1, or gradient descent with momentum (Polyak 1964).
struct Optimiser {
  std::string kind = "adam";  // adam | sgd
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double momentum = 0.9;

  static void fields(auto& self, auto&& f) {
    f("optimiser", self.kind, "adam or sgd");
    f("beta1", self.beta1, "decay of the first moment (adam)");
    f("beta2", self.beta2, "decay of the second moment (adam)");
    f("epsilon", self.epsilon, "added to the root of the second moment (adam)");
    f("momentum", self.momentum, "decay of the velocity (sgd)");
  }
};

// Updates that lower `loss` along `gradients`. Scalars "step.rate" and "step.epsilon" are inputs of
// the graph, set for every step by `step_sizes`. A `clip` above 0 scales the gradients so that
// their global norm is at most that (Pascanu et al. 2013); gradients are then kept and passed over
// twice.
std::vector<Update> descent(Graph& graph, std::span<const Value> parameters,
                            std::span<const Value> gradients, const Optimiser& optimiser,
                            double clip);

// The numbers for step t = 1, 2, ... at learning rate `rate`: bias corrections are folded in
// exactly as in the last paragraph of Kingma & Ba 2015, section 2.
struct StepSizes {
  double rate, epsilon;
};
StepSizes step_sizes(const Optimiser& optimiser, double rate, std::int64_t t);

// Learning rates over a run.
struct Schedule {
  std::string kind = "constant";  // constant | cosine | exponential
  double warmup = 0;              // epochs of linear rise from 0
  double end = 0.01;              // last rate as a fraction of the first (cosine, exponential)

  static void fields(auto& self, auto&& f) {
    f("schedule", self.kind, "constant, cosine or exponential");
    f("warmup", self.warmup, "epochs of linear rise of the rate");
    f("end-rate", self.end, "last rate as a fraction of the first");
  }
  // The factor on the rate at `epoch` (fractional) of `epochs`.
  double factor(double epoch, double epochs) const;
};

}  // namespace fathom
