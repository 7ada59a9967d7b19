// Included once by each wide_<isa>.cpp, after FATHOM_ISA is defined: instantiates the elementwise
// ops on the packs of one instruction set. Everything here lies in that set's own namespace.
#include "fathom/kernels/wide/pack.h"
#include "fathom/ops/all_ops.h"
#include "fathom/ops/wide.h"
#include "fathom/ops/wide_logsumexp_impl.h"

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
static void sum_rows(std::int64_t rows, std::int64_t k, const T* x, T* out) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes;
  for (std::int64_t r = 0; r < rows; ++r, x += k) {
    if (k > 4 * w) {
      out[r] = sum_of(k, x);
      continue;
    }
    P s(0.0);
    std::int64_t i = 0;
    for (; i + w <= k; i += w) s = s + P::load(x + i);
    if (i < k) s = s + P::load_partial(x + i, int(k - i));
    out[r] = reduce_add(s);
  }
}

// One pass, so that the streams of parameter and moments come from memory side by side.
template <class T>
static void adam(std::int64_t n, const T* const* in, T* const* out) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes;
  const T *p = in[0], *m = in[1], *v = in[2], *g = in[3];
  const auto scalar = [in](int k) { return P::all_of(*in[k]); };
  const P rate = scalar(4), epsilon = scalar(5), a = scalar(6), b = scalar(7);
  const auto run = [&](P x, P first, P second, P d, auto store) {
    AdamStep::step(x, first, second, d, rate, epsilon, a, b);
    store(x, out[0]);
    store(first, out[1]);
    store(second, out[2]);
  };
  std::int64_t i = 0;
  for (; i + w <= n; i += w)
    run(P::load(p + i), P::load(m + i), P::load(v + i), P::load(g + i), [i](P y, T* q) {
      if (q) y.store(q + i);
    });
  const int rest = int(n - i);
  if (rest == 0) return;
  const auto tail = [&](const T* x) { return P::load_partial(x + i, rest); };
  run(tail(p), tail(m), tail(v), tail(g), [i, rest](P y, T* q) {
    if (q) y.store_partial(q + i, rest);
  });
}

// Of rows of d elements, few enough that a pack would be mostly empty.
template <class T, int d>
static void few_features(std::int64_t rows, const T* x, T* out) {
  for (std::int64_t r = 0; r < rows; ++r, x += d) {
    *out++ = T(1);
    for (int i = 0; i < d; ++i) *out++ = x[i];
    for (int i = 0; i < d; ++i)
      for (int j = i; j < d; ++j) *out++ = x[i] * x[j];
  }
}

template <class T>
static void features(std::int64_t rows, std::int64_t d, const T* x, T* out) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes;
  switch (d) {
    case 1: return few_features<T, 1>(rows, x, out);
    case 2: return few_features<T, 2>(rows, x, out);
    case 3: return few_features<T, 3>(rows, x, out);
    case 4: return few_features<T, 4>(rows, x, out);
    default: break;
  }
  const auto row = [d](const T* p, T* q, auto take, auto put) {
    *q++ = T(1);
    for (std::int64_t i = -1; i < d; ++i) {  // x itself, then each element times those from it on
      const P f = i < 0 ? P(1.0) : P::all_of(p[i]);
      const T* from = p + (i < 0 ? 0 : i);
      const std::int64_t n = p + d - from;
      for (std::int64_t j = 0; j < n; j += w) put(f * take(from + j, n - j), q + j, n - j);
      q += n;
    }
    return q;
  };
  // Whole packs: what a pack has too much, the next one overwrites. The last rows are exact.
  const std::int64_t exact = (w + d - 1) / d;
  for (std::int64_t r = 0; r < rows; ++r, x += d) {
    if (r + exact < rows) {
      out = row(
          x, out, [](const T* p, std::int64_t) { return P::load(p); },
          [](P y, T* q, std::int64_t) { y.store(q); });
    } else {
      out = row(
          x, out,
          [](const T* p, std::int64_t n) {
            return n < w ? P::load_partial(p, int(n)) : P::load(p);
          },
          [](P y, T* q, std::int64_t n) {
            if (n < w) {
              y.store_partial(q, int(n));
            } else {
              y.store(q);
            }
          });
    }
  }
}

static void widen_u8(std::int64_t n, const std::uint8_t* x, float* out) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = float(x[i]);
}

template <class... Op>
static void fill(WideTable& table, OpList<Op...>) {
  std::size_t i = 0;
  ((table.op[i][0] = run_op<Op, float>, table.op[i][1] = run_op<Op, double>, ++i), ...);
}

static WideTable make_table() {
  WideTable table;
  fill(table, ElementwiseOps{});
  table.sum_f64 = sum_of<double>;
  table.sum_f32 = sum_of<float>;
  table.sum_rows_f64 = sum_rows<double>;
  table.sum_rows_f32 = sum_rows<float>;
  table.adam_f64 = adam<double>;
  table.adam_f32 = adam<float>;
  table.features_f64 = features<double>;
  table.features_f32 = features<float>;
  table.u8_to_f32 = widen_u8;
  table.logsumexp_f64 = logsumexp_rows<double>;
  table.logsumexp_f32 = logsumexp_rows<float>;
  return table;
}

}  // namespace fathom::wide::FATHOM_ISA
