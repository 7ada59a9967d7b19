#include "fathom/kernels/reduce.h"

#include <cmath>
#include <limits>

#include "fathom/kernels/thin.h"

namespace fathom::kernels {

namespace {

// Pairwise sum of a run: blocks of 128 in eight accumulators, halves above that.
template <class T>
T sum_run(const T* p, std::int64_t n) {
  if (n <= 128) {
    T s[8] = {};
    std::int64_t i = 0;
    for (; i + 8 <= n; i += 8)
      for (int j = 0; j < 8; ++j) s[j] += p[i + j];
    for (; i < n; ++i) s[i % 8] += p[i];
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
  }
  const std::int64_t half = n / 2 / 8 * 8;
  return sum_run(p, half) + sum_run(p + half, n - half);
}

// out[j] (+)= sum_i p[i, j], pairwise over i so that long columns keep their digits.
template <class T>
void sum_columns(const T* p, std::int64_t n, std::int64_t width, T* out, bool add) {
  constexpr std::int64_t kBlock = 64, kWidth = 256;
  for (std::int64_t j0 = 0; j0 < width; j0 += kWidth) {
    const std::int64_t w = std::min(kWidth, width - j0);
    T total[kWidth] = {};
    for (std::int64_t i0 = 0; i0 < n; i0 += kBlock) {
      const std::int64_t last = std::min(n, i0 + kBlock);
      T part[kWidth] = {};
      for (std::int64_t i = i0; i < last; ++i) {
        const T* row = p + i * width + j0;
        for (std::int64_t j = 0; j < w; ++j) part[j] += row[j];
      }
      for (std::int64_t j = 0; j < w; ++j) total[j] += part[j];
    }
    for (std::int64_t j = 0; j < w; ++j) out[j0 + j] = add ? out[j0 + j] + total[j] : total[j];
  }
}

// The same where a row is a few packs: ones times the matrix. For sums of a plan alone, so that
// those of the reference interpreter share no kernel with it.
void sum_few_columns(const double* p, std::int64_t n, std::int64_t width, double* out, bool add) {
  const double one = 1;
  thin_table().f64.vector_times(n, width, p, width, &one, 0, out, add);
}
void sum_few_columns(const float* p, std::int64_t n, std::int64_t width, float* out, bool add) {
  const float one = 1;
  thin_table().f32.vector_times(n, width, p, width, &one, 0, out, add);
}

template <class T>
void sum_of(const View& in, int first, int count, const View& out, bool add) {
  const std::int64_t outer = in.size(0, first), n = in.size(first, first + count),
                     inner = in.size(first + count, in.rank);
  const T* p = in.data<T>();
  T* q = out.data<T>();
  for (std::int64_t o = 0; o < outer; ++o) {
    if (inner == 1) {
      const T s = sum_run(p + o * n, n);
      q[o] = add ? q[o] + s : s;
    } else if (add && inner <= 8 && n <= 1024) {
      sum_few_columns(p + o * n * inner, n, inner, q + o * inner, add);
    } else {
      sum_columns(p + o * n * inner, n, inner, q + o * inner, add);
    }
  }
}

template <class T>
void max_of(const View& in, int first, int count, const View& out) {
  const std::int64_t outer = in.size(0, first), n = in.size(first, first + count),
                     inner = in.size(first + count, in.rank);
  for (std::int64_t o = 0; o < outer; ++o) {
    T* q = out.data<T>() + o * inner;
    for (std::int64_t j = 0; j < inner; ++j) q[j] = -std::numeric_limits<T>::infinity();
    for (std::int64_t i = 0; i < n; ++i) {
      const T* p = in.data<T>() + (o * n + i) * inner;
      for (std::int64_t j = 0; j < inner; ++j)
        if (!(p[j] <= q[j]) && q[j] == q[j]) q[j] = p[j];
    }
  }
}

template <class T>
void logsumexp_of(const View& in, int axis, const View& out, const View& softmax) {
  const std::int64_t outer = in.size(0, axis), n = in.extent[axis],
                     inner = in.size(axis + 1, in.rank);
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t j = 0; j < inner; ++j) {
      const T* p = in.data<T>() + o * n * inner + j;
      T top = -std::numeric_limits<T>::infinity();
      for (std::int64_t i = 0; i < n; ++i) {
        const T v = p[i * inner];
        if (!(v <= top) && top == top) top = v;
      }
      const bool finite = std::isfinite(top);
      const T shift = finite ? top : T(0);
      T s = 0;
      for (std::int64_t i = 0; i < n; ++i) s += std::exp(p[i * inner] - shift);
      if (out.raw) out.data<T>()[o * inner + j] = finite ? shift + std::log(s) : top;
      if (softmax.raw) {
        T* q = softmax.data<T>() + o * n * inner + j;
        const bool none = top == -std::numeric_limits<T>::infinity();
        for (std::int64_t i = 0; i < n; ++i) {
          const T x = p[i * inner] - shift;
          q[i * inner] = none || x < T(kLogNothing<T>) ? T(0) : std::exp(x) / s;
        }
      }
    }
  }
}

template <class T>
void argmax_of(const View& in, const View& out) {
  const std::int64_t k = in.extent[in.rank - 1], n = in.size() / std::max<std::int64_t>(k, 1);
  for (std::int64_t i = 0; i < n; ++i) {
    const T* p = in.data<T>() + i * k;
    std::int64_t best = 0;
    for (std::int64_t j = 1; j < k; ++j)
      if (!(p[j] <= p[best]) && p[best] == p[best]) best = j;
    out.data<std::int64_t>()[i] = best;
  }
}

}  // namespace

void sum(const View& in, int first, int count, const View& out) {
  if (in.dtype == DType::f32) return sum_of<float>(in, first, count, out, false);
  sum_of<double>(in, first, count, out, false);
}

void add_sum(const View& in, int first, int count, const View& out) {
  if (in.dtype == DType::f32) return sum_of<float>(in, first, count, out, true);
  sum_of<double>(in, first, count, out, true);
}

void reduce_max(const View& in, int first, int count, const View& out) {
  if (in.dtype == DType::f32) return max_of<float>(in, first, count, out);
  max_of<double>(in, first, count, out);
}

void logsumexp(const View& in, int axis, const View& out, const View& softmax) {
  if (in.dtype == DType::f32) return logsumexp_of<float>(in, axis, out, softmax);
  logsumexp_of<double>(in, axis, out, softmax);
}

void argmax(const View& in, const View& out) {
  if (in.dtype == DType::f32) return argmax_of<float>(in, out);
  argmax_of<double>(in, out);
}

void accumulate(const View& from, const View& to) {
  const std::int64_t n = to.size();
  if (to.dtype == DType::f32) {
    for (std::int64_t i = 0; i < n; ++i) to.data<float>()[i] += from.data<float>()[i];
  } else {
    for (std::int64_t i = 0; i < n; ++i) to.data<double>()[i] += from.data<double>()[i];
  }
}

}  // namespace fathom::kernels
