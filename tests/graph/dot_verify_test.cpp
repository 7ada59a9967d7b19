// The picture of a graph, and the check that a graph is legal.
#include "fathom/graph/dot.h"
#include "fathom/graph/verify.h"
#include "tests/laws/support.h"

namespace fathom {

// The door that a pass which rewrites nodes goes through.
struct GraphBuilder {
  static Node& node(Graph& g, NodeId id) { return g.nodes_[id]; }
};

namespace test {
namespace {

TEST(Dot, DrawsWhatTheRootsNeed) {
  Graph g(op_table());
  const Value x = g.data("say \"x\"", DType::f32, Shape{2, 3}),
              w = g.slot("w", DType::f32, Shape{3, 4});
  const Value unused = tanh(w), y = exp(matmul(x, w) * 2.0), z = logsumexp(y, 1);
  const std::vector<Value> roots = {z};
  const std::string s = dot(g, roots);
  EXPECT_EQ(s.find("digraph {"), 0u);
  EXPECT_EQ(s.back(), '\n');
  EXPECT_NE(s.find("say \\\"x\\\"\\nf32 [2, 3]"), std::string::npos) << s;
  EXPECT_NE(s.find("matmul\\nf32 [2, 4]"), std::string::npos) << s;
  EXPECT_NE(s.find("output 0\\nf32 [2]\", penwidth"), std::string::npos) << s;
  EXPECT_NE(s.find("fillcolor=lightyellow"), std::string::npos);
  EXPECT_EQ(s.find("tanh"), std::string::npos);
  EXPECT_NE(s.find(fmt::format("n{} -> n{};", w.id(),
                               g.inputs(y.id()).empty() ? 0u : g.inputs(g.inputs(y.id())[0])[0])),
            std::string::npos);
  EXPECT_NE(unused, y);
}

// A small legal graph whose nodes are broken one way at a time.
struct Broken {
  Graph g{op_table()};
  Value x = g.data("x", DType::f64, Shape{3}), y = g.data("y", DType::f64, Shape{3});
  Value z = exp(x * y), l = logsumexp(z, 0);

  void expect_refused(std::string_view what) {
    try {
      verify(g);
      ADD_FAILURE() << "took a graph in which " << what;
    } catch (const ShapeError& e) {
      EXPECT_NE(std::string(e.what()).find("[verify] node"), std::string::npos) << e.what();
    }
  }
};

TEST(Verify, TakesLegalGraphs) {
  Broken b;
  EXPECT_NO_THROW(verify(b.g));
  const std::vector<Value> wrt = {b.x, b.y};
  gradient(b.l, wrt);
  EXPECT_NO_THROW(verify(b.g));
}

TEST(Verify, FindsEachFault) {
  const auto with = [](std::string_view what, const std::function<void(Broken&)>& fault) {
    Broken b;
    fault(b);
    b.expect_refused(what);
  };
  with("a node reads itself",
       [](Broken& b) { GraphBuilder::node(b.g, b.z.id()).in[0] = b.z.id(); });
  with("a node lacks an input", [](Broken& b) { GraphBuilder::node(b.g, b.z.id()).arity = 0; });
  with("a dtype is wrong", [](Broken& b) { GraphBuilder::node(b.g, b.z.id()).dtype = DType::f32; });
  with("a shape is wrong",
       [](Broken& b) { GraphBuilder::node(b.g, b.z.id()).shape = b.g.node(b.l.id()).shape; });
  with("an op is unknown", [](Broken& b) { GraphBuilder::node(b.g, b.z.id()).op = 60000; });
  with("an output does not exist", [](Broken& b) { GraphBuilder::node(b.g, b.l.id()).output = 3; });
  with("a leaf has an input", [](Broken& b) {
    GraphBuilder::node(b.g, b.y.id()).arity = 1;
    GraphBuilder::node(b.g, b.y.id()).in[0] = b.x.id();
  });
}

}  // namespace
}  // namespace test
}  // namespace fathom
