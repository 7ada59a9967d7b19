// Where densities of shapes and concentrations have their mass: nodes of quadrature are laid there.
#pragma once

#include "fathom/kernels/shape_density.h"
#include "fathom/ops/layout.h"

namespace fathom {

struct ShapePeak {
  static constexpr OpDoc doc{.name = "shape_peak",
                             .brief =
                                 "peak and ends of a density of log x, see "
                                 "kernels/shape_density.h",
                             .domain = "numbers of a density; else NaN"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c) {
    const Shape& s = c.in[0].shape;
    const int last = s.rank() - 1;
    if (last < s.labelled() || s.extent(last) != kernels::kShapeNumbers)
      raise<ShapeError>("[shape_peak] wants {} numbers along the last axis, got {}",
                        kernels::kShapeNumbers, s.text());
    c.out[0] = {s.without(last).with_back(3), c.in[0].dtype};
  }
  static void forward(const KernelCall& c) { kernels::shape_peak(c.in[0], c.out[0]); }
  static int aligned(const ShapeCall& c) { return c.in[0].shape.rank() > 1 ? 1 : -1; }
};

// [..., 6] -> [..., 3]: peak, left and right end in log x. Nothing is learned through them, since
// places of nodes change no integral.
Value shape_peak(Value numbers);

}  // namespace fathom
