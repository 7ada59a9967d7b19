// The elementwise ops and a few reductions on packs, one table per instruction set; the set is
// chosen at run time. Entries are ordered as ElementwiseOps in ops/all_ops.h.
#pragma once

#include <array>
#include <cstdint>

#include "fathom/tensor/dtype.h"

namespace fathom {

// out[i] = op(a[i], b[i], c[i]) for i < n. Bit k of `steps` says that operand k moves with i; an
// operand that does not points to 64 bytes filled with one number. Operands and output may be the
// same memory, element by element.
using WideOp = void (*)(std::int64_t n, void* out, const void* a, const void* b, const void* c,
                        unsigned steps);

struct WideTable {
  static constexpr int kOps = 64;
  std::array<std::array<WideOp, 2>, kOps> op{};  // [wide index][0: f32, 1: f64]
  double (*sum_f64)(std::int64_t n, const double* x);
  float (*sum_f32)(std::int64_t n, const float* x);
  // out[r] = sum of the k elements of row r.
  void (*sum_rows_f64)(std::int64_t rows, std::int64_t k, const double* x, double* out);
  void (*sum_rows_f32)(std::int64_t rows, std::int64_t k, const float* x, float* out);
  // AdamStep: inputs and outputs in the op's order, scalars by pointer; null outputs are left out.
  void (*adam_f64)(std::int64_t n, const double* const* in, double* const* out);
  void (*adam_f32)(std::int64_t n, const float* const* in, float* const* out);
  // QuadraticFeatures of rows of d elements.
  void (*features_f64)(std::int64_t rows, std::int64_t d, const double* x, double* out);
  void (*features_f32)(std::int64_t rows, std::int64_t d, const float* x, float* out);
  void (*u8_to_f32)(std::int64_t n, const std::uint8_t* x, float* out);
  // Row-wise log sum exp and softmax of [rows, k]; either output may be null.
  void (*logsumexp_f64)(std::int64_t rows, std::int64_t k, const double* x, double* out, double* p);
  void (*logsumexp_f32)(std::int64_t rows, std::int64_t k, const float* x, float* out, float* p);
};

// The table of the instruction set that kernels::isa() names now.
const WideTable& wide_table();

namespace detail {
const WideTable& wide_table_base();
const WideTable& wide_table_avx2();
const WideTable& wide_table_avx512();
}  // namespace detail

}  // namespace fathom
