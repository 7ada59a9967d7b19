#include "fathom/climb/squarem.h"

#include <cmath>

namespace fathom {

namespace {

constexpr const char* kSlot = "extrapolation.longest";

using Numbers = std::vector<double>;

Numbers read(const std::vector<Array*>& arrays) {
  Numbers out;
  for (const Array* a : arrays) {
    const Array d = a->cast(DType::f64);
    out.insert(out.end(), d.data<double>(), d.data<double>() + d.size());
  }
  return out;
}

void write(const Numbers& x, const std::vector<Array*>& arrays) {
  std::size_t at = 0;
  for (Array* a : arrays)
    for (std::int64_t i = 0; i < a->size(); ++i, ++at) {
      if (a->dtype() == DType::f32) {
        a->data<float>()[i] = float(x[at]);
      } else {
        a->data<double>()[i] = x[at];
      }
    }
}

}  // namespace

Squarem::Squarem(CoordinateClimb& climb) : climb_(climb) {
  if (climb.has_apart())
    raise<ConfigError>("[squarem] latents of rows are apart: their factors are not extrapolated");
  if (climb.is_warm())
    raise<ConfigError>("[squarem] latents are warm: they would stem from steps that are dropped");
  const bool fresh = !climb.state().find(kSlot);
  longest_ = climb.state().slot(kSlot, DType::f64, Shape{}).data<double>();
  if (fresh) *longest_ = 32;
}

SquaremStep Squarem::step(Workers& workers) {
  const std::vector<Array*> naturals = climb_.naturals();
  const Numbers x0 = read(naturals);
  climb_.sweep(workers);
  const Numbers x1 = read(naturals);
  const double plain = climb_.sweep(workers);
  const Numbers x2 = read(naturals);
  double rr = 0, vv = 0;
  for (std::size_t i = 0; i < x0.size(); ++i) {
    const double r = x1[i] - x0[i], v = x2[i] - x1[i] - r;
    rr += r * r;
    vv += v * v;
  }
  const double wanted = vv > 0 ? std::sqrt(rr / vv) : 1;
  const double alpha = std::min(wanted, *longest_);
  if (!(alpha > 1)) return {plain, 2, false};
  Numbers x = x0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double r = x1[i] - x0[i], v = x2[i] - x1[i] - r;
    x[i] += 2 * alpha * r + alpha * alpha * v;
  }
  write(x, naturals);
  const double longer = climb_.sweep(workers);
  if (std::isfinite(longer) && longer >= plain) {
    if (alpha == *longest_) *longest_ *= 4;
    return {longer, 3, true};
  }
  *longest_ = std::max(2.0, *longest_ / 4);
  write(x2, naturals);
  return {plain, 3, false};
}

}  // namespace fathom
