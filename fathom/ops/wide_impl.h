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

constexpr std::int64_t kShortRow = 32;

// Short rows lie side by side, one in each lane: nothing is added up across lanes, and the chain
// from maximum to quotient is waited for once for all of them.
template <class T>
static void logsumexp_short(std::int64_t rows, std::int64_t k, const T* x, T* out, T* p) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes;
  T in[kShortRow * w], end[w];
  for (std::int64_t first = 0; first < rows; first += w, x += w * k) {
    const std::int64_t count = rows - first < w ? rows - first : w;
    for (std::int64_t l = 0; l < w; ++l)
      for (std::int64_t j = 0; j < k; ++j) in[j * w + l] = l < count ? x[l * k + j] : T(0);
    P top = P::load(in);
    for (std::int64_t j = 1; j < k; ++j) top = max(top, P::load(in + j * w));
    // Where the maximum is infinite or no number, it is the result.
    const P shift = select(top - top == P(0.0), top, P(0.0));
    P s(0.0);
    for (std::int64_t j = 0; j < k; ++j) {
      const P e = exp(P::load(in + j * w) - shift);
      s = s + e;
      e.store(in + j * w);
    }
    if (out) {
      select(top - top == P(0.0), top + log(s), top).store(end);
      for (std::int64_t l = 0; l < count; ++l) out[first + l] = end[l];
    }
    if (!p) continue;
    const P scale = select(top == P(-__builtin_inf()), P(0.0), P(1.0) / s);
    for (std::int64_t j = 0; j < k; ++j) (P::load(in + j * w) * scale).store(in + j * w);
    T* q = p + first * k;
    for (std::int64_t l = 0; l < count; ++l)
      for (std::int64_t j = 0; j < k; ++j) q[l * k + j] = in[j * w + l];
  }
}

// Rows in blocks, so that the logarithms of their sums are taken many at a time.
template <class T>
static void logsumexp_rows(std::int64_t rows, std::int64_t k, const T* x, T* out, T* p) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes, block = 64;
  if (k > 0 && k <= kShortRow) return logsumexp_short(rows, k, x, out, p);
  const T inf = T(__builtin_inf());
  T peak[block], total[block], edge[w];
  for (std::int64_t i = 0; i < block; ++i) peak[i] = total[i] = 1;
  for (std::int64_t first = 0; first < rows; first += block) {
    const std::int64_t count = rows - first < block ? rows - first : block;
    for (std::int64_t r = 0; r < count; ++r, x += k) {
      // The row in whole packs, filled up with what adds nothing.
      const auto at = [&](std::int64_t i) {
        if (i + w <= k) return P::load(x + i);
        for (std::int64_t j = 0; j < w; ++j) edge[j] = -inf;
        for (std::int64_t j = i; j < k; ++j) edge[j - i] = x[j];
        return P::load(edge);
      };
      P top = at(0);
      for (std::int64_t i = w; i < k; i += w) top = max(top, at(i));
      peak[r] = reduce_max(top);
      const P shift(double(peak[r] - peak[r] == T(0) ? peak[r] : T(0)));
      P s(0.0);
      T* q = p ? p + (first + r) * k : nullptr;
      for (std::int64_t i = 0; i < k; i += w) {
        const P e = exp(at(i) - shift);
        s = s + e;
        if (!p) continue;
        if (i + w <= k) {
          e.store(q + i);
        } else {
          e.store_partial(q + i, int(k - i));
        }
      }
      total[r] = reduce_add(s);
      if (!p) continue;
      const P scale(peak[r] == -inf ? 0.0 : 1.0 / double(total[r]));
      std::int64_t i = 0;
      for (; i + w <= k; i += w) (P::load(q + i) * scale).store(q + i);
      if (i < k) (P::load_partial(q + i, int(k - i)) * scale).store_partial(q + i, int(k - i));
    }
    if (!out) continue;
    for (std::int64_t i = 0; i < count; i += w) log(P::load(total + i)).store(total + i);
    for (std::int64_t r = 0; r < count; ++r)
      out[first + r] = peak[r] - peak[r] == T(0) ? peak[r] + total[r] : peak[r];
  }
}

// One pass, so that the streams of parameter and moments come from memory side by side.
template <class T>
static void adam(std::int64_t n, const T* const* in, T* const* out) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes;
  const T *p = in[0], *m = in[1], *v = in[2], *g = in[3];
  const auto scalar = [in](int k) { return P(double(*in[k])); };
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

template <class T>
static void features(std::int64_t rows, std::int64_t d, const T* x, T* out) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes;
  for (std::int64_t r = 0; r < rows; ++r, x += d) {
    *out++ = T(1);
    for (std::int64_t i = -1; i < d; ++i) {  // x itself, then each element times those from it on
      const P f = i < 0 ? P(1.0) : P(double(x[i]));
      const T* from = x + (i < 0 ? 0 : i);
      const std::int64_t n = x + d - from;
      std::int64_t j = 0;
      for (; j + w <= n; j += w) (f * P::load(from + j)).store(out + j);
      if (j < n) (f * P::load_partial(from + j, int(n - j))).store_partial(out + j, int(n - j));
      out += n;
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
