// Chains of discrete states along sequences of rows: one forward recursion and its adjoint, which
// is the backward one.
#pragma once

#include "fathom/kernels/chain.h"
#include "fathom/ops/reduce.h"

namespace fathom {

// Inputs: log potentials of states [row, k] and of transitions [k, k], where sequences begin [row],
// and how often each counts [row]. Outputs: what each row adds to the log-normaliser [row]; states
// [row, k]; transitions, summed over groups of sequences [groups, k, k]; and those into each row as
// a product, see kernels::Chain.
struct ChainNorm {
  struct Attrs {
    std::int64_t best;  // the best path takes the place of the sum over all
  };
  static constexpr std::int64_t kGroups = 16;
  static constexpr OpDoc doc{.name = "chain_norm",
                             .brief = "log-normaliser of a chain of states, and its gradient",
                             .domain = "log potentials; -inf for none",
                             .grad = "dy times states; transitions of sequences that count dy",
                             .ulp = 64};
  static constexpr OpKind kind = OpKind::sequences;
  static constexpr int arity = 4, outputs = 5, marks = 2;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall&) { return 1 | 4 | 8; }
  // Adjoints of the log-normaliser must be the same along a sequence. Nothing is learned through
  // the other outputs.
  static Grads vjp(const auto& c);
};

// The outputs by name. Of a sequence, all but the transitions are as if it counted once.
struct ChainParts {
  Value log_norm, states, transitions, before, after;
};
ChainParts chain_parts(Value potentials, Value links, Value begins, Value weight, bool best);
// With every sequence counting once.
ChainParts chain_parts(Value potentials, Value links, Value begins, bool best = false);

Grads ChainNorm::vjp(const auto& c) {
  for (std::size_t k = 1; k < c.dys.size(); ++k)
    if (c.dys[k])
      raise<ShapeError>("[chain_norm] only its log-normaliser is differentiated, and only once");
  const bool best = c.template attrs<Attrs>().best != 0;
  const Value dy = c.dys[0];
  const ChainParts p = chain_parts(c.x[0], c.x[1], c.x[2], dy, best);
  const int last = p.states.shape().rank() - 1;
  return {repeat_axes(dy, p.states.shape(), {last, 1}) * p.states, p.transitions, {}, {}};
}

}  // namespace fathom
