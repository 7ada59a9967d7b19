// Reverse mode as a whole: known gradients, zeros, several outputs, and what is refused.
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

std::vector<double> value_of(Graph& g, Value v, const Bindings& b) {
  return numbers(evaluate_reference(g, std::vector{v}, b)[0]);
}

TEST(Gradient, OfAQuadraticFormIsTwiceAx) {
  Graph g(op_table());
  const Value a = g.constant(array_of(DType::f64, Shape{2, 2}, {2, 1, 1, 3})),
              x = g.data("x", DType::f64, Shape{2});
  const std::vector<Value> wrt = {x}, v = {g.constant(array_of(DType::f64, Shape{2}, {1, -1}))};
  const Bindings b = {{"x", array_of(DType::f64, Shape{2}, {1, 2})}};
  EXPECT_EQ(value_of(g, gradient(quadratic_form(a, x), wrt)[0], b), (std::vector<double>{8, 14}));
  EXPECT_EQ(value_of(g, hessian_vector(quadratic_form(a, x), wrt, v)[0], b),
            (std::vector<double>{2, -4}));
}

TEST(Gradient, ThroughBroadcastIsASum) {
  Graph g(op_table());
  const Value x = g.data("x", DType::f64, Shape{2, 3}), b = g.data("b", DType::f64, Shape{3}),
              c = g.data("c", DType::f64, Shape{2, 1});
  const std::vector<Value> wrt = {b, c};
  const auto d = gradient(sum((x + b) * c), wrt);
  const Bindings in = {{"x", array_of(DType::f64, Shape{2, 3}, {1, 2, 3, 4, 5, 6})},
                       {"b", array_of(DType::f64, Shape{3}, {0, 0, 1})},
                       {"c", array_of(DType::f64, Shape{2, 1}, {2, 5})}};
  EXPECT_EQ(value_of(g, d[0], in), (std::vector<double>{7, 7, 7}));
  EXPECT_EQ(value_of(g, d[1], in), (std::vector<double>{7, 16}));
  EXPECT_EQ(d[1].shape(), c.shape());
}

TEST(Gradient, IsZeroWhereThereIsNoPath) {
  Graph g(op_table());
  const Value x = g.data("x", DType::f64, Shape{2}), y = g.data("y", DType::f32, Shape{3, 1});
  const std::vector<Value> wrt = {x, y};
  const auto d = gradient(sum(square(x)), wrt);
  EXPECT_EQ(d[1].shape(), y.shape());
  EXPECT_EQ(d[1].dtype(), DType::f32);
  EXPECT_EQ(value_of(g, d[1], {}), (std::vector<double>{0, 0, 0}));
  const std::vector<Value> one = {x};
  const Bindings b = {{"x", array_of(DType::f64, Shape{2}, {3, 4})}};
  EXPECT_EQ(value_of(g, gradient(sum(x * stop_gradient(x)), one)[0], b),
            (std::vector<double>{3, 4}));
  EXPECT_EQ(value_of(g, gradient(sum(stop_gradient(square(x))), one)[0], b),
            (std::vector<double>{0, 0}));
  EXPECT_EQ(value_of(g, gradient(sum(sign(x)), one)[0], b), (std::vector<double>{0, 0}));
}

TEST(Gradient, OfBothOutputsOfAnOp) {
  Graph g(op_table());
  const Value x = g.data("x", DType::f64, Shape{3}),
              w = g.constant(array_of(DType::f64, Shape{3}, {1, 2, 4}));
  const std::vector<Value> wrt = {x};
  const Bindings b = {{"x", array_of(DType::f64, Shape{3}, {0, 0, 0})}};
  const auto both = value_of(g, gradient(logsumexp(x, 0) + sum(softmax(x, 0) * w), wrt)[0], b);
  const double mean = 7.0 / 3;  // softmax is 1/3 each: 1/3 + (w - mean) / 3
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(both[i], (1 + std::vector<double>{1, 2, 4}[i] - mean) / 3, 1e-15);
  const auto second = value_of(g, gradient(sum(softmax(x, 0) * w), wrt)[0], b);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(second[i], (std::vector<double>{1, 2, 4}[i] - mean) / 3, 1e-15);
}

TEST(Gradient, OfGatherAddsUpRepeatedRows) {
  Graph g(op_table());
  const Value t = g.data("t", DType::f64, Shape{3, 2}),
              i = g.constant(array_of(DType::i64, Shape{4}, {1, 1, 0, 1}));
  const std::vector<Value> wrt = {t};
  const Value rows =
      gather(t, i) * g.constant(array_of(DType::f64, Shape{4, 1}, {1, 10, 100, 1000}));
  const Bindings b = {{"t", Array(DType::f64, Shape{3, 2})}};
  EXPECT_EQ(value_of(g, gradient(sum(rows), wrt)[0], b),
            (std::vector<double>{100, 100, 1011, 1011, 0, 0}));
}

TEST(Gradient, OfAValueOnTheWay) {
  Graph g(op_table());
  const Value x = g.data("x", DType::f64, Shape{2}), h = square(x);
  const std::vector<Value> wrt = {h, x};
  const Bindings b = {{"x", array_of(DType::f64, Shape{2}, {3, 4})}};
  const auto d = gradient(sum(h * h), wrt);
  EXPECT_EQ(value_of(g, d[0], b), (std::vector<double>{18, 32}));
  EXPECT_EQ(value_of(g, d[1], b), (std::vector<double>{108, 256}));
}

TEST(Gradient, VectorJacobianProductTakesASeed) {
  Graph g(op_table());
  const Value x = g.data("x", DType::f64, Shape{2}),
              seed = g.constant(array_of(DType::f64, Shape{2}, {1, 10}));
  const std::vector<Value> wrt = {x};
  const Bindings b = {{"x", array_of(DType::f64, Shape{2}, {3, 4})}};
  EXPECT_EQ(value_of(g, vjp(square(x), seed, wrt)[0], b), (std::vector<double>{6, 80}));
  EXPECT_THROW(vjp(square(x), g.constant(1.0), wrt), ShapeError);
}

TEST(Gradient, RefusesWhatIsNoScalar) {
  Graph g(op_table());
  const Value x = g.data("x", DType::f64, Shape{2});
  const std::vector<Value> wrt = {x};
  try {
    gradient(square(x), wrt);
    FAIL();
  } catch (const ShapeError& e) {
    EXPECT_NE(std::string(e.what()).find("[gradient] wants a scalar, got [2]"), std::string::npos)
        << e.what();
  }
}

}  // namespace
}  // namespace fathom::test
