// Rows of the recursions in registers; included by chain_impl.h alone. ChainNarrow has a row in one
// register or in part of one, ChainWide in several; chain_sequence knows them by what they share.
#pragma once

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

// A row of n numbers in one register, or in part of one.
template <class T, int n>
struct ChainRow {
  typedef T V __attribute__((vector_size(n * sizeof(T))));
  typedef typename Native<T>::Int I __attribute__((vector_size(n * sizeof(T))));
  using Lanes = typename ChainLanesOf<n>::I;
  V v;

  [[gnu::always_inline]] static ChainRow load(const T* p) {
    ChainRow r;
    __builtin_memcpy(&r.v, p, sizeof r.v);
    return r;
  }
  [[gnu::always_inline]] void store(T* p) const { __builtin_memcpy(p, &v, sizeof v); }
  [[gnu::always_inline]] static ChainRow all_of(T x) { return all_of(x, Lanes{}); }
  // x where the lane is below k, else y.
  [[gnu::always_inline]] static ChainRow first_of(ChainRow x, ChainRow y, std::int64_t k) {
    return {lane(Lanes{}) < typename Native<T>::Int(k) ? x.v : y.v};
  }
  // Lane i is x[i ^ distance].
  template <int distance>
  [[gnu::always_inline]] ChainRow swapped() const {
    return swapped<distance>(Lanes{});
  }
  [[gnu::always_inline]] friend ChainRow operator+(ChainRow a, ChainRow b) { return {a.v + b.v}; }
  [[gnu::always_inline]] friend ChainRow operator*(ChainRow a, ChainRow b) { return {a.v * b.v}; }

 private:
  template <int... i>
  [[gnu::always_inline]] static ChainRow all_of(T x, ChainLanes<i...>) {
    return {V{((void)i, x)...}};
  }
  template <int... i>
  [[gnu::always_inline]] static I lane(ChainLanes<i...>) {
    return I{i...};
  }
  template <int distance, int... i>
  [[gnu::always_inline]] ChainRow swapped(ChainLanes<i...>) const {
    return {__builtin_shufflevector(v, v, (i ^ distance)...)};
  }
};

template <int distance, class T, int n>
[[gnu::always_inline]] static inline ChainRow<T, n> chain_swapped(ChainRow<T, n> x) {
  return x.template swapped<distance>();
}
template <int distance, class T>
[[gnu::always_inline]] static inline Pack<T> chain_swapped(Pack<T> x) {
  const ChainRow<T, Pack<T>::lanes> row{x.v};
  return Pack<T>::of(row.template swapped<distance>().v);
}

// Over each n lanes in turn, in each of them: without a way through memory.
template <int n, class X>
[[gnu::always_inline]] static inline X chain_sum(X x) {
  if constexpr (n == 1) {
    return x;
  } else {
    return chain_sum<n / 2>(x + chain_swapped<n / 2>(x));
  }
}
template <int n, class T>
[[gnu::always_inline]] static inline Pack<T> chain_most(Pack<T> x) {
  if constexpr (n == 1) {
    return x;
  } else {
    return chain_most<n / 2>(Pack<T>::of(Native<T>::max(x.v, chain_swapped<n / 2>(x).v)));
  }
}

// 2^-e of x = m 2^e, 1 <= m < 2; of numbers that are not normal, something.
template <class T, class X, class I>
[[gnu::always_inline]] static inline X chain_scale_bits(X x) {
  using Int = typename Native<T>::Int;
  constexpr Int mask = Int((Int(2) * Format<T>::bias + 1) << Format<T>::mantissa),
                twice = Int(Int(2) * Format<T>::bias << Format<T>::mantissa);
  x.v = reinterpret_cast<decltype(x.v)>(twice - (reinterpret_cast<I>(x.v) & mask));
  return x;
}
template <class T>
[[gnu::always_inline]] static inline Pack<T> chain_scale(Pack<T> x) {
  return chain_scale_bits<T, Pack<T>, typename Native<T>::I>(x);
}
template <class T, int n>
[[gnu::always_inline]] static inline ChainRow<T, n> chain_scale(ChainRow<T, n> x) {
  return chain_scale_bits<T, ChainRow<T, n>, typename ChainRow<T, n>::I>(x);
}

