// A value that is the same for all rows may have their axis with an extent of 1, until it is
// repeated: it is made once, whatever is done to it before.
#include <gtest/gtest.h>

#include "tests/laws/support.h"

namespace fathom::test {
namespace {

TEST(RepeatedRows, AreMadeOnce) {
  constexpr std::int64_t kRows = 700, kColumns = 5;
  Graph g(op_table());
  const Label row = g.label("row", true);
  const Value x = g.data("x", DType::f64, shape_of({{kRows, row}, {kColumns}})),
              w = g.data("w", DType::f64, Shape{kColumns}),
              m = g.data("m", DType::f64, Shape{kColumns, kColumns});
  const Value one = reshape(w, shape_of({{1, row}, {kColumns}}));
  const Value made = max(matmul(square(one) + 1.0, m), one * 3.0);
  const Value seen = x * broadcast_to(made, x.shape());
  const std::vector<Value> outputs = {sum(seen), sum(square(seen), row), seen};
  Random random(3);
  Bindings b;
  b["x"] = random_array(random, DType::f64, Shape{kRows, kColumns});
  b["w"] = random_array(random, DType::f64, Shape{kColumns});
  b["m"] = random_array(random, DType::f64, Shape{kColumns, kColumns});
  const std::vector<Array> want = evaluate_reference(g, outputs, b);
  for (const int threads : {1, 2}) {
    const std::vector<Array> got = run_planned(g, outputs, b, {}, threads);
    for (std::size_t k = 0; k < outputs.size(); ++k)
      EXPECT_EQ(first_difference(got[k], want[k], 1e-13), "") << k;
  }
}

}  // namespace
}  // namespace fathom::test
