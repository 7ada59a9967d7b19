// Stages, loops and places. See the head of plan.h for the idea.
#include "fathom/exec/plan.h"

#include <algorithm>

#include "fathom/exec/planner_impl.h"
#include "fathom/ops/all_ops.h"

namespace fathom {

namespace {

// Values of fewer elements are made by the calling thread: waking a worker costs more.
constexpr std::int64_t kBig = 4096;
// A lane keeps sums of at most this size; larger ones are formed over whole values, block by block.
constexpr std::int64_t kLaneBytes = 64 * 1024;
constexpr std::int64_t kLanes = 16;

int broadcast_alignment(const Shape& in, const Shape& out) {
  if (out.rank() == 0) return 0;
  if (in.rank() == 0) return 0;
  return broadcast_axis(in, out, 0) == 0 && in.extent(0) == out.extent(0) ? 1 : 0;
}

// Contracts the first axis of both inputs, and no batch stands before it.
bool contracts_rows(const Graph& g, NodeId id) {
  const auto a = g.node(id).attrs.as<MatMul::Attrs>();
  const Shape &x = g.shape(g.inputs(id)[0]), &y = g.shape(g.inputs(id)[1]);
  const int m = x.rank() - a.nk, n = y.rank() - a.nk;
  return a.nb == 0 && a.nk > 0 && (a.ta || m == 0) && (!a.tb || n == 0);
}

}  // namespace

Planner::Planner(Graph& graph, std::span<const Value> outputs, std::span<const Update> updates,
                 const PlanOptions& options)
    : graph_(graph),
      outputs_(outputs.begin(), outputs.end()),
      updates_(updates.begin(), updates.end()),
      options_(options) {
  for (NodeId id = 0; id < NodeId(graph.size()); ++id) {
    const Shape& s = graph.shape(id);
    if (s.rank() == 0 || s[0].label == kNoLabel) continue;
    std::int64_t& most = capacity_[s[0].label];
    most = std::max(most, s.extent(0));
  }
}

// Whether a value has rows of a streamed plate. One whose axis of them has been put back with an
// extent of 1, to be repeated along the rows, has none.
bool Planner::row_label(const Shape& s) const {
  return s.rank() > 0 && s[0].label != kNoLabel && graph_.label_info(s[0].label).streamed &&
         s.extent(0) == capacity_.at(s[0].label);
}

// Values that are others' memory under another shape; slices along the first axis of more than one.
bool Planner::is_alias(NodeId id) const {
  const OpInfo& op = graph_.op(id);
  if (op.kind == OpKind::alias) return true;
  if (op.id != op_id<Slice>) return false;
  const auto a = graph_.node(id).attrs.as<Slice::Attrs>();
  const Shape& s = graph_.shape(graph_.inputs(id)[0]);
  return !row_label(s) && s.size(0, int(a.axis)) == 1;
}

bool Planner::is_replaced(NodeId id) const {
  const int output = graph_.op(root(id)).replaced.output;
  return output >= 0 && info_[id].root_output == output;
}

void Planner::resolve_aliases() {
  std::vector<NodeId> roots;
  for (const Value& v : outputs_) roots.push_back(v.id());
  for (const Update& u : updates_) {
    if (u.slot.shape() != u.value.shape() || u.slot.dtype() != u.value.dtype())
      raise<ShapeError>("[plan] slot {} cannot take {}", graph_.text(u.slot.id()),
                        graph_.text(u.value.id()));
    roots.push_back(u.value.id());
    roots.push_back(u.slot.id());
  }
  order_ = reachable(graph_, roots);
  info_.assign(graph_.size(), {});
  readers_.assign(graph_.size(), {});
  for (NodeId id : order_) {
    PlanNode& n = info_[id];
    n.live = true;
    n.root = id;
    const OpInfo& op = graph_.op(id);
    const auto in = graph_.inputs(id);
    if (is_alias(id)) {
      n.root = info_[in[0]].root;
      n.root_output = info_[in[0]].root_output;
      n.root_offset = info_[in[0]].root_offset;
      if (op.id == op_id<Slice>) {
        const auto a = graph_.node(id).attrs.as<Slice::Attrs>();
        n.root_offset += a.first *
                         graph_.shape(in[0]).size(int(a.axis) + 1, graph_.shape(in[0]).rank()) *
                         std::int64_t(size_of(graph_.node(id).dtype));
      }
    } else if (op.kind == OpKind::output) {
      n.root = in[0];
      n.root_output = graph_.node(id).output;
    }
    if (op.kind == OpKind::leaf) {
      input_base_[id] = -1;
      if (!graph_.constant_value(id)) plan_.inputs.push_back(id);
    }
  }
  int base = kInputs;
  for (NodeId id : plan_.inputs) input_base_[id] = base++;
  for (NodeId id : order_) {
    const Array* c = graph_.constant_value(id);
    if (!c) continue;
    input_base_[id] = base++;
    if (c->size() == 1 && is_real(c->dtype())) {  // scalars fill a whole pack
      Array filled(c->dtype(), {std::int64_t(64 / size_of(c->dtype()))});
      for (std::int64_t i = 0; i < filled.size(); ++i)
        std::memcpy(filled.raw() + std::size_t(i) * size_of(c->dtype()), c->raw(),
                    size_of(c->dtype()));
      plan_.constants.push_back(filled);
    } else {
      plan_.constants.push_back(*c);
    }
  }
}

// Which inputs an op reads at the rows it writes.
static int alignment(const Graph& g, NodeId id) {
  const OpInfo& op = g.op(id);
  const Shape& s = g.shape(id);
  std::vector<TypeOf> types;
  for (NodeId i : g.inputs(id)) types.push_back({g.shape(i), g.node(i).dtype});
  TypeOf out{s, g.node(id).dtype};
  switch (op.kind) {
    case OpKind::elementwise:
    case OpKind::cast: return (1 << types.size()) - 1;
    case OpKind::broadcast: return broadcast_alignment(types[0].shape, s);
    case OpKind::alias:
      return s.rank() && types[0].shape.rank() && s[0] == types[0].shape[0] ? 1 : -1;
    case OpKind::output: return 1;
    default: break;
  }
  return op.aligned && s.rank() > 0 ? op.aligned({types, {&out, 1}, g.node(id).attrs}) : -1;
}

// A repetition or cast whose readers are all elementwise is done by each of them while reading.
void Planner::fold_repetitions() {
  std::vector<char> wanted(graph_.size(), 0);  // by something that needs it in memory
  for (const Value& v : outputs_) wanted[info_[v.id()].root] = 1;
  for (const Update& u : updates_) wanted[info_[u.value.id()].root] = 1;
  for (NodeId id : order_) {
    info_[id].aligned = alignment(graph_, id);
    const OpKind kind = graph_.op(id).kind;
    if (is_alias(id) || kind == OpKind::output) continue;
    // An alias between them would change what rows mean: only direct readers fold.
    for (NodeId i : graph_.inputs(id))
      if (kind != OpKind::elementwise || root(i) != i) wanted[root(i)] = 1;
  }
  reads_.assign(graph_.size(), {});
  for (NodeId id : order_) {
    const OpKind kind = graph_.op(id).kind;
    if (kind == OpKind::leaf || is_alias(id) || kind == OpKind::output) continue;
    PlanNode& n = info_[id];
    n.folded = (kind == OpKind::broadcast || kind == OpKind::cast) && fusable(id) && !wanted[id];
    const auto in = graph_.inputs(id);
    for (std::size_t i = 0; i < in.size(); ++i) {
      const bool rows = n.reduction || (n.aligned >= 0 && (n.aligned >> i & 1));
      Read r{in[i], rows};
      // Through folded nodes; a folded node's own reads are resolved already.
      if (info_[in[i]].folded) r = {reads_[in[i]][0].source, rows && reads_[in[i]][0].rows};
      reads_[id].push_back(r);
    }
    if (n.folded) continue;
    for (const Read& r : reads_[id]) readers_[root(r.source)].push_back(id);
  }
}

int Planner::loop_at(int stage, const Axis& axis, bool streamed, NodeId marks) {
  while (int(stages_.size()) <= stage) stages_.emplace_back();
  auto& loops = stages_[std::size_t(stage)].loops;
  for (std::size_t i = 0; i < loops.size(); ++i)
    if (loops[i].space[0] == axis && loops[i].marks == marks) return int(i);
  LoopDraft l;
  l.streamed = streamed;
  l.extent = axis.extent;
  l.marks = marks;
  l.space = Shape(std::span<const Axis>(&axis, 1));
  l.name = streamed ? graph_.label_info(axis.label).name : fmt::format("blocks of {}", axis.extent);
  if (marks != kNoNode) l.name = "sequences of " + l.name;
  loops.push_back(l);
  return int(loops.size()) - 1;
}

// The first stage in which a loop over `axis`, or a serial part, may read a value.
int Planner::ready(const Read& read, bool in_loop, const Axis& axis, NodeId marks) const {
  const PlanNode& r = info_[read.source];
  if (r.stage < 0) return 0;       // a leaf
  if (r.loop < 0) return r.stage;  // serial: before the loops of its stage
  const LoopDraft& l = stages_[std::size_t(r.stage)].loops[std::size_t(r.loop)];
  const bool same = in_loop && read.rows && l.space[0] == axis && l.marks == marks;
  return same ? r.stage : r.stage + 1;
}

// What says where the sequences of an op on those begin, if it has a loop over them.
NodeId Planner::marks_of(NodeId id) const {
  const OpInfo& op = graph_.op(id);
  if (op.kind != OpKind::sequences) return kNoNode;
  const NodeId marks = graph_.inputs(id)[std::size_t(op.marks)];
  return row_label(graph_.shape(marks)) ? root(marks) : kNoNode;
}

void Planner::assign_stages() {
  for (NodeId id : order_)
    if (graph_.op(id).kind != OpKind::leaf && !info_[id].folded) assign_stage(id);
}

void Planner::assign_stage(NodeId id) {
  PlanNode& n = info_[id];
  const OpInfo& op = graph_.op(id);
  const auto in = graph_.inputs(id);
  const Shape& s = graph_.shape(id);

  // Aliases are where their root is; one that moves the first axis reads it whole.
  if (is_alias(id) || op.kind == OpKind::output) {
    const PlanNode& r = info_[in[0]];
    const bool whole = r.loop >= 0 && n.aligned < 0;
    n.stage = whole ? r.stage + 1 : r.stage;
    n.loop = whole ? -1 : r.loop;
    return;
  }

  if (const NodeId marks = marks_of(id); marks != kNoNode) {
    const Axis rows = graph_.shape(marks)[0];
    n.stage = 0;
    for (const Read& r : reads_[id]) n.stage = std::max(n.stage, ready(r, true, rows, marks));
    n.loop = loop_at(n.stage, rows, true, marks);
    stages_[std::size_t(n.stage)].loops[std::size_t(n.loop)].nodes.push_back(id);
    return;
  }

  const auto loop_axis_is = [&](NodeId x, const Axis& axis) {
    const PlanNode& r = info_[x];
    return r.loop >= 0 && stages_[std::size_t(r.stage)].loops[std::size_t(r.loop)].space[0] == axis;
  };

  // Sums over the first axis of a loop's values: lanes add up, the next stage joins them.
  const Shape& s0 = in.empty() ? s : graph_.shape(in[0]);
  const bool sums_rows = op.id == op_id<Sum> && s0.rank() > 0 && n.aligned < 0;
  const bool contracts = op.kind == OpKind::contraction && contracts_rows(graph_, id);
  const std::int64_t out_bytes = s.size() * std::int64_t(size_of(graph_.node(id).dtype));
  // Otherwise what is summed is kept for all rows, and summed by blocks of the result.
  std::int64_t kept_bytes = 0;
  for (const NodeId i : in)
    if (graph_.op(i).kind != OpKind::leaf)
      kept_bytes += graph_.shape(i).size() * std::int64_t(size_of(graph_.node(i).dtype));
  const bool lanes =
      out_bytes <= kLaneBytes || options_.unbounded || kLanes * out_bytes < kept_bytes;
  if ((sums_rows || contracts) && lanes && !row_label(s)) {
    bool looped = row_label(s0) || s0.size() >= 4 * kBig;
    for (const Read& r : reads_[id]) looped = looped || loop_axis_is(r.source, s0[0]);
    if (looped) {
      int stage = 0;
      for (Read& r : reads_[id]) {
        r.rows = true;
        stage = std::max(stage, ready(r, true, s0[0]));
      }
      n.reduction = true;
      n.stage = stage + 1;
      const int loop = loop_at(stage, s0[0], row_label(s0));
      stages_[std::size_t(stage)].loops[std::size_t(loop)].nodes.push_back(id);
      while (int(stages_.size()) <= n.stage) stages_.emplace_back();
      return;
    }
  }

  // A loop over the value's first axis, or the serial part.
  bool in_loop = false;
  if (s.rank() > 0 && s.size() > 0 && op.kind != OpKind::sequences) {
    const auto a = graph_.node(id).attrs.as<MatMul::Attrs>();
    const bool columns = op.kind == OpKind::contraction && n.aligned < 0 && a.nb == 0 && a.ta &&
                         s0.rank() > a.nk && !row_label(s);
    bool joins = false;  // small, but made from values of a loop over the same axis
    for (const Read& r : reads_[id]) joins = joins || (r.rows && loop_axis_is(r.source, s[0]));
    const bool big = s.size() >= kBig && s.extent(0) >= 4;
    in_loop = (n.aligned >= 0 || columns) && (row_label(s) || joins || big);
  }
  n.stage = 0;
  for (const Read& r : reads_[id])
    n.stage = std::max(n.stage, ready(r, in_loop, in_loop ? s[0] : Axis{}));
  while (int(stages_.size()) <= n.stage) stages_.emplace_back();
  if (in_loop) {
    n.loop = loop_at(n.stage, s[0], row_label(s));
    stages_[std::size_t(n.stage)].loops[std::size_t(n.loop)].nodes.push_back(id);
  } else {
    stages_[std::size_t(n.stage)].serial.push_back(id);
  }
}

// Elementwise work and work row by row on inputs alone goes to the stage of its first reader, so
// that it is fused there and not kept in memory: the old moments of an optimiser, times their
// decay; features of the rows that wait for a parameter.
void Planner::sink() {
  const auto may = [&](NodeId id) {
    const OpKind kind = graph_.op(id).kind;
    const PlanNode& n = info_[id];
    return !n.folded &&
           (kind == OpKind::elementwise || (kind == OpKind::rows && n.loop >= 0 && !n.reduction));
  };
  std::vector<char> free(graph_.size(), 0);  // made from inputs alone
  for (NodeId id : order_) {
    if (graph_.op(id).kind == OpKind::leaf) free[id] = 1;
    if (!may(id)) continue;
    free[id] = 1;
    for (const Read& r : reads_[id])
      free[id] = char(free[id] && root(r.source) == r.source && free[r.source]);
  }
  std::vector<char> pinned(graph_.size(), 0);
  for (const Value& v : outputs_) pinned[root(v.id())] = 1;
  for (const Update& u : updates_) pinned[root(u.value.id())] = 1;
  for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
    const NodeId id = *it;
    PlanNode& n = info_[id];
    if (!may(id) || !free[id] || pinned[id] || readers_[id].empty()) continue;
    int target = int(stages_.size());
    bool through_alias = false;
    for (NodeId reader : readers_[id]) {
      const PlanNode& r = info_[reader];
      const int at = r.reduction ? r.stage - 1 : r.stage;
      const auto space = [&](const PlanNode& x) {
        return stages_[std::size_t(x.stage)].loops[std::size_t(x.loop)].space[0];
      };
      // Whether every read of it is at the rows of such a loop.
      bool same = n.loop >= 0 && (r.loop >= 0 || r.reduction) && marks_of(reader) == kNoNode;
      if (n.loop >= 0) {
        const Axis axis = space(n);
        const Axis there = !same         ? Axis{}
                           : r.reduction ? graph_.shape(graph_.inputs(reader)[0])[0]
                                         : space(r);
        for (const Read& x : reads_[reader]) {
          through_alias = through_alias || (root(x.source) == id && x.source != id);
          same = same && (root(x.source) != id || (x.rows && there == axis));
        }
      }
      target = std::min(target, n.loop < 0 || same ? at : at - 1);
    }
    if (target <= n.stage || through_alias) continue;
    auto& from = n.loop >= 0 ? stages_[std::size_t(n.stage)].loops[std::size_t(n.loop)].nodes
                             : stages_[std::size_t(n.stage)].serial;
    from.erase(std::find(from.begin(), from.end(), id));
    if (n.loop >= 0) {
      const LoopDraft old = stages_[std::size_t(n.stage)].loops[std::size_t(n.loop)];
      n.loop = loop_at(target, old.space[0], old.streamed);
      auto& to = stages_[std::size_t(target)].loops[std::size_t(n.loop)].nodes;
      to.insert(std::upper_bound(to.begin(), to.end(), id), id);
    } else {
      auto& to = stages_[std::size_t(target)].serial;
      to.insert(std::upper_bound(to.begin(), to.end(), id), id);
    }
    n.stage = target;
  }
  // A loop from which everything sank is gone; later loops of its stage move up.
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    auto& loops = stages_[s].loops;
    for (std::size_t l = loops.size(); l-- > 0;) {
      if (!loops[l].nodes.empty()) continue;
      loops.erase(loops.begin() + std::ptrdiff_t(l));
      for (PlanNode& n : info_)
        if (n.stage == int(s) && n.loop > int(l)) --n.loop;
    }
  }
}

