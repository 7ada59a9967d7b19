// The draws compiled for one instruction set each; rng.cpp chooses. `key` is the Philox key of a
// Key, its two halves as one number; the other arguments are those of rng.h.
#pragma once

#include <cstdint>

namespace fathom::kernels {

template <class T>
struct Draws {
  using Fill = void (*)(std::uint64_t key, const std::int64_t* row_ids, std::int64_t first_row,
                        std::int64_t rows, std::int64_t columns, T* out);
  using FillFrom = void (*)(std::uint64_t key, const std::int64_t* row_ids, std::int64_t first_row,
                            std::int64_t rows, std::int64_t columns, const T* p, T* out);
  Fill uniform, normal;
  FillFrom bernoulli;
};

struct RngTable {
  Draws<float> f32;
  Draws<double> f64;
};

extern const RngTable rng_table_base;
extern const RngTable rng_table_avx2;
extern const RngTable rng_table_avx512;

}  // namespace fathom::kernels
