// Rows of a discrete Bayesian network, integrated out: see kernels/network.h.
#pragma once

#include "fathom/kernels/network.h"
#include "fathom/ops/linalg.h"

namespace fathom {

// Inputs: cells [..., states], potentials [..., states] or [states], log tables [cells of the
// tables], structure as numbers. Outputs: log normaliser [...], marginals of variables [...,
// states] and of variables with their parents [..., cells of the tables]. The reverse pass of the
// first is the others, which are not derived again. Of the mean-field bound it is that at fixed
// marginals, since these are where it is highest.
struct NetworkNorm {
  static constexpr OpDoc doc{.name = "network_norm",
                             .brief = "log normaliser of the states of a Bayesian network",
                             .domain = "logarithms; -690 or less is a potential of zero",
                             .grad = "dy times the marginals; none through these"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 4, outputs = 3;
  static void shape(ShapeCall& c);
  static void forward(const KernelCall& c) {
    kernels::network_norm(c.in[0], c.in[1], c.in[2], c.in[3], c.out[0], c.out[1], c.out[2]);
  }
  static int aligned(const ShapeCall& c) {
    if (c.in[0].shape.rank() < 2) return -1;
    return c.in[1].shape.rank() > 1 ? 3 : 1;
  }
  static Grads vjp(const auto& c) {
    if (c.dys[1] || c.dys[2]) raise<ShapeError>("[network_norm] marginals have no derivative");
    const auto dy = c.dys[0];
    const int lead = dy.shape().rank();
    const auto weighed = [&](const auto& y) { return y * repeat_axes(dy, y.shape(), {lead, 1}); };
    const auto over_rows = [&](const auto& y) {
      return lead > 0 ? sum(weighed(y), 0, lead) : weighed(y);
    };
    const bool shared = c.x[1].shape().rank() == 1;
    return {Value(), shared ? over_rows(c.ys[1]) : weighed(c.ys[1]), over_rows(c.ys[2]), Value()};
  }
};

struct NetworkOutputs {
  Value log_norm, marginals, families;
};
NetworkOutputs network_norm(Value cells, Value potentials, Value tables, Value structure);

}  // namespace fathom
