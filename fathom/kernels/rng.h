// Draws that are pure functions of (key, row, column): element j of row r under a key is made of
//   f32: word j % 4 of philox(key, r, j / 4)
//   f64: words 2 (j % 2) and 2 (j % 2) + 1, low and high half, of philox(key, r, j / 2)
// so that neither threads, nor tiles, nor the cut of rows into batches change a result. Uniforms
// are the same bits on every instruction set, normals the same bits on one.
#pragma once

#include <cstdint>

#include "fathom/base/key.h"

namespace fathom::kernels {

// `out` is [rows, columns], row-major. Row i has the id row_ids[i], or first_row + i where row_ids
// is null; ids are taken as 64 bits, modulo 2^64.

// Uniform on the open interval (0, 1): the centres of 2^23 (f32) or 2^52 (f64) equal cells, each
// exact; the least is 2^-24 or 2^-53, the greatest 1 minus that.
void fill_uniform(Key key, const std::int64_t* row_ids, std::int64_t first_row, std::int64_t rows,
                  std::int64_t columns, float* out);
void fill_uniform(Key key, const std::int64_t* row_ids, std::int64_t first_row, std::int64_t rows,
                  std::int64_t columns, double* out);

// Standard normal, by the inverse of its distribution function: f32 at the centres of 2^32 cells,
// so that |z| < 6.338; f64 at those of 2^53, |z| < 8.293. Exactly symmetric.
void fill_normal(Key key, const std::int64_t* row_ids, std::int64_t first_row, std::int64_t rows,
                 std::int64_t columns, float* out);
void fill_normal(Key key, const std::int64_t* row_ids, std::int64_t first_row, std::int64_t rows,
                 std::int64_t columns, double* out);

// 1 where the uniform of that place is less than p, else 0; p is [rows, columns], and may be `out`.
void fill_bernoulli(Key key, const std::int64_t* row_ids, std::int64_t first_row, std::int64_t rows,
                    std::int64_t columns, const float* p, float* out);
void fill_bernoulli(Key key, const std::int64_t* row_ids, std::int64_t first_row, std::int64_t rows,
                    std::int64_t columns, const double* p, double* out);

}  // namespace fathom::kernels
