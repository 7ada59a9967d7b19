#include "fathom/climb/start.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "fathom/base/error.h"
#include "fathom/kernels/rng.h"

namespace fathom {

namespace {

// Columns less their means, over their standard deviations; constant ones are zeros.
std::vector<double> standardised(const Array& rows) {
  const std::int64_t n = rows.shape().extent(0), d = rows.shape().extent(1);
  const double* x = rows.data<double>();
  std::vector<double> out(std::size_t(n * d));
  for (std::int64_t j = 0; j < d; ++j) {
    double mean = 0, variance = 0;
    for (std::int64_t i = 0; i < n; ++i) mean += x[i * d + j] / double(n);
    for (std::int64_t i = 0; i < n; ++i)
      variance += (x[i * d + j] - mean) * (x[i * d + j] - mean) / double(n);
    const double scale = variance > 0 ? 1 / std::sqrt(variance) : 0;
    for (std::int64_t i = 0; i < n; ++i)
      out[std::size_t(i * d + j)] = (x[i * d + j] - mean) * scale;
  }
  return out;
}

double distance(const double* a, const double* b, std::int64_t d) {
  double s = 0;
  for (std::int64_t j = 0; j < d; ++j) s += (a[j] - b[j]) * (a[j] - b[j]);
  return s;
}

double unit(Key key, std::uint64_t i) {
  return (double(philox(key, i, 0).word[0]) + 0.5) * 0x1p-32;
}

Array indicators(const std::vector<std::int64_t>& of, std::int64_t count) {
  Array r(DType::f64, Shape{std::int64_t(of.size()), count});
  for (std::size_t i = 0; i < of.size(); ++i) r.data<double>()[std::int64_t(i) * count + of[i]] = 1;
  return r;
}

}  // namespace

namespace {

// Centres [count, d], each the mean of the rows that are known to be of its component; of the
// others nothing is written. How many rows that are.
std::vector<double> known_centres(const std::vector<double>& x, std::int64_t d, std::int64_t count,
                                  std::span<const int> known, std::vector<double>& sizes) {
  std::vector<double> centres(std::size_t(count * d), 0);
  sizes.assign(std::size_t(count), 0);
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i] < 0) continue;
    sizes[std::size_t(known[i])] += 1;
    for (std::int64_t j = 0; j < d; ++j)
      centres[std::size_t(known[i] * d + j)] += x[i * std::size_t(d) + std::size_t(j)];
  }
  for (std::size_t i = 0; i < centres.size(); ++i)
    if (sizes[i / std::size_t(d)] > 0) centres[i] /= sizes[i / std::size_t(d)];
  return centres;
}

}  // namespace