// exp, of nothing that overflows.
template <class T>
[[gnu::always_inline]] static inline Pack<T> chain_exp(Pack<T> x) {
  return exp_inside(at_least(x, Format<T>::exp_bottom));
}

// ---- rows of up to a pack -----------------------------------------------------------------------

// Rows of k numbers, one after another, as rows of n <= lanes, and back. What is beyond k repeats
// the first, so that nothing that is made of it underflows, which takes long.
template <int n, class T>
static void chain_widen(const T* from, std::int64_t rows, std::int64_t k, T* to) {
  using R = ChainRow<T, n>;
  std::int64_t i = 0;
  for (; i * k + n <= rows * k; ++i)
    R::first_of(R::load(from + i * k), R::all_of(from[i * k]), k).store(to + i * n);
  for (; i < rows; ++i)
    for (std::int64_t j = 0; j < n; ++j) to[i * n + j] = from[i * k + (j < k ? j : 0)];
}
template <int n, class T>
static void chain_narrow(const T* from, std::int64_t rows, std::int64_t k, T* to) {
  using R = ChainRow<T, n>;
  std::int64_t i = 0;
  for (; i * k + n <= rows * k; ++i) R::load(from + i * n).store(to + i * k);
  for (; i < rows; ++i)
    for (std::int64_t j = 0; j < k; ++j) to[i * k + j] = from[i * n + j];
}

// x m, where row d of the matrix given has m[j ^ d, j] in column j.
template <class T, int n>
struct ChainProduct {
  using R = ChainRow<T, n>;
  R row[n];

  explicit ChainProduct(const T* m) {
    for (int d = 0; d < n; ++d) row[d] = R::load(m + d * n);
  }
  [[gnu::always_inline]] R operator()(R x) const {
    R even = x * row[0], odd = x.template swapped<1>() * row[1];
    add<2>(x, even, odd);
    return even + odd;
  }

 private:
  template <int d>
  [[gnu::always_inline]] void add(R x, R& even, R& odd) const {
    if constexpr (d < n) {
      even = even + x.template swapped<d>() * row[d];
      odd = odd + x.template swapped<d + 1>() * row[d + 1];
      add<d + 2>(x, even, odd);
    }
  }
};

// Steps of the recursions where a row is one register, several of which may make a pack.
template <class T, int n>
struct ChainNarrow {
  using P = Pack<T>;
  using R = ChainRow<T, n>;
  static constexpr int each = P::lanes / n;  // rows in a pack

  const kernels::Chain<T>& c;
  const kernels::ChainLinks<T>& links;

  static constexpr std::int64_t stride() { return n; }

