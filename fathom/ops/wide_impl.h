// Included once by each wide_<isa>.cpp, after FATHOM_ISA is defined: instantiates the elementwise
// ops on the packs of one instruction set. Everything here lies in that set's own namespace.
#include "fathom/kernels/wide/pack.h"
#include "fathom/ops/all_ops.h"
#include "fathom/ops/wide.h"

namespace fathom::wide::FATHOM_ISA {

template <class Op, class T>
static void run_op(std::int64_t n, void* out, const void* a, const void* b, const void* c,
                   unsigned steps) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes;
  const T* pa = static_cast<const T*>(a);
  [[maybe_unused]] const T* pb = static_cast<const T*>(b);
  [[maybe_unused]] const T* pc = static_cast<const T*>(c);
  T* q = static_cast<T*>(out);
  const std::int64_t sa = steps & 1u ? w : 0;
  [[maybe_unused]] const std::int64_t sb = steps & 2u ? w : 0, sc = steps & 4u ? w : 0;
  constexpr bool one = requires(P p) { Op::forward(p); };
  constexpr bool two = requires(P p) { Op::forward(p, p); };
  std::int64_t i = 0;
  for (; i + w <= n; i += w) {
    if constexpr (one) {
      Op::forward(P::load(pa)).store(q + i);
    } else if constexpr (two) {
      Op::forward(P::load(pa), P::load(pb)).store(q + i);
      pb += sb;
    } else {
      Op::forward(P::load(pa), P::load(pb), P::load(pc)).store(q + i);
      pb += sb;
      pc += sc;
    }
    pa += sa;
  }
  if (i == n) return;
  const int rest = int(n - i);
  const auto tail = [rest](const T* p, std::int64_t step) {
    return step ? P::load_partial(p, rest) : P::load(p);
  };
  if constexpr (one) {
    Op::forward(tail(pa, sa)).store_partial(q + i, rest);
  } else if constexpr (two) {
    Op::forward(tail(pa, sa), tail(pb, sb)).store_partial(q + i, rest);
  } else {
    Op::forward(tail(pa, sa), tail(pb, sb), tail(pc, sc)).store_partial(q + i, rest);
  }
}

// Four accumulators, then a fixed tree: the error grows with n / (4 lanes).
template <class T>
static T sum_of(std::int64_t n, const T* x) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes;
  P s0(0.0), s1(0.0), s2(0.0), s3(0.0);
  std::int64_t i = 0;
  for (; i + 4 * w <= n; i += 4 * w) {
    s0 = s0 + P::load(x + i);
    s1 = s1 + P::load(x + i + w);
    s2 = s2 + P::load(x + i + 2 * w);
    s3 = s3 + P::load(x + i + 3 * w);
  }
  for (; i + w <= n; i += w) s0 = s0 + P::load(x + i);
  if (i < n) s1 = s1 + P::load_partial(x + i, int(n - i));
  return reduce_add((s0 + s1) + (s2 + s3));
}

template <class T>
static void logsumexp_rows(std::int64_t rows, std::int64_t k, const T* x, T* out, T* p) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes;
  const P low(-__builtin_inf());
  for (std::int64_t r = 0; r < rows; ++r, x += k) {
    const auto at = [&](std::int64_t i) {
      if (i + w <= k) return P::load(x + i);
      P v = low;
      T edge[w];
      v.store(edge);
      for (std::int64_t j = i; j < k; ++j) edge[j - i] = x[j];
      return P::load(edge);
    };
    P top = low;
    for (std::int64_t i = 0; i < k; i += w) top = max(top, at(i));
    const T peak = reduce_max(top);
    const bool finite = peak - peak == T(0);
    const P shift{double(finite ? peak : T(0))};
    P s(0.0);
    for (std::int64_t i = 0; i < k; i += w) {
      const P e = exp(at(i) - shift);
      s = s + e;
      if (!p) continue;
      if (i + w <= k) {
        e.store(p + r * k + i);
      } else {
        e.store_partial(p + r * k + i, int(k - i));
      }
    }
    const T total = reduce_add(s);
    if (out) {
      T log_total[w];
      log(P(double(total))).store(log_total);
      out[r] = finite ? peak + log_total[0] : peak;
    }
    if (!p) continue;
    const bool none = peak == -T(__builtin_inf());
    const P scale = none ? P(0.0) : P(1.0) / P(double(total));
    std::int64_t i = 0;
    for (; i + w <= k; i += w) (P::load(p + r * k + i) * scale).store(p + r * k + i);
    if (i < k)
      (P::load_partial(p + r * k + i, int(k - i)) * scale).store_partial(p + r * k + i, int(k - i));
  }
}

static void widen_u8(std::int64_t n, const std::uint8_t* x, float* out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = float(x[i]);
}

template <class... Op>
static void fill(WideTable& table, OpList<Op...>) {
  int i = 0;
  ((table.op[i][0] = run_op<Op, float>, table.op[i][1] = run_op<Op, double>, ++i), ...);
}

static WideTable make_table() {
  WideTable table;
  fill(table, ElementwiseOps{});
  table.sum_f64 = sum_of<double>;
  table.sum_f32 = sum_of<float>;
  table.u8_to_f32 = widen_u8;
  table.logsumexp_f64 = logsumexp_rows<double>;
  table.logsumexp_f32 = logsumexp_rows<float>;
  return table;
}

}  // namespace fathom::wide::FATHOM_ISA
