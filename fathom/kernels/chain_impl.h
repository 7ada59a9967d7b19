// Included once by each chain_<isa>.cpp, after FATHOM_ISA is defined.
//
// With u_t = (u_{t-1} 2^-e A) b_t, where s_{t-1} = sum u_{t-1} = q_{t-1} 2^e, a row adds
// log(s_t / q_{t-1}) to log Z; a power of two is at hand before the product is. Backwards, with
// log c_t for what a row adds, w_t = exp(a_t - log c_t) beta_t and beta_{t-1} = A w_t; then
// probabilities are u_t / s_t beta_t and transitions u_{t-1} / s_{t-1} A w_t, of which products of
// 64 steps are added up without A.
#include "fathom/kernels/chain.h"
#include "fathom/kernels/wide/pack.h"

namespace fathom::wide::FATHOM_ISA {

template <int...>
struct ChainLanes {};
template <int n>
struct ChainLanesOf;
template <>
struct ChainLanesOf<2> {
  using I = ChainLanes<0, 1>;
};
template <>
struct ChainLanesOf<4> {
  using I = ChainLanes<0, 1, 2, 3>;
};
template <>
struct ChainLanesOf<8> {
  using I = ChainLanes<0, 1, 2, 3, 4, 5, 6, 7>;
};
template <>
struct ChainLanesOf<16> {
  using I = ChainLanes<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>;
};

template <int distance, class T, int... i>
[[gnu::always_inline]] static inline Pack<T> chain_swapped(Pack<T> x, ChainLanes<i...>) {
  return Pack<T>::of(__builtin_shufflevector(x.v, x.v, (i ^ distance)...));
}

// The sum of all lanes, in each of them: without a way through memory.
template <class T, int distance = Pack<T>::lanes / 2>
[[gnu::always_inline]] static inline Pack<T> chain_sum(Pack<T> x) {
  if constexpr (distance == 0) {
    return x;
  } else {
    using I = typename ChainLanesOf<Pack<T>::lanes>::I;
    return chain_sum<T, distance / 2>(x + chain_swapped<distance>(x, I{}));
  }
}

// 2^-e of x = m 2^e, 1 <= m < 2; of numbers that are not normal, something.
template <class T>
[[gnu::always_inline]] static inline Pack<T> chain_scale(Pack<T> x) {
  using N = Native<T>;
  using I = typename N::Int;
  constexpr I mask = I((I(2) * Format<T>::bias + 1) << Format<T>::mantissa),
              twice = I(I(2) * Format<T>::bias << Format<T>::mantissa);
  return Pack<T>::of(N::value(twice - (N::bits(x.v) & mask)));
}

// y = x m over one strip of columns; x and the rows of m are padded with zeros to `n`, a multiple
// of 4.
template <class T, int packs>
[[gnu::always_inline]] static inline void chain_strip(const T* x, std::int64_t n, const T* m,
                                                      std::int64_t stride, Pack<T>* y) {
  using P = Pack<T>;
  constexpr int lines = packs <= 2 ? 4 : 2;
  P sum[lines][packs];
#pragma GCC unroll 4
  for (int l = 0; l < lines; ++l)
    for (P& s : sum[l]) s = P(0.0);
  for (std::int64_t i = 0; i < n; i += lines) {
#pragma GCC unroll 4
    for (int l = 0; l < lines; ++l) {
      const P f = P::all_of(x[i + l]);
      const T* row = m + (i + l) * stride;
      for (int q = 0; q < packs; ++q) sum[l][q] = fma(f, P::load(row + q * P::lanes), sum[l][q]);
    }
  }
  for (int q = 0; q < packs; ++q) {
    P s = sum[0][q] + sum[1][q];
    if constexpr (lines == 4) s = s + (sum[2][q] + sum[3][q]);
    y[q] = s;
  }
}

// Calls f(first column, y) for packs of x m.
template <class T, class F>
[[gnu::always_inline]] static inline void chain_times(const T* x, std::int64_t n, const T* m,
                                                      std::int64_t stride, F&& f) {
  constexpr std::int64_t w = Pack<T>::lanes;
  const auto strip = [&]<int packs>(std::int64_t j) {
    Pack<T> y[packs];
    chain_strip<T, packs>(x, n, m + j, stride, y);
    for (int q = 0; q < packs; ++q) f(j + q * w, y[q]);
  };
  std::int64_t j = 0;
  for (; j + 4 * w <= stride; j += 4 * w) strip.template operator()<4>(j);
  switch ((stride - j) / w) {
    case 1: return strip.template operator()<1>(j);
    case 2: return strip.template operator()<2>(j);
    case 3: return strip.template operator()<3>(j);
    default: return;
  }
}

// The first n lanes of x, the others of y.
template <class T>
[[gnu::always_inline]] static inline Pack<T> or_first(Pack<T> x, Pack<T> y, int n) {
  constexpr int lanes = Pack<T>::lanes;
  T place[lanes];
  for (int i = 0; i < lanes; ++i) place[i] = T(i);
  return select(Pack<T>::load(place) < Pack<T>(double(n)), x, y);
}

// Packs of a row of `k` numbers at p. What is beyond them repeats the first, so that nothing that
// is made of it underflows, which takes long.
template <class T, class F>
[[gnu::always_inline]] static inline void chain_row(const T* p, std::int64_t k, F&& f) {
  using P = Pack<T>;
  std::int64_t j = 0;
  for (; j + P::lanes <= k; j += P::lanes) f(j, P::load(p + j));
  if (j < k) f(j, or_first(P::load_partial(p + j, int(k - j)), P::all_of(*p), int(k - j)));
}

template <class T>
[[gnu::always_inline]] static inline void chain_put(T* p, std::int64_t j, std::int64_t k,
                                                    Pack<T> v) {
  if (j + Pack<T>::lanes <= k) return v.store(p + j);
  if (j < k) v.store_partial(p + j, int(k - j));
}

// c += u' w of [rows, n] each.
template <class T>
static void chain_outer(std::int64_t rows, std::int64_t n, const T* u, const T* w, T* c) {
  using P = Pack<T>;
  constexpr std::int64_t lanes = P::lanes;
  const auto part = [&]<int packs>(std::int64_t i, std::int64_t j) {
    P sum[4][packs];
#pragma GCC unroll 4
    for (int l = 0; l < 4; ++l)
      for (int q = 0; q < packs; ++q) sum[l][q] = P::load(c + (i + l) * n + j + q * lanes);
    for (std::int64_t r = 0; r < rows; ++r) {
      P row[packs];
      for (int q = 0; q < packs; ++q) row[q] = P::load(w + r * n + j + q * lanes);
#pragma GCC unroll 4
      for (int l = 0; l < 4; ++l) {
        const P f = P::all_of(u[r * n + i + l]);
        for (int q = 0; q < packs; ++q) sum[l][q] = fma(f, row[q], sum[l][q]);
      }
    }
#pragma GCC unroll 4
    for (int l = 0; l < 4; ++l)
      for (int q = 0; q < packs; ++q) sum[l][q].store(c + (i + l) * n + j + q * lanes);
  };
  for (std::int64_t i = 0; i < n; i += 4) {
    std::int64_t j = 0;
    for (; j + 2 * lanes <= n; j += 2 * lanes) part.template operator()<2>(i, j);
    if (j < n) part.template operator()<1>(i, j);
  }
}

template <class T>
static bool chain_sequence(const kernels::Chain<T>& c, std::int64_t first, std::int64_t last,
                           const kernels::ChainLinks<T>& links) {
  using P = Pack<T>;
  constexpr std::int64_t block = kernels::kChainBlock;
  const std::int64_t k = c.states, n = links.stride;
  // Room: potentials of a block, messages of it and the one before it, messages backwards.
  T *b = links.room, *u = b + block * n, *w = u + (block + 1) * n, *beta = w + block * n;
  T *top = beta + n, *s = top + block, *inverse = s + block, *q = inverse + block,
    *moves = q + block + P::lanes;
  T* const back = c.marginals ? c.marginals : c.before;  // where messages are kept
  const bool gradient = back != nullptr;
  const P least(sizeof(T) == 4 ? 1e-30 : 1e-280);
  P last_sum(1.0);
  q[0] = T(1);

  // Forward. Row 0 of u is the message before the block.
  for (std::int64_t t0 = first; t0 < last; t0 += block) {
    const std::int64_t rows = last - t0 < block ? last - t0 : block;
    for (std::int64_t i = 0; i < rows; ++i) {
      const T* a = c.potentials + (t0 + i) * k;
      P m(-kInfinity);
      chain_row(a, k, [&](std::int64_t, P v) { m = select(m < v, v, m); });
      const T high = reduce_max(m);
      top[i] = high;
      const P from = P::all_of(high);
      chain_row(a, k, [&](std::int64_t j, P v) {
        const P e = exp(v - from);
        (j + P::lanes <= k ? e : or_first(e, P(0.0), int(k - j))).store(b + i * n + j);
      });
    }
    for (std::int64_t i = 0; i < rows; ++i) {
      T* next = u + (i + 1) * n;
      P all(0.0);
      if (t0 + i == first) {
        for (std::int64_t j = 0; j < n; j += P::lanes) {
          const P v = P::load(b + j);
          v.store(next + j);
          all = all + v;
        }
      } else {
        const P scale = chain_scale(last_sum);
        chain_times(u + i * n, n, links.forth, n, [&](std::int64_t j, P y) {
          const P v = y * (P::load(b + i * n + j) * scale);
          v.store(next + j);
          all = all + v;
        });
      }
      last_sum = chain_sum(all);
      last_sum.store_partial(s + i, 1);
    }
    bool inside = true;
    for (std::int64_t i = 0; i < rows; i += P::lanes) {
      const int some = int(rows - i < P::lanes ? rows - i : P::lanes);
      T sums[P::lanes];
      P(1.0).store(sums);
      P::load(s + i).store_partial(sums, some);
      const P sum = P::load(sums);
      inside = inside && all(sum > least) && all(sum < P(kInfinity));
      (P(1.0) / sum).store(inverse + i);
      (sum * chain_scale(sum)).store(q + 1 + i);
      const P step = P::load(top + i) + log(sum / P::load(q + i));
      step.store_partial(c.log_norm + t0 + i, some);
    }
    if (!inside) return false;
    if (gradient)
      for (std::int64_t i = 0; i < rows; ++i) {
        const P scale = P::all_of(inverse[i]);
        T* to = back + (t0 + i) * k;
        for (std::int64_t j = 0; j < k; j += P::lanes)
          chain_put(to, j, k, P::load(u + (i + 1) * n + j) * scale);
      }
    for (std::int64_t j = 0; j < n; j += P::lanes) P::load(u + rows * n + j).store(u + j);
    q[0] = q[rows];
  }
  if (!gradient) return true;

  // Backward. Row 0 of u is again the message before the block.
  for (std::int64_t j = 0; j < n; j += P::lanes) P(1.0).store(beta + j);
  P total(0.0);
  if (c.counts)
    for (std::int64_t x = 0; x < n * n; x += P::lanes) P(0.0).store(moves + x);
  for (std::int64_t t1 = last; t1 > first; t1 -= block) {
    const std::int64_t t0 = (t1 - first > block) ? t1 - block : first, rows = t1 - t0;
    for (std::int64_t i = t0 > first ? -1 : 0; i < rows; ++i) {
      T* to = u + (i + 1) * n;
      for (std::int64_t j = 0; j < k; j += P::lanes) {
        const std::int64_t some = k - j < P::lanes ? k - j : P::lanes;
        P::load_partial(back + (t0 + i) * k + j, int(some)).store(to + j);
      }
    }
    for (std::int64_t i = 0; i < rows; ++i) {
      const P from = P::all_of(c.log_norm[t0 + i]);
      chain_row(c.potentials + (t0 + i) * k, k,
                [&](std::int64_t j, P v) { exp(v - from).store(b + i * n + j); });
    }
    for (std::int64_t i = rows; i-- > 0;) {
      const std::int64_t t = t0 + i;
      for (std::int64_t j = 0; j < n; j += P::lanes) {
        const P old = P::load(beta + j), p = P::load(u + (i + 1) * n + j) * old;
        total = total + p;
        if (c.marginals) chain_put(c.marginals + t * k, j, k, p);
        (P::load(b + i * n + j) * old).store(w + i * n + j);
      }
      if (c.after)
        for (std::int64_t j = 0; j < k; j += P::lanes)
          chain_put(c.after + t * k, j, k, t > first ? P::load(w + i * n + j) : P(0.0));
      if (t == first) break;
      chain_times(w + i * n, n, links.back, n, [&](std::int64_t j, P y) { y.store(beta + j); });
    }
    const std::int64_t skip = t0 > first ? 0 : 1;
    if (c.before)
      for (std::int64_t i = rows; i-- > 0;)
        for (std::int64_t j = 0; j < k; j += P::lanes)
          chain_put(c.before + (t0 + i) * k, j, k, i >= skip ? P::load(u + i * n + j) : P(0.0));
    if (c.counts) chain_outer(rows - skip, n, u + skip * n, w + skip * n, moves);
  }
  // Probabilities of a row add up to 1 unless a message overflowed.
  const T rows = T(last - first), off = reduce_add(total) - rows;
  if (!(off < rows * T(1e-3) && -off < rows * T(1e-3))) return false;
  if (!c.counts) return true;
  const P often = P::all_of(c.weight ? c.weight[first] : T(1));
  for (std::int64_t x = 0; x < n * n; x += P::lanes)
    fma(P::load(moves + x), often, P::load(links.counts + x)).store(links.counts + x);
  return true;
}

}  // namespace fathom::wide::FATHOM_ISA
