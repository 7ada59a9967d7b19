#include "fathom/exec/program.h"

#include <algorithm>
#include <cstring>

#include "fathom/exec/flat.h"
#include "fathom/exec/instr.h"
#include "fathom/kernels/sequences.h"

namespace fathom {

Array& State::slot(const std::string& name, DType dtype, const Shape& shape) {
  const auto found = slots_.find(name);
  if (found == slots_.end()) return slots_.emplace(name, Array(dtype, shape)).first->second;
  if (found->second.dtype() != dtype || found->second.shape().size() != shape.size())
    raise<ShapeError>("[state] slot \"{}\" is {} {}, wanted {} {}", name,
                      name_of(found->second.dtype()), found->second.shape().text(), name_of(dtype),
                      shape.text());
  return found->second;
}

Array* State::find(const std::string& name) {
  const auto found = slots_.find(name);
  return found == slots_.end() ? nullptr : &found->second;
}

const Array* State::find(const std::string& name) const {
  const auto found = slots_.find(name);
  return found == slots_.end() ? nullptr : &found->second;
}

State State::copy() const {
  State s;
  for (const auto& [name, array] : slots_) s.slots_.emplace(name, array.copy());
  return s;
}

void State::assign(const State& other) {
  for (const auto& [name, array] : other.slots_) {
    Array& own = slot(name, array.dtype(), array.shape());
    if (own.raw() != array.raw()) std::memcpy(own.raw(), array.raw(), array.bytes());
  }
}

struct Program::Memory {
  std::shared_ptr<SharedArena> shared;
  std::byte* arena = nullptr;
  std::vector<std::shared_ptr<std::byte>> scratch;  // per worker
  std::vector<std::vector<std::byte*>> bases;       // per worker
  std::vector<Array> held;                          // bound arrays
  std::vector<Key> keys;
  std::int64_t rows = 0;
  std::vector<std::int64_t> rows_of;  // of each streamed input, -1 for others
  // Inputs whose rows are made when they are read: tile by tile, into memory of each worker.
  struct Made {
    std::size_t input;
    std::int64_t row_bytes;
    std::vector<std::shared_ptr<std::byte>> tiles;  // per worker
  };
  std::vector<Made> made;
  bool checked = false;  // that they agree
  struct Task {
    int loop;
    std::int64_t lane;
    std::int64_t first = 0, last = 0;  // rows of a lane that takes whole sequences
  };
  std::vector<Task> tasks;
  // Serial parts with their pointers resolved: made anew when an input moves.
  bool moved = true;
  Frame frame{};
  std::vector<FlatList> serial;

  // Another program may have made the arena larger.
  void move_to(std::byte* at) {
    if (arena == at) return;
    arena = at;
    for (auto& base : bases) base[kArena] = at;
    moved = true;
  }
  void make_room(const Plan& plan, std::size_t workers) {
    std::int64_t most = 0;
    for (const Stage& s : plan.stages)
      for (const Loop& l : s.loops)
        if (l.streamed) most = std::max(most, l.tile);
    for (Made& i : made)
      while (i.tiles.size() < workers)
        i.tiles.push_back(allocate_bytes(std::size_t(most * i.row_bytes)));
  }
  void make_rows(std::int64_t first, std::int64_t count, std::size_t worker) {
    for (const Made& i : made) {
      const Array& from = held[i.input];
      std::byte* to = i.tiles[worker].get();
      from.recipe()->read(from.stored(), first, count, reinterpret_cast<double*>(to));
      bases[worker][kInputs + i.input] = to - first * i.row_bytes;  // row `first` is at `to`
    }
  }

