// The registers and instructions of AVX-512 (F, DQ, VL) behind the names that pack.h uses. See
// native_base.h for what each means.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace fathom::wide {
namespace FATHOM_ISA {

// Keeps a value out of the memory operand of a masked move. The compiler would choose from a
// constant in memory by a masked load; where the mask is empty and the constant's page has never
// been touched, such a load costs an assist of some 200 cycles, every time.
template <class V>
[[gnu::always_inline]] static inline void in_register(V& v) {
  asm("" : "+v"(v));
}

template <class T>
struct Native;

template <>
struct Native<float> {
  using V = __m512;
  using M = __mmask16;
  using Int = std::int32_t;
  using UInt = std::uint32_t;
  typedef Int I __attribute__((vector_size(64)));
  typedef UInt U __attribute__((vector_size(64)));
  static constexpr int lanes = 16;
  static constexpr Int kMin = INT32_MIN, kMax = INT32_MAX;
  static constexpr bool fused = true;

  static V set(float x) { return _mm512_set1_ps(x); }
  static V load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, V v) { _mm512_storeu_ps(p, v); }
  static M first(int n) { return M((1u << n) - 1u); }
  static V load_partial(const float* p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store_partial(float* p, V v, int n) { _mm512_mask_storeu_ps(p, first(n), v); }

  static I bits(V v) { return reinterpret_cast<I>(v); }
  static V value(I i) { return reinterpret_cast<V>(i); }

  static M both(M a, M b) { return M(a & b); }
  static M either(M a, M b) { return M(a | b); }
  static M negate(M a) { return M(~a); }
  static bool any(M a) { return a != 0; }
  static unsigned as_bits(M a) { return a; }
  static M less(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  static M less_equal(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
  static M equal(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
  static V select(M m, V a, V b) {
    in_register(a);
    in_register(b);
    return _mm512_mask_blend_ps(m, b, a);
  }

  // The mask of all lanes keeps g++ 12 from warning of the undefined pass-through operand.
  static constexpr M kAll = M(-1);
  static V min(V a, V b) { return _mm512_maskz_min_ps(kAll, a, b); }
  static V max(V a, V b) { return _mm512_maskz_max_ps(kAll, a, b); }
  static V sqrt(V x) { return _mm512_maskz_sqrt_ps(kAll, x); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  static V floor(V x) { return _mm512_maskz_roundscale_ps(kAll, x, 9); }
  static V round(V x) { return _mm512_maskz_roundscale_ps(kAll, x, 8); }

  // x 2^n for integral n, rounded once; and the parts of |x| = m 2^e with m in [1, 2), of
  // denormals too; 0 has e = -inf and infinity e = inf, both with m = 1.
  static V scale(V x, V n) { return _mm512_maskz_scalef_ps(kAll, x, n); }
  static V exponent(V x) { return _mm512_maskz_getexp_ps(kAll, x); }
  static V mantissa(V x) {
    return _mm512_maskz_getmant_ps(kAll, x, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_zero);
  }
};

template <>
struct Native<double> {
  using V = __m512d;
  using M = __mmask8;
  using Int = std::int64_t;
  using UInt = std::uint64_t;
  typedef Int I __attribute__((vector_size(64)));
  typedef UInt U __attribute__((vector_size(64)));
  static constexpr int lanes = 8;
  static constexpr Int kMin = INT64_MIN, kMax = INT64_MAX;
  static constexpr bool fused = true;

  static V set(double x) { return _mm512_set1_pd(x); }
  static V load(const double* p) { return _mm512_loadu_pd(p); }
  static void store(double* p, V v) { _mm512_storeu_pd(p, v); }
  static M first(int n) { return M((1u << n) - 1u); }
  static V load_partial(const double* p, int n) { return _mm512_maskz_loadu_pd(first(n), p); }
  static void store_partial(double* p, V v, int n) { _mm512_mask_storeu_pd(p, first(n), v); }

  static I bits(V v) { return reinterpret_cast<I>(v); }
  static V value(I i) { return reinterpret_cast<V>(i); }

  static M both(M a, M b) { return M(a & b); }
  static M either(M a, M b) { return M(a | b); }
  static M negate(M a) { return M(~a); }
  static bool any(M a) { return a != 0; }
  static unsigned as_bits(M a) { return a; }
  static M less(V a, V b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
  static M less_equal(V a, V b) { return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ); }
  static M equal(V a, V b) { return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ); }
  static V select(M m, V a, V b) {
    in_register(a);
    in_register(b);
    return _mm512_mask_blend_pd(m, b, a);
  }

  static constexpr M kAll = M(-1);
  static V min(V a, V b) { return _mm512_maskz_min_pd(kAll, a, b); }
  static V max(V a, V b) { return _mm512_maskz_max_pd(kAll, a, b); }
  static V sqrt(V x) { return _mm512_maskz_sqrt_pd(kAll, x); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_pd(a, b, c); }
  static V floor(V x) { return _mm512_maskz_roundscale_pd(kAll, x, 9); }
  static V round(V x) { return _mm512_maskz_roundscale_pd(kAll, x, 8); }

  static V scale(V x, V n) { return _mm512_maskz_scalef_pd(kAll, x, n); }
  static V exponent(V x) { return _mm512_maskz_getexp_pd(kAll, x); }
  static V mantissa(V x) {
    return _mm512_maskz_getmant_pd(kAll, x, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_zero);
  }

  // The products of the low halves; a and b as a[0], b[0], a[1], b[1], ...
  static U multiply_halves(U a, U b) {
    return reinterpret_cast<U>(
        _mm512_maskz_mul_epu32(kAll, reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
  }
  static void store_pairs(UInt* p, U a, U b) {
    const U first = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    const U second = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    __builtin_memcpy(p, &first, sizeof first);
    __builtin_memcpy(p + lanes, &second, sizeof second);
  }
};

// Sixteen floats as twice eight doubles.
struct Halves {
  static __m512d low(__m512 x) {
    const __m256 half = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7);
    return _mm512_maskz_cvtps_pd(__mmask8(-1), half);
  }
  static __m512d high(__m512 x) {
    const __m256 half = __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_maskz_cvtps_pd(__mmask8(-1), half);
  }
  static __m512 join(__m512d low, __m512d high) {
    const __m256 a = _mm512_maskz_cvtpd_ps(__mmask8(-1), low);
    const __m256 b = _mm512_maskz_cvtpd_ps(__mmask8(-1), high);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  }
};

}  // namespace FATHOM_ISA
}  // namespace fathom::wide