  // b = exp(a - top), top the greatest of a row.
  void weights(const T* of, std::int64_t rows, T* room, T* b, T* top) const {
    const T* a = read(of, rows, room);
    for (std::int64_t i = 0; i < rows; i += each) {
      const P v = P::load(a + i * n), most = chain_most<n>(v);
      chain_exp(v - most).store(b + i * n);
      for (int r = 0; r < each; ++r) top[i + r] = most.v[r * n];
    }
  }
  // b = exp(a - level).
  void weights_at(const T* level, std::int64_t t, std::int64_t rows, T* room, T* b) const {
    const T* a = read(c.potentials + t * c.states, rows, room);
    for (std::int64_t i = 0; i < rows; i += each)
      chain_exp(P::load(a + i * n) - of_rows(level + i)).store(b + i * n);
  }
  // Messages u and their sums s; the ones before are in their first rows, unless a sequence begins.
  void forwards(bool begins, std::int64_t rows, const T* b, T* u, T* s) const {
    const ChainProduct<T, n> product(links.forth);
    R x = R::load(u), sum = R::all_of(s[0]);
    std::int64_t i = 0;
    const auto put = [&](R v) {
      x = v;
      sum = chain_sum<n>(x);
      ++i;
      x.store(u + i * n);
      s[i] = sum.v[0];
    };
    if (begins) put(R::first_of(R::load(b), R::all_of(T(0)), c.states));
    while (i < rows) put(product(x) * (R::load(b + i * n) * chain_scale(sum)));
  }
  // Messages w, and probabilities p = u beta; beta is the last row's and then that of the one
  // before the first.
  void backwards(std::int64_t rows, const T* b, const T* u, T* beta, T* w, T* p, T* total) const {
    const ChainProduct<T, n> product(links.back);
    R x = R::load(beta), all = R::load(total);
    for (std::int64_t i = rows; i-- > 0;) {
      const R v = R::load(b + i * n) * x, here = R::load(u + i * n) * x;
      v.store(w + i * n);
      here.store(p + i * n);
      all = all + here;
      x = product(v);
    }
    x.store(beta);
    all.store(total);
  }
  // sums += u' w.
  void add_products(std::int64_t rows, const T* u, const T* w, T* sums) const {
    R sum[n];
    for (int l = 0; l < n; ++l) sum[l] = R::load(sums + l * n);
    for (std::int64_t i = 0; i < rows; ++i) {
      const R row = R::load(w + i * n);
      for (int l = 0; l < n; ++l) sum[l] = sum[l] + R::all_of(u[i * n + l]) * row;
    }
    for (int l = 0; l < n; ++l) sum[l].store(sums + l * n);
  }
  // Rows times factors, to rows of `states` numbers.
  void put_scaled(const T* from, const T* factor, std::int64_t rows, T* room, T* to) const {
    T* at = c.states == n ? to : room;
    for (std::int64_t i = 0; i < rows; ++i)
      (R::load(from + i * n) * R::all_of(factor[i])).store(at + i * n);
    if (at == room) put(at, rows, to);
  }
  // Where probabilities of rows that are to go there are made.
  T* place(T* to, T* room) const { return to && c.states == n ? to : room; }
  void put(const T* from, std::int64_t rows, T* to) const {
    if (from != to) chain_narrow<n>(from, rows, c.states, to);
  }
  void get(const T* from, std::int64_t rows, T* to) const {
    chain_widen<n>(from, rows, c.states, to);
  }

 private:
  const T* read(const T* p, std::int64_t rows, T* room) const {
    if (c.states == n && rows % each == 0) return p;
    chain_widen<n>(p, rows, c.states, room);
    return room;
  }
  // A number for each row of a pack.
  [[gnu::always_inline]] static P of_rows(const T* p) {
    return spread(P::load(p), typename ChainLanesOf<P::lanes>::I{});
  }
  template <int... i>
  [[gnu::always_inline]] static P spread(P x, ChainLanes<i...>) {
    return P::of(__builtin_shufflevector(x.v, x.v, (i / n)...));
  }
};

