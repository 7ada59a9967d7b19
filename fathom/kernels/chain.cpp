#include "fathom/kernels/chain.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "fathom/kernels/isa.h"
#include "fathom/kernels/sequences.h"

namespace fathom::kernels {

namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();
// exp of more is no number.
template <class T>
constexpr double kMost = sizeof(T) == 4 ? 88 : 709;

const ChainRecursion<float>& recursion(float) { return FATHOM_BY_ISA(chain_table).f32; }
const ChainRecursion<double>& recursion(double) { return FATHOM_BY_ISA(chain_table).f64; }

// Columns of the matrices of links: ChainLinks.
std::int64_t stride_of(std::int64_t states, std::int64_t pack) {
  const std::int64_t whole = std::max<std::int64_t>(4, pack);
  std::int64_t n = 4;
  while (n < states && n < whole) n *= 2;
  return states <= n ? n : (states + whole - 1) / whole * whole;
}

// exp(b), 0 where there is no link.
template <class T>
T link(T b) {
  return double(b) <= kNoLink ? T(0) : std::exp(b);
}

double log_sum(const double* x, std::int64_t n) {
  const double most = *std::max_element(x, x + n);
  if (!(most > kNone)) return most;
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += std::exp(x[i] - most);
  return most + std::log(sum);
}

template <class T>
bool starts_at(const Chain<T>& c, std::int64_t row) {
  return c.start && c.begins[row] != T(0);
}

// a of row `t` of the sequence that begins at `first`, its start included.
template <class T>
double potential(const Chain<T>& c, std::int64_t first, std::int64_t t, std::int64_t j) {
  return double(c.potentials[(first + t) * c.states + j]) +
         (t == 0 && starts_at(c, first) ? double(c.start[j]) : 0);
}

// b, -inf where there is no link.
template <class T>
std::vector<double> log_links(const Chain<T>& c) {
  std::vector<double> b(std::size_t(c.states * c.states));
  for (std::size_t i = 0; i < b.size(); ++i)
    b[i] = double(c.links[i]) <= kNoLink ? kNone : double(c.links[i]);
  return b;
}

// The recursions on logarithms, in f64. Adds transitions to `counts`.
template <class T>
void log_sequence(const Chain<T>& c, std::int64_t first, std::int64_t last,
                  const std::vector<double>& b, double* counts) {
  const std::int64_t k = c.states, n = last - first;
  const auto size = std::size_t(n * k);
  std::vector<double> forth(size), back(size, 0.0), norm(std::size_t(n) + 1, 0.0);
  std::vector<double> x(std::size_t(k), 0.0);
  const auto a = [&](std::int64_t t, std::int64_t j) { return potential(c, first, t, j); };
  for (std::int64_t t = 0; t < n; ++t) {
    double* row = forth.data() + t * k;
    for (std::int64_t j = 0; j < k; ++j) {
      row[j] = a(t, j);
      if (t == 0) continue;
      for (std::int64_t i = 0; i < k; ++i)
        x[std::size_t(i)] = row[i - k] + b[std::size_t(i * k + j)];
      row[j] += log_sum(x.data(), k);
    }
    norm[std::size_t(t) + 1] = log_sum(row, k);
    const double before = norm[std::size_t(t)], step = norm[std::size_t(t) + 1] - before;
    // Where no path is possible, none is from there on.
    if (c.log_norm) c.log_norm[first + t] = T(before == kNone ? kNone : step);
  }
  const double z = norm[std::size_t(n)];
  for (std::int64_t t = n - 1; t-- > 0;)
    for (std::int64_t i = 0; i < k; ++i) {
      for (std::int64_t j = 0; j < k; ++j)
        x[std::size_t(j)] =
            b[std::size_t(i * k + j)] + a(t + 1, j) + back[std::size_t((t + 1) * k + j)];
      back[std::size_t(t * k + i)] = log_sum(x.data(), k);
    }
  const bool possible = z > kNone || std::isnan(z);
  const double often = c.weight ? double(c.weight[first]) : 1;
  const auto at = [&](T* p, std::int64_t t, std::int64_t j) -> T& {
    return p[(first + t) * k + j];
  };
  for (std::int64_t t = 0; t < n; ++t) {
    const bool moved = possible && t > 0;
    const double* before = forth.data() + (t - 1) * k;  // of the row before
    // Both sides of a transition are told from the likeliest state of the row before, so that those
    // of transitions that matter are numbers.
    double from = 0;
    if (moved) {
      std::int64_t best = 0;
      const double* later = back.data() + (t - 1) * k;
      for (std::int64_t i = 1; i < k; ++i)
        if (before[i] + later[i] > before[best] + later[best]) best = i;
      from = before[best];
    }
    for (std::int64_t j = 0; j < k; ++j) {
      const auto here = std::size_t(t * k + j);
      const double into = a(t, j) + back[here] - z;
      const auto bounded = [](double v) { return T(std::exp(std::min(v, kMost<T>))); };
      if (c.marginals)
        at(c.marginals, t, j) = possible ? T(std::exp(forth[here] + back[here] - z)) : T(0);
      if (c.before) at(c.before, t, j) = moved ? bounded(before[j] - from) : T(0);
      if (c.after) at(c.after, t, j) = moved ? bounded(into + from) : T(0);
      if (!counts || !moved) continue;
      for (std::int64_t i = 0; i < k; ++i)
        counts[i * k + j] += often * std::exp(before[i] + b[std::size_t(i * k + j)] + into);
    }
  }
}

}  // namespace

