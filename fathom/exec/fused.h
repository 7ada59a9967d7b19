// Fused blocks: straight-line programs of elementwise ops over chunks of one index space.
//
// The space is [rows, inner...], flattened. A chunk is at most 1024 elements (512 in f64), so that
// the registers of a block, one buffer of a chunk each, stay in the first-level cache. Operands
// are fetched per chunk: direct ones by a pointer; a `tail` (a bias, repeated for every row) by a
// pointer into it while the chunk lies within one row, else copied; a `head` (one number per row)
// filled in. Sums over trailing axes add a chunk's run to its row.
#pragma once

#include "fathom/exec/plan.h"
#include "fathom/ops/wide.h"

namespace fathom {

struct FusedOperand {
  enum Kind : std::uint8_t { direct, tail, head, scalar } kind = direct;
  DType dtype = DType::f64;  // in memory; converted to the block's on the way in
  Operand at;
  std::int64_t period = 1;  // tail: elements before it repeats; head: elements that share one
  bool splat = false;       // scalar whose 64 bytes are filled already
  bool constant = false;    // known when planned
  bool once = false;        // every chunk sees the same: its buffer is filled at the first
};

struct FusedOp {
  WideOp run;
  const OpInfo* op;
  int out;  // register
  int in[3];
};

struct FusedStore {
  int reg;  // register that is formed in this memory
  Operand at;
  bool late = false;  // the old value is read again: formed in a buffer, copied when the chunk ends
};

struct FusedSum {
  int reg;
  Operand at;
  std::int64_t inner;  // elements that are added up; 0: all of the tile, into a scalar
  bool lane = false;   // into the lane's partial sum
};

// Registers are numbered: operands first, then results. A result's register may be stored.
class FusedBlock : public Instr {
 public:
  DType dtype = DType::f64;
  std::vector<FusedOperand> operands;
  std::vector<FusedOp> ops;
  std::vector<FusedStore> stores;
  std::vector<FusedSum> sums;
  int registers = 0;
  std::vector<int> buffer;  // register -> chunk buffer, -1 where memory serves
  int buffers = 0;
  Extent rows;
  std::int64_t inner = 1;       // elements per row
  bool scalar = false;          // the space is one number: 64 bytes are computed
  std::int64_t natural = 0;     // chunks end at multiples of this many elements; 0: anywhere
  bool one_row = false;         // at every one of them
  std::int64_t lane_bytes = 0;  // step between lanes of lane sums

  static constexpr std::int64_t kChunkBytes = 4096;
  static constexpr int kMaxRegisters = 192, kMaxSums = 16;
  void run(const Frame& frame) const override;
  std::string text() const override;
  void finish();  // after filling: joins products and sums, places chunks, buffers

 private:
  void join_products();
  void assign_buffers();
};

}  // namespace fathom
