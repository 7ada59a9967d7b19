// A slice of what a fused block makes, repeated to the size of the block, is read after the block:
// within it the value stands element by element.
#include <gtest/gtest.h>

#include "tests/laws/support.h"

namespace fathom::test {
namespace {

TEST(SliceInBlock, IsReadFromMemory) {
  for (const std::int64_t first : {0, 1, 2}) {
    Graph g(op_table());
    const Value x = g.data("x", DType::f64, Shape{3}), y = g.data("y", DType::f64, Shape{3});
    const Value v = x * y, one = broadcast_to(slice(v, 0, first, 1), Shape{3});
    const std::vector<Value> outputs = {v + one, (one - v) * y};
    Bindings b;
    b["x"] = array_of(DType::f64, Shape{3}, {1, 2, 3});
    b["y"] = array_of(DType::f64, Shape{3}, {0.5, -1, 4});
    const std::vector<Array> want = evaluate_reference(g, outputs, b),
                             got = run_planned(g, outputs, b);
    for (std::size_t k = 0; k < outputs.size(); ++k)
      EXPECT_EQ(first_difference(got[k], want[k], 0), "") << first << " " << k;
  }
}

}  // namespace
}  // namespace fathom::test
