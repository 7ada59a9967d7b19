// Included once by each documents_<isa>.cpp, after FATHOM_ISA is defined.
//
// B of a document's words is gathered once, and read once per update: a group of words at a time,
// as many as a pack has numbers, first for th'B, then for B (n / th'B) from the first-level cache,
// while the next are met. Packs of a group's words lie side by side, at distances that are known
// when this is compiled. Updates go through the words to and fro, so that the next finds there what
// the last one left. As gamma does not change with a factor of th, no psi of a sum is needed, and
// with y = x + m and u = x (x + m - 1), where the product of x + i and x + m - 1 - i is u + i (m -
// 1 - i),
//
//   exp(psi(x)) = y exp(-1/(2y) - 1/(12y^2) + 1/(120y^4) - ... - (2x + m - 1) p'(u) / p(u)),
//   p(u) = prod_i (u + i (m - 1 - i)),  i < m / 2,
//
// needs no logarithm and one quotient (Abramowitz & Stegun 6.3.5, 6.3.18).
#include <cstddef>
#include <limits>
#include <utility>

#include "fathom/kernels/documents.h"
#include "fathom/kernels/wide/pack.h"

namespace fathom::wide::FATHOM_ISA {

// Shift m, and coefficients of p, of p' and of the even powers of 1 / y, the highest first.
template <class T>
struct ProportionSeries;
template <>
struct ProportionSeries<float> {
  static constexpr double shift = 4, most = 1e7;  // from where on the exponent is nearly 0
  static constexpr double p[] = {1, 2, 0}, slope[] = {2, 2};
  static constexpr double even[] = {1.0 / 240, -1.0 / 252, 1.0 / 120, -1.0 / 12};
};
template <>
struct ProportionSeries<double> {
  static constexpr double shift = 8, most = 1e30;
  static constexpr double p[] = {1, 28, 252, 720, 0}, slope[] = {4, 84, 504, 720};
  static constexpr double even[] = {691.0 / 32760, -1.0 / 132, 1.0 / 240,
                                    -1.0 / 252,    1.0 / 120,  -1.0 / 12};
};

template <class T, std::size_t n>
[[gnu::always_inline]] static inline Pack<T> falling(Pack<T> x, const double (&c)[n]) {
  Pack<T> sum(c[0]);
  for (std::size_t i = 1; i < n; ++i) sum = fma(sum, x, Pack<T>(c[i]));
  return sum;
}

// log(exp(psi(x)) / (x + m)).
template <class T>
[[gnu::always_inline]] static inline Pack<T> documents_exponent(Pack<T> x) {
  using P = Pack<T>;
  using Series = ProportionSeries<T>;
  const P z = at_most(x, Series::most), y = z + Series::shift, u = z * (z + (Series::shift - 1));
  const P p = falling(u, Series::p), each = P(1.0) / (p * y), r = p * each, w = r * r;
  const P steps = (z + z + (Series::shift - 1)) * falling(u, Series::slope) * (y * each);
  return fma(w, falling(w, Series::even), fma(r, P(-0.5), -steps));
}

// exp(psi(x) - top).
template <class T>
[[gnu::always_inline]] static inline Pack<T> documents_proportion(Pack<T> x, Pack<T> top) {
  return (x + ProportionSeries<T>::shift) *
         exp_inside(at_least(documents_exponent(x) - top, Format<T>::exp_bottom));
}

// What exponents of a document are taken relative to: 0, unless all may be so low that th would
// leave the range of the numbers. `mean` is that of gamma.
template <class T>
[[gnu::always_inline]] static inline Pack<T> documents_top(const T* gamma, std::int64_t n, T mean) {
  using P = Pack<T>;
  if (mean > T(0.05)) return P(0.0);
  P most = documents_exponent(P::load(gamma));
  for (std::int64_t k = P::lanes; k < n; k += P::lanes)
    most = max(most, documents_exponent(P::load(gamma + k)));
  return P::all_of(reduce_max(most));
}

// Of two packs: lane l of a and lane l of b where bit h of l is 0 and 1; the others, each across h.
template <int h, class T>
[[gnu::always_inline]] static inline void exchange(Pack<T>& a, Pack<T>& b) {
  [&]<std::size_t... l>(std::index_sequence<l...>) {
    constexpr int n = Pack<T>::lanes;
    const auto first = __builtin_shufflevector(a.v, b.v, (int(l) & h ? n + int(l) - h : int(l))...);
    b.v = __builtin_shufflevector(a.v, b.v, (int(l) & h ? n + int(l) : int(l) + h)...);
    a.v = first;
  }
  (std::make_index_sequence<std::size_t(Pack<T>::lanes)>());
}
// As many packs as one has lanes, as a matrix that is transposed.
template <int h, class T>
[[gnu::always_inline]] static inline void transpose(Pack<T>* x) {
  if constexpr (h < Pack<T>::lanes) {
#pragma GCC unroll 16
    for (int i = 0; i < Pack<T>::lanes; ++i)
      if (!(i & h)) exchange<h>(x[i], x[i + h]);
    transpose<2 * h>(x);
  }
}

// Lane l of a where bit h of l is 0, else of b, plus the lane across h of the same.
template <int h, class T>
[[gnu::always_inline]] static inline Pack<T> merged(Pack<T> a, Pack<T> b) {
  return [&]<std::size_t... l>(std::index_sequence<l...>) {
    constexpr int n = Pack<T>::lanes;
    return Pack<T>::of(
        __builtin_shufflevector(a.v, b.v, (int(l) & h ? n + int(l) : int(l))...) +
        __builtin_shufflevector(a.v, b.v, (int(l) & h ? n + int(l) - h : int(l) + h)...));
  }
  (std::make_index_sequence<std::size_t(Pack<T>::lanes)>());
}

// The sum of pack l % rows in lane l.
template <int rows, class T>
[[gnu::always_inline]] static inline Pack<T> sum_each(Pack<T>* x) {
  if constexpr (rows > 1) {
#pragma GCC unroll 16
    for (int i = 0; i < rows / 2; ++i) x[i] = merged<rows / 2>(x[i], x[i + rows / 2]);
    Pack<T> s = sum_each<rows / 2>(x);
    return s;
  } else {
    return x[0];
  }
}
template <int h, class T>
[[gnu::always_inline]] static inline Pack<T> sum_across(Pack<T> x) {
  if constexpr (h < Pack<T>::lanes) {
    return sum_across<2 * h>(merged<h>(x, x));
  } else {
    return x;
  }
}

// r[j] = n_j / th'B_j of `rows` words, or without `sums` th'B_j.
template <int rows, bool sums, class T>
[[gnu::always_inline]] static inline void documents_meet(const T* x, const T* counts,
                                                         std::int64_t n, const T* th, T* r) {
  using P = Pack<T>;
  P dot[rows];
#pragma GCC unroll 16
  for (int j = 0; j < rows; ++j) dot[j] = P(0.0);
  for (std::int64_t k = 0; k < n; k += P::lanes) {
    const P t = P::load(th + k);
#pragma GCC unroll 16
    for (int j = 0; j < rows; ++j) dot[j] = fma(t, P::load(x + j * P::lanes), dot[j]);
    x += rows * P::lanes;
  }
  P met = at_least(sum_across<rows>(sum_each<rows>(dot)), double(std::numeric_limits<T>::min()));
  if (sums) met = P::load_partial(counts, rows) / met;
  met.store_partial(r, rows);
}

// sum += r_j B_j of `rows` words.
template <int rows, class T>
[[gnu::always_inline]] static inline void documents_add(const T* x, std::int64_t n, const T* r,
                                                        T* sum) {
  using P = Pack<T>;
  P f[rows];
#pragma GCC unroll 16
  for (int j = 0; j < rows; ++j) f[j] = P::all_of(r[j]);
  for (std::int64_t k = 0; k < n; k += P::lanes) {
    P s = P::load(sum + k), t = f[0] * P::load(x);
#pragma GCC unroll 16
    for (int j = 1; j < rows; j += 2) {
      s = fma(f[j], P::load(x + j * P::lanes), s);
      if (j + 1 < rows) t = fma(f[j + 1], P::load(x + (j + 1) * P::lanes), t);
    }
    (s + t).store(sum + k);
    x += rows * P::lanes;
  }
}

// Words of a group, a multiple of two of them in all: those added have counts of 0. What is left of
// whole groups makes smaller ones, each half of the one before or less.
template <class T>
constexpr int kDocumentRows = Pack<T>::lanes;

// Calls f(first word, words) for each of these, the number known when this is compiled.
template <class T, class F>
[[gnu::always_inline]] static inline void smaller_groups(std::int64_t rows, F&& f) {
  constexpr int w = kDocumentRows<T>;
  std::int64_t first = rows / w * w;
  const auto next = [&]<int size>(std::integral_constant<int, size> words) {
    if constexpr (size < w)
      if (first + size <= rows) {
        f(first, words);
        first += size;
      }
  };
  next(std::integral_constant<int, 8>());
  next(std::integral_constant<int, 4>());
  next(std::integral_constant<int, 2>());
}

// r[i] = n_i / th'B_i and `sum` += B' r, or without `sums` r[i] = th'B_i alone. The words of a
// group are added while the next is met.
template <bool sums, class T>
static void documents_pass(const T* b, const T* counts, std::int64_t rows, std::int64_t n,
                           const T* th, T* r, T* sum, bool back) {
  constexpr int w = kDocumentRows<T>;
  const std::int64_t whole = rows / w * w;
  const auto some = [&]<int size>(std::int64_t i, std::integral_constant<int, size>) {
    documents_meet<size, sums>(b + i * n, counts + i, n, th, r + i);
    if (sums) documents_add<size>(b + i * n, n, r + i, sum);
  };
  const auto rest = [&] { smaller_groups<T>(rows, some); };
  if (back) rest();
  const std::int64_t step = back ? -w : w;
  std::int64_t i = back ? whole - w : 0;
  for (std::int64_t g = 0; g < whole; g += w, i += step) {
    documents_meet<w, sums>(b + i * n, counts + i, n, th, r + i);
    if (sums && g > 0) documents_add<w>(b + (i - step) * n, n, r + i - step, sum);
  }
  if (sums && whole > 0) documents_add<w>(b + (i - step) * n, n, r + i - step, sum);
  if (!back) rest();
}

// Whether gamma of the document that begins at row `first` is given; then it is put there.
template <class T>
static bool documents_start(const kernels::Documents<T>& d, std::int64_t first, T* gamma) {
  const std::int64_t place = d.from ? kernels::place_of(d, first) : -1, topics = d.topics.topics;
  if (place < 0) return false;
  const T* from = d.from + place * topics;
  for (std::int64_t k = 0; k < topics; ++k)
    if (!(from[k] > T(0) && from[k] <= std::numeric_limits<T>::max())) return false;
  for (std::int64_t k = 0; k < topics; ++k) gamma[k] = from[k];
  return true;
}

template <class T>
static bool solve_document(const kernels::Documents<T>& d, std::int64_t first, std::int64_t last,
                           T* room, T* factors) {
  using P = Pack<T>;
  constexpr std::int64_t w = P::lanes;
  const std::int64_t topics = d.topics.topics, stride = d.topics.stride,
                     n = (topics + w - 1) / w * w, entries = last - first,
                     rows = (entries + 1) / 2 * 2;
  T *gamma = room, *th = gamma + stride, *sum = th + stride, *alpha = sum + n, *psi = alpha + n;
  T *b = psi + n, *counts = b + rows * n, *r = counts + rows, *most = r + rows;
  for (std::int64_t i = first; d.bound && i < last; ++i) d.bound[i] = T(0);
  for (std::int64_t k = 0; k < n; ++k) {
    alpha[k] = k < topics ? d.alpha[k] : T(1e-30);  // whose th is 0
    gamma[k] = k < topics ? T(1) : alpha[k];
  }
  const bool given = documents_start(d, first, gamma);
  T total(0);         // of the counts
  bool known = true;  // whether all words are
  const auto gather = [&](std::int64_t from, std::int64_t size) {
    for (std::int64_t i = from; i < from + size; ++i) {
      T* to = b + from * n + (i - from) * w;
      counts[i] = i < entries ? d.count[first + i] : T(0);
      total += counts[i];
      const T word = i < entries ? d.word[first + i] : T(0);
      known = known && word >= T(0) && word < T(d.topics.words);
      if (i >= entries || !known) {
        for (std::int64_t k = 0; k < n; k += w) P(0.0).store(to + k * size);
        continue;
      }
      const T* row = d.topics.b + std::int64_t(word) * stride;
      most[i] = row[topics];
      for (std::int64_t k = 0; k < n; k += w) P::load(row + k).store(to + k * size);
      for (std::int64_t k = topics; k < n; ++k) to[(n - w) * size + k - (n - w)] = T(0);
    }
  };
  for (std::int64_t i = 0; i + w <= rows; i += w) gather(i, w);
  smaller_groups<T>(rows, [&](std::int64_t from, auto size) { gather(from, size); });
  if (!known) {
    if (d.bound) d.bound[first] = T(std::numeric_limits<double>::quiet_NaN());
    return false;
  }
  const T settled = T(d.tolerance * double(topics));
  // The mean of gamma is the same after every update.
  T mean = total;
  for (std::int64_t k = 0; k < topics; ++k) mean += alpha[k];
  mean /= T(topics);
  P top(0.0);
  const P none(0.0), same = documents_proportion(P(1.0), top);
  for (std::int64_t k = 0; k < n; k += w) same.store(th + k), none.store(sum + k);
  if (given) {
    T at(0);
    for (std::int64_t k = 0; k < topics; ++k) at += gamma[k];
    top = documents_top(gamma, n, at / T(topics));
    for (std::int64_t k = 0; k < n; k += w)
      documents_proportion(P::load(gamma + k), top).store(th + k);
  }
  for (std::int64_t k = topics; k < stride; ++k) th[k] = T(0);
  std::int64_t it = 0;
  while (it < d.iterations) {
    documents_pass<true>(b, counts, rows, n, th, r, sum, it % 2 != 0);
    ++it;
    P moved(0.0);
    const bool low = !(mean > T(0.05));
    for (std::int64_t k = 0; k < n; k += w) {
      const P now = fma(P::load(th + k), P::load(sum + k), P::load(alpha + k));
      moved = moved + abs(now - P::load(gamma + k));
      now.store(gamma + k);
      none.store(sum + k);
      if (!low) documents_proportion(now, none).store(th + k);
    }
    if (low) {
      top = documents_top(gamma, n, mean);
      for (std::int64_t k = 0; k < n; k += w)
        documents_proportion(P::load(gamma + k), top).store(th + k);
    }
    if (reduce_add(moved) < settled) break;
  }
  if (d.updates) *d.updates += it;
  documents_pass<false>(b, counts, rows, n, th, r, sum, it % 2 != 0);  // r = th'B
  if (d.bound) {
    T of_gamma(0), of_alpha(0), kl(0), largest = -std::numeric_limits<T>::infinity();
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
      if (psi[k] > largest) {
        largest = psi[k];
        best = k;
      }
    }
    kl += lgammas[0] - lgammas[1];
    T scale[w];
    log(P::all_of(th[best])).store(scale);
    const T level = largest - scale[0] - psi_sum[0];
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
  const T often = d.weight ? d.weight[first] : T(1);
  for (std::int64_t i = 0; factors && i < entries; ++i) factors[i] = often * counts[i] / r[i];
  return true;
}

// Counts of a word: the sum of its entries' proportions times their factors, times its topics.
template <class T>
static void add_document_counts(const kernels::WordEntries<T>& e, const kernels::TopicTable<T>& t,
                                T* counts, bool fresh) {
  using P = Pack<T>;
  constexpr int w = P::lanes, many = 4;
  const std::int64_t n = t.stride;
  const auto add = [&]<int packs>(std::int64_t word, std::int64_t k,
                                  std::integral_constant<int, packs>) {
    P sum[packs];
    for (int j = 0; j < packs; ++j) sum[j] = P(0.0);
    for (std::int64_t i = e.begins[word]; i < e.begins[word + 1]; ++i) {
      const P f = P::all_of(e.factor[i]);
      const T* th = e.proportions + e.document[i] * n + k;
      for (int j = 0; j < packs; ++j) sum[j] = fma(f, P::load(th + j * w), sum[j]);
    }
    const T* b = t.b + word * n + k;
    T* to = counts + word * n + k;
    for (int j = 0; j < packs; ++j) {
      const P one = sum[j] * P::load(b + j * w);
      (fresh ? one : one + P::load(to + j * w)).store(to + j * w);
    }
  };
  for (std::int64_t word = 0; word < t.words; ++word) {
    std::int64_t k = 0;
    if (e.begins[word] == e.begins[word + 1]) {
      for (; fresh && k < n; k += w) P(0.0).store(counts + word * n + k);
      continue;
    }
    for (; k + many * w <= n; k += many * w) add(word, k, std::integral_constant<int, many>());
    for (; k < n; k += w) add(word, k, std::integral_constant<int, 1>());
  }
}

// Blocks of topics by words, packs of both, in which lines of the cache are read and filled whole.
template <class T>
static void fill_topic_table(const T* l, std::int64_t pitch, const kernels::TopicTable<T>& t) {
  using P = Pack<T>;
  constexpr int w = P::lanes;
  constexpr std::int64_t wide = 64;  // words whose rows stay in the cache until they are done
  const std::int64_t n = t.stride, packs = t.topics / w * w;
  for (std::int64_t w0 = 0; w0 < t.words; w0 += wide) {
    const std::int64_t last = t.words - w0 < wide ? t.words : w0 + wide;
    for (std::int64_t k = 0; k < packs; k += w) {
      std::int64_t j = w0;
      for (; j + w <= last; j += w) {
        P x[w];
        for (int i = 0; i < w; ++i) {
          x[i] = P::load(l + (k + i) * pitch + j);
          if (j + wide < t.words) __builtin_prefetch(l + (k + i) * pitch + j + wide);
        }
        transpose<1>(x);
        for (int i = 0; i < w; ++i) x[i].store(t.b + (j + i) * n + k);
      }
      for (; j < last; ++j)
        for (int i = 0; i < w; ++i) t.b[j * n + k + i] = l[(k + i) * pitch + j];
    }
    for (std::int64_t k = packs; k < t.topics; ++k)
      for (std::int64_t j = w0; j < last; ++j) t.b[j * n + k] = l[k * pitch + j];
    for (std::int64_t j = w0; j < last; ++j) {
      T* row = t.b + j * n;
      for (std::int64_t k = t.topics; k < n; ++k) row[k] = -std::numeric_limits<T>::infinity();
      P top = P::load(row);
      for (std::int64_t k = w; k < n; k += w) top = max(top, P::load(row + k));
      const T most = reduce_max(top);
      const P by = P::all_of(most);
      for (std::int64_t k = 0; k < n; k += w)
        exp_inside(at_least(P::load(row + k) - by, Format<T>::exp_bottom)).store(row + k);
      row[t.topics] = most;
      for (std::int64_t k = t.topics + 1; k < n; ++k) row[k] = T(0);
    }
  }
}

template <class T>
static void sum_topic_counts(const T* counts, std::int64_t groups, std::int64_t apart,
                             const kernels::TopicTable<T>& t, T* out) {
  using P = Pack<T>;
  constexpr int w = P::lanes, ahead = 64;  // words whose lines are fetched before they are read
  for (std::int64_t k = 0; k < t.topics; k += w) {
    const int high = t.topics - k < w ? int(t.topics - k) : w;
    T* to = out + k * t.words;
    std::int64_t i = 0;
    for (; i + w <= t.words; i += w) {
      P x[w];
      for (int j = 0; j < w; ++j) {
        const T* from = counts + (i + j) * t.stride + k;
        const bool fetch = i + j + ahead < t.words;
        if (fetch) __builtin_prefetch(from + ahead * t.stride);
        x[j] = high == w ? P::load(from) : P::load_partial(from, high);
        for (std::int64_t g = 1; g < groups; ++g) {
          from += apart;
          if (fetch) __builtin_prefetch(from + ahead * t.stride);
          x[j] = x[j] + (high == w ? P::load(from) : P::load_partial(from, high));
        }
      }
      transpose<1>(x);
      for (int j = 0; j < high; ++j) x[j].store(to + j * t.words + i);
    }
    for (; i < t.words; ++i)
      for (int j = 0; j < high; ++j) {
        T sum(0);
        for (std::int64_t g = 0; g < groups; ++g) sum += counts[g * apart + i * t.stride + k + j];
        to[j * t.words + i] = sum;
      }
  }
}

template <class T>
static constexpr kernels::DocumentKernels<T> document_kernels() {
  return {solve_document<T>, fill_topic_table<T>, add_document_counts<T>, sum_topic_counts<T>};
}

}  // namespace fathom::wide::FATHOM_ISA
