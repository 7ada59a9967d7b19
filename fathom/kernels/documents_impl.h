// Included once by each documents_<isa>.cpp, after FATHOM_ISA is defined.
//
// B of a document's words is gathered once, and read once per update: four words at a time, first
// for th'B, then for B (n / th'B) from the first-level cache. As gamma does not change with a
// factor of th, no psi of a sum is needed, and
//
//   exp(psi(x)) = y exp(-1/(2y) - 1/(12y^2) + 1/(120y^4) - ... - sum_{i<8} 1/(x+i)),  y = x + 8
//
// needs no logarithm (Abramowitz & Stegun 6.3.5, 6.3.18). Exponents are taken relative to their
// largest, so that small concentrations do not leave the range of the numbers.
#include <limits>

#include "fathom/kernels/documents.h"
#include "fathom/kernels/wide/pack.h"

namespace fathom::wide::FATHOM_ISA {

// log(exp(psi(x)) / (x + 8)).
template <class T>
[[gnu::always_inline]] static inline Pack<T> documents_exponent(Pack<T> x) {
  using P = Pack<T>;
  // 1/x + ... + 1/(x+3) and 1/(x+4) + ... + 1/(x+7), each as one quotient.
  const auto four = [](P a) {
    const P b = a + 3.0, outer = a * b, inner = (a + 1.0) * (b - 1.0);
    const P twice = a + b;  // of both pairs
    return twice * (outer + inner) / (outer * inner);
  };
  const P y = x + 8.0, r = P(1.0) / y, w = r * r;
  constexpr double more[] = {-1.0 / 132, 1.0 / 240, -1.0 / 252, 1.0 / 120, -1.0 / 12};
  P series(691.0 / 32760);
  for (const double c : more) series = fma(w, series, P(c));
  return fma(w, series, r * P(-0.5)) - (four(x) + four(x + 4.0));
}

// th from gamma, up to a factor.
template <class T>
[[gnu::always_inline]] static inline void documents_proportions(const T* gamma, std::int64_t n,
                                                                T* th) {
  using P = Pack<T>;
  P most(-std::numeric_limits<double>::infinity());
  for (std::int64_t k = 0; k < n; k += P::lanes) {
    const P e = documents_exponent(P::load(gamma + k));
    e.store(th + k);
    most = max(most, e);
  }
  const P top = P::all_of(reduce_max(most));
  for (std::int64_t k = 0; k < n; k += P::lanes)
    ((P::load(gamma + k) + 8.0) * exp(P::load(th + k) - top)).store(th + k);
}

// r[i] = n_i / th'B_i, and `sum` = B' r, or without `sum` th'B_i alone. Rows are a multiple of
// four, of which those added have counts of 0.
template <class T>
[[gnu::always_inline]] static inline void documents_pass(const T* b, const T* counts,
                                                         std::int64_t rows, std::int64_t n,
                                                         const T* th, T* r, T* sum) {
  using P = Pack<T>;
  constexpr T least = std::numeric_limits<T>::min();
  for (std::int64_t i = 0; i < rows; i += 4) {
    const T* x = b + i * n;
    P dot[4] = {P(0.0), P(0.0), P(0.0), P(0.0)};
    for (std::int64_t k = 0; k < n; k += P::lanes) {
      const P t = P::load(th + k);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) dot[j] = fma(t, P::load(x + j * n + k), dot[j]);
    }
    P f[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const T s = reduce_add(dot[j]);
      const T met = s < least ? least : s;
      r[i + j] = sum ? counts[i + j] / met : met;
      f[j] = P::all_of(r[i + j]);
    }
    if (!sum) continue;
    for (std::int64_t k = 0; k < n; k += P::lanes) {
      P s = P::load(sum + k);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) s = fma(f[j], P::load(x + j * n + k), s);
      s.store(sum + k);
    }
  }
}

