#include "fathom/kernels/gamma_draw.h"

#include <cmath>

#include "fathom/kernels/rng.h"

namespace fathom::kernels {

double gamma_draw(Key key, std::int64_t row, double shape) {
  const double boost = shape < 1 ? 1 : 0, d = shape + boost - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (std::uint64_t attempt = 0;; ++attempt) {
    const Key now = fold(key, attempt);
    double z = 0, u[2];
    fill_normal(fold(now, 0), nullptr, row, 1, 1, &z);
    fill_uniform(fold(now, 1), nullptr, row, 1, 2, u);
    const double v = std::pow(1 + c * z, 3);
    if (v <= 0 || std::log(u[0]) > 0.5 * z * z + d - d * v + d * std::log(v)) continue;
    return d * v * (boost > 0 ? std::pow(u[1], 1 / shape) : 1);
  }
}

}  // namespace fathom::kernels
