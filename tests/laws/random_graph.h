// Random graphs for the law that a planned run equals the interpreter: all ops mixed, streamed
// rows, broadcasts of every pattern, several dtypes, slots that are read and rewritten.
#pragma once

#include "tests/laws/support.h"

namespace fathom::test {

// A value and a bound of its magnitude; values are kept small so that rounding errors stay small.
struct Bounded {
  Value value;
  double bound;
};

class RandomGraph {
 public:
  explicit RandomGraph(std::uint64_t seed);

  Graph graph{op_table()};
  std::vector<Value> outputs;
  std::vector<Update> updates;
  bool single = false;  // some of it is f32
  std::int64_t capacity = 1;
  Label row{};

  // Inputs for a run of `rows` rows; slots as they start.
  Bindings bindings(std::int64_t rows, std::uint64_t seed) const;

 private:
  void make_leaves();
  void grow();    // adds one random value to the pool
  void finish();  // outputs, gradients, updates
  void put(Value v, double bound);
  Bounded any();
  Bounded any_like(DType dtype);
  Value fit(Value v, double bound, double most);
  void unary_op();
  void binary_op();
  void ternary_op();
  void layout_op();
  void reduce_op();
  void index_op();
  void product_op();
  void matrix_op();
  void draw_op();
  Value expression_like(Value slot);

  bool coin(double p = 0.5) { return uniform_in(random_, 0, 1) < p; }
  std::int64_t dice(std::int64_t n) { return integer_in(random_, 0, n - 1); }
  std::int64_t some_extent();

  Random random_;
  DType main_ = DType::f64;
  Label draw_{};
  std::int64_t draws_ = 3, table_rows_ = 6;
  std::vector<Bounded> pool_;
  std::vector<Value> slots_;
  std::vector<Value> exact_;  // data read as they are: arguments of comparisons
  Value ids_, index_, small_index_, key_;
};

}  // namespace fathom::test
