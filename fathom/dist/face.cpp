#include "fathom/dist/face.h"

namespace fathom {

Value Face::expected_log() const {
  if (log) return log;
  if (random) raise<ShapeError>("[face] E log x is not known of this quantity");
  return fathom::log(mean);
}

Face Face::point(Value x) { return {x, broadcast_to(like(x, 0.0), x.shape()), {}, true, {}, {}}; }

Face Face::point_positive(Value x) {
  Face f = point(x);
  f.log = fathom::log(max(x, like(x, x.dtype() == DType::f32 ? 1e-37 : 1e-300)));
  return f;
}

Value expected_squared_error(const Face& a, const Face& b) {
  Value e = square(a.mean - b.mean);
  if (a.variance) e = e + a.variance;
  if (b.variance) e = e + b.variance;
  return e;
}

}  // namespace fathom
