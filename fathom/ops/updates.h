// Updates of optimisers, as ops: several passes over memory as elementwise expressions, one as a
// kernel, and at the size of a network memory is what a step waits for (docs/decisions.md).
#pragma once

#include "fathom/ops/op.h"

namespace fathom {

// Kingma & Ba 2015, algorithm 1, with both bias corrections in `rate` and `epsilon` as in the last
// paragraph of its section 2. Inputs: parameter, moments and gradient of one shape; rate, epsilon,
// 1 - beta1, 1 - beta2, each a scalar. Outputs: parameter, first moment, second moment.
struct AdamStep {
  static constexpr OpDoc doc{
      .name = "adam_step", .brief = "a parameter and its moments after a step of Adam", .ulp = 8};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 8, outputs = 3;
  static constexpr bool in_place = true;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c);
  static void planned(const KernelCall& c);
  static int aligned(const ShapeCall&) { return 0b1111; }

  // The formula, for numbers and packs: moves p, m and v.
  template <class T>
  [[gnu::always_inline]] static void step(T& p, T& m, T& v, T g, T rate, T epsilon, T a, T b) {
    m = fma(a, g - m, m);
    v = fma(b, g * g - v, v);
    p = p - rate * m / (sqrt(v) + epsilon);
  }
};

struct AdamUpdate {
  Value parameter, first, second;
};
AdamUpdate adam_step(Value parameter, Value first, Value second, Value gradient, Value rate,
                     Value epsilon, double beta1, double beta2);

}  // namespace fathom
