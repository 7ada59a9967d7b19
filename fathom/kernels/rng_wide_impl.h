// Included once by each rng_<isa>.cpp, after FATHOM_ISA is defined.
//
// Elements are drawn in chunks: the counters of up to kBlocks Philox blocks, in the order of the
// output; their words, several blocks side by side; numbers from words, a pack at a time; and last
// the copy to where they belong, as the last block of a row may stick out.
#include "fathom/kernels/rng_table_impl.h"
#include "fathom/kernels/wide/pack.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the order of words within a pair");

namespace fathom::wide {
namespace FATHOM_ISA {

constexpr int kBlocks = 64;  // a multiple of twice the lanes

// Counters of blocks, and then their words: four of 32 bits each.
struct Chunk {
  std::uint64_t high[kBlocks], low[kBlocks];
  alignas(64) std::uint64_t words[2 * kBlocks];
};

// Philox4x32-10 of `several` packs of counters from `at` on. Each 32-bit word lives in the lower
// half of a 64-bit lane; what is above it is never read.
template <int several>
[[gnu::always_inline]] static inline void philox_packs(std::uint64_t key, Chunk& chunk, int at) {
  using N = Native<double>;
  using U = N::U;
  U c0[several], c1[several], c2[several], c3[several];
  for (int i = 0; i < several; ++i) {
    __builtin_memcpy(&c0[i], chunk.low + at + i * N::lanes, sizeof(U));
    __builtin_memcpy(&c2[i], chunk.high + at + i * N::lanes, sizeof(U));
    c1[i] = c0[i] >> 32;
    c3[i] = c2[i] >> 32;
  }
  const U m0 = U{} + 0xD2511F53u, m1 = U{} + 0xCD9E8D57u;
  std::uint32_t k0 = std::uint32_t(key), k1 = std::uint32_t(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < several; ++i) {
      const U p0 = N::multiply_halves(m0, c0[i]), p1 = N::multiply_halves(m1, c2[i]);
      c0[i] = (p1 >> 32) ^ c1[i] ^ (U{} + k0);
      c2[i] = (p0 >> 32) ^ c3[i] ^ (U{} + k1);
      c1[i] = p1;
      c3[i] = p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int i = 0; i < several; ++i)
    N::store_pairs(chunk.words + 2 * (at + i * N::lanes), (c0[i] & 0xffffffffu) | (c1[i] << 32),
                   (c2[i] & 0xffffffffu) | (c3[i] << 32));
}

[[gnu::always_inline]] static inline void philox_chunk(std::uint64_t key, Chunk& chunk, int count) {
  constexpr int lanes = Native<double>::lanes;
  int at = 0;
  for (; at + lanes < count; at += 2 * lanes) philox_packs<2>(key, chunk, at);
  if (at < count) philox_packs<1>(key, chunk, at);
}

template <class T>
[[gnu::always_inline]] static inline typename Native<T>::U words_at(const Chunk& chunk, int i) {
  typename Native<T>::U w;
  __builtin_memcpy(&w, reinterpret_cast<const char*>(chunk.words) + i * int(sizeof(T)), sizeof w);
  return w;
}

// (w + 1/2) / 2^m of the upper m bits w, m the mantissa's: the number 1.w less 1 - 2^-(m+1), exact.
struct ToUniform {
  template <class T>
  [[gnu::always_inline]] static inline Pack<T> of(typename Native<T>::U w) {
    using N = Native<T>;
    constexpr int m = Format<T>::mantissa, drop = int(8 * sizeof(T)) - m;
    const auto one = reinterpret_cast<typename N::U>(N::bits(N::set(T(1))));
    const auto bits = (w >> drop) | one;
    constexpr double least = sizeof(T) == 4 ? 0x1p-24 : 0x1p-53;
    return Pack<T>::of(N::value(reinterpret_cast<typename N::I>(bits))) - (1.0 - least);
  }
};

// The first bit is the sign; the others, counted from the tail, give its probability.
struct ToNormal {
  template <class T>
  [[gnu::always_inline]] static inline Pack<T> of(typename Native<T>::U w) {
    using N = Native<T>;
    using P = Pack<T>;
    using I = typename N::I;
    using U = typename N::U;
    constexpr int last = int(8 * sizeof(T)) - 1;
    constexpr auto top = typename N::UInt(1) << last;
    const U sign = w & top, fold = U{} - (sign >> last), tail = w ^ fold;
    P p;
    if constexpr (sizeof(T) == 4) {
      p = P::of(__builtin_convertvector(reinterpret_cast<I>(tail), typename N::V));
      p = (p + 0.5) * 0x1p-32;
    } else {
      const P whole(0x1p52);
      const U bits = (tail >> 11) | reinterpret_cast<U>(N::bits(whole.v));
      p = ((P::of(N::value(reinterpret_cast<I>(bits))) - whole) + 0.5) * 0x1p-53;
    }
    const P z = upper_quantile(p, 1.0 - p);
    return P::of(N::value(N::bits(z.v) | reinterpret_cast<I>(sign ^ top)));
  }
};

// Draws all elements and gives each run of neighbours to `emit(values, offset in out, length)`.
template <class Rule, class T, class Emit>
[[gnu::always_inline]] static inline void draw(std::uint64_t key, const std::int64_t* row_ids,
                                               std::int64_t first_row, std::int64_t rows,
                                               std::int64_t columns, const Emit& emit) {
  constexpr int per_block = int(16 / sizeof(T));
  const std::int64_t blocks = (columns + per_block - 1) / per_block;  // of a row
  if (rows <= 0 || blocks <= 0) return;
  Chunk chunk;
  alignas(64) T values[kBlocks * per_block];
  std::int64_t row = 0, block = 0;
  while (row < rows) {
    const std::int64_t from_row = row, from_block = block;
    int count = 0;
    while (count < kBlocks && row < rows) {
      const std::uint64_t id = std::uint64_t(row_ids ? row_ids[row] : first_row + row);
      const std::int64_t left = blocks - block;
      const int n = left < kBlocks - count ? int(left) : kBlocks - count;
      for (int i = 0; i < n; ++i) {
        chunk.high[count + i] = id;
        chunk.low[count + i] = std::uint64_t(block + i);
      }
      count += n;
      block += n;
      if (block == blocks) {
        block = 0;
        ++row;
      }
    }
    // The rest of the last packs: drawn, not used.
    for (int i = count; i < kBlocks && i < count + 2 * Native<double>::lanes; ++i)
      chunk.high[i] = chunk.low[i] = 0;
    philox_chunk(key, chunk, count);
    for (int i = 0; i < count * per_block; i += Pack<T>::lanes)
      Rule::template of<T>(words_at<T>(chunk, i)).store(values + i);

    std::int64_t r = from_row, b = from_block;
    for (int done = 0; done < count; ++r, b = 0) {
      const std::int64_t left = blocks - b;
      const int n = left < count - done ? int(left) : count - done;
      const std::int64_t start = b * per_block, room = columns - start;
      emit(values + done * per_block, r * columns + start,
           room < n * per_block ? room : std::int64_t(n * per_block));
      done += n;
    }
  }
}

template <class Rule, class T>
static void fill(std::uint64_t key, const std::int64_t* row_ids, std::int64_t first_row,
                 std::int64_t rows, std::int64_t columns, T* out) {
  draw<Rule, T>(key, row_ids, first_row, rows, columns,
                [out](const T* values, std::int64_t at, std::int64_t n) {
                  if (n <= int(16 / sizeof(T))) {  // narrow rows: no call
                    for (std::int64_t i = 0; i < n; ++i) out[at + i] = values[i];
                  } else {
                    __builtin_memcpy(out + at, values, std::uint64_t(n) * sizeof(T));
                  }
                });
}

template <class T>
static void bernoulli(std::uint64_t key, const std::int64_t* row_ids, std::int64_t first_row,
                      std::int64_t rows, std::int64_t columns, const T* p, T* out) {
  draw<ToUniform, T>(key, row_ids, first_row, rows, columns,
                     [p, out](const T* values, std::int64_t at, std::int64_t n) {
                       for (std::int64_t i = 0; i < n; ++i)
                         out[at + i] = values[i] < p[at + i] ? T(1) : T(0);
                     });
}

template <class T>
constexpr kernels::Draws<T> kDraws = {fill<ToUniform, T>, fill<ToNormal, T>, bernoulli<T>};

}  // namespace FATHOM_ISA
}  // namespace fathom::wide
