// What the steps of planning share: plan.cpp decides stages, loops and places; lower.cpp turns the
// nodes of one loop into instructions; arena.cpp lays out memory.
#pragma once

#include <map>
#include <vector>

#include "fathom/exec/fused.h"
#include "fathom/exec/plan.h"

namespace fathom {

class KernelInstr;

// What is known about a node while planning. Aliases (reshape, stop_gradient, outputs of ops with
// several) have no place of their own: `root` and `root_output` say whose they are.
struct PlanNode {
  bool live = false;
  NodeId root = kNoNode;
  int root_output = 0;
  std::int64_t root_offset = 0;  // bytes into the root: a slice that lies in one piece
  int stage = -1;                // stage in which the value is made; leaves: -1
  int loop = -1;                 // loop of that stage; -1: serial part
  bool reduction = false;        // made from lane sums: formed in stage - 1, added up in `stage`
  bool full = false;             // in the arena (or an input), not in a worker's scratch
  bool folded = false;           // a repetition or cast that its readers do while reading
  int aligned = -1;              // the op's answer
};

// What a node reads, folded nodes seen through: `source` at the same rows of a loop, or whole.
struct Read {
  NodeId source;
  bool rows;
};

// One result of an op that needs memory.
struct Storage {
  NodeId node;
  int output;
  Shape shape;
  DType dtype;
  Operand at;               // final place
  std::int64_t bytes = 0;   // of the whole value, or of a tile
  int first = 0, last = 0;  // life, in stages (arena) or instructions (scratch)
  bool fixed = false;       // place is decided: an input, a constant, a slot written in place
};

struct LoopDraft {
  std::string name;
  bool streamed = false;
  std::int64_t extent = 0;
  Shape space;
  std::vector<NodeId> nodes;  // topological
  std::int64_t tile = 1, lanes = 1;
  std::int64_t work = 0;   // numbers in the widest value of a tile
  NodeId marks = kNoNode;  // over whole sequences: what says where they begin
};

struct StageDraft {
  std::vector<NodeId> serial;
  std::vector<LoopDraft> loops;
};

class Planner {
 public:
  Planner(Graph& graph, std::span<const Value> outputs, std::span<const Update> updates,
          const PlanOptions& options);
  Plan make();

 private:
  // plan.cpp
  void resolve_aliases();
  void fold_repetitions();
  void assign_stages();
  void assign_stage(NodeId id);
  int loop_at(int stage, const Axis& axis, bool streamed, NodeId marks = kNoNode);
  int ready(const Read& read, bool in_loop, const Axis& axis, NodeId marks = kNoNode) const;
  NodeId marks_of(NodeId id) const;
  void sink();
  void split_blocks();
  void decide_places();
  void choose_tiles();
  // lower.cpp
  std::vector<std::vector<NodeId>> group(const std::vector<NodeId>& nodes, bool in_loop);
  void tighten(std::vector<std::vector<NodeId>>& groups);
  bool fusable(NodeId id) const;
  bool simple_broadcast(NodeId id) const;
  std::unique_ptr<Instr> lower_group(const std::vector<NodeId>& nodes, const LoopDraft* loop);
  std::unique_ptr<Instr> lower_kernel(NodeId id, const LoopDraft* loop);
  OperandView view_of(NodeId id, const LoopDraft* loop, bool aligned);
  bool transposes_right(NodeId id) const;
  void read_transposed(NodeId id, KernelInstr& product) const;
  FusedOperand operand_through(NodeId id, const LoopDraft* loop);
  FusedOperand fused_operand(NodeId id, const Shape& space, const LoopDraft* loop);
  // place.cpp
  void schedule();
  void find_storage();
  bool reads_before(NodeId reader, NodeId made) const;
  void settle_updates();
  void place_values();
  void begin_replaced(NodeId id, std::vector<std::unique_ptr<Instr>>& list);
  void emit();

  bool row_label(const Shape& s) const;
  bool is_alias(NodeId id) const;
  bool is_replaced(NodeId id) const;  // an output in the place of an input: OpInfo::replaced
  NodeId root(NodeId id) const { return info_[id].root; }
  bool same_loop(NodeId a, NodeId b) const {
    return info_[a].stage == info_[b].stage && info_[a].loop == info_[b].loop && info_[a].loop >= 0;
  }
  Storage& storage(NodeId id);
  Extent first_extent(const Shape& s, const LoopDraft* loop, bool aligned) const;
  bool reads_whole(NodeId reader, NodeId id) const;
  Shape space_of(NodeId id) const;

  Graph& graph_;
  std::map<Label, std::int64_t> capacity_;  // of streamed plates
  std::vector<Value> outputs_;
  std::vector<Update> updates_;
  PlanOptions options_;
  std::vector<NodeId> order_;
  std::vector<PlanNode> info_;
  std::vector<std::vector<Read>> reads_;      // of each node
  std::vector<std::vector<NodeId>> readers_;  // of each root: nodes that read it
  std::vector<StageDraft> stages_;
  std::map<std::pair<NodeId, int>, Storage> storage_;
  std::map<NodeId, int> input_base_;

  // The order of work: groups of nodes, in serial parts and loops. Time counts serial groups one by
  // one and all loops of a stage together; `within_` counts the groups of a loop.
  using Groups = std::vector<std::vector<NodeId>>;
  struct StageGroups {
    Groups serial;
    std::vector<Groups> loops;
    int join_time = 0, loop_time = 0;
  };
  std::vector<StageGroups> groups_;
  std::map<NodeId, int> when_, within_;
  int end_ = 0;
  std::map<NodeId, Storage> partials_;             // sums of lane 0; bytes is the step
  std::map<NodeId, Storage> transposed_;           // right operands of these products
  std::vector<std::pair<NodeId, NodeId>> copies_;  // slot, value: written at the end
  Plan plan_;
};

// Lays out blocks with lives [first, last] in one arena, largest first, each at the lowest offset
// that is free during its life. Returns the size. Checks that no two living blocks overlap.
struct Block {
  std::int64_t bytes = 0;
  int first = 0, last = 0;
  std::int64_t offset = 0;
};
std::int64_t lay_out(std::vector<Block>& blocks);

}  // namespace fathom
