// What families of several quantities at once have in common: they are exponential families of
// four statistics whose expectations a face holds.
#pragma once

#include "fathom/dist/family.h"

namespace fathom {

template <class F>
struct JointFamily {
  static Value expected_log_prob(const Face& x, std::span<const Face> p) {
    const Values n = F::natural(p);
    return inner(n, x.statistics) - F::log_norm(n);
  }
  static Value entropy(std::span<const Face> p) {
    const Values n = F::natural(p);
    return F::log_norm(n) - inner(n, F::face(p).statistics);
  }
  static Values leaves(const Face& f) { return f.statistics; }
  static Values natural_from_gradient(std::span<const Value>, std::span<const Value> g) {
    return {g[0], g[1], g[2], g[3]};
  }
  // A prior that says nothing of the spread has its mode at none.
  static Values inside(std::span<const Value> n) { return {n[0], n[1], n[2], n[3] + 0.5}; }

 private:
  static Value inner(std::span<const Value> n, std::span<const Value> t) {
    Value total;
    for (std::size_t k = 0; k < 4; ++k) {
      Value s = n[k] * t[k];
      if (F::stat_axes[k] > 0) s = sum(s, s.shape().rank() - F::stat_axes[k], F::stat_axes[k]);
      total = total ? total + s : s;
    }
    return total;
  }
};

}  // namespace fathom