template <class T>
void chain(const Chain<T>& given) {
  thread_local std::vector<T> room, kept;
  Chain<T> c = given;
  const std::int64_t k = c.states, pack = recursion(T()).pack, n = stride_of(k, pack);
  const bool messages =
      !c.marginals && (c.firsts || (!c.before && (c.counts || c.after)));  // kept for others
  kept.resize(std::size_t((c.log_norm ? 0 : c.rows) + (messages ? c.rows * k : 0)));
  T* more = kept.data();
  if (!c.log_norm) c.log_norm = std::exchange(more, more + c.rows);
  if (messages) c.marginals = more;
  const auto wanted = std::size_t(3 * n * n + chain_room(n));
  T *const forth = line_of_cache(room, wanted), *const back = forth + n * n,
           *const counts = back + n * n;
  std::fill_n(forth, wanted, T(0));
  // Of the row of a matrix of links that are 0 from `states` on.
  const auto row = [&](std::int64_t i, std::int64_t j) { return n <= pack ? i ^ j : i; };
  for (std::int64_t i = 0; i < k; ++i)
    for (std::int64_t j = 0; j < k; ++j) {
      const T m = link(c.links[i * k + j]);
      forth[row(i, j) * n + j] = m;
      back[row(j, i) * n + i] = m;
    }
  const ChainLinks<T> links{n, forth, back, counts, counts + n * n};
  std::vector<double> b, slow;
  if (c.firsts) std::fill_n(c.firsts, k, T(0));
  each_sequence(c.begins, c.rows, [&](std::int64_t first, std::int64_t last) {
    if (!recursion(T()).sequence(c, first, last, links)) {
      if (b.empty()) {
        b = log_links(c);
        slow.assign(std::size_t(k * k), 0.0);
      }
      log_sequence(c, first, last, b, c.counts ? slow.data() : nullptr);
    }
    for (std::int64_t j = 0; c.firsts && starts_at(c, first) && j < k; ++j)
      c.firsts[j] += (c.weight ? c.weight[first] : T(1)) * c.marginals[first * k + j];
  });
  if (!c.counts) return;
  for (std::int64_t i = 0; i < k; ++i)
    for (std::int64_t j = 0; j < k; ++j)
      c.counts[i * k + j] = counts[i * n + j] * link(c.links[i * k + j]) +
                            (slow.empty() ? T(0) : T(slow[std::size_t(i * k + j)]));
}

template <class T>
void best_path(const Chain<T>& c) {
  const std::int64_t k = c.states;
  const std::vector<double> b = log_links(c);
  std::vector<double> score;
  std::vector<std::int64_t> path;
  if (c.counts) std::fill_n(c.counts, k * k, T(0));
  if (c.firsts) std::fill_n(c.firsts, k, T(0));
  each_sequence(c.begins, c.rows, [&](std::int64_t first, std::int64_t last) {
    const std::int64_t n = last - first;
    score.resize(std::size_t(n * k));
    path.resize(std::size_t(n));
    const auto a = [&](std::int64_t t, std::int64_t j) { return potential(c, first, t, j); };
    for (std::int64_t t = 0; t < n; ++t) {
      double* row = score.data() + t * k;
      std::fill_n(row, k, t == 0 ? 0.0 : kNone);
      for (std::int64_t i = 0; t > 0 && i < k; ++i)
        for (std::int64_t j = 0; j < k; ++j)
          row[j] = std::max(row[j], row[i - k] + b[std::size_t(i * k + j)]);
      for (std::int64_t j = 0; j < k; ++j) row[j] += a(t, j);
    }
    for (std::int64_t t = n; t-- > 0;) {
      const double* row = score.data() + t * k;
      std::int64_t best = 0;
      const auto value = [&](std::int64_t i) {
        return t + 1 == n ? row[i] : row[i] + b[std::size_t(i * k + path[std::size_t(t) + 1])];
      };
      for (std::int64_t i = 1; i < k; ++i)
        if (value(i) > value(best)) best = i;
      path[std::size_t(t)] = best;
    }
    const double often = c.weight ? double(c.weight[first]) : 1;
    const auto mark = [&](T* p, std::int64_t t, std::int64_t state) {
      if (!p) return;
      std::fill_n(p + (first + t) * k, k, T(0));
      if (state >= 0) p[(first + t) * k + state] = T(1);
    };
    for (std::int64_t t = 0; t < n; ++t) {
      const std::int64_t now = path[std::size_t(t)], from = t > 0 ? path[std::size_t(t) - 1] : -1;
      if (c.log_norm)
        c.log_norm[first + t] = T(a(t, now) + (t > 0 ? b[std::size_t(from * k + now)] : 0));
      mark(c.marginals, t, now);
      mark(c.before, t, from);
      mark(c.after, t, t > 0 ? now : -1);
      if (c.counts && t > 0) c.counts[from * k + now] += T(often);
      if (c.firsts && t == 0 && starts_at(c, first)) c.firsts[now] += T(often);
    }
  });
}

template void chain(const Chain<float>&);
template void chain(const Chain<double>&);
template void best_path(const Chain<float>&);
template void best_path(const Chain<double>&);

}  // namespace fathom::kernels
