// From nodes to instructions: grouping elementwise chains, placing values, emitting.
#include <algorithm>
#include <set>
#include <tuple>

#include "fathom/exec/instr.h"
#include "fathom/exec/planner_impl.h"
#include "fathom/ops/all_ops.h"

namespace fathom {

namespace {

// Which part of `out` a broadcast input repeats over: its kind and period, or false.
bool broadcast_pattern(const Shape& in, const Shape& out, FusedOperand* o) {
  bool present[Shape::kMaxRank] = {};
  for (int i = 0; i < in.rank(); ++i)
    if (in.extent(i) != 1) present[broadcast_axis(in, out, i)] = true;
  int changes = 0, split = out.rank();
  bool last = false, any = false, first_present = false;
  for (int i = 0; i < out.rank(); ++i) {
    if (out.extent(i) == 1) continue;
    if (!any) {
      first_present = last = present[i];
      any = true;
    } else if (present[i] != last) {
      ++changes;
      split = i;
      last = present[i];
    }
  }
  if (changes > 1) return false;
  if (!any || (changes == 0 && !first_present)) {
    o->kind = FusedOperand::scalar;
  } else if (changes == 0) {
    o->kind = FusedOperand::direct;
  } else {
    o->kind = first_present ? FusedOperand::head : FusedOperand::tail;
    o->period = out.size(split, out.rank());
  }
  return true;
}

}  // namespace

bool Planner::simple_broadcast(NodeId id) const {
  FusedOperand o;
  return broadcast_pattern(graph_.shape(graph_.inputs(id)[0]), graph_.shape(id), &o);
}

bool Planner::fusable(NodeId id) const {
  const OpInfo& op = graph_.op(id);
  const DType t = graph_.node(id).dtype;
  if (!is_real(t) || graph_.shape(id).size() == 0) return false;
  switch (op.kind) {
    case OpKind::elementwise: return true;
    case OpKind::cast: return true;
    case OpKind::broadcast: return simple_broadcast(id);
    case OpKind::reduce: {
      if (op.doc.name != "sum") return false;
      const auto a = graph_.node(id).attrs.as<ReduceAttrs>();
      const Shape& s = graph_.shape(graph_.inputs(id)[0]);
      if (s.size() == 0 || a.first + a.count != s.rank()) return false;
      if (info_[id].reduction) return a.first == 0;
      return true;
    }
    default: return false;
  }
}

Shape Planner::space_of(NodeId id) const {
  return graph_.op(id).kind == OpKind::reduce ? graph_.shape(graph_.inputs(id)[0])
                                              : graph_.shape(id);
}

// Whether `reader` reads all of the value of `id`, element by element: no slice of it.
bool Planner::reads_whole(NodeId reader, NodeId id) const {
  return std::all_of(reads_[reader].begin(), reads_[reader].end(), [&](const Read& r) {
    return info_[r.source].root != id || (info_[r.source].root_offset == info_[id].root_offset &&
                                          graph_.shape(r.source).size() == graph_.shape(id).size());
  });
}

// Orders nodes into groups. A group is a set of fusable nodes of one space and dtype, or one other
// node. Nodes are put as late as their readers allow, so that what only the reverse pass needs is
// formed there, in the same block as its reader, and not kept.
std::vector<std::vector<NodeId>> Planner::group(const std::vector<NodeId>& nodes, bool in_loop) {
  using Space = std::tuple<std::int64_t, std::int64_t, int, int>;  // first axis, size, dtype, kind
  const auto space = [&](NodeId id) {
    const Shape s = space_of(id);
    const bool scalar = s.size() == 1 && !row_label(s);
    const std::int64_t lead = scalar ? 1 : in_loop || row_label(s) ? s.extent(0) : 1;
    return Space{lead, s.size(), int(graph_.node(id).dtype), row_label(s) ? 1 : scalar ? 2 : 0};
  };
  std::map<NodeId, int> height;
  const std::set<NodeId> here(nodes.begin(), nodes.end());
  for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
    int h = 0;
    for (NodeId reader : readers_[*it]) {
      if (!here.count(reader)) continue;
      const bool joined = options_.fuse && fusable(*it) && fusable(reader) &&
                          graph_.op(*it).kind != OpKind::reduce &&
                          graph_.op(reader).kind != OpKind::broadcast &&
                          graph_.op(reader).kind != OpKind::cast && space(*it) == space(reader) &&
                          reads_whole(reader, *it);
      h = std::max(h, height[reader] + (joined ? 0 : 1));
    }
    height[*it] = h;
  }
  std::map<std::tuple<int, int, Space, NodeId>, std::vector<NodeId>> groups;  // by falling height
  for (NodeId id : nodes) {
    const bool f = fusable(id) && options_.fuse;
    groups[{-height[id], f ? 0 : 1, f ? space(id) : Space{}, f ? 0 : id}].push_back(id);
  }
  std::vector<std::vector<NodeId>> out;
  for (auto& [key, members] : groups) {
    // A block has a bounded number of registers and whole sums.
    std::vector<NodeId> part;
    int registers = 0, sums = 0;
    for (NodeId id : members) {
      const int more = 1 + int(graph_.inputs(id).size());
      const int sum = graph_.op(id).kind == OpKind::reduce ? 1 : 0;
      if (!part.empty() &&
          (registers + more > FusedBlock::kMaxRegisters || sums + sum > FusedBlock::kMaxSums)) {
        out.push_back(part);
        part.clear();
        registers = sums = 0;
      }
      part.push_back(id);
      registers += more;
      sums += sum;
    }
    out.push_back(part);
  }
  tighten(out);
  return out;
}

