// What a family sees of a quantity: expectations under q, by name. A constant, a datum, a draw and
// a point estimate are faces too, the fixed ones, so that one formula serves densities, sampling,
// EM and variational Bayes.
#pragma once

#include "fathom/ops/all_ops.h"

namespace fathom {

struct Face {
  Value mean;      // E x
  Value variance;  // Var x, element by element; empty when x is fixed
  Value log;       // E log x of a positive quantity, where known; of a fixed one log(mean) serves
  bool random = false;
  Value covariance;  // of a random vector, over two axes; empty where elements are independent
  std::vector<Value> statistics;  // of a family of several quantities: what it says they are
  Value observed = {};  // of a vector with missing cells: 1 where there is one; x is 0 elsewhere
  Value log_complement = {};  // E log (1 - x) of a random probability, where known
  Value inverse = {};         // E 1 / x of a random positive quantity, where known
  // Of a random shape or concentration, where known (shape_density.h): E log Gamma(x), E x log x,
  // E log B(x, ..., x).
  Value log_gamma = {}, times_log = {}, log_beta = {};

  static Face at(Value x) { return {x, {}, {}, false, {}, {}}; }
  // A fixed positive quantity whose logarithm is at hand.
  static Face at(Value x, Value log_x) { return {x, {}, log_x, false, {}, {}}; }
  static Face real(Value mean, Value variance) { return {mean, variance, {}, true, {}, {}}; }
  static Face positive(Value mean, Value log_mean) { return {mean, {}, log_mean, true, {}, {}}; }

  // One value of a quantity that is estimated: no variance, yet not known.
  static Face point(Value x);
  static Face point_positive(Value x);  // with its logarithm, of at least 1e-300

  // E log x, E log (1 - x), E 1 / x, E log Gamma(x), E x log x, E log B(x, ..., x). Throw
  // ShapeError for a random quantity that does not offer it; the last for a fixed one too.
  Value expected_log() const;
  Value expected_log_complement() const;
  Value expected_inverse() const;
  Value expected_log_gamma() const;
  Value expected_times_log() const;
  Value expected_log_beta() const;

  // The same with `f` applied to every member, empty ones too.
  template <class F>
  Face mapped(F&& f) const {
    Face g{f(mean), f(variance), f(log), random, f(covariance), {}};
    for (const Value& v : statistics) g.statistics.push_back(f(v));
    g.log_complement = f(log_complement);
    g.inverse = f(inverse);
    g.log_gamma = f(log_gamma);
    g.times_log = f(times_log);
    g.log_beta = f(log_beta);
    g.observed = f(observed);
    return g;
  }
};

// k E log x and k E log (1 - x) of a fixed k; 0 where k is 0, be x 0 or 1.
Value times_log(Value k, const Face& x);
Value times_log_complement(Value k, const Face& x);

// E (a - b)^2, element by element, of independent quantities: squares of residuals first, then the
// variances, so that no digits are lost far from the origin.
Value expected_squared_error(const Face& a, const Face& b);

}  // namespace fathom
