// Small serial work as a flat list of calls. A fused block whose space fits one chunk needs no
// chunk loop: once its inputs are bound, every pointer of it is known, and running it is one call
// per op. This is what makes a model of ten scalars cost nanoseconds per op.
#pragma once

#include <vector>

#include "fathom/exec/fused.h"

namespace fathom {

struct FlatStep {
  WideOp run;
  std::int64_t n;
  void* out;
  const void *a, *b, *c;
  unsigned steps;
};

// Appends the steps of `instr` under `frame`, which must outlive them. Blocks that cannot be
// flattened, and other instructions, become one step that runs them.
void flatten(const Instr& instr, const Frame& frame, std::vector<FlatStep>& steps);

inline void run_flat(const std::vector<FlatStep>& steps) {
  for (const FlatStep& s : steps) s.run(s.n, s.out, s.a, s.b, s.c, s.steps);
}

}  // namespace fathom
