// Independent values of the functions in long double (64 bits of mantissa on x86), from <cmath> and
// Boost.Math, and the distance of a number from them.
#pragma once

#include <string>
#include <vector>

namespace fathom::tests {

struct Oracle {
  const char* name;
  long double (*value)(long double x);
  // Most arguments are drawn from here; others over all magnitudes within `least` .. `most`.
  double low, high;
  double least, most;         // where the function is defined and its accuracy declared
  std::vector<double> nasty;  // borders, zeros, poles; the neighbours of each are tested too
};

const std::vector<Oracle>& oracles();
const Oracle& oracle(const std::string& name);

// |got - want| in units in the last place of max(|want|, floor) in type T; 0 where both are NaN or
// the same infinity, infinite where one is and the other is not. A `want` beyond the greatest
// number of T stands for infinity.
template <class T>
double ulps(T got, long double want, double floor = 0);

// At least `count` arguments of type T for the oracle, the nasty ones first.
template <class T>
std::vector<T> arguments(const Oracle& o, std::size_t count);

}  // namespace fathom::tests
