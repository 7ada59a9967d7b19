// Sixteen bytes as a vector of the compiler's own (g++ and clang++), for any processor, behind the
// names that pack.h uses.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fathom::wide {
namespace FATHOM_ISA {

template <class T>
struct Native;

// What the two types share.
template <class T, class IntT, class UIntT>
struct BaseNative {
  typedef T V __attribute__((vector_size(16)));     // values
  typedef IntT I __attribute__((vector_size(16)));  // their bits
  typedef UIntT U __attribute__((vector_size(16)));
  using Int = IntT;
  using UInt = UIntT;
  using M = I;  // a mask: all bits of a lane, or none
  static constexpr int lanes = int(16 / sizeof(T));
  static constexpr Int kMin = Int(1) << (8 * sizeof(T) - 1), kMax = ~kMin;  // sign bit, the others
  static constexpr bool fused = false;                                      // does fma round once?
  static constexpr T kWhole = sizeof(T) == 4 ? T(8388608) : T(4503599627370496);  // no fractions

  static V set(T x) { return x - V{}; }
  static V load(const T* p) {
    V v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
  }
  static void store(T* p, V v) { __builtin_memcpy(p, &v, sizeof v); }
  static V load_partial(const T* p, int n) {
    V v{};
    for (int i = 0; i < n; ++i) v[i] = p[i];
    return v;
  }
  static void store_partial(T* p, V v, int n) {
    for (int i = 0; i < n; ++i) p[i] = v[i];
  }

  static I bits(V v) { return reinterpret_cast<I>(v); }
  static V value(I i) { return reinterpret_cast<V>(i); }

  static M both(M a, M b) { return a & b; }
  static M either(M a, M b) { return a | b; }
  static M negate(M a) { return ~a; }
  static unsigned as_bits(M a) {
    unsigned r = 0;
    for (int i = 0; i < lanes; ++i) r |= unsigned(a[i] & 1) << i;
    return r;
  }
  static bool any(M a) {
    Int e = 0;
    for (int i = 0; i < lanes; ++i) e = Int(e | a[i]);
    return e != 0;
  }
  static M less(V a, V b) { return a < b; }
  static M less_equal(V a, V b) { return a <= b; }
  static M equal(V a, V b) { return a == b; }
  static V select(M m, V a, V b) { return value((bits(a) & m) | (bits(b) & ~m)); }

  // The smaller, the larger; the second where either is NaN.
  static V min(V a, V b) { return select(a < b, a, b); }
  static V max(V a, V b) { return select(a > b, a, b); }
  static V fma(V a, V b, V c) { return a * b + c; }
  static V round(V x) {
    const V size = value(bits(x) & kMax), whole = (size + kWhole) - kWhole;
    return select(size < kWhole, value(bits(whole) | (bits(x) & kMin)), x);
  }
  static V floor(V x) {
    const V near = round(x), below = near - T(1);
    return select(near > x, below, near);
  }
};

template <>
struct Native<float> : BaseNative<float, std::int32_t, std::uint32_t> {
  static V sqrt(V x) {
    for (int i = 0; i < lanes; ++i) x[i] = __builtin_sqrtf(x[i]);
    return x;
  }
};

template <>
struct Native<double> : BaseNative<double, std::int64_t, std::uint64_t> {
  static V sqrt(V x) {
    for (int i = 0; i < lanes; ++i) x[i] = __builtin_sqrt(x[i]);
    return x;
  }

  static U multiply_halves(U a, U b) {
#if defined(__SSE2__)
    return reinterpret_cast<U>(
        _mm_mul_epu32(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
    return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
  }
  static void store_pairs(UInt* p, U a, U b) {
    const U first = __builtin_shufflevector(a, b, 0, 2);
    const U second = __builtin_shufflevector(a, b, 1, 3);
    __builtin_memcpy(p, &first, sizeof first);
    __builtin_memcpy(p + lanes, &second, sizeof second);
  }
};

// Four floats as twice two doubles.
struct Halves {
  using V = Native<float>::V;
  using W = Native<double>::V;
  static W low(V x) { return W{double(x[0]), double(x[1])}; }
  static W high(V x) { return W{double(x[2]), double(x[3])}; }
  static V join(W low, W high) {
    return V{float(low[0]), float(low[1]), float(high[0]), float(high[1])};
  }
};

}  // namespace FATHOM_ISA
}  // namespace fathom::wide
