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

struct FlatList {
  std::vector<FlatStep> steps;
  // Constants, repeated to the space of the block that reads them; kept when a list is made anew,
  // which allocates nothing then.
  std::vector<Array> repeated;
  std::size_t repeats = 0;

  void restart() {
    steps.clear();
    repeats = 0;
  }

  void run() const {
    for (const FlatStep& s : steps) s.run(s.n, s.out, s.a, s.b, s.c, s.steps);
  }
};

// Appends the steps of `instr` under `frame`, which must outlive them. Blocks that cannot be
// flattened, and other instructions, become one step that runs them.
void flatten(const Instr& instr, const Frame& frame, FlatList& list);

}  // namespace fathom
