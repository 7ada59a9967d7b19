// Densities of a positive x, elementwise, whose normaliser is an integral over log x by quadrature:
//   p(x) = exp(n.log log x + n.x x + n.log_gamma log G(x) + n.times_log x log x
//              + n.log_beta log B(x, ..., x)),
// B of `categories` equal arguments. They are what is conjugate to the shape of a gamma (Damsleth
// 1975), to degrees of freedom and to the concentration of a symmetric Dirichlet: a likelihood adds
// to these numbers, and expectations are derivatives of the normaliser.
#pragma once

#include "fathom/ops/all_ops.h"

namespace fathom {

struct ShapeDensity {
  Value log, x, log_gamma, times_log;
  Value log_beta, categories;  // both or none

  // Log of the integral over x > 0. Nodes lie where the mass is (ops/shape_peak.h) and carry no
  // gradient; what lies left of them, where log G(x) is -log x to all digits, is added in closed
  // form. Error about 1e-12 where there is one peak; NaN where there is no density.
  Value log_norm() const;
  // E x and Var x of it by the same nodes.
  Value variance(Value mean) const;
  // The x where p(x) is highest; 0 where that is the end.
  Value mode() const;

 private:
  struct Nodes {
    Value log_x, x, log_mass;  // [..., node]; the last one stands for what lies left of the others
  };
  Nodes nodes() const;
  Value numbers(Value log_number) const;
};

}  // namespace fathom
