// Derivatives of lgamma of any order, for the gradients of trigamma and beyond. Not fused: rare.
#pragma once

#include "fathom/kernels/polygamma.h"
#include "fathom/ops/layout.h"

namespace fathom {

struct Polygamma {
  struct Attrs {
    std::int64_t order;
  };
  static constexpr OpDoc doc{.name = "polygamma",
                             .brief = "derivative of lgamma of order n + 1",
                             .domain = "x > 0, n >= 2",
                             .grad = "dy polygamma(n + 1, x)",
                             .ulp = 16};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c) { c.out[0] = c.in[0]; }
  static void forward(const KernelCall& c) {
    kernels::polygamma(int(c.attrs.as<Attrs>().order), c.in[0], c.out[0]);
  }
  static int aligned(const ShapeCall&) { return 1; }
  static Grads vjp(const auto& c) {
    return {c.dy * polygamma(int(c.template attrs<Attrs>().order) + 1, c.x[0])};
  }
};

// The derivative of order n of digamma; n = 0 and 1 give digamma and trigamma.
Value polygamma(int n, Value x);

}  // namespace fathom
