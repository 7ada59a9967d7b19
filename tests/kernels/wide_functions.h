// The functions of the packs of one instruction set, as loops over arrays, for the tests.
#pragma once

#include <cstdint>

namespace fathom::tests {

template <class T>
using Loop = void (*)(std::int64_t n, const T* x, T* y);
template <class T>
using Loop3 = void (*)(std::int64_t n, const T* a, const T* b, const T* c, T* y);

struct WideFunction {
  const char* name;
  Loop<float> f32;
  Loop<double> f64;
};

struct WideFunction3 {
  const char* name;
  Loop3<float> f32;
  Loop3<double> f64;
};

struct WideFunctions {
  const WideFunction* one;     // ends with a null name
  const WideFunction3* three;  // likewise; functions of two arguments ignore the third
  int lanes[2];                // f32, f64
  bool fused;                  // does fma round once?
  // Loads n elements, adds 1 to all lanes, stores n elements.
  void (*partial_f32)(int n, const float* x, float* y);
  void (*partial_f64)(int n, const double* x, double* y);
  // Sum, greatest and least of the lanes at x.
  void (*reduce_f32)(const float* x, float* y);
  void (*reduce_f64)(const double* x, double* y);
};

const WideFunctions& wide_functions_base();
const WideFunctions& wide_functions_avx2();
const WideFunctions& wide_functions_avx512();

}  // namespace fathom::tests
