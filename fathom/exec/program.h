// A planned graph with memory: bound, run many times. Several programs (train, evaluate, encode)
// may share the slots of one State.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fathom/base/workers.h"
#include "fathom/exec/plan.h"

namespace fathom {

// Named arrays that outlive runs: parameters, factors, the moments of an optimiser.
class State {
 public:
  // The slot `name`, made of zeros when it does not exist. Throws ShapeError when it exists with
  // another dtype or shape.
  Array& slot(const std::string& name, DType dtype, const Shape& shape);
  Array* find(const std::string& name);
  const Array* find(const std::string& name) const;
  const std::map<std::string, Array>& slots() const { return slots_; }
  State copy() const;               // deep
  void assign(const State& other);  // copies values into the memory that programs hold

 private:
  std::map<std::string, Array> slots_;
};

// Memory in which programs take turns: what one left there lasts until another runs or is made.
class SharedArena {
 public:
  std::byte* at_least(std::size_t bytes);

 private:
  std::shared_ptr<std::byte> memory_;
  std::size_t bytes_ = 0;
};

class Program {
 public:
  // Without an arena to share it has one of its own.
  Program(Graph& graph, std::span<const Value> outputs, std::span<const Update> updates,
          State& state, const PlanOptions& options = {},
          std::shared_ptr<SharedArena> arena = std::make_shared<SharedArena>());
  ~Program();
  Program(Program&&) noexcept;

  // Binds a data input to memory that stays alive until the next run ends. The first axis may have
  // fewer rows than the plan's capacity where it is streamed; all inputs of the plate must agree.
  // Throws ShapeError on another dtype or shape. Inputs that the plan does not need are ignored.
  // Rows that are made when they are read (tensor/recipe.h) are made tile by tile.
  void bind(std::string_view input, const Array& array);
  // The same without ownership or check of the rest of the shape: rows of the dense data at `raw`.
  void bind_raw(int input, const void* raw, std::int64_t rows);
  // Place of an input for bind_raw; -1 when the plan does not need it.
  int input(std::string_view name) const;
  void set_key(std::string_view input, Key key);

  // Runs everything once, on the pool's threads. No allocation. The same bits for any pool.
  void run(Workers& workers);

  // Output k of the last run: valid until the next in its arena. One that is a slot, or a piece of
  // one, shows the slot as the run left it; all others are functions of the slots as the run found
  // them. Rows of a streamed axis are those bound.
  View output(int k) const;
  Array output_array(int k) const;  // a copy
  double scalar(int k) const;       // of a real scalar output

  const Plan& plan() const { return plan_; }
  std::int64_t memory() const;  // bytes that the program holds beyond its inputs

 private:
  struct Memory;
  void resolve_serial();
  void check_rows();
  void run_loops(const Stage& stage, Workers& workers);

  Graph* graph_;
  Plan plan_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace fathom
