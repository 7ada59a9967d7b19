// The graph: value numbering, folding, labels, and what it refuses.
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

TEST(Graph, EqualExpressionsAreOneNode) {
  Graph g(op_table());
  const Value x = g.data("x", DType::f64, Shape{3}), y = g.data("y", DType::f64, Shape{3});
  EXPECT_EQ(tanh(x * y + 2.0), tanh(x * y + 2.0));
  EXPECT_NE(x * y, y * x);  // rounding is the same, but nobody promised it
  EXPECT_EQ(sum(x, 0, 1), sum(x));
  EXPECT_EQ(slice(x, 0, 0, 2), slice(x, 0, 0, 2));
  EXPECT_NE(slice(x, 0, 0, 2), slice(x, 0, 1, 2));
  EXPECT_EQ(g.constant(1.5), g.constant(1.5));
  EXPECT_NE(g.constant(1.5), g.constant(1.5, DType::f32));
  EXPECT_EQ(logsumexp(x, 0), logsumexp(x, 0));
  EXPECT_NE(logsumexp(x, 0), sum(softmax(x, 0)));
  const std::size_t before = g.size();
  EXPECT_EQ(exp(x * y) + 2.0, exp(x * y) + 2.0);
  EXPECT_LE(g.size(), before + 3);
}

TEST(Graph, ManyInputsAreKeptApart) {
  Graph g(op_table());
  std::vector<Value> a, b;
  for (int i = 0; i < 6; ++i) a.push_back(g.data(fmt::format("x{}", i), DType::f64, Shape{1}));
  b = a;
  std::swap(b[4], b[5]);
  const Value p = concat(a, 0), q = concat(b, 0);
  EXPECT_NE(p, q);
  Bindings in;
  for (int i = 0; i < 6; ++i)
    in[fmt::format("x{}", i)] = array_of(DType::f64, Shape{1}, {double(i)});
  const std::vector<Value> out = {p, q};
  for (const auto& r : {evaluate_reference(g, out, in), run_planned(g, out, in)}) {
    EXPECT_EQ(numbers(r[0]), (std::vector<double>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(numbers(r[1]), (std::vector<double>{0, 1, 2, 3, 5, 4}));
  }
}

TEST(Graph, IdentitiesAndConstantsAreFolded) {
  Graph g(op_table());
  const Value x = g.data("x", DType::f64, Shape{2, 3});
  const Value one = broadcast_to(g.constant(1.0), Shape{2, 3}),
              zero = broadcast_to(g.constant(0.0), Shape{3});
  for (const Value& same : {x + 0.0, 0.0 + x, x - 0.0, x * 1.0, 1.0 * x, x / 1.0, x * one, x + zero,
                            reshape(x, x.shape()), reshape(reshape(x, Shape{6}), Shape{2, 3}),
                            broadcast_to(x, x.shape()), cast(x, DType::f64), sum(x, 1, 0)})
    EXPECT_EQ(same, x);
  // An identity with a wider operand still has its shape.
  EXPECT_EQ((g.constant(2.0) * one).shape(), (Shape{2, 3}));
  EXPECT_EQ(g.constant(2.0) + g.constant(3.0), g.constant(5.0));
  EXPECT_EQ(exp(g.constant(0.0)), g.constant(1.0));
  EXPECT_NE(x * 0.0, g.constant(0.0));  // NaN and infinities must come through
}

TEST(Graph, UniformValueSeesThroughRepetition) {
  Graph g(op_table());
  double v = 0;
  EXPECT_TRUE(g.uniform_value(broadcast_to(g.constant(2.5), Shape{4, 4}).id(), &v));
  EXPECT_EQ(v, 2.5);
  EXPECT_FALSE(g.uniform_value(g.constant(array_of(DType::f64, Shape{2}, {1, 2})).id(), &v));
  EXPECT_FALSE(g.uniform_value(g.data("x", DType::f64, Shape{}).id(), &v));
  EXPECT_FALSE(g.uniform_value(stop_gradient(g.constant(2.5)).id(), &v));
}

TEST(Graph, NamesAndLabelsAreUniqueAndOrdered) {
  Graph g(op_table());
  g.data("x", DType::f64, Shape{});
  EXPECT_THROW(g.slot("x", DType::f64, Shape{}), ShapeError);
  const Label row = g.label("row", true), draw = g.label("draw");
  EXPECT_LT(row, draw);
  EXPECT_THROW(g.label("draw"), ShapeError);
  EXPECT_THROW(g.label("late", true), ShapeError);
  EXPECT_THROW(shape_of({{2, draw}, {3, row}}), ShapeError);
  EXPECT_EQ(g.label_info(draw).name, "draw");
  // Labelled axes are matched by label and put in order.
  const Value a = g.data("a", DType::f64, shape_of({{4, draw}, {3, kNoLabel}})),
              b = g.data("b", DType::f64, shape_of({{5, row}}));
  EXPECT_EQ((a + b).shape(), shape_of({{5, row}, {4, draw}, {3, kNoLabel}}));
}

TEST(Graph, RefusesStrangersAndEmptyOperands) {
  Graph g(op_table()), other(op_table());
  const Value x = g.data("x", DType::f64, Shape{}), y = other.data("y", DType::f64, Shape{});
  EXPECT_THROW(x + y, ShapeError);
  EXPECT_THROW(x + Value(), ShapeError);
  EXPECT_THROW(exp(Value()), ShapeError);
}

TEST(Graph, ReachableIsTopologicalAndMinimal) {
  Graph g(op_table());
  const Value x = g.data("x", DType::f64, Shape{}), a = exp(x), b = tanh(x), c = a * x;
  const NodeId root[] = {c.id()};
  EXPECT_EQ(reachable(g, root), (std::vector<NodeId>{x.id(), a.id(), c.id()}));
  EXPECT_NE(b, a);
}

// Passes hold lists of inputs, shapes and constants while they add nodes.
TEST(Graph, WhatWasHandedOutStaysWhileItGrows) {
  Graph g(op_table());
  const Value x = g.data("x", DType::f64, Shape{2}), y = exp(x) + x, two = g.constant(2.5);
  const Value many = concat(std::vector<Value>{x, y, x, y, x, y}, 0);
  const auto few = g.inputs(y.id()), all = g.inputs(many.id());
  const Shape& shape = y.shape();
  const Node& node = g.node(y.id());
  const Array* constant = g.constant_value(two.id());
  Value v = y;
  for (int i = 0; i < 3000; ++i) {
    v = tanh(v + g.constant(double(i)));
    concat(std::vector<Value>{v, x, v, x, v}, 0);
  }
  EXPECT_EQ(few.data(), g.inputs(y.id()).data());
  EXPECT_EQ(all.data(), g.inputs(many.id()).data());
  EXPECT_EQ(std::vector<NodeId>(all.begin(), all.end()),
            (std::vector<NodeId>{x.id(), y.id(), x.id(), y.id(), x.id(), y.id()}));
  EXPECT_EQ(&shape, &g.shape(y.id()));
  EXPECT_EQ(&node, &g.node(y.id()));
  EXPECT_EQ(constant, g.constant_value(two.id()));
}

}  // namespace
}  // namespace fathom::test