  void prepare(const Plan& plan, std::size_t workers) {
    while (scratch.size() < workers) {
      scratch.push_back(allocate_bytes(std::size_t(plan.scratch_bytes + plan.chunk_bytes)));
      bases.push_back(bases.empty() ? std::vector<std::byte*>() : bases[0]);
      bases.back()[kScratch] = scratch.back().get();
    }
  }
};

std::byte* SharedArena::at_least(std::size_t bytes) {
  if (!memory_ || bytes_ < bytes) {
    memory_ = {};  // before there is another
    memory_ = allocate_bytes(bytes);
    bytes_ = bytes;
  }
  return memory_.get();
}

Program::Program(Graph& graph, std::span<const Value> outputs, std::span<const Update> updates,
                 State& state, const PlanOptions& options, std::shared_ptr<SharedArena> arena)
    : graph_(&graph), plan_(make_plan(graph, outputs, updates, options)), memory_(new Memory) {
  Memory& m = *memory_;
  m.shared = std::move(arena);
  m.arena = m.shared->at_least(std::size_t(plan_.arena_bytes));
  std::vector<std::byte*> base(std::size_t(kInputs) + plan_.inputs.size() + plan_.constants.size());
  base[kArena] = m.arena;
  m.keys.resize(plan_.inputs.size());
  m.held.resize(plan_.inputs.size());
  m.rows_of.assign(plan_.inputs.size(), -1);
  for (std::size_t i = 0; i < plan_.inputs.size(); ++i) {
    const NodeId id = plan_.inputs[i];
    const InputInfo& info = graph.input_of(id);
    if (info.kind == InputKind::slot)
      base[kInputs + i] = state.slot(info.name, graph.node(id).dtype, graph.shape(id)).raw();
    if (info.kind == InputKind::key) base[kInputs + i] = reinterpret_cast<std::byte*>(&m.keys[i]);
  }
  for (std::size_t i = 0; i < plan_.constants.size(); ++i)
    base[kInputs + plan_.inputs.size() + i] = plan_.constants[i].raw();
  m.scratch.push_back(allocate_bytes(std::size_t(plan_.scratch_bytes + plan_.chunk_bytes)));
  base[kScratch] = m.scratch[0].get();
  m.bases.push_back(base);
  std::size_t most = 0;
  m.rows = plan_.capacity;  // until rows are bound
  for (const Stage& s : plan_.stages) {
    std::size_t tasks = 0;
    for (const Loop& l : s.loops)
      if (l.streamed) m.rows = std::max(m.rows, l.extent);
    for (const Loop& l : s.loops) tasks += std::size_t(l.lanes);
    most = std::max(most, tasks);
  }
  m.tasks.reserve(most);
}

Program::~Program() = default;
Program::Program(Program&&) noexcept = default;

int Program::input(std::string_view name) const {
  const InputInfo* info = graph_->find_input(name);
  if (!info) raise<ShapeError>("[bind] there is no input named \"{}\"", name);
  const auto found = std::find(plan_.inputs.begin(), plan_.inputs.end(), info->node);
  return found == plan_.inputs.end() ? -1 : int(found - plan_.inputs.begin());
}

void Program::bind(std::string_view name, const Array& array) {
  const int i = input(name);
  const NodeId id = graph_->find_input(name)->node;
  const Shape& s = graph_->shape(id);
  const bool streamed =
      s.rank() && s[0].label != kNoLabel && graph_->label_info(s[0].label).streamed;
  const bool gathered = s.rank() && s[0].label != kNoLabel;  // a whole table: its rows may differ
  const std::int64_t inner = streamed || gathered ? s.size(1, s.rank()) : s.size();
  const std::int64_t rows = streamed || gathered ? (inner ? array.size() / inner : 0) : 0;
  if (i < 0 && !streamed) return;
  if (array.dtype() != graph_->node(id).dtype ||
      (streamed || gathered ? rows * inner : inner) != array.size())
    raise<ShapeError>("[bind] \"{}\" wants {} {}, got {} {}", name, name_of(graph_->node(id).dtype),
                      s.text(), name_of(array.dtype()), array.shape().text());
  if (i < 0 || !array.recipe()) {
    if (i >= 0) memory_->held[std::size_t(i)] = array;
    bind_raw(i, i >= 0 ? array.raw() : nullptr, streamed ? rows : -1);
    return;
  }
  bool whole = !streamed || std::find(plan_.read_whole.begin(), plan_.read_whole.end(),
                                      kInputs + i) != plan_.read_whole.end();
  for (const OperandView& o : plan_.outputs) whole = whole || o.at.base == kInputs + i;
  if (whole) raise<ShapeError>("[bind] \"{}\" is wanted whole: give rows that are made", name);
  bind_raw(i, array.stored(), rows);
  memory_->held[std::size_t(i)] = array;
  memory_->made.push_back({std::size_t(i), inner * std::int64_t(sizeof(double)), {}});
}

void Program::bind_raw(int i, const void* raw, std::int64_t rows) {
  if (rows >= 0) {  // of the plate, whether the plan needs this input of it or not
    if (plan_.capacity > 0 && rows > plan_.capacity)
      raise<ShapeError>("[bind] {} rows given to a plan for {}", rows, plan_.capacity);
    memory_->rows = rows;
    if (i >= 0) memory_->rows_of[std::size_t(i)] = rows;
    memory_->checked = false;
  }
  if (i < 0) return;
  std::erase_if(memory_->made, [&](const auto& m) { return m.input == std::size_t(i); });
  auto* at = const_cast<std::byte*>(static_cast<const std::byte*>(raw));
  if (memory_->bases[0][std::size_t(kInputs + i)] == at) return;
  for (auto& base : memory_->bases) base[std::size_t(kInputs + i)] = at;
  memory_->moved = true;
}

void Program::set_key(std::string_view name, Key key) {
  const int i = graph_->find_input(name) ? input(name) : -1;  // a graph that draws nothing has none
  if (i >= 0) memory_->keys[std::size_t(i)] = key;
}

void Program::resolve_serial() {
  Memory& m = *memory_;
  for (std::size_t i = 0; i < plan_.inputs.size(); ++i)
    if (!m.bases[0][kInputs + i])
      raise<ShapeError>("[run] input {} is not bound", graph_->text(plan_.inputs[i]));
  m.frame = {m.bases[0].data(), 0, 0, m.rows, 0, m.scratch[0].get() + plan_.scratch_bytes};
  m.serial.resize(plan_.stages.size());
  for (std::size_t s = 0; s < plan_.stages.size(); ++s) {
    m.serial[s].restart();
    for (const auto& instr : plan_.stages[s].serial) flatten(*instr, m.frame, m.serial[s]);
  }
  m.moved = false;
}

void Program::check_rows() {
  Memory& m = *memory_;
  for (std::size_t i = 0; i < plan_.inputs.size(); ++i)
    if (m.rows_of[i] >= 0 && m.rows_of[i] != m.rows)
      raise<ShapeError>("[run] {} is bound to {} rows, another input of the plate to {}",
                        graph_->text(plan_.inputs[i]), m.rows_of[i], m.rows);
  m.checked = true;
}

void Program::run(Workers& workers) {
  Memory& m = *memory_;
  if (int(m.scratch.size()) < workers.size()) m.prepare(plan_, std::size_t(workers.size()));
  m.move_to(m.shared->at_least(std::size_t(plan_.arena_bytes)));
  if (m.moved) resolve_serial();
  if (!m.checked) check_rows();
  if (!m.made.empty()) m.make_room(plan_, std::size_t(workers.size()));
  m.frame.plate_rows = m.rows;
  const FlushDenormals flush;
  for (std::size_t s = 0; s < plan_.stages.size(); ++s) {
    m.serial[s].run();
    if (!plan_.stages[s].loops.empty()) run_loops(plan_.stages[s], workers);
  }
}

// From `from`, where a sequence begins or the lane before ends, to the end of those that begin in a
// lane's share of the rows.
static std::int64_t end_of_share(const Loop& loop, std::int64_t lane, std::int64_t from,
                                 std::int64_t rows, const View& marks) {
  const std::int64_t share = rows * (lane + 1) / loop.lanes;
  if (share <= from) return from;
  return marks.dtype == DType::f32 ? kernels::next_sequence(marks.data<float>(), share, rows)
                                   : kernels::next_sequence(marks.data<double>(), share, rows);
}

void Program::run_loops(const Stage& stage, Workers& workers) {
  Memory& m = *memory_;
  m.tasks.clear();
  for (const Loop& loop : stage.loops)
    for (const auto& instr : loop.before) instr->run(m.frame);
  for (std::size_t l = 0; l < stage.loops.size(); ++l) {
    const Loop& loop = stage.loops[l];
    const std::int64_t rows = loop.streamed ? m.rows : loop.extent;
    const std::int64_t used = loop.ragged ? loop.lanes : lanes_used(rows, loop.tile, loop.lanes);
    std::int64_t from = 0;
    for (std::int64_t lane = 0; lane < used; ++lane) {
      m.tasks.push_back({int(l), lane});
      if (!loop.ragged) continue;
      m.tasks.back().first = from;
      m.tasks.back().last = from =
          end_of_share(loop, lane, from, rows, view_at(loop.marks, m.frame));
    }
  }
  workers.each(m.tasks.size(), [&](std::size_t task, int worker) {
    const auto [at, lane, first, last] = m.tasks[task];
    const Loop& loop = stage.loops[std::size_t(at)];
    const std::int64_t rows = loop.streamed ? m.rows : loop.extent;
    const std::int64_t tiles = (rows + loop.tile - 1) / loop.tile;
    const std::int64_t used = lanes_used(rows, loop.tile, loop.lanes);
    const auto w = std::size_t(worker);
    for (const Loop::Partial& p : loop.partials)
      std::memset(m.arena + p.offset + lane * p.bytes, 0, std::size_t(p.bytes));
    Frame f{m.bases[w].data(), 0, 0, m.rows, lane, m.scratch[w].get() + plan_.scratch_bytes};
    if (loop.ragged) {
      f.row0 = first;
      f.rows = last - first;
      for (const auto& instr : loop.body) instr->run(f);
      return;
    }
    for (std::int64_t tile = lane * tiles / used; tile < (lane + 1) * tiles / used; ++tile) {
      f.row0 = tile * loop.tile;
      f.rows = std::min(loop.tile, rows - f.row0);
      if (loop.streamed && !m.made.empty()) m.make_rows(f.row0, f.rows, w);
      for (const auto& instr : loop.body) instr->run(f);
    }
  });
}

View Program::output(int k) const {
  const Frame f{memory_->bases[0].data(), 0, 0, memory_->rows, 0, nullptr};
  return view_at(plan_.outputs[std::size_t(k)], f);
}

Array Program::output_array(int k) const {
  const View v = output(k);
  std::array<Axis, Shape::kMaxRank> axes{};
  for (int i = 0; i < v.rank; ++i) axes[std::size_t(i)].extent = v.extent[i];
  Array a(v.dtype, Shape(std::span<const Axis>(axes.data(), std::size_t(v.rank))));
  std::memcpy(a.raw(), v.raw, a.bytes());
  return a;
}

double Program::scalar(int k) const {
  const View v = output(k);
  return v.dtype == DType::f32 ? double(*v.data<float>()) : *v.data<double>();
}

std::int64_t Program::memory() const {
  return plan_.arena_bytes +
         (plan_.scratch_bytes + plan_.chunk_bytes) * std::int64_t(memory_->scratch.size());
}

}  // namespace fathom