Array kmeans_start(const Array& rows, std::int64_t count, Key key, int rounds,
                   std::span<const int> known) {
  const std::int64_t n = rows.shape().extent(0), d = rows.shape().extent(1);
  const std::vector<double> x = standardised(rows);
  const auto row = [&](std::int64_t i) { return x.data() + i * d; };
  const auto is_known = [&](std::int64_t i) {
    return !known.empty() && known[std::size_t(i)] >= 0;
  };
  std::vector<double> sizes, nearest(std::size_t(n), INFINITY);
  std::vector<double> centres = known_centres(x, d, count, known, sizes);
  std::vector<std::int64_t> of(std::size_t(n), 0);
  const auto join_nearest = [&](std::int64_t k) {
    for (std::int64_t i = 0; i < n; ++i) {
      const double s = distance(row(i), centres.data() + k * d, d);
      if (s >= nearest[std::size_t(i)]) continue;
      nearest[std::size_t(i)] = s;
      of[std::size_t(i)] = k;
    }
  };
  bool first = true;
  for (std::int64_t k = 0; k < count; ++k)
    if (sizes[std::size_t(k)] > 0) {
      join_nearest(k);
      first = false;
    }
  // Other centres are rows, each drawn with its squared distance from those before it as weight.
  for (std::int64_t k = 0; k < count; ++k) {
    if (sizes[std::size_t(k)] > 0) continue;
    std::int64_t chosen = std::min(n - 1, std::int64_t(unit(key, 0) * double(n)));
    if (!first) {
      const double total = std::accumulate(nearest.begin(), nearest.end(), 0.0);
      if (!(total > 0)) raise<DataError>("{} components, but only {} different rows", count, k);
      double left = unit(key, std::uint64_t(k)) * total;
      chosen = -1;
      for (std::int64_t i = 0; i < n && (left >= 0 || chosen < 0); ++i) {
        if (nearest[std::size_t(i)] > 0) chosen = i;
        left -= nearest[std::size_t(i)];
      }
    }
    first = false;
    std::copy_n(row(chosen), d, centres.data() + k * d);
    join_nearest(k);
  }
  for (std::int64_t i = 0; i < n; ++i)
    if (is_known(i)) of[std::size_t(i)] = known[std::size_t(i)];
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> sums(centres.size(), 0);
    sizes.assign(std::size_t(count), 0);
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t k = of[std::size_t(i)];
      sizes[std::size_t(k)] += 1;
      for (std::int64_t j = 0; j < d; ++j) sums[std::size_t(k * d + j)] += row(i)[j];
    }
    for (std::size_t i = 0; i < sums.size(); ++i)  // one without rows stays where it is
      if (sizes[i / std::size_t(d)] > 0) centres[i] = sums[i] / sizes[i / std::size_t(d)];
    bool moved = false;
    for (std::int64_t i = 0; i < n; ++i) {
      if (is_known(i)) continue;
      std::int64_t best = of[std::size_t(i)];
      double least = distance(row(i), centres.data() + best * d, d);
      for (std::int64_t k = 0; k < count; ++k)
        if (const double s = distance(row(i), centres.data() + k * d, d); s < least) {
          least = s;
          best = k;
        }
      moved = moved || best != of[std::size_t(i)];
      of[std::size_t(i)] = best;
    }
    if (!moved) break;
  }
  return indicators(of, count);
}

Array block_start(const Array& rows, std::int64_t count, std::span<const int> known) {
  const std::int64_t n = rows.shape().extent(0), d = rows.shape().extent(1);
  const double* x = rows.data<double>();
  std::vector<std::int64_t> order(std::size_t(n), 0), of(std::size_t(n), 0);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    for (std::int64_t j = d; j-- > 0;)
      if (x[a * d + j] != x[b * d + j]) return x[a * d + j] < x[b * d + j];
    return false;
  });
  for (std::int64_t rank = 0; rank < n; ++rank)
    of[std::size_t(order[std::size_t(rank)])] = rank * count / n;
  for (std::size_t i = 0; i < known.size(); ++i)
    if (known[i] >= 0) of[i] = known[i];
  return indicators(of, count);
}

Array filled_with_means(const Array& rows) {
  const std::int64_t n = rows.shape().extent(0), d = rows.shape().extent(1);
  Array out = rows.copy();
  double* x = out.data<double>();
  for (std::int64_t j = 0; j < d; ++j) {
    double total = 0, seen = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      if (std::isnan(x[i * d + j])) continue;
      total += x[i * d + j];
      seen += 1;
    }
    for (std::int64_t i = 0; i < n; ++i)
      if (std::isnan(x[i * d + j])) x[i * d + j] = seen > 0 ? total / seen : 0;
  }
  return out;
}

std::vector<std::int64_t> some_places(std::int64_t count, std::int64_t most, Key key) {
  std::vector<std::int64_t> out;
  const std::int64_t wanted = std::min(count, most);
  // Selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S).
  for (std::int64_t i = 0; std::int64_t(out.size()) < wanted; ++i)
    if (unit(key, std::uint64_t(i)) * double(count - i) < double(wanted - std::int64_t(out.size())))
      out.push_back(i);
  return out;
}

Array some_rows(const Array& rows, std::int64_t most, Key key) {
  const std::int64_t n = rows.shape().extent(0), d = rows.size() / std::max<std::int64_t>(n, 1);
  if (n <= most) return rows;
  Array out(rows.dtype(), Shape{most, d});
  const std::size_t bytes = std::size_t(d) * size_of(rows.dtype());
  std::byte* to = out.raw();
  for (const std::int64_t i : some_places(n, most, key)) {
    const Array row = rows.part(i, 1).made();
    to = std::copy_n(row.raw(), bytes, to);
  }
  return out;
}

}  // namespace fathom
