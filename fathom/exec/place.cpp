// When each value is alive, where it lies, and the finished stages.
#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "fathom/exec/instr.h"
#include "fathom/exec/planner_impl.h"
#include "fathom/ops/all_ops.h"

namespace fathom {

namespace {

constexpr int kForever = std::numeric_limits<int>::max() / 2;

std::int64_t up64(std::int64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

void Planner::schedule() {
  int now = 0;
  for (StageDraft& stage : stages_) {
    StageGroups g;
    g.join_time = now++;
    g.serial = group(stage.serial, false);
    for (const auto& members : g.serial) {
      for (NodeId id : members) when_[id] = now;
      ++now;
    }
    g.loop_time = now;
    for (LoopDraft& loop : stage.loops) {
      g.loops.push_back(group(loop.nodes, true));
      int at = 0;
      for (const auto& members : g.loops.back()) {
        for (NodeId id : members) {
          when_[id] = now;
          within_[id] = at;
        }
        ++at;
      }
    }
    ++now;
    groups_.push_back(std::move(g));
  }
  end_ = now;
}

void Planner::find_storage() {
  for (NodeId id : order_) {
    const OpInfo& op = graph_.op(id);
    // Aliases lie where their root lies; outputs of an op with several are nodes of their own.
    if (is_alias(id) || op.outputs > 1 || info_[id].folded) continue;
    Storage st;
    st.node = info_[id].root;
    st.output = info_[id].root_output;
    st.shape = graph_.shape(id);
    st.dtype = graph_.node(id).dtype;
    st.bytes = st.shape.size() * std::int64_t(size_of(st.dtype));
    if (st.shape.size() == 1 && is_real(st.dtype)) st.bytes = 64;
    if (op.kind == OpKind::leaf) {
      st.fixed = true;
      st.at.base = input_base_.at(id);
    } else {
      const PlanNode& made = info_[st.node];
      st.first = made.reduction ? groups_[std::size_t(made.stage)].join_time : when_.at(st.node);
      st.last = st.first;
      for (NodeId reader : readers_[st.node]) st.last = std::max(st.last, when_.at(reader));
    }
    storage_[{st.node, st.output}] = st;
  }
  for (const Value& v : outputs_)
    if (Storage& st = storage(v.id()); !st.fixed) st.last = kForever;
}

// Whether `reader` has read its inputs when `made` is written over one of them: in an earlier
// stage, an earlier group, or the same fused block, which puts off its stores where it must.
bool Planner::reads_before(NodeId reader, NodeId made) const {
  const PlanNode &r = info_[reader], &m = info_[made];
  const int stage = r.reduction ? r.stage - 1 : r.stage;
  if (stage != m.stage) return stage < m.stage;
  const bool here = r.reduction ? false : r.loop == m.loop;
  if (!here) return r.loop < 0 && !r.reduction && m.loop >= 0;  // serial parts run before loops
  const auto& order = m.loop >= 0 ? within_ : when_;
  if (order.at(reader) != order.at(made)) return order.at(reader) < order.at(made);
  return graph_.op(reader).in_place && graph_.shape(reader) == graph_.shape(made);
}

void Planner::settle_updates() {
  std::set<std::pair<NodeId, int>> taken;
  for (const Update& u : updates_) {
    const NodeId slot = u.slot.id(), value = u.value.id(), made = info_[value].root;
    if (info_[value].root == slot) continue;
    // In the slot's own memory, where nothing reads the old value later.
    const bool replaced =
        is_replaced(value) &&
        root(graph_.inputs(made)[std::size_t(graph_.op(made).replaced.input)]) == slot;
    bool free = (replaced || (graph_.op(made).in_place &&
                              graph_.shape(made).size() == u.slot.shape().size())) &&
                u.slot.shape().size() > 1 && taken.insert({made, info_[value].root_output}).second;
    for (const Update& other : updates_) free = free && info_[other.value.id()].root != slot;
    for (NodeId reader : readers_[slot])
      free = free && ((replaced && reader == made) || reads_before(reader, made));
    for (const Value& o : outputs_) free = free && info_[o.id()].root != slot;
    Storage& st = storage(value);
    if (free) {
      st.fixed = true;
      st.at = {input_base_.at(slot), 0, 0};
    } else {
      copies_.emplace_back(slot, value);
    }
    if (!st.fixed || free) st.last = kForever;
  }
  // A slot that others take as it is gives before it takes.
  std::vector<std::pair<NodeId, NodeId>> ordered;
  while (!copies_.empty()) {
    const auto next = std::find_if(copies_.begin(), copies_.end(), [&](const auto& c) {
      return std::none_of(copies_.begin(), copies_.end(), [&](const auto& other) {
        return other.first != c.first && info_[other.second].root == c.first;
      });
    });
    if (next == copies_.end())
      raise<ShapeError>("[plan] slot {} and others take each other's values in a circle",
                        graph_.text(copies_[0].first));
    ordered.push_back(*next);
    copies_.erase(next);
  }
  copies_ = std::move(ordered);
}

void Planner::place_values() {
  std::vector<Block> arena;
  std::vector<Operand*> arena_at;
  std::map<std::pair<int, int>, std::pair<std::vector<Block>, std::vector<Operand*>>> scratch;
  for (auto& [key, st] : storage_) {
    if (st.fixed) continue;
    const PlanNode& n = info_[st.node];
    if (n.full) {
      st.at.base = kArena;
      arena.push_back({up64(st.bytes), st.first, st.last, 0});
      arena_at.push_back(&st.at);
    } else {
      const LoopDraft& loop = stages_[std::size_t(n.stage)].loops[std::size_t(n.loop)];
      st.at.base = kScratch;
      int last = within_.at(st.node);
      for (NodeId reader : readers_[st.node]) last = std::max(last, within_.at(reader));
      const std::int64_t row = st.shape.size(1, st.shape.rank()) * std::int64_t(size_of(st.dtype));
      auto& [blocks, at] = scratch[{n.stage, n.loop}];
      blocks.push_back({up64(loop.tile * row), within_.at(st.node), last, 0});
      at.push_back(&st.at);
    }
  }
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    for (const LoopDraft& loop : stages_[s].loops) {
      for (NodeId id : loop.nodes) {
        if (transposes_right(id)) {
          Storage& t = transposed_[id];
          t.at = {kArena, 0, 0};
          arena.push_back({up64(graph_.shape(graph_.inputs(id)[1]).size() * 8),
                           groups_[s].loop_time, groups_[s].loop_time, 0});
          arena_at.push_back(&t.at);
        }
        if (!info_[id].reduction) continue;
        Storage p = storage(id);
        p.bytes = up64(graph_.shape(id).size() * std::int64_t(size_of(p.dtype)));
        p.at = {kArena, 0, 0};
        partials_[id] = p;
        arena.push_back({p.bytes * loop.lanes, groups_[s].loop_time, groups_[s + 1].join_time, 0});
        arena_at.push_back(&partials_[id].at);
      }
    }
  }
  plan_.arena_bytes = lay_out(arena);
  for (std::size_t i = 0; i < arena.size(); ++i) arena_at[i]->offset = arena[i].offset;
  for (auto& [key, loop] : scratch) {
    auto& [blocks, at] = loop;
    plan_.scratch_bytes = std::max(plan_.scratch_bytes, lay_out(blocks));
    for (std::size_t i = 0; i < blocks.size(); ++i) at[i]->offset = blocks[i].offset;
  }
}

// An output that is an input in part begins as that, unless it lies in its memory.
void Planner::begin_replaced(NodeId id, std::vector<std::unique_ptr<Instr>>& list) {
  const auto [from, to] = graph_.op(id).replaced;
  const auto made = storage_.find({id, to});
  if (to < 0 || made == storage_.end()) return;
  auto c = std::make_unique<CopyInstr>();
  c->from = view_of(graph_.inputs(id)[std::size_t(from)], nullptr, false).at;
  c->to = made->second.at;
  c->bytes = made->second.shape.size() * std::int64_t(size_of(made->second.dtype));
  if (c->from.base != c->to.base || c->from.offset != c->to.offset) list.push_back(std::move(c));
}

void Planner::emit() {
  plan_.stages.resize(stages_.size());
  const auto keep = [&](std::vector<std::unique_ptr<Instr>>& list, std::unique_ptr<Instr> instr) {
    if (const auto* block = dynamic_cast<const FusedBlock*>(instr.get()))
      plan_.chunk_bytes = std::max(plan_.chunk_bytes, block->buffers * FusedBlock::kChunkBytes);
    list.push_back(std::move(instr));
  };
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    Stage& stage = plan_.stages[s];
    if (s > 0) {
      for (const LoopDraft& loop : stages_[s - 1].loops) {
        for (NodeId id : loop.nodes) {
          if (!info_[id].reduction) continue;
          auto j = std::make_unique<JoinLanes>();
          j->lanes = loop.lanes;
          j->tile = loop.tile;
          j->extent = loop.extent;
          j->streamed = loop.streamed;
          j->lane_bytes = partials_.at(id).bytes;
          j->offset = partials_.at(id).at.offset;
          j->count = graph_.shape(id).size();
          j->dtype = graph_.node(id).dtype;
          j->out = storage(id).at;
          stage.serial.push_back(std::move(j));
        }
      }
    }
    for (const auto& members : groups_[s].serial) {
      begin_replaced(members[0], stage.serial);
      keep(stage.serial, lower_group(members, nullptr));
    }
    // Loops of a stage run side by side: the large tasks are dealt first, so that workers finish
    // together.
    std::vector<std::size_t> order(stages_[s].loops.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return stages_[s].loops[a].work > stages_[s].loops[b].work;
    });
    for (const std::size_t l : order) {
      const LoopDraft& draft = stages_[s].loops[l];
      Loop loop;
      loop.name = draft.name;
      loop.streamed = draft.streamed;
      loop.extent = draft.extent;
      loop.tile = draft.tile;
      loop.lanes = draft.lanes;
      loop.ragged = draft.marks != kNoNode;
      if (loop.ragged) loop.marks = view_of(draft.marks, nullptr, false);
      for (NodeId id : draft.nodes) {
        if (!transposed_.count(id)) continue;
        auto t = std::make_unique<TransposeInstr>();
        const NodeId right = graph_.inputs(id)[1];
        const auto a = graph_.node(id).attrs.as<MatMul::Attrs>();
        const Shape& shape = graph_.shape(right);
        t->from = view_of(right, nullptr, false).at;
        t->to = transposed_.at(id).at;
        t->dtype = graph_.node(id).dtype;
        t->rows = shape.size(0, shape.rank() - a.nk);
        t->columns = shape.size(shape.rank() - a.nk, shape.rank());
        loop.before.push_back(std::move(t));
      }
      for (NodeId id : draft.nodes) begin_replaced(id, loop.before);
      for (const auto& members : groups_[s].loops[l]) keep(loop.body, lower_group(members, &draft));
      for (NodeId id : draft.nodes)
        if (info_[id].reduction)
          loop.partials.push_back({partials_.at(id).at.offset, partials_.at(id).bytes});
      stage.loops.push_back(std::move(loop));
    }
  }
  if (!copies_.empty()) {
    if (plan_.stages.empty() || !plan_.stages.back().loops.empty()) plan_.stages.emplace_back();
    for (const auto& [slot, value] : copies_) {
      auto c = std::make_unique<CopyInstr>();
      c->from = storage(value).at;
      c->from.offset += info_[value].root_offset;
      c->to = {input_base_.at(slot), 0, 0};
      c->bytes = graph_.shape(slot).size() * std::int64_t(size_of(graph_.node(slot).dtype));
      plan_.stages.back().serial.push_back(std::move(c));
    }
  }
  for (const Value& v : outputs_) plan_.outputs.push_back(view_of(v.id(), nullptr, false));
}

std::string Plan::text() const {
  std::string s = fmt::format("arena {} bytes, scratch {} bytes a worker, {} inputs\n", arena_bytes,
                              scratch_bytes + chunk_bytes, inputs.size());
  for (std::size_t i = 0; i < stages.size(); ++i) {
    s += fmt::format("stage {}\n", i);
    if (!stages[i].serial.empty()) s += "  serial\n";
    for (const auto& instr : stages[i].serial) s += "    " + instr->text() + "\n";
    for (const Loop& l : stages[i].loops) {
      s += fmt::format("  loop {}: {} rows by {}, {} lanes\n", l.name,
                       l.streamed ? "bound" : fmt::format("{}", l.extent), l.tile, l.lanes);
      for (const auto& instr : l.before) s += "    before: " + instr->text() + "\n";
      for (const auto& instr : l.body) s += "    " + instr->text() + "\n";
    }
  }
  return s;
}

}  // namespace fathom
