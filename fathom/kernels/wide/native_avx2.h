// The registers and instructions of AVX2 and FMA behind the names that pack.h uses. See
// native_base.h for what each means.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace fathom::wide {
namespace FATHOM_ISA {

template <class T>
struct Native;

template <>
struct Native<float> {
  using V = __m256;
  using M = __m256;
  using Int = std::int32_t;
  using UInt = std::uint32_t;
  typedef Int I __attribute__((vector_size(32)));
  typedef UInt U __attribute__((vector_size(32)));
  static constexpr int lanes = 8;
  static constexpr Int kMin = INT32_MIN, kMax = INT32_MAX;
  static constexpr bool fused = true;

  static V set(float x) { return _mm256_set1_ps(x); }
  static V load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, V v) { _mm256_storeu_ps(p, v); }
  static __m256i first(int n) {
    const I lane = {0, 1, 2, 3, 4, 5, 6, 7};
    return reinterpret_cast<__m256i>(I(lane < n));
  }
  static V load_partial(const float* p, int n) { return _mm256_maskload_ps(p, first(n)); }
  static void store_partial(float* p, V v, int n) { _mm256_maskstore_ps(p, first(n), v); }

  static I bits(V v) { return reinterpret_cast<I>(v); }
  static V value(I i) { return reinterpret_cast<V>(i); }

  static M both(M a, M b) { return _mm256_and_ps(a, b); }
  static M either(M a, M b) { return _mm256_or_ps(a, b); }
  static M negate(M a) { return value(~bits(a)); }
  static bool any(M a) { return _mm256_movemask_ps(a) != 0; }
  static unsigned as_bits(M a) { return unsigned(_mm256_movemask_ps(a)); }
  static M less(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
  static M less_equal(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
  static M equal(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
  static V select(M m, V a, V b) { return _mm256_blendv_ps(b, a, m); }

  static V min(V a, V b) { return _mm256_min_ps(a, b); }
  static V max(V a, V b) { return _mm256_max_ps(a, b); }
  static V sqrt(V x) { return _mm256_sqrt_ps(x); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  static V floor(V x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
  static V round(V x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
};

template <>
struct Native<double> {
  using V = __m256d;
  using M = __m256d;
  using Int = std::int64_t;
  using UInt = std::uint64_t;
  typedef Int I __attribute__((vector_size(32)));
  typedef UInt U __attribute__((vector_size(32)));
  static constexpr int lanes = 4;
  static constexpr Int kMin = INT64_MIN, kMax = INT64_MAX;
  static constexpr bool fused = true;

  static V set(double x) { return _mm256_set1_pd(x); }
  static V load(const double* p) { return _mm256_loadu_pd(p); }
  static void store(double* p, V v) { _mm256_storeu_pd(p, v); }
  static __m256i first(int n) {
    const I lane = {0, 1, 2, 3};
    return reinterpret_cast<__m256i>(I(lane < Int(n)));
  }
  static V load_partial(const double* p, int n) { return _mm256_maskload_pd(p, first(n)); }
  static void store_partial(double* p, V v, int n) { _mm256_maskstore_pd(p, first(n), v); }

  static I bits(V v) { return reinterpret_cast<I>(v); }
  static V value(I i) { return reinterpret_cast<V>(i); }

  static M both(M a, M b) { return _mm256_and_pd(a, b); }
  static M either(M a, M b) { return _mm256_or_pd(a, b); }
  static M negate(M a) { return value(~bits(a)); }
  static bool any(M a) { return _mm256_movemask_pd(a) != 0; }
  static unsigned as_bits(M a) { return unsigned(_mm256_movemask_pd(a)); }
  static M less(V a, V b) { return _mm256_cmp_pd(a, b, _CMP_LT_OQ); }
  static M less_equal(V a, V b) { return _mm256_cmp_pd(a, b, _CMP_LE_OQ); }
  static M equal(V a, V b) { return _mm256_cmp_pd(a, b, _CMP_EQ_OQ); }
  static V select(M m, V a, V b) { return _mm256_blendv_pd(b, a, m); }

  static V min(V a, V b) { return _mm256_min_pd(a, b); }
  static V max(V a, V b) { return _mm256_max_pd(a, b); }
  static V sqrt(V x) { return _mm256_sqrt_pd(x); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_pd(a, b, c); }
  static V floor(V x) { return _mm256_round_pd(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
  static V round(V x) { return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

  static U multiply_halves(U a, U b) {
    return reinterpret_cast<U>(
        _mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
  }
  static void store_pairs(UInt* p, U a, U b) {
    const U first = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const U second = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    __builtin_memcpy(p, &first, sizeof first);
    __builtin_memcpy(p + lanes, &second, sizeof second);
  }
};

// Eight floats as twice four doubles.
struct Halves {
  static __m256d low(__m256 x) { return _mm256_cvtps_pd(_mm256_castps256_ps128(x)); }
  static __m256d high(__m256 x) { return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)); }
  static __m256 join(__m256d low, __m256d high) {
    return _mm256_set_m128(_mm256_cvtpd_ps(high), _mm256_cvtpd_ps(low));
  }
};

}  // namespace FATHOM_ISA
}  // namespace fathom::wide