template <class T>
static void solve_document(const kernels::Documents<T>& d, std::int64_t first, std::int64_t last,
                           T* room) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes;
  const std::int64_t topics = d.topics.topics, n = d.topics.stride, entries = last - first,
                     rows = (entries + 3) / 4 * 4;
  T *gamma = room, *th = gamma + n, *sum = th + n, *alpha = sum + n, *psi = alpha + n;
  T *b = psi + n, *counts = b + rows * n, *r = counts + rows, *most = r + rows;
  for (std::int64_t i = first; d.bound && i < last; ++i) d.bound[i] = T(0);
  for (std::int64_t k = 0; k < n; ++k) {
    alpha[k] = k < topics ? d.alpha[k] : T(1e-30);  // whose th is 0
    gamma[k] = k < topics ? T(1) : alpha[k];
  }
  T total(0);  // of the counts
  for (std::int64_t i = 0; i < rows; ++i) {
    T* row = b + i * n;
    counts[i] = i < entries ? d.count[first + i] : T(0);
    total += counts[i];
    if (i >= entries) {
      for (std::int64_t k = 0; k < n; k += w) P(0.0).store(row + k);
      continue;
    }
    const T word = d.word[first + i];
    if (!(word >= T(0) && word < T(d.topics.words))) {
      if (d.bound) d.bound[first] = T(std::numeric_limits<double>::quiet_NaN());
      return;
    }
    const T* from = d.topics.b + std::int64_t(word) * n;
    most[i] = d.topics.most[std::int64_t(word)];
    for (std::int64_t k = 0; k < n; k += w) P::load(from + k).store(row + k);
  }
  const T settled = T(d.tolerance * double(topics));
  std::int64_t it = 0;
  for (; it < d.iterations; ++it) {
    documents_proportions(gamma, n, th);
    for (std::int64_t k = 0; k < n; k += w) P(0.0).store(sum + k);
    documents_pass(b, counts, rows, n, th, r, sum);
    P moved(0.0);
    for (std::int64_t k = 0; k < n; k += w) {
      const P now = fma(P::load(th + k), P::load(sum + k), P::load(alpha + k));
      moved = moved + abs(now - P::load(gamma + k));
      now.store(gamma + k);
    }
    if (reduce_add(moved) < settled) break;
  }
  if (d.updates) *d.updates += it < d.iterations ? it + 1 : it;
  documents_proportions(gamma, n, th);
  documents_pass(b, counts, rows, n, th, r, static_cast<T*>(nullptr));  // r = th'B
  if (d.bound) {
    T of_gamma(0), of_alpha(0), kl(0), top = -std::numeric_limits<T>::infinity();
    for (std::int64_t k = 0; k < topics; ++k) {
      of_gamma += gamma[k];
      of_alpha += alpha[k];
    }
    T psi_sum[w], lgammas[2];
    P::all_of(of_gamma).store(psi_sum);
    digamma(P::load(psi_sum)).store(psi_sum);
    {
      T both[w];
      P(1.0).store(both);
      both[0] = of_gamma;
      lgamma(P::load(both)).store(both);
      lgammas[0] = both[0];
      P::all_of(of_alpha).store(both);
      lgamma(P::load(both)).store(both);
      lgammas[1] = both[0];
    }
    for (std::int64_t k = 0; k < n; k += w) {
      const P g = P::load(gamma + k), a = P::load(alpha + k), e = digamma(g);
      e.store(psi + k);
      (lgamma(a) - lgamma(g) + (g - a) * (e - P::all_of(psi_sum[0]))).store(sum + k);
    }
    // th is exp(psi) up to a factor, which the largest element tells.
    std::int64_t best = 0;
    for (std::int64_t k = 0; k < topics; ++k) {
      kl += sum[k];
      if (psi[k] > top) {
        top = psi[k];
        best = k;
      }
    }
    kl += lgammas[0] - lgammas[1];
    T scale[w];
    log(P::all_of(th[best])).store(scale);
    const T level = top - scale[0] - psi_sum[0];
    P likelihood(0.0);
    for (std::int64_t i = entries; i < rows; ++i) most[i] = T(0), r[i] = T(1);
    std::int64_t i = 0;
    for (; i + w <= rows; i += w)
      likelihood = fma(P::load(counts + i), P::load(most + i) + log(P::load(r + i)), likelihood);
    T rest(0);
    for (; i < rows; ++i) {
      T one[w];
      log(P::all_of(r[i])).store(one);
      rest += counts[i] * (most[i] + one[0]);
    }
    d.bound[first] = reduce_add(likelihood) + rest + total * level - kl;
  }
  if (!d.counts) return;
  const T often = d.weight ? d.weight[first] : T(1);
  for (std::int64_t i = 0; i < entries; ++i) {
    const P f = P::all_of(often * counts[i] / r[i]);
    const T* row = b + i * n;
    T* c = d.counts + std::int64_t(d.word[first + i]) * n;
    for (std::int64_t k = 0; k < n; k += w)
      fma(P::load(row + k) * P::load(th + k), f, P::load(c + k)).store(c + k);
  }
}

// Blocks of topics by words of which each is some lines of the cache, read and filled whole.
template <class T>
static void fill_topic_table(const T* l, const kernels::TopicTable<T>& t) {
  using P = Pack<T>;
  constexpr std::int64_t high = 64 / std::int64_t(sizeof(T)), wide = 64;
  const std::int64_t n = t.stride;
  for (std::int64_t w0 = 0; w0 < t.words; w0 += wide) {
    const std::int64_t size = t.words - w0 < wide ? t.words - w0 : wide;
    const T* from = l + w0;
    T* to = t.b + w0 * n;
    std::int64_t k0 = 0;
    for (; k0 + high <= t.topics; k0 += high)
      for (std::int64_t j = 0; j < size; ++j) {
#pragma GCC unroll 16
        for (std::int64_t k = 0; k < high; ++k) to[j * n + k0 + k] = from[(k0 + k) * t.words + j];
      }
    for (; k0 < t.topics; ++k0)
      for (std::int64_t j = 0; j < size; ++j) to[j * n + k0] = from[k0 * t.words + j];
    for (std::int64_t j = 0; j < size; ++j) {
      T* row = t.b + (w0 + j) * n;
      for (std::int64_t k = t.topics; k < n; ++k) row[k] = -std::numeric_limits<T>::infinity();
      P top = P::load(row);
      for (std::int64_t k = P::lanes; k < n; k += P::lanes) top = max(top, P::load(row + k));
      t.most[w0 + j] = reduce_max(top);
      const P by = P::all_of(t.most[w0 + j]);
      for (std::int64_t k = 0; k < n; k += P::lanes) exp(P::load(row + k) - by).store(row + k);
    }
  }
}

}  // namespace fathom::wide::FATHOM_ISA
