// A plan: how a graph is run, made once and run many times.
//
// Reading order. A graph is cut into *stages* with a barrier between them. A stage has a serial
// part for the calling thread and *loops* whose tiles run in parallel:
//
//   stage 0   serial: small values that depend on parameters alone
//             loop "rows": for each tile of rows {forward, reverse}; sums go to lanes
//   stage 1   serial: lanes are added up in a fixed tree
//             loop "blocks [784, 500]": for each block of rows {dW, its optimiser}
//
// What belongs to a loop follows from shapes alone: values with a streamed axis belong to the loop
// over its rows; large values whose first axis can be cut belong to a loop over that. A value read
// by nothing outside its loop lives in the scratch of a worker, tile by tile; the others live in
// one arena, laid out by the stages in which they are alive. Within a loop, elementwise chains with
// their broadcasts, casts and sums over trailing axes become *fused blocks*: programs over chunks
// that stay in the first-level cache (exec/fused.h). Ops on whole sequences of rows have loops of
// their own, on values that are kept for all rows, each tile being some of the sequences.
//
// Tiles and lanes are cut by shape, never by the number of threads, so results are the same bits
// for any number of them.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "fathom/graph/graph.h"

namespace fathom {

// Bases that operands are relative to. Inputs and constants follow kInputs, in order.
enum Base : int { kArena = 0, kScratch = 1, kInputs = 2 };

// Where an operand lies: bases[base] + offset + row0 * row_bytes, row0 being the tile's first row.
struct Operand {
  int base = kArena;
  std::int64_t offset = 0;
  std::int64_t row_bytes = 0;
};

// An extent that may be known only when running.
struct Extent {
  enum Kind : std::uint8_t { fixed, rows, tile } kind = fixed;  // rows: of the streamed label
  std::int64_t value = 0;                                       // fixed extent
};

struct OperandView {
  Operand at;
  DType dtype = DType::f64;
  int rank = 0;
  std::array<Extent, Shape::kMaxRank> extent{};
  std::array<std::int64_t, Shape::kMaxRank> stride{};
  std::int64_t lane_bytes = 0;  // of a value with an entry for each lane
};

struct Frame;

// One step of a loop or of a serial part.
class Instr {
 public:
  virtual ~Instr() = default;
  virtual void run(const Frame& frame) const = 0;
  virtual std::string text() const = 0;
};

// What an instruction sees while it runs.
struct Frame {
  std::byte* const* bases;
  std::int64_t row0 = 0;        // first row of the tile
  std::int64_t rows = 0;        // rows in the tile
  std::int64_t plate_rows = 0;  // rows of the streamed axis in this run
  std::int64_t lane = 0;
  std::byte* chunk = nullptr;  // first-level scratch of fused blocks
};

inline std::byte* resolve(const Operand& o, const Frame& f) {
  return f.bases[o.base] + o.offset + f.row0 * o.row_bytes;
}

// Tiles [0, rows) of `tile` rows each, dealt to lanes in contiguous runs.
struct Loop {
  std::string name;
  bool streamed = false;  // rows are those of the run; else `extent`
  std::int64_t extent = 0;
  std::int64_t tile = 1;
  std::int64_t lanes = 1;  // most that any number of rows uses
  // Over whole sequences of rows: each lane has one tile, of those that begin in its share of the
  // rows. `marks` is not 0 where one begins.
  bool ragged = false;
  OperandView marks;
  // What all tiles read in another layout than it has: made before them.
  std::vector<std::unique_ptr<Instr>> before;
  std::vector<std::unique_ptr<Instr>> body;
  // Partial sums of a lane: cleared when it starts. Offsets into the arena.
  struct Partial {
    std::int64_t offset, bytes;  // of lane 0; lane l follows at l * bytes
  };
  std::vector<Partial> partials;
};

struct Stage {
  std::vector<std::unique_ptr<Instr>> serial;
  std::vector<Loop> loops;
};

// A new value for a slot of the graph, written when the run has read the old one.
struct Update {
  Value slot;
  Value value;
};

struct PlanOptions {
  bool fuse = true;            // false: one instruction per op (tests)
  std::int64_t tile_rows = 0;  // rows of a tile of streamed rows; 0: chosen by shape
  // Rows of the streamed axis need not fit in memory: nothing of their number may be kept.
  bool unbounded = false;
};

struct Plan {
  std::vector<Stage> stages;
  std::vector<OperandView> outputs;
  std::vector<NodeId> inputs;    // leaves in the order of the bases
  std::vector<Array> constants;  // bases after the inputs; scalars fill 64 bytes
  std::int64_t arena_bytes = 0;
  std::int64_t scratch_bytes = 0;  // per worker: values of a tile
  std::int64_t chunk_bytes = 0;    // per worker: registers of fused blocks
  std::int64_t capacity = 0;       // most rows a run may bind; 0: any
  std::vector<int> read_whole;     // bases of inputs whose rows are not read tile by tile
  std::string text() const;        // for a person
};

// Throws ShapeError for graphs that cannot run: an update of another shape, a row value that would
// have to be kept whole although rows are unbounded.
Plan make_plan(Graph& graph, std::span<const Value> outputs, std::span<const Update> updates,
               const PlanOptions& options = {});

}  // namespace fathom
