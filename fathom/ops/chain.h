// Chains of discrete states along sequences of rows: one forward recursion and its adjoint, which
// is the backward one.
#pragma once

#include "fathom/kernels/chain.h"
#include "fathom/ops/reduce.h"

namespace fathom {

// Inputs: log potentials of states [row, k] and of transitions [k, k], where sequences begin [row],
// how often each counts [row], and log potentials of first states [k]. Outputs: what each row adds
// to the log-normaliser [row]; states [row, k]; transitions, summed over groups of sequences
// [groups, k, k]; those into each row as a product, see kernels::Chain; and first states, summed
// likewise [groups, k].
struct ChainNorm {
  struct Attrs {
    std::int64_t best;  // the best path takes the place of the sum over all
  };
  static constexpr std::int64_t kGroups = 16;
  static constexpr OpDoc doc{.name = "chain_norm",
                             .brief = "log-normaliser of a chain of states, and its gradient",
                             .domain = "log potentials; -inf for none",
                             .grad =
                                 "dy times states; transitions and first states of sequences "
                                 "that count dy",
                             .ulp = 64};
  static constexpr OpKind kind = OpKind::sequences;
  static constexpr int arity = 5, outputs = 6, marks = 2;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall&) { return 1 | 4 | 8; }
  // Adjoints of the log-normaliser must be the same along a sequence. Nothing is learned through
  // the other outputs.
  static Grads vjp(const auto& c);
};

// The outputs by name. Of a sequence, all but the transitions and first states are as if it counted
// once. Log potentials of first states may differ from row to row, [row, k].
struct ChainParts {
  Value log_norm, states, transitions, before, after, firsts;
};
ChainParts chain_parts(Value potentials, Value links, Value begins, Value weight, Value start,
                       bool best);
// With every sequence counting once.
ChainParts chain_parts(Value potentials, Value links, Value begins, Value start, bool best = false);

// Values of rows, [row, k], where a sequence is marked to begin, and 0 elsewhere.
Value where_begins(Value rows, Value begins);

Grads ChainNorm::vjp(const auto& c) {
  for (std::size_t k = 1; k < c.dys.size(); ++k)
    if (c.dys[k])
      raise<ShapeError>("[chain_norm] only its log-normaliser is differentiated, and only once");
  const bool best = c.template attrs<Attrs>().best != 0;
  const Value dy = c.dys[0];
  const ChainParts p = chain_parts(c.x[0], c.x[1], c.x[2], dy, c.x[4], best);
  const int last = p.states.shape().rank() - 1;
  return {repeat_axes(dy, p.states.shape(), {last, 1}) * p.states, p.transitions, {}, {}, p.firsts};
}

}  // namespace fathom
