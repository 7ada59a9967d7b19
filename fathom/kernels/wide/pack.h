// Packs: as many floats or doubles as one vector register holds, with the operators and functions
// of the other value types (kernels/scalar.h, kernels/dual.h), so that an op's `forward`, written
// once, runs on all of them.
//
// A source file that includes this header is compiled for one instruction set, named by FATHOM_ISA:
//   base     no flags: SSE2 on x86-64, plain loops elsewhere
//   avx2     -mavx2 -mfma
//   avx512   -mavx512f -mavx512dq -mavx512vl -mavx512bw -mfma -mprefer-vector-width=512
// Everything lies in fathom::wide::<FATHOM_ISA> and nothing of the standard library is called, so
// that the linker cannot merge code compiled for one set with code for another.
//
// What each function guarantees, and how far it may be off, is in wide/accuracy.h. All functions
// act lane by lane: a lane's result does not depend on the other lanes.
//
// Reading order: native_*.h (registers), pack.h, polynomials.h (numbers, made by polynomials.py),
// elementary.h, errors.h, gammas.h.
#pragma once

#ifndef FATHOM_ISA
#error "define FATHOM_ISA as base, avx2 or avx512 before including fathom/kernels/wide/pack.h"
#endif

#include <cstdint>

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__FMA__)
#include "fathom/kernels/wide/native_avx512.h"
#elif defined(__AVX2__) && defined(__FMA__)
#include "fathom/kernels/wide/native_avx2.h"
#else
#include "fathom/kernels/wide/native_base.h"
#endif

namespace fathom::wide {
namespace FATHOM_ISA {

// One truth value per lane.
template <class T>
struct Mask {
  using N = Native<T>;
  typename N::M m;

  [[gnu::always_inline]] friend Mask operator&(Mask a, Mask b) { return {N::both(a.m, b.m)}; }
  [[gnu::always_inline]] friend Mask operator|(Mask a, Mask b) { return {N::either(a.m, b.m)}; }
  [[gnu::always_inline]] friend Mask operator!(Mask a) { return {N::negate(a.m)}; }
  // Lane i as bit i.
  [[gnu::always_inline]] friend unsigned as_bits(Mask a) { return N::as_bits(a.m); }
  [[gnu::always_inline]] friend bool any(Mask a) { return N::any(a.m); }
  [[gnu::always_inline]] friend bool all(Mask a) { return !N::any(N::negate(a.m)); }
};

template <class T>
struct Pack {
  using N = Native<T>;
  static constexpr int lanes = N::lanes;
  typename N::V v;

  Pack() = default;
  [[gnu::always_inline]] Pack(double x) : v(N::set(T(x))) {}  // the same in all lanes
  [[gnu::always_inline]] static Pack of(typename N::V raw) {
    Pack p;
    p.v = raw;
    return p;
  }

  // No alignment is needed. The partial forms touch n elements, 0 <= n <= lanes; lanes from n on
  // are loaded as 0.
  [[gnu::always_inline]] static Pack all_of(T x) { return of(N::set(x)); }  // nothing is rounded
  [[gnu::always_inline]] static Pack load(const T* p) { return of(N::load(p)); }
  [[gnu::always_inline]] static Pack load_partial(const T* p, int n) {
    return of(N::load_partial(p, n));
  }
  [[gnu::always_inline]] void store(T* p) const { N::store(p, v); }
  [[gnu::always_inline]] void store_partial(T* p, int n) const { N::store_partial(p, v, n); }

  [[gnu::always_inline]] friend Pack operator+(Pack a, Pack b) { return of(a.v + b.v); }
  [[gnu::always_inline]] friend Pack operator-(Pack a, Pack b) { return of(a.v - b.v); }
  [[gnu::always_inline]] friend Pack operator*(Pack a, Pack b) { return of(a.v * b.v); }
  [[gnu::always_inline]] friend Pack operator/(Pack a, Pack b) { return of(a.v / b.v); }
  [[gnu::always_inline]] friend Pack operator-(Pack a) { return of(-a.v); }

