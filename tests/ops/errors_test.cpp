// What ops refuse: the message names the op and the shapes, and nothing legal is refused.
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

struct Refusal {
  std::function<void()> build;
  std::vector<std::string> words;
};

TEST(OpErrors, NameTheOpAndBothShapes) {
  Graph g(op_table());
  const Label p = g.label("p"), q = g.label("q");
  const auto data = [&](Shape s, DType t = DType::f64) {
    return g.data(fmt::format("x{}", g.size()), t, s);
  };
  const Value v3 = data(Shape{3}), v4 = data(Shape{4}), m34 = data(Shape{3, 4}),
              m33 = data(Shape{3, 3}), s = data(Shape{}), single = data(Shape{3}, DType::f32),
              ids = data(Shape{3}, DType::i64), key = g.key("key"), zero = data(Shape{3, 0}),
              two = data(shape_of({{2, p}, {3, q}, {4, kNoLabel}}));
  const std::vector<Refusal> all = {
      {[&] { v3 + v4; }, {"[add]", "[3]", "[4]"}},
      {[&] { where(v3, v3, v4); }, {"[where]", "[3]", "[4]"}},
      {[&] { v3* single; }, {"[mul]", "f64", "f32"}},
      {[&] { single + g.constant(0.0); }, {"[add]", "f32", "f64"}},
      {[&] { exp(ids); }, {"[exp]", "i64"}},
      {[&] {
         broadcast_to(v3, Shape{3, 4});
       },
       {"[broadcast]", "[3]", "[3, 4]"}},
      {[&] { reshape(v3, Shape{4}); }, {"[reshape]", "[3]", "[4]"}},
      {[&] {
         transpose(m34, std::vector<int>{0, 0});
       },
       {"[transpose]", "[3, 4]"}},
      {[&] { transpose(m34, std::vector<int>{0}); }, {"[transpose]", "[3, 4]"}},
      {[&] { slice(m34, 1, 2, 3); }, {"[slice]", "2..5", "[3, 4]"}},
      {[&] { slice(m34, 2, 0, 1); }, {"[slice]", "axis 2", "[3, 4]"}},
      {[&] { slice(m34, 0, -1, 1); }, {"[slice]", "[3, 4]"}},
      {[&] { embed(m34, 1, 3, 6); }, {"[embed]", "[3, 4]"}},
      {[&] {
         concat(std::vector<Value>{m34, m33}, 0);
       },
       {"[concat]", "[3, 4]", "[3, 3]"}},
      {[&] {
         concat(std::vector<Value>{m34, v3}, 1);
       },
       {"[concat]", "[3, 4]", "[3]"}},
      {[&] { concat(std::vector<Value>{}, 0); }, {"[concat]"}},
      {[&] { cast(key, DType::f64); }, {"[cast]"}},
      {[&] { sum(m34, 1, 2); }, {"[sum]", "[3, 4]"}},
      {[&] { sum(ids); }, {"[sum]", "i64"}},
      {[&] { sum(m34, p); }, {"[sum]", "[3, 4]"}},
      {[&] { reduce_max(m34, -1, 1); }, {"[reduce_max]", "[3, 4]"}},
      {[&] { logsumexp(m34, 2); }, {"[logsumexp]", "[3, 4]"}},
      {[&] { argmax(s); }, {"[argmax]", "[]"}},
      {[&] { argmax(zero); }, {"[argmax]", "[3, 0]"}},
      {[&] { gather(m34, v3); }, {"[gather]", "f64"}},
      {[&] { gather(s, ids); }, {"[gather]", "[]"}},
      {[&] { gather(two, ids); }, {"[gather]", "[#1:2, #2:3, 4]"}},
      {[&] {
         scatter_add(m34, ids, Shape{5, 3});
       },
       {"[scatter_add]", "[3, 4]", "[3]", "[5, 3]"}},
      {[&] { pick(v4, ids); }, {"[pick]", "[3]", "[4]"}},
      {[&] { place(v4, ids, 2); }, {"[place]", "[4]", "[3]"}},
      {[&] { matmul(m34, m34); }, {"[matmul]", "[3, 4] x f64 [3, 4]"}},
      {[&] { matmul(v3, v3); }, {"[matmul]", "[3] x [3]"}},
      {[&] {
         contract(m34, data(Shape{4, 3}, DType::f32), 0, 1, false, false);
       },
       {"[matmul]", "f32"}},
      {[&] { cholesky(m34); }, {"[cholesky]", "[3, 4]"}},
      {[&] {
         triangular_solve(m33, data(Shape{4, 2}));
       },
       {"[triangular_solve]", "[3, 3]", "[4, 2]"}},
      {[&] { tril(v3); }, {"[tril]", "[3]"}},
      {[&] { diagonal(m34); }, {"[diagonal]", "[3, 4]"}},
      {[&] { diagonal_matrix(s); }, {"[diagonal_matrix]", "[]"}},
      {[&] { fold_key(s, 1); }, {"[fold_key]"}},
      {[&] { uniform(s, DType::f64, Shape{3}); }, {"[draw]"}},
      {[&] { uniform(key, DType::i64, Shape{3}); }, {"[draw]"}},
      {[&] { standard_normal(key, DType::f64, Shape{4}, ids); }, {"[draw]", "[3]", "[4]"}},
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    try {
      all[i].build();
      ADD_FAILURE() << "case " << i << " (" << all[i].words[0] << ") was taken";
    } catch (const ShapeError& e) {
      const std::string text = e.what();
      EXPECT_EQ(text.find('\n'), std::string::npos);
      for (const std::string& w : all[i].words)
        EXPECT_NE(text.find(w), std::string::npos)
            << "case " << i << ": \"" << text << "\" lacks " << w;
    }
  }
}

