// Elementwise ops once more, in long double, by <cmath> and Boost.Math: nothing of the library.
#pragma once

#include "tests/laws/support.h"

namespace fathom::test {

using Oracle = std::function<long double(const long double* x)>;

// Fails the test and gives nothing for an op that has no oracle yet.
Oracle oracle_of(std::string_view op);

// Tuples of arguments in the domain of an elementwise op, as f64 numbers that `dtype` holds
// exactly: all combinations of its points, then `random` drawn ones of many magnitudes.
std::vector<std::vector<double>> arguments_of(const OpInfo& op, DType dtype, int random);

// One argument of moderate size in the domain of `op`.
double moderate_argument(const OpInfo& op, Random& random);

// Applies the elementwise op of the table to values.
Value apply_op(const OpInfo& op, std::span<const Value> x);

// Ops whose value or slope jumps: their arguments must not be moved across a jump.
bool has_jump(std::string_view op);

}  // namespace fathom::test
