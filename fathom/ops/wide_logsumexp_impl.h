// Included by wide_impl.h, once for each instruction set: log-sum-exp and softmax of rows. As many
// rows as a pack has lanes are taken together, so that what is one number for each row (its
// maximum, sum, logarithm and quotient) is worked out for all of them at once. A row's result does
// not depend on the others.
#include "fathom/kernels/reduce.h"
#include "fathom/kernels/wide/pack.h"

namespace fathom::wide::FATHOM_ISA {

// What is far below is chosen away, whatever exp makes of it: only what is far above has a border.
template <class T>
[[gnu::always_inline]] static inline Pack<T> exp_or_nothing(Pack<T> x) {
  return select(x < Pack<T>(kernels::kLogNothing<T>), Pack<T>(0.0),
                exp_inside(at_most(x, Format<T>::exp_top)));
}

// Short rows lie side by side, one in each lane.
template <class T, int k>
static void logsumexp_short(std::int64_t rows, const T* x, T* out, T* p) {
  using P = Pack<T>;
  constexpr int w = P::lanes;
  T turned[k * w], last[k * w] = {};
  for (std::int64_t first = 0; first < rows; first += w, x += w * k) {
    const std::int64_t count = rows - first < w ? rows - first : w;
    const T* in = x;
    if (count < w) {
      for (std::int64_t i = 0; i < count * k; ++i) last[i] = x[i];
      in = last;
    }
    for (int l = 0; l < w; ++l)
      for (int j = 0; j < k; ++j) turned[j * w + l] = in[l * k + j];
    P e[k];
    for (int j = 0; j < k; ++j) e[j] = P::load(turned + j * w);
    P top = e[0];
    for (int j = 1; j < k; ++j) top = P::of(P::N::max(e[j].v, top.v));  // NaN shows in the sum
    // Where the maximum is infinite or no number, it is the result.
    const Mask<T> finite = top - top == P(0.0);
    const P shift = select(finite, top, P(0.0));
    P s(0.0);
    for (int j = 0; j < k; ++j) s = s + (e[j] = exp_or_nothing(e[j] - shift));
    const P infinite = select(is_nan(s), s, top);
    if (out) select(finite, top + log(s), infinite).store_partial(out + first, int(count));
    if (!p) continue;
    const P scale = select(infinite == P(-__builtin_inf()), P(0.0), P(1.0) / s);
    for (int j = 0; j < k; ++j) (e[j] * scale).store(turned + j * w);
    T* q = count < w ? last : p + first * k;
    for (int l = 0; l < w; ++l)
      for (int j = 0; j < k; ++j) q[l * k + j] = turned[j * w + l];
    if (count < w)
      for (std::int64_t i = 0; i < count * k; ++i) p[first * k + i] = last[i];
  }
}

// The same for the number of columns, if it is small.
template <class T, int k = 1>
static bool logsumexp_of_few(std::int64_t rows, std::int64_t columns, const T* x, T* out, T* p) {
  if constexpr (k < 8 && k < Pack<T>::lanes) {
    if (columns != k) return logsumexp_of_few<T, k + 1>(rows, columns, x, out, p);
    logsumexp_short<T, k>(rows, x, out, p);
    return true;
  }
  return false;
}

template <int... I>
struct Places {};
template <int n, int... I>
struct Count : Count<n - 1, n - 1, I...> {};
template <int... I>
struct Count<0, I...> {
  using type = Places<I...>;
};

// f of neighbours: of a's first, then of b's.
template <class T, class F, int... I>
[[gnu::always_inline]] static inline Pack<T> of_neighbours(Pack<T> a, Pack<T> b, F f,
                                                           Places<I...>) {
  using P = Pack<T>;
  return f(P::of(__builtin_shufflevector(a.v, b.v, (2 * I)...)),
           P::of(__builtin_shufflevector(a.v, b.v, (2 * I + 1)...)));
}

// Lane r of the result is f over all lanes of rows[r]; rows is overwritten.
template <class T, class F>
[[gnu::always_inline]] static inline Pack<T> across(Pack<T>* rows, F f) {
  using All = typename Count<Pack<T>::lanes>::type;
  for (int n = Pack<T>::lanes; n > 1; n /= 2)
    for (int i = 0; i < n / 2; ++i) rows[i] = of_neighbours(rows[2 * i], rows[2 * i + 1], f, All{});
  return rows[0];
}

// Rows of `packs` packs; 0: of any number of columns. Known lengths leave no loop within a row, so
// that the constants of exp stay in registers from row to row.
template <class T, int packs>
static void logsumexp_long(std::int64_t rows, std::int64_t columns, const T* x, T* out, T* p) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes;
  const std::int64_t k = packs ? packs * w : columns, whole = packs ? packs * w : k / w * w;
  const int rest = packs ? 0 : int(k - whole);
  T fill[w], each[w];
  for (std::int64_t j = 0; j < w; ++j) fill[j] = j < rest ? T(0) : T(-__builtin_inf());
  const P gap = P::load(fill);  // makes what is beyond a row's end add nothing
  P row[w];
  // Passes over NaN, which the sum shows.
  const auto larger = [](P a, P b) { return P::of(P::N::max(a.v, b.v)); };
  const auto plus = [](P a, P b) { return a + b; };
  for (std::int64_t first = 0; first < rows; first += w, x += w * k) {
    const std::int64_t count = rows - first < w ? rows - first : w;
    for (std::int64_t r = 0; r < w; ++r) {
      const T* in = x + (r < count ? r : 0) * k;
      P top(-__builtin_inf());
      for (std::int64_t j = 0; j < whole; j += w) top = larger(P::load(in + j), top);
      row[r] = rest ? larger(P::load_partial(in + whole, rest) + gap, top) : top;
    }
    const P top = across(row, larger);
    // Where the maximum is infinite or no number, it is the result.
    const Mask<T> finite = top - top == P(0.0);
    select(finite, top, P(0.0)).store(each);
    for (std::int64_t r = 0; r < w; ++r) row[r] = P(0.0);
    for (std::int64_t r = 0; r < count; ++r) {
      const T* in = x + r * k;
      T* q = p ? p + (first + r) * k : nullptr;
      const P shift = P::all_of(each[r]);
      P s(0.0);
      for (std::int64_t j = 0; j < whole; j += w) {
        const P e = exp_or_nothing(P::load(in + j) - shift);
        s = s + e;
        if (q) e.store(q + j);
      }
      if (rest) {
        const P e = exp_or_nothing(P::load_partial(in + whole, rest) + gap - shift);
        s = s + e;
        if (q) e.store_partial(q + whole, rest);
      }
      row[r] = s;
    }
    const P s = across(row, plus);
    const P infinite = select(is_nan(s), s, top);
    if (out) select(finite, top + log(s), infinite).store_partial(out + first, int(count));
    if (!p) continue;
    select(infinite == P(-__builtin_inf()), P(0.0), P(1.0) / s).store(each);
    for (std::int64_t r = 0; r < count; ++r) {
      T* q = p + (first + r) * k;
      const P scale = P::all_of(each[r]);
      for (std::int64_t j = 0; j < whole; j += w) (P::load(q + j) * scale).store(q + j);
      if (rest) (P::load_partial(q + whole, rest) * scale).store_partial(q + whole, rest);
    }
  }
}

template <class T>
static void logsumexp_rows(std::int64_t rows, std::int64_t k, const T* x, T* out, T* p) {
  if (logsumexp_of_few(rows, k, x, out, p)) return;
  switch (k % Pack<T>::lanes ? 0 : k / Pack<T>::lanes) {
    case 1: return logsumexp_long<T, 1>(rows, k, x, out, p);
    case 2: return logsumexp_long<T, 2>(rows, k, x, out, p);
    default: return logsumexp_long<T, 0>(rows, k, x, out, p);
  }
}

}  // namespace fathom::wide::FATHOM_ISA
