// The tilt of the bound on log sums of exponentials of normal quantities (dist/softmax.h).
#pragma once

#include "fathom/kernels/tilt.h"
#include "fathom/ops/layout.h"

namespace fathom {

struct Tilt {
  static constexpr OpDoc doc{.name = "tilt",
                             .brief = "probabilities at which Knowles & Minka's bound is least",
                             .domain = "means, variances >= 0"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 2;
  static void shape(ShapeCall& c) {
    const Shape& s = c.in[0].shape;
    if (s != c.in[1].shape || s.rank() == s.labelled())
      raise<ShapeError>("[tilt] wants vectors of means and of variances, got {} and {}", s.text(),
                        c.in[1].shape.text());
    c.out[0] = c.in[0];
  }
  static void forward(const KernelCall& c) { kernels::tilt(c.in[0], c.in[1], c.out[0]); }
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 1 ? 3 : -1; }
};

// Over the last axis; shapes are broadcast. Nothing is learned through it, since at its minimum a
// bound does not move with its tilt.
Value tilt(Value mean, Value variance);

}  // namespace fathom