// A loop over blocks falls into parts that share no value: each becomes a loop of its own, so that
// what a block makes is still in cache when it is used.
void Planner::split_blocks() {
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    std::vector<LoopDraft> parts;
    for (LoopDraft& loop : stages_[s].loops) {
      std::map<NodeId, NodeId> leader;
      const auto find = [&](NodeId id) {
        while (leader.at(id) != id) id = leader.at(id);
        return id;
      };
      for (NodeId id : loop.nodes) {
        leader[id] = id;
        if (loop.streamed) leader[id] = loop.nodes[0];
        for (const Read& r : reads_[id])
          if (leader.count(root(r.source))) leader[find(root(r.source))] = find(id);
      }
      std::map<NodeId, std::size_t> part;
      for (NodeId id : loop.nodes) {
        const auto [it, fresh] = part.emplace(find(id), parts.size());
        if (fresh) {
          parts.push_back(loop);
          parts.back().nodes.clear();
        }
        parts[it->second].nodes.push_back(id);
      }
    }
    for (std::size_t l = 0; l < parts.size(); ++l)
      for (NodeId id : parts[l].nodes)
        if (!info_[id].reduction) info_[id].loop = int(l);
    stages_[s].loops = std::move(parts);
  }
  for (NodeId id : order_) {  // aliases follow
    const OpKind kind = graph_.op(id).kind;
    if ((is_alias(id) || kind == OpKind::output) && info_[id].loop >= 0)
      info_[id].loop = info_[info_[id].root].loop;
  }
}

