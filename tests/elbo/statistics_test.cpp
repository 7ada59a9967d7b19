// What rows meet of factors: sums over rows are statistics only where they are partial derivatives.
#include "fathom/elbo/statistics.h"

#include <gtest/gtest.h>

#include "fathom/autodiff/gradient.h"
#include "fathom/exec/reference.h"
#include "fathom/ops/all_ops.h"

namespace fathom {
namespace {

struct Rows {
  Graph g{op_table()};
  Axis axis{3, g.label("row", true)};
  Value x = g.data("x", DType::f64, Shape(std::span(&axis, 1)));
  std::vector<Value> leaves = {g.slot("a", DType::f64, Shape{}), g.slot("b", DType::f64, Shape{})};
};

TEST(RowStatistics, AreSumsOverRowsOfWhatQuantitiesAreMultipliedBy) {
  Rows r;
  const Value f = sum(r.x * r.leaves[0] + (2.0 - r.x) * r.leaves[1]);
  const RowStatistics s = row_statistics(f, r.leaves);
  ASSERT_TRUE(s.linear);
  ASSERT_EQ(s.eta.size(), 2u);
  const double x[] = {1, 2, 4};
  const Bindings at = {{"x", Array::of<double>(Shape{3}, std::span<const double>(x))},
                       {"a", Array::scalar(3.0)},
                       {"b", Array::scalar(5.0)}};
  const std::vector<Value> both = {f, inner(gradient(f, s.eta), s.eta)};
  const std::vector<Array> got = evaluate_reference(r.g, both, at);
  EXPECT_EQ(*got[0].data<double>(), 3 * 7 - 5);
  EXPECT_EQ(*got[1].data<double>(), 3 * 7 - 5);
}

// Rows meet a - b and b: a derivative with respect to b has the rows of a - b in it too.
TEST(RowStatistics, AreNotThoseOfQuantitiesMadeOfEachOther) {
  Rows r;
  const Value f = sum(r.x * (r.leaves[0] - r.leaves[1]) + broadcast_to(r.leaves[1], r.x.shape()));
  EXPECT_FALSE(row_statistics(f, r.leaves).linear);
}

}  // namespace
}  // namespace fathom