// Rows of a streamed plate are known when a plan runs: nothing may be cut from them before.
TEST(OpErrors, StreamedRowsCannotBeCut) {
  Graph g(op_table());
  const Label row = g.label("row", true);
  const Value x = g.data("x", DType::f64, shape_of({{8, row}, {3, kNoLabel}}));
  EXPECT_THROW(slice(x, 0, 2, 3), ShapeError);
  EXPECT_THROW(embed(x, 0, 2, 20), ShapeError);
  EXPECT_THROW(concat(std::vector<Value>{x, x}, 0), ShapeError);
  EXPECT_THROW(reshape(x, Shape{24}), ShapeError);
  EXPECT_THROW(reshape(x, shape_of({{4, row}, {6, kNoLabel}})), ShapeError);
  EXPECT_NO_THROW(reshape(x, shape_of({{8, row}, {1, kNoLabel}, {3, kNoLabel}})));
  EXPECT_NO_THROW(slice(x, 1, 1, 2));
  EXPECT_NO_THROW(sum(x, row));
}

TEST(Ops, TableIsConsistent) {
  const OpTable table = op_table();
  for (const OpInfo& op : table) {
    SCOPED_TRACE(std::string(op.doc.name));
    EXPECT_EQ(find_op(op.doc.name), &op);  // names are unique
    EXPECT_FALSE(op.doc.brief.empty());
    if (op.kind == OpKind::leaf || op.kind == OpKind::output) continue;
    EXPECT_EQ(table[op.id()].doc.name, op.doc.name);
    EXPECT_NE(op.forward, nullptr);
    EXPECT_EQ(op.differentiable, op.vjp != nullptr);
    EXPECT_EQ(op.kind == OpKind::elementwise, op.wide >= 0);
    if (op.kind == OpKind::elementwise) {
      EXPECT_FALSE(op.points.empty());
    }
  }
  EXPECT_EQ(find_op("no such op"), nullptr);
}

// The extent of a streamed axis is a capacity: a mean over it would divide by the wrong number.
TEST(OpErrors, NoMeanOverRowsThatAreBoundWhenRunning) {
  Graph g(op_table());
  const Label row = g.label("row", true);
  const Value x = g.data("x", DType::f64, shape_of({{8, row}, {3, kNoLabel}}));
  EXPECT_THROW(mean(x), ShapeError);
  EXPECT_THROW(mean(x, 0, 1), ShapeError);
  EXPECT_EQ(mean(x, 1, 1).shape().rank(), 1);
}

}  // namespace
}  // namespace fathom::test
