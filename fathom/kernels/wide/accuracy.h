// What the functions of packs guarantee, in one table; the tests read it.
//
// An error is measured in units in the last place (ulp) of the exact result in the type of the pack
// or, where `floor` is not 0, of the larger of |result| and floor. It holds for arguments in
// least .. most, on every instruction set, whether or not multiplications and additions are fused.
// Denormal arguments and results count, as long as the caller has not set the processor to flush
// them. Everywhere: NaN gives NaN; an argument outside the domain gives NaN; signed zeros are kept
// where the function is odd; what overflows is infinite, what underflows gradual.
//
// Exact to the last bit (0.5 ulp): + - * / sqrt, and fma where Native<T>::fused. Exact: abs, floor,
// round, copysign, min, max, select, comparisons. min and max give NaN if either operand is NaN;
// comparisons with NaN are false, != is true. reduce_add, reduce_max and reduce_min work as a
// balanced tree over the lanes, the same on every call.
#pragma once

namespace fathom::wide {

struct Accuracy {
  const char* name;
  double ulp_f32, ulp_f64;
  double floor;
  double least, most;  // arguments, as doubles; infinities included where the limit is kMost
  const char* borders;
};

constexpr double kMost = 1.7976931348623157e308;

constexpr Accuracy kAccuracy[] = {
    {"exp", 1, 1, 0, -kMost, kMost, "0 at -inf, inf from 88.73 (f32), 709.79 (f64)"},
    {"expm1", 2, 2, 0, -kMost, kMost, "-1 at -inf"},
    {"log", 1, 1, 0, 0, kMost, "-inf at 0 and -0, NaN below"},
    {"log1p", 2, 2, 0, -1, kMost, "-inf at -1, NaN below"},
    {"tanh", 2.5, 2.5, 0, -kMost, kMost, "-1 and 1 at the infinities"},
    {"sin", 1, 1, 0, -kMost, kMost, "NaN at the infinities; slow beyond 2^20"},
    {"cos", 1, 1, 0, -kMost, kMost, "NaN at the infinities; slow beyond 2^20"},
    {"erf", 2, 2, 0, -kMost, kMost, "-1 and 1 at the infinities"},
    {"erfc", 4, 4, 0, -kMost, kMost, "2 and 0 at the infinities"},
    {"log_erfc", 1, 4, 0, -kMost, kMost, "log 2 and -inf at the infinities"},
    {"lgamma", 1, 4, 0, 0, kMost, "inf at 0 and inf"},
    // Below 0, where it has zeros between the poles at the integers.
    {"lgamma_negative", 1, 8, 1, -kMost, 0, "inf at the integers and -inf"},
    {"digamma", 1, 8, 0, 0, kMost, "-inf at 0, inf at -0 and inf"},
    // Next to a pole the reflection passes on what rounding made of the argument.
    {"digamma_negative", 1, 12, 1, -1e6, 0, "NaN at the negative integers and -inf"},
    {"trigamma", 1, 4, 0, 0, kMost, "inf at 0, 0 at inf"},
    {"trigamma_negative", 1, 8, 0, -1e6, 0, "NaN at the negative integers and -inf"},
    {"normal_quantile", 6, 7, 0, 0, 1, "-inf at 0, inf at 1, NaN outside"},
};

}  // namespace fathom::wide