void Planner::decide_places() {
  // A value is whole unless everything that reads it does so at the same rows of the same loop.
  for (NodeId id : order_)
    if (root(id) == id)
      info_[id].full = info_[id].loop < 0 || graph_.op(id).kind == OpKind::sequences;
  const auto keep = [&](NodeId id) { info_[root(id)].full = true; };
  for (const Value& v : outputs_) keep(v.id());
  for (const Update& u : updates_) keep(u.value.id());
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    for (NodeId id : stages_[s].serial)
      for (const Read& r : reads_[id]) keep(r.source);
    for (std::size_t l = 0; l < stages_[s].loops.size(); ++l)
      for (NodeId id : stages_[s].loops[l].nodes)
        for (const Read& r : reads_[id])
          if (info_[r.source].stage != int(s) || info_[r.source].loop != int(l) || !r.rows)
            keep(r.source);
  }
  for (NodeId id : order_) {
    if (!info_[id].full || info_[id].stage < 0 || !row_label(graph_.shape(id))) continue;
    if (options_.unbounded)
      raise<ShapeError>("[plan] {} would have to be kept for all rows, but the rows are streamed",
                        graph_.text(id));
    plan_.capacity = graph_.shape(id).extent(0);
  }
}

// Rows of a tile when `extent` rows are cut into an even number of nearly equal tiles of at most
// `most` rows: two, four or six workers then finish together.
static std::int64_t even_tile(std::int64_t extent, std::int64_t most) {
  const std::int64_t two = 2 * std::max<std::int64_t>(1, most);
  const std::int64_t tiles = 2 * std::max<std::int64_t>(1, (extent + two - 1) / two);
  return std::max<std::int64_t>(1, (extent + tiles - 1) / tiles);
}

