// Instructions other than fused blocks.
#pragma once

#include "fathom/exec/plan.h"
#include "fathom/kernels/linalg.h"
#include "fathom/ops/wide.h"

namespace fathom {

// A view for this tile of this run.
View view_at(const OperandView& v, const Frame& frame);

// One op through its kernel.
class KernelInstr : public Instr {
 public:
  const OpInfo* op = nullptr;
  AttrBlob attrs;
  std::vector<OperandView> in, out;  // outputs that nobody reads have base -1
  bool fills = false;                // outputs are single numbers, which fill 64 bytes
  std::string label;

  void run(const Frame& frame) const override;
  std::string text() const override { return label; }
};

// Adds a tile's sum or product into the lane's partial result.
class PartialInstr : public Instr {
 public:
  enum Kind { sum, product } kind = sum;
  int first = 0, count = 0;    // sum
  kernels::MatMulSpec spec{};  // product
  std::vector<OperandView> in;
  OperandView out;  // of lane 0
  std::int64_t lane_bytes = 0;
  WideOp add = nullptr;
  std::string label;

  void run(const Frame& frame) const override;
  std::string text() const override { return label; }
};

// Adds the lanes up in a fixed tree; a scalar fills 64 bytes.
class JoinLanes : public Instr {
 public:
  std::int64_t lanes = 1, lane_bytes = 0, offset = 0, count = 0, tile = 1, extent = 0;
  bool streamed = false;
  DType dtype = DType::f64;
  Operand out;

  void run(const Frame& frame) const override;
  std::string text() const override { return fmt::format("join lanes [{}]", count); }
};

// The transpose of a matrix [rows, columns], for products whose right operand is read by rows.
class TransposeInstr : public Instr {
 public:
  Operand from, to;
  DType dtype = DType::f64;
  std::int64_t rows = 0, columns = 0;

  void run(const Frame& frame) const override;
  std::string text() const override { return fmt::format("transpose [{}, {}]", rows, columns); }
};

// A slot takes a value that could not be formed in its own memory, or a value begins as another.
class CopyInstr : public Instr {
 public:
  Operand from, to;
  std::int64_t bytes = 0;

  void run(const Frame& frame) const override;
  std::string text() const override { return fmt::format("copy {} bytes", bytes); }
};

// How many lanes a loop uses for `rows` rows.
inline std::int64_t lanes_used(std::int64_t rows, std::int64_t tile, std::int64_t lanes) {
  return std::max<std::int64_t>(1, std::min(lanes, (rows + tile - 1) / tile));
}

}  // namespace fathom
