#include "fathom/kernels/rng.h"
#include "fathom/kernels/special.h"
namespace fathom::kernels {
// Interim: one number at a time.
namespace {
template <class T, class F>
void fill(Key key, const std::int64_t* ids, std::int64_t first, std::int64_t rows, std::int64_t columns, T* out, F f) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      const std::uint64_t r = std::uint64_t(ids ? ids[i] : first + i);
      const std::uint64_t u = std::uint64_t(j);
      std::uint64_t w;
      if (sizeof(T) == 4) w = std::uint64_t(philox(key, r, u / 4).word[u % 4]) << 32;
      else { const auto b = philox(key, r, u / 2); w = b.word[2 * (u % 2)] | std::uint64_t(b.word[2 * (u % 2) + 1]) << 32; }
      out[i * columns + j] = f(w, i * columns + j);
    }
}
float u32(std::uint64_t w) { return (float(w >> 41) + 0.5f) * 0x1p-23f; }
double u64(std::uint64_t w) { return (double(w >> 12) + 0.5) * 0x1p-52; }
}
void fill_uniform(Key k, const std::int64_t* ids, std::int64_t f, std::int64_t r, std::int64_t c, float* o) { fill(k, ids, f, r, c, o, [](std::uint64_t w, std::int64_t) { return u32(w); }); }
void fill_uniform(Key k, const std::int64_t* ids, std::int64_t f, std::int64_t r, std::int64_t c, double* o) { fill(k, ids, f, r, c, o, [](std::uint64_t w, std::int64_t) { return u64(w); }); }
void fill_normal(Key k, const std::int64_t* ids, std::int64_t f, std::int64_t r, std::int64_t c, float* o) { fill(k, ids, f, r, c, o, [](std::uint64_t w, std::int64_t) { return float(normal_quantile((static_cast<long double>(w >> 32) + 0.5L) * 0x1p-32L)); }); }
void fill_normal(Key k, const std::int64_t* ids, std::int64_t f, std::int64_t r, std::int64_t c, double* o) { fill(k, ids, f, r, c, o, [](std::uint64_t w, std::int64_t) { return double(normal_quantile((static_cast<long double>(w >> 11) + 0.5L) * 0x1p-53L)); }); }
void fill_bernoulli(Key k, const std::int64_t* ids, std::int64_t f, std::int64_t r, std::int64_t c, const float* p, float* o) { fill(k, ids, f, r, c, o, [p](std::uint64_t w, std::int64_t i) { return float(u32(w) < p[i]); }); }
void fill_bernoulli(Key k, const std::int64_t* ids, std::int64_t f, std::int64_t r, std::int64_t c, const double* p, double* o) { fill(k, ids, f, r, c, o, [p](std::uint64_t w, std::int64_t i) { return double(u64(w) < p[i]); }); }
}