  [[gnu::always_inline]] friend Mask<T> operator<(Pack a, Pack b) { return {N::less(a.v, b.v)}; }
  [[gnu::always_inline]] friend Mask<T> operator>(Pack a, Pack b) { return {N::less(b.v, a.v)}; }
  [[gnu::always_inline]] friend Mask<T> operator<=(Pack a, Pack b) {
    return {N::less_equal(a.v, b.v)};
  }
  [[gnu::always_inline]] friend Mask<T> operator>=(Pack a, Pack b) {
    return {N::less_equal(b.v, a.v)};
  }
  [[gnu::always_inline]] friend Mask<T> operator==(Pack a, Pack b) { return {N::equal(a.v, b.v)}; }
  [[gnu::always_inline]] friend Mask<T> operator!=(Pack a, Pack b) { return !(a == b); }
  [[gnu::always_inline]] friend Mask<T> is_nan(Pack x) { return {N::negate(N::equal(x.v, x.v))}; }

  // a where m, else b; a value not chosen does no harm, whatever it is.
  [[gnu::always_inline]] friend Pack select(Mask<T> m, Pack a, Pack b) {
    return of(N::select(m.m, a.v, b.v));
  }
  // NaN if either is; of -0 and 0 either.
  [[gnu::always_inline]] friend Pack min(Pack a, Pack b) {
    return select(is_nan(a), a, of(N::min(a.v, b.v)));
  }
  [[gnu::always_inline]] friend Pack max(Pack a, Pack b) {
    return select(is_nan(a), a, of(N::max(a.v, b.v)));
  }
  [[gnu::always_inline]] friend Pack sqrt(Pack x) { return of(N::sqrt(x.v)); }
  [[gnu::always_inline]] friend Pack floor(Pack x) { return of(N::floor(x.v)); }
  // To the nearest integer, halves to the even one.
  [[gnu::always_inline]] friend Pack round(Pack x) { return of(N::round(x.v)); }
  // a b + c: rounded once where the set has the instruction (avx2, avx512), else twice.
  [[gnu::always_inline]] friend Pack fma(Pack a, Pack b, Pack c) {
    return of(N::fma(a.v, b.v, c.v));
  }
  [[gnu::always_inline]] friend Pack abs(Pack x) { return of(N::value(N::bits(x.v) & N::kMax)); }
  // The magnitude of a with the sign bit of b.
  [[gnu::always_inline]] friend Pack copysign(Pack a, Pack b) {
    return of(N::value((N::bits(a.v) & N::kMax) | (N::bits(b.v) & N::kMin)));
  }

  // Over all lanes, as a balanced tree: neighbours at distance lanes / 2, then lanes / 4, ...
  [[gnu::always_inline]] friend T reduce_add(Pack x) {
    T e[lanes];
    x.store(e);
    for (int half = lanes / 2; half; half /= 2)
      for (int i = 0; i < half; ++i) e[i] = e[i] + e[i + half];
    return e[0];
  }
  // NaN if any lane is.
  [[gnu::always_inline]] friend T reduce_max(Pack x) {
    T e[lanes];
    x.store(e);
    for (int half = lanes / 2; half; half /= 2)
      for (int i = 0; i < half; ++i) e[i] = e[i] != e[i] || e[i] > e[i + half] ? e[i] : e[i + half];
    return e[0];
  }
  [[gnu::always_inline]] friend T reduce_min(Pack x) {
    T e[lanes];
    x.store(e);
    for (int half = lanes / 2; half; half /= 2)
      for (int i = 0; i < half; ++i) e[i] = e[i] != e[i] || e[i] < e[i + half] ? e[i] : e[i + half];
    return e[0];
  }
};

}  // namespace FATHOM_ISA
}  // namespace fathom::wide

#include "fathom/kernels/wide/elementary.h"
#include "fathom/kernels/wide/errors.h"
#include "fathom/kernels/wide/gammas.h"
