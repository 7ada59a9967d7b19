// Included once by each chain_<isa>.cpp, after FATHOM_ISA is defined.
//
// With u_t = (u_{t-1} 2^-e A) b_t, where s_{t-1} = sum u_{t-1} = q_{t-1} 2^e, a row adds
// log(s_t / q_{t-1}) to log Z; a power of two is at hand before the product is. Backwards, with
// log c_t for what a row adds, w_t = exp(a_t - log c_t) beta_t and beta_{t-1} = A w_t; then
// probabilities are u_t / s_t beta_t and transitions u_{t-1} / s_{t-1} A w_t, of which products of
// 64 steps are added up without A.
#include "fathom/kernels/chain_rows_impl.h"

namespace fathom::wide::FATHOM_ISA {

template <class Rows, class T>
static bool chain_sequence_of(const Rows& step, const kernels::Chain<T>& c, std::int64_t first,
                              std::int64_t last, const kernels::ChainLinks<T>& links) {
  using P = Pack<T>;
  constexpr std::int64_t block = kernels::kChainBlock, group = kernels::kChainGroup,
                         some = group + kernels::kChainSlack;
  const std::int64_t k = c.states, n = step.stride();
  // Of a group, with room for its rows in the step's shape; messages of a block and the one before;
  // messages backwards.
  T *b = links.room, *spare = b + group * n, *w = spare + group * n, *u = w + block * n,
    *moves = u + (block + 1) * n, *beta = moves + n * n, *total = beta + n;
  T *s = total + n, *top = s + some, *inverse = top + some, *q = inverse + some;
  T* const back = c.marginals ? c.marginals : c.before;  // where messages are kept
  const P least(sizeof(T) == 4 ? 1e-30 : 1e-280);
  s[0] = q[0] = T(1);

  for (std::int64_t t = first; t < last; t += group) {
    const std::int64_t rows = last - t < group ? last - t : group;
    const T* a = c.potentials + t * k;
    if (t == first && c.start && c.begins[t] != T(0)) {
      for (std::int64_t j = 0; j < k; ++j) w[j] = a[j] + c.start[j];
      step.weights(w, 1, spare, b, top);
      if (rows > 1) step.weights(a + k, rows - 1, spare, b + n, top + 1);
    } else {
      step.weights(a, rows, spare, b, top);
    }
    step.forwards(t == first, rows, b, u, s);
    P(1.0).store(s + 1 + rows);
    bool inside = true;
    for (std::int64_t i = 0; i < rows; i += P::lanes) {
      const P sum = P::load(s + 1 + i);
      inside = inside && all(sum > least) && all(sum < P(kInfinity));
      (P(1.0) / sum).store(inverse + i);
      (sum * chain_scale(sum)).store(q + 1 + i);
      const P norm = P::load(top + i) + log(sum / P::load(q + i));
      norm.store_partial(c.log_norm + t + i, int(rows - i < P::lanes ? rows - i : P::lanes));
    }
    if (!inside) return false;
    if (back) step.put_scaled(u + n, inverse, rows, spare, back + t * k);
    for (std::int64_t j = 0; j < n; ++j) u[j] = u[rows * n + j];
    s[0] = s[rows];
    q[0] = q[rows];
  }
  if (!back) return true;

  for (std::int64_t j = 0; j < n; ++j) {
    beta[j] = T(j < k ? 1 : 0);
    total[j] = T(0);
  }
  const bool whole = last - first <= block;  // then its messages are at hand at the end
  if (c.counts && !whole)
    for (std::int64_t x = 0; x < n * n; x += P::lanes) P(0.0).store(moves + x);
  for (std::int64_t t1 = last; t1 > first;) {
    const std::int64_t t0 = t1 - first > block ? t1 - block : first, skip = t0 > first ? 0 : 1;
    step.get(back + (t0 - 1 + skip) * k, t1 - t0 + 1 - skip, u + skip * n);
    for (std::int64_t t = t1; t > t0;) {
      const std::int64_t rows = (t - t0 - 1) % group + 1, at = t - rows - t0;
      t -= rows;
      for (std::int64_t i = 0; i < rows; ++i) top[i] = c.log_norm[t + i];
      step.weights_at(top, t, rows, spare, b);
      T *to = c.marginals ? c.marginals + t * k : nullptr, *p = step.place(to, spare);
      step.backwards(rows, b, u + (at + 1) * n, beta, w + at * n, p, total);
      if (to) step.put(p, rows, to);
    }
    const std::int64_t rows = t1 - t0 - skip, from = t0 + skip;
    if (c.counts && !whole) step.add_products(rows, u + skip * n, w + skip * n, moves);
    if (c.before) step.put(u + skip * n, rows, c.before + from * k);
    if (c.after) step.put(w + skip * n, rows, c.after + from * k);
    t1 = t0;
  }
  for (std::int64_t j = 0; j < k; ++j) {
    if (c.before) c.before[first * k + j] = T(0);
    if (c.after) c.after[first * k + j] = T(0);
  }
  // Probabilities of a row add up to 1 unless a message overflowed.
  T off = -T(last - first), most = T(last - first) * T(1e-3);
  for (std::int64_t j = 0; j < n; ++j) off += total[j];
  if (!(off < most && -off < most)) return false;
  if (!c.counts) return true;
  const P often = P::all_of(c.weight ? c.weight[first] : T(1));
  if (whole) {
    // Whole packs of w, which at most reach into the first row of u, that nothing reads any more.
    const std::int64_t rows = last - first - 1;
    for (std::int64_t x = n; x < (rows + 1) * n; x += P::lanes)
      (P::load(w + x) * often).store(w + x);
    step.add_products(rows, u + n, w + n, links.counts);
    return true;
  }
  for (std::int64_t x = 0; x < n * n; x += P::lanes)
    fma(P::load(moves + x), often, P::load(links.counts + x)).store(links.counts + x);
  return true;
}

template <class T>
static bool chain_sequence(const kernels::Chain<T>& c, std::int64_t first, std::int64_t last,
                           const kernels::ChainLinks<T>& links) {
  constexpr int lanes = Pack<T>::lanes;
  const auto narrow = [&]<int n>() {
    return chain_sequence_of(ChainNarrow<T, n>{c, links}, c, first, last, links);
  };
  if constexpr (lanes >= 4)
    if (links.stride == 4) return narrow.template operator()<4>();
  if constexpr (lanes >= 8)
    if (links.stride == 8) return narrow.template operator()<8>();
  if constexpr (lanes >= 16)
    if (links.stride == 16) return narrow.template operator()<16>();
  if (links.stride == 2 * lanes)
    return chain_sequence_of(ChainWide<T, 2>{c, links}, c, first, last, links);
  return chain_sequence_of(ChainWide<T>{c, links}, c, first, last, links);
}

}  // namespace fathom::wide::FATHOM_ISA
