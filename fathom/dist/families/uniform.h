// Constant density between two bounds; minus infinity outside.
#pragma once

#include <limits>

#include "fathom/dist/family.h"

namespace fathom {

struct UniformFamily {
  static constexpr FamilyDoc doc{.name = "uniform",
                                 .brief = "constant between low and high",
                                 .support = Support::real,
                                 .source = "elementary",
                                 .reparameterised = true};
  static constexpr ParameterDoc parameters[] = {{"low", Support::real, "lower bound"},
                                                {"high", Support::real, "upper bound, above low"}};

  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Value inside = less_equal(p[0].mean, x.mean) * less_equal(x.mean, p[1].mean);
    const Value density = -log(p[1].mean - p[0].mean);
    return where(inside, density, like(x.mean, -std::numeric_limits<double>::infinity()));
  }
  static Value sample(const Draw& d, std::span<const Face> p) {
    return p[0].mean + (p[1].mean - p[0].mean) * uniform(d.key, d.dtype, d.shape, d.rows);
  }
  static Face face(std::span<const Face> p) {
    const Value width = p[1].mean - p[0].mean;
    return Face::real((p[0].mean + p[1].mean) * 0.5, square(width) * (1.0 / 12.0));
  }
};

}  // namespace fathom