// A block from which nothing but sums is read is done as early as its operands allow, in a block
// of the same space where there is one: what they share is then read, or formed, once.
void Planner::tighten(Groups& groups) {
  if (!options_.fuse) return;
  std::map<NodeId, std::size_t> place;
  for (std::size_t i = 0; i < groups.size(); ++i)
    for (NodeId id : groups[i]) place[id] = i;
  const auto registers = [&](const std::vector<NodeId>& members) {
    std::size_t n = 0;
    for (NodeId id : members) n += 1 + graph_.inputs(id).size();
    return n;
  };
  const auto kept = [&](NodeId id) {
    for (const Value& v : outputs_)
      if (root(v.id()) == id) return true;
    return std::any_of(updates_.begin(), updates_.end(),
                       [&](const Update& u) { return root(u.value.id()) == id; });
  };
  const auto is_sum = [&](NodeId id) { return graph_.op(id).kind == OpKind::reduce; };
  const auto sums_of = [&](const std::vector<NodeId>& members) {
    return std::count_if(members.begin(), members.end(), is_sum);
  };
  for (std::size_t j = 1; j < groups.size(); ++j) {
    const std::vector<NodeId>& late = groups[j];
    if (late.empty() || !fusable(late[0]) || sums_of(late) == 0) continue;
    std::size_t ready = 0;  // the first group whose block may read all operands, or form them
    bool sums_only = true;
    for (NodeId id : late) {
      if (!is_sum(id)) {
        sums_only = sums_only && !kept(id);
        for (NodeId r : readers_[id]) sums_only = sums_only && place.count(r) && place[r] == j;
      }
      for (const Read& r : reads_[id]) {
        const auto found = place.find(root(r.source));
        if (found == place.end() || found->second == j) continue;
        const std::size_t at = found->second;
        const bool within =
            !is_sum(root(r.source)) && fusable(root(r.source)) && reads_whole(id, root(r.source));
        ready = std::max(ready, within ? at : at + 1);
      }
    }
    if (!sums_only) continue;
    for (std::size_t i = ready; i < j; ++i) {
      std::vector<NodeId>& early = groups[i];
      if (early.empty() || !fusable(early[0]) || space_of(early[0]) != space_of(late[0]) ||
          graph_.node(early[0]).dtype != graph_.node(late[0]).dtype ||
          registers(early) + registers(late) > std::size_t(FusedBlock::kMaxRegisters) ||
          sums_of(early) + sums_of(late) > FusedBlock::kMaxSums)
        continue;
      early.insert(early.end(), late.begin(), late.end());
      std::sort(early.begin(), early.end());
      for (NodeId id : late) place[id] = i;
      groups[j].clear();
      break;
    }
  }
  std::erase_if(groups, [](const auto& members) { return members.empty(); });
  // Sums and products over rows for the lanes follow what they read, which is in cache then.
  for (std::size_t i = 0; i < groups.size(); ++i)
    for (NodeId id : groups[i]) place[id] = i;
  std::vector<std::pair<std::size_t, std::size_t>> order;  // after which group; own place
  for (std::size_t j = 0; j < groups.size(); ++j) {
    const NodeId id = groups[j][0];
    std::size_t after = j;
    if (info_[id].reduction && !fusable(id)) {
      after = 0;
      for (const Read& r : reads_[id])
        if (const auto found = place.find(root(r.source)); found != place.end())
          after = std::max(after, found->second);
    }
    order.emplace_back(after, j);
  }
  std::sort(order.begin(), order.end());
  Groups sorted;
  for (const auto& [after, j] : order) sorted.push_back(std::move(groups[j]));
  groups = std::move(sorted);
}

