#include "fathom/dist/face.h"

namespace fathom {

Value Face::expected_log() const {
  if (log) return log;
  if (random) raise<ShapeError>("[face] E log x is not known of this quantity");
  return fathom::log(mean);
}

Value expected_squared_error(const Face& a, const Face& b) {
  Value e = square(a.mean - b.mean);
  if (a.variance) e = e + a.variance;
  if (b.variance) e = e + b.variance;
  return e;
}

}  // namespace fathom