void Planner::choose_tiles() {
  for (StageDraft& stage : stages_) {
    for (LoopDraft& l : stage.loops) {
      std::int64_t widest = 1, row_bytes = 1;
      bool products = false;
      std::int64_t whole = 1;  // what rows of a tile are a multiple of
      for (NodeId id : l.nodes) {
        const Shape& s =
            info_[id].reduction ? graph_.shape(graph_.inputs(id)[0]) : graph_.shape(id);
        if (s.rank() == 0) continue;
        const std::int64_t row = s.size(1, s.rank());
        widest = std::max(widest, row);
        const bool across = graph_.op(id).across >= 0;
        products = products || across || graph_.op(id).kind == OpKind::contraction;
        // Lines of the cache that are read across are read by one tile alone.
        if (across) whole = std::max(whole, 64 / std::int64_t(size_of(graph_.node(id).dtype)));
        row_bytes = std::max(row_bytes, row * std::int64_t(size_of(graph_.node(id).dtype)));
      }
      if (l.streamed) {
        // Products want many rows, but the widest value of a tile in the second-level cache.
        const std::int64_t wanted =
            products ? std::clamp<std::int64_t>(
                           16384 / widest, std::clamp<std::int64_t>((1 << 20) / row_bytes, 32, 128),
                           1024)
                     : std::clamp<std::int64_t>(16384 / widest, 16, 1024);
        l.tile = options_.tile_rows > 0 ? options_.tile_rows
                 : options_.unbounded   ? wanted
                                        : even_tile(l.extent, wanted);
      } else {
        l.tile = even_tile(l.extent, (products ? 65536 : 16384) / widest);
        l.tile = (l.tile + whole - 1) / whole * whole;
      }
      if (l.marks != kNoNode) l.tile = 1;
      l.work = l.tile * widest;
      l.lanes = options_.unbounded && l.streamed
                    ? kLanes
                    : std::min(kLanes, std::max<std::int64_t>(1, (l.extent + l.tile - 1) / l.tile));
      // Blocks have no sums to keep in order as a rule: one task per tile balances best.
      bool sums = false;
      for (NodeId id : l.nodes) sums = sums || info_[id].reduction;
      if (!sums && !l.streamed)
        l.lanes = std::max<std::int64_t>(1, (l.extent + l.tile - 1) / l.tile);
      if (l.marks == kNoNode) continue;
      // As many groups of sequences as an output without rows has entries.
      l.lanes = kLanes;
      for (NodeId id : order_) {
        const Shape& out = graph_.shape(id);
        if (graph_.op(id).kind == OpKind::output && !row_label(out) && !is_replaced(id) &&
            std::find(l.nodes.begin(), l.nodes.end(), root(id)) != l.nodes.end())
          l.lanes = out.extent(0);
      }
    }
  }
}

Plan Planner::make() {
  resolve_aliases();
  fold_repetitions();
  assign_stages();
  sink();
  split_blocks();
  decide_places();
  choose_tiles();
  schedule();
  find_storage();
  settle_updates();
  place_values();
  emit();
  return std::move(plan_);
}

Plan make_plan(Graph& graph, std::span<const Value> outputs, std::span<const Update> updates,
               const PlanOptions& options) {
  return Planner(graph, outputs, updates, options).make();
}

}  // namespace fathom