// ---- rows of several packs ----------------------------------------------------------------------

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
  for (; j + 8 * w <= stride; j += 8 * w) strip.template operator()<8>(j);
  if (j + 4 * w <= stride) {
    strip.template operator()<4>(j);
    j += 4 * w;
  }
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
[[gnu::always_inline]] static inline void chain_packs(const T* p, std::int64_t k, F&& f) {
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

// Steps of the recursions where a row is several packs: so many, or any number for 0.
template <class T, int packs_known = 0>
struct ChainWide {
  using P = Pack<T>;
  static constexpr std::int64_t lanes = P::lanes;

  const kernels::Chain<T>& c;
  const kernels::ChainLinks<T>& links;

  [[gnu::always_inline]] std::int64_t stride() const {
    return packs_known ? packs_known * lanes : links.stride;
  }

  void weights(const T* of, std::int64_t rows, T*, T* b, T* top) const {
    const std::int64_t n = stride(), k = c.states;
    for (std::int64_t i = 0; i < rows; ++i) {
      const T* a = of + i * k;
      P most(-kInfinity);
      chain_packs(a, k, [&](std::int64_t, P v) { most = P::of(Native<T>::max(v.v, most.v)); });
      most = chain_most<P::lanes>(most);
      top[i] = most.v[0];
      chain_packs(a, k, [&](std::int64_t j, P v) {
        const P e = chain_exp(v - most);
        (j + lanes <= k ? e : or_first(e, P(0.0), int(k - j))).store(b + i * n + j);
      });
    }
  }
  void weights_at(const T* level, std::int64_t t, std::int64_t rows, T*, T* b) const {
    const std::int64_t n = stride(), k = c.states;
    for (std::int64_t i = 0; i < rows; ++i) {
      const P from = P::all_of(level[i]);
      chain_packs(c.potentials + (t + i) * k, k,
                  [&](std::int64_t j, P v) { chain_exp(v - from).store(b + i * n + j); });
    }
  }
  void forwards(bool begins, std::int64_t rows, const T* b, T* u, T* s) const {
    const std::int64_t n = stride();
    P sum = P::all_of(s[0]);
    for (std::int64_t i = 0; i < rows; ++i) {
      T* next = u + (i + 1) * n;
      P all(0.0);
      if (begins && i == 0) {
        for (std::int64_t j = 0; j < n; j += lanes) {
          const P v = P::load(b + j);
          v.store(next + j);
          all = all + v;
        }
      } else {
        const P scale = chain_scale(sum);
        chain_times(u + i * n, n, links.forth, n, [&](std::int64_t j, P y) {
          const P v = y * (P::load(b + i * n + j) * scale);
          v.store(next + j);
          all = all + v;
        });
      }
      sum = chain_sum<P::lanes>(all);
      s[i + 1] = sum.v[0];
    }
  }
  void backwards(std::int64_t rows, const T* b, const T* u, T* beta, T* w, T* p, T* total) const {
    const std::int64_t n = stride();
    P all = P::load(total);
    for (std::int64_t i = rows; i-- > 0;) {
      for (std::int64_t j = 0; j < n; j += lanes) {
        const P x = P::load(beta + j), here = P::load(u + i * n + j) * x;
        all = all + here;
        here.store(p + i * n + j);
        (P::load(b + i * n + j) * x).store(w + i * n + j);
      }
      chain_times(w + i * n, n, links.back, n, [&](std::int64_t j, P y) { y.store(beta + j); });
    }
    all.store(total);
  }
  void add_products(std::int64_t rows, const T* u, const T* w, T* sums) const {
    const std::int64_t n = stride();
    std::int64_t j = 0;
    const auto strip = [&]<int packs>() {
      for (std::int64_t i = 0; i < n; i += 4) tile<packs>(rows, u + i, w + j, sums + i * n + j);
      j += packs * lanes;
    };
    while (j + 4 * lanes <= n) strip.template operator()<4>();
    if (j + 2 * lanes <= n) strip.template operator()<2>();
    if (j < n) strip.template operator()<1>();
  }
  void put_scaled(const T* from, const T* factor, std::int64_t rows, T*, T* to) const {
    const std::int64_t n = stride(), k = c.states;
    for (std::int64_t i = 0; i < rows; ++i) {
      const P f = P::all_of(factor[i]);
      for (std::int64_t j = 0; j < k; j += lanes)
        chain_put(to + i * k, j, k, P::load(from + i * n + j) * f);
    }
  }
  T* place(T* to, T* room) const { return to && c.states == stride() ? to : room; }
  void put(const T* from, std::int64_t rows, T* to) const {
    if (from == to) return;
    const std::int64_t n = stride(), k = c.states;
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < k; j += lanes)
        chain_put(to + i * k, j, k, P::load(from + i * n + j));
  }
  void get(const T* from, std::int64_t rows, T* to) const {
    const std::int64_t n = stride(), k = c.states;
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < k; j += lanes)
        P::load_partial(from + i * k + j, int(k - j < lanes ? k - j : lanes)).store(to + i * n + j);
  }

 private:
  template <int packs>
  void tile(std::int64_t rows, const T* u, const T* w, T* sums) const {
    const std::int64_t n = stride();
    P sum[4][packs];
#pragma GCC unroll 4
    for (int l = 0; l < 4; ++l)
      for (int q = 0; q < packs; ++q) sum[l][q] = P::load(sums + l * n + q * lanes);
    for (std::int64_t i = 0; i < rows; ++i) {
      P row[packs];
      for (int q = 0; q < packs; ++q) row[q] = P::load(w + i * n + q * lanes);
#pragma GCC unroll 4
      for (int l = 0; l < 4; ++l) {
        const P f = P::all_of(u[i * n + l]);
        for (int q = 0; q < packs; ++q) sum[l][q] = fma(f, row[q], sum[l][q]);
      }
    }
#pragma GCC unroll 4
    for (int l = 0; l < 4; ++l)
      for (int q = 0; q < packs; ++q) sum[l][q].store(sums + l * n + q * lanes);
  }
};

}  // namespace fathom::wide::FATHOM_ISA