Storage& Planner::storage(NodeId id) {
  return storage_.at({info_[id].root, info_[id].root_output});
}

Extent Planner::first_extent(const Shape& s, const LoopDraft* loop, bool aligned) const {
  if (loop && aligned) return {Extent::tile, 0};
  if (row_label(s)) return {Extent::rows, 0};
  return {Extent::fixed, s.rank() ? s.extent(0) : 1};
}

OperandView Planner::view_of(NodeId id, const LoopDraft* loop, bool aligned) {
  const Shape& s = graph_.shape(id);
  OperandView v;
  v.dtype = graph_.node(id).dtype;
  v.rank = s.rank();
  std::int64_t step = 1;
  for (int i = s.rank(); i-- > 0;) {
    v.extent[std::size_t(i)] =
        i == 0 ? first_extent(s, loop, aligned) : Extent{Extent::fixed, s.extent(i)};
    v.stride[std::size_t(i)] = step;
    step *= s.extent(i);
  }
  v.at = storage(id).at;
  v.at.offset += info_[id].root_offset;
  const bool whole_memory = v.at.base != kScratch;
  v.at.row_bytes = loop && aligned && whole_memory && s.rank()
                       ? v.stride[0] * std::int64_t(size_of(v.dtype))
                       : 0;
  return v;
}

FusedOperand Planner::fused_operand(NodeId id, const Shape& space, const LoopDraft* loop) {
  FusedOperand o;
  const Shape& s = graph_.shape(id);
  o.dtype = graph_.node(id).dtype;
  broadcast_pattern(s, space, &o);
  const bool leaf = graph_.op(info_[id].root).kind == OpKind::leaf;
  const bool constant = graph_.constant_value(info_[id].root) != nullptr;
  if (s.size() == 1 && !row_label(s) && !(loop && s.rank() && s[0] == loop->space[0])) {
    o.kind = FusedOperand::scalar;
    // Scalars in the arena and constants fill a pack; inputs, and vectors of one element, do not.
    o.splat = storage(id).shape.size() == 1 && (!leaf || constant) && is_real(o.dtype);
  }
  o.constant = constant;
  const bool aligned = loop && s.rank() && s[0] == loop->space[0] && o.kind != FusedOperand::tail &&
                       o.kind != FusedOperand::scalar;
  o.at = view_of(id, loop, aligned).at;
  return o;
}

// An operand read through folded repetitions and casts.
FusedOperand Planner::operand_through(NodeId id, const LoopDraft* loop) {
  const Shape& space = graph_.shape(id);
  NodeId source = id;
  while (info_[source].folded) source = graph_.inputs(source)[0];
  return fused_operand(source, space, loop);
}

