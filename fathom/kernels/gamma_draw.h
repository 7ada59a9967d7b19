// Draws of single gamma variables.
#pragma once

#include <cstdint>

#include "fathom/base/key.h"

namespace fathom::kernels {

// Gamma(shape, 1), a function of key and row alone. Marsaglia & Tsang 2000; a shape below 1 by a
// power of a uniform.
double gamma_draw(Key key, std::int64_t row, double shape);

}  // namespace fathom::kernels
