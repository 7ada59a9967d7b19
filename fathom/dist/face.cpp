#include "fathom/dist/face.h"

namespace fathom {

Value Face::expected_log() const {
  if (log) return log;
  if (random) raise<ShapeError>("[face] E log x is not known of this quantity");
  return fathom::log(mean);
}

Value Face::expected_log_complement() const {
  if (log_complement) return log_complement;
  if (random) raise<ShapeError>("[face] E log (1 - x) is not known of this quantity");
  return log1p(-mean);
}

Value Face::expected_inverse() const {
  if (inverse) return inverse;
  if (random) raise<ShapeError>("[face] E 1 / x is not known of this quantity");
  return 1.0 / mean;
}

Value Face::expected_log_gamma() const {
  if (log_gamma) return log_gamma;
  if (random)
    raise<ShapeError>(
        "[face] E log Gamma(x) is not known of this quantity: a random shape has the prior "
        "gamma_shape");
  return lgamma(mean);
}

Value Face::expected_times_log() const {
  if (times_log) return times_log;
  if (random)
    raise<ShapeError>(
        "[face] E x log x is not known of this quantity: a random shape has the prior "
        "gamma_shape");
  return xlogy(mean, mean);
}

Value Face::expected_log_beta() const {
  if (!log_beta)
    raise<ShapeError>(
        "[face] E log B(x, ..., x) is not known of this quantity: a random concentration has the "
        "prior concentration");
  return log_beta;
}

Value times_log(Value k, const Face& x) {
  if (x.random) return k * x.expected_log();
  return x.log ? where(k, k * x.log, like(k, 0.0)) : xlogy(k, x.mean);
}

Value times_log_complement(Value k, const Face& x) {
  if (x.random) return k * x.expected_log_complement();
  // No infinite slope where k is 0.
  const Value zero = like(k, 0.0);
  return where(k, k * log1p(-where(k, x.mean, zero)), zero);
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