std::unique_ptr<Instr> Planner::lower_group(const std::vector<NodeId>& nodes,
                                            const LoopDraft* loop) {
  if (!fusable(nodes[0])) return lower_kernel(nodes[0], loop);
  auto block = std::make_unique<FusedBlock>();
  const Shape space = space_of(nodes[0]);
  block->dtype = graph_.node(nodes[0]).dtype;
  block->scalar = space.size() == 1 && !row_label(space) && !loop;
  const bool rows = loop || row_label(space);
  block->rows = rows ? first_extent(space, loop, loop != nullptr) : Extent{Extent::fixed, 1};
  block->inner = rows ? space.size(1, space.rank()) : space.size();
  const std::set<NodeId> here(nodes.begin(), nodes.end());

  std::map<std::tuple<NodeId, int, std::int64_t>, int>
      reg;  // of a value of the group, or an operand
  // A folded repetition of a value of the group adds axes of 1 alone: it is that value's register.
  const auto seen = [&](NodeId id) {
    while (info_[id].folded && here.count(root(graph_.inputs(id)[0]))) id = graph_.inputs(id)[0];
    return id;
  };
  const auto value_of = [&](NodeId id) {
    const PlanNode& n = info_[seen(id)];
    return std::make_tuple(n.root, n.root_output, n.root_offset);
  };
  // Operands first: registers of results follow them.
  for (NodeId id : nodes) {
    const OpKind kind = graph_.op(id).kind;
    if (kind == OpKind::broadcast || kind == OpKind::cast) {
      block->operands.push_back(fused_operand(graph_.inputs(id)[0], graph_.shape(id), loop));
      reg[value_of(id)] = int(block->operands.size()) - 1;
    } else {
      for (NodeId i : graph_.inputs(id)) {
        if (here.count(root(seen(i))) ||
            !reg.emplace(value_of(i), int(block->operands.size())).second)
          continue;
        block->operands.push_back(operand_through(i, loop));
      }
    }
  }
  for (FusedOperand& o : block->operands) o.splat = o.splat && o.dtype == block->dtype;
  int next = int(block->operands.size());
  const auto reg_of = [&](NodeId id) { return reg.at(value_of(id)); };
  const auto outside = [&](NodeId id) {
    const Storage& st = storage(id);
    if (st.last > end_) return true;
    return std::any_of(readers_[id].begin(), readers_[id].end(),
                       [&](NodeId r) { return !here.count(r); });
  };
  const WideTable& wide = wide_table();
  const std::size_t t = block->dtype == DType::f32 ? 0 : 1;
  for (NodeId id : nodes) {
    const OpInfo& op = graph_.op(id);
    if (op.kind == OpKind::reduce) continue;
    const bool kept = outside(id);
    if (op.kind == OpKind::elementwise) {
      const auto in = graph_.inputs(id);
      FusedOp f{wide.op[std::size_t(op.wide)][t], &op, next, {0, 0, 0}};
      for (std::size_t k = 0; k < 3; ++k) f.in[k] = reg_of(in[std::min(k, in.size() - 1)]);
      block->ops.push_back(f);
      reg[value_of(id)] = next++;
    } else if (kept) {  // a repeated value that others read: written out through max(x, x)
      const OpInfo& same = *find_op("max");
      const int r = reg_of(id);
      block->ops.push_back({wide.op[std::size_t(same.wide)][t], &same, next, {r, r, r}});
      reg[value_of(id)] = next++;
    }
    if (kept) block->stores.push_back({reg_of(id), view_of(id, loop, loop != nullptr).at});
  }
  for (NodeId id : nodes) {
    if (graph_.op(id).kind != OpKind::reduce) continue;
    const auto a = graph_.node(id).attrs.as<ReduceAttrs>();
    const Shape& s = graph_.shape(graph_.inputs(id)[0]);
    FusedSum sum;
    sum.reg = reg_of(graph_.inputs(id)[0]);
    if (info_[id].reduction) {
      sum.inner = 0;
      sum.lane = true;
      sum.at = partials_.at(id).at;
      block->lane_bytes = 64;
    } else if (graph_.shape(id).size() == 1 && !row_label(graph_.shape(id)) && !loop) {
      sum.inner = 0;
      sum.at = storage(id).at;
    } else {
      sum.inner = s.size(int(a.first), s.rank());
      sum.at = view_of(id, loop, loop != nullptr).at;
    }
    block->sums.push_back(sum);
  }
  block->registers = next;
  block->finish();
  return block;
}

// Products of rows and a transposed matrix that all rows share: it is laid out anew once, before
// the tiles.
bool Planner::transposes_right(NodeId id) const {
  const PlanNode& n = info_[id];
  if (graph_.op(id).kind != OpKind::contraction || n.reduction || n.aligned != 1) return false;
  const auto a = graph_.node(id).attrs.as<MatMul::Attrs>();
  const Shape& b = graph_.shape(graph_.inputs(id)[1]);
  const int split = b.rank() - int(a.nk);
  return a.nb == 0 && a.tb && stages_[std::size_t(n.stage)].loops[std::size_t(n.loop)].streamed &&
         b.size(0, split) > 1 &&
         kernels::stays_in_cache(graph_.node(id).dtype, b.size(0, split), b.size(split, b.rank()));
}

void Planner::read_transposed(NodeId id, KernelInstr& product) const {
  auto a = product.attrs.as<MatMul::Attrs>();
  OperandView& b = product.in[1];
  std::rotate(b.extent.begin(), b.extent.begin() + (b.rank - a.nk), b.extent.begin() + b.rank);
  std::int64_t step = 1;
  for (int i = b.rank; i-- > 0;) {
    b.stride[std::size_t(i)] = step;
    step *= b.extent[std::size_t(i)].value;
  }
  b.at = transposed_.at(id).at;
  a.tb = 0;
  product.attrs = AttrBlob::of(a);
}

std::unique_ptr<Instr> Planner::lower_kernel(NodeId id, const LoopDraft* loop) {
  const OpInfo& op = graph_.op(id);
  const auto in = graph_.inputs(id);
  if (info_[id].reduction) {
    auto p = std::make_unique<PartialInstr>();
    p->label = "partial " + graph_.text(id);
    for (NodeId i : in) p->in.push_back(view_of(i, loop, true));
    p->out = view_of(id, nullptr, false);
    p->out.at = partials_.at(id).at;
    p->lane_bytes = partials_.at(id).bytes;
    p->add = wide_table().op[std::size_t(find_op("add")->wide)][p->out.dtype == DType::f32 ? 0 : 1];
    if (op.kind == OpKind::contraction) {
      const auto a = graph_.node(id).attrs.as<MatMul::Attrs>();
      p->kind = PartialInstr::product;
      p->spec = {a.nb, a.nk, a.ta != 0, a.tb != 0};
    } else {
      const auto a = graph_.node(id).attrs.as<ReduceAttrs>();
      p->first = int(a.first);
      p->count = int(a.count);
    }
    return p;
  }
  auto k = std::make_unique<KernelInstr>();
  k->op = &op;
  k->attrs = graph_.node(id).attrs;
  k->label = graph_.text(id);
  const int aligned = info_[id].aligned;
  for (std::size_t i = 0; i < in.size(); ++i)
    k->in.push_back(view_of(in[i], loop, loop && aligned >= 0 && (aligned >> i & 1)));
  if (loop && op.kind == OpKind::contraction && aligned < 0) {
    // Rows of the product are columns of A, which is stored transposed.
    OperandView& a = k->in[0];
    const auto axis = std::size_t(k->attrs.as<MatMul::Attrs>().nk);
    a.extent[axis] = {Extent::tile, 0};
    a.at.row_bytes = a.stride[axis] * std::int64_t(size_of(a.dtype));
  }
  if (loop && op.across >= 0) {
    OperandView& a = k->in[0];
    const auto axis = std::size_t(op.across);
    a.extent[axis] = {Extent::tile, 0};
    a.at.row_bytes = a.stride[axis] * std::int64_t(size_of(a.dtype));
  }
  if (transposed_.count(id)) read_transposed(id, *k);
  for (int o = 0; o < op.outputs; ++o) {
    const auto found = storage_.find({id, o});
    OperandView v;
    v.at.base = -1;
    if (found != storage_.end()) {
      NodeId as = id;
      if (op.outputs > 1)
        for (NodeId other : order_)
          if (graph_.op(other).kind == OpKind::output && graph_.inputs(other)[0] == id &&
              int(graph_.node(other).output) == o)
            as = other;
      const bool replaced = is_replaced(as),
                 lane = loop && loop->marks != kNoNode && !row_label(graph_.shape(as)) && !replaced;
      v = view_of(as, loop, loop != nullptr && !lane && !replaced);
      if (lane) {
        v.extent[0] = {Extent::fixed, 1};
        v.lane_bytes = v.stride[0] * std::int64_t(size_of(v.dtype));
      }
    }
    k->out.push_back(v);
  }
  if (loop && loop->marks != kNoNode)
    for (const OperandView& v : k->in)
      if (v.at.base >= kInputs) plan_.read_whole.push_back(v.at.base);
  const Shape& made = graph_.shape(id);
  k->fills = !loop && made.size() == 1 && !row_label(made) && is_real(graph_.node(id).dtype);
  return k;
}

}  // namespace fathom
