// Programs: no allocation while running, memory laid out well, plans that a person can read, and
// what binding refuses.
#include "tests/exec/allocations.h"
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

// A training step of a small auto-encoder: rows, draws, products, sums over rows, momentum.
struct Step {
  Graph g{op_table()};
  Label row = g.label("row", true);
  std::vector<Value> outputs;
  std::vector<Update> updates;

  explicit Step(std::int64_t rows = 48) {
    const Shape s = shape_of({{rows, row}, {20, kNoLabel}});
    const Value x = g.data("x", DType::f32, s),
                ids = g.data("ids", DType::i64, shape_of({{rows, row}}));
    const Value w = g.slot("w", DType::f32, Shape{20, 8}), b = g.slot("b", DType::f32, Shape{8}),
                u = g.slot("u", DType::f32, Shape{4, 20}),
                rate = g.data("rate", DType::f32, Shape{});
    const Value h = matmul(x, w) + b;
    const Value z =
        slice(h, 1, 0, 4) +
        exp(slice(h, 1, 4, 4)) *
            standard_normal(g.key("key"), DType::f32, shape_of({{rows, row}, {4, kNoLabel}}), ids);
    const Value logits = matmul(tanh(z), u);
    const Value loss = sum(softplus(logits) - x * logits) + sum(logsumexp(h, 1));
    const std::vector<Value> parameters = {w, b, u};
    const std::vector<Value> d = gradient(loss, parameters);
    for (std::size_t i = 0; i < 3; ++i) {
      const Value m = g.slot(fmt::format("m{}", i), DType::f32, parameters[i].shape());
      const Value next = m * 0.9 + d[i];
      updates.push_back({m, next});
      updates.push_back({parameters[i], parameters[i] - rate * next});
    }
    outputs = {loss};
  }

  Bindings bindings(std::int64_t rows) {
    Random random(1);
    Bindings b = {
        {"x", random_array(random, DType::f32, shape_of({{rows, row}, {20, kNoLabel}}), 0, 1)},
        {"ids", make_array(DType::i64, Shape{rows}, [i = 0.0]() mutable { return i++; })},
        {"rate", Array::scalar(1e-3f)},
        {"key", key_array({1, 2})}};
    for (const char* name : {"w", "b", "u"})
      b[name] = random_array(random, DType::f32, g.shape(g.find_input(name)->node), -0.3, 0.3);
    return b;
  }
};

TEST(Program, AllocatesNothingWhileRunning) {
  for (const int threads : {1, 2}) {
    Step s;
    const Bindings full = s.bindings(48), part = s.bindings(31);
    State state = state_of(s.g, full);
    Program p(s.g, s.outputs, s.updates, state);
    Workers workers(threads);
    bind_all(p, s.g, full);
    p.run(workers);
    bind_all(p, s.g, part);
    p.run(workers);
    const long before = allocations();
    for (std::uint64_t step = 0; step < 1000; ++step) {
      p.bind("x", (step % 2 ? full : part).at("x"));
      p.bind("ids", (step % 2 ? full : part).at("ids"));
      p.set_key("key", {step, 0});
      p.run(workers);
    }
    EXPECT_EQ(allocations() - before, 0) << threads << " threads";
    EXPECT_TRUE(std::isfinite(p.scalar(0)));
  }
}

TEST(Program, StepsLowerTheLoss) {
  Step s;
  const Bindings b = s.bindings(48);
  State state = state_of(s.g, b);
  Program p(s.g, s.outputs, s.updates, state);
  Workers workers(1);
  bind_all(p, s.g, b);
  p.run(workers);
  const double first = p.scalar(0);
  for (int i = 0; i < 50; ++i) p.run(workers);
  EXPECT_LT(p.scalar(0), 0.8 * first);
}

TEST(Program, PlanIsReadable) {
  Step s;
  State state;
  const Program p(s.g, s.outputs, s.updates, state);
  const std::string text = p.plan().text();
  for (const std::string& word :
       {fmt::format("arena {} bytes", p.plan().arena_bytes), std::string("stage 0"),
        std::string("loop row"), std::string("matmul"), std::string("join lanes")})
    EXPECT_NE(text.find(word), std::string::npos) << "no \"" << word << "\" in\n" << text;
  EXPECT_GE(p.memory(), p.plan().arena_bytes);
}

TEST(Program, RefusesWhatDoesNotFit) {
  Step s;
  State state;
  Program p(s.g, s.outputs, s.updates, state);
  Workers workers(1);
  EXPECT_THROW(p.run(workers), ShapeError);  // nothing is bound
  EXPECT_THROW(p.bind("nobody", Array::scalar(1.0f)), ShapeError);
  EXPECT_THROW(p.bind("rate", Array::scalar(1.0)), ShapeError);
  EXPECT_THROW(p.bind("x", Array(DType::f32, Shape{10, 21})), ShapeError);
  State other;
  other.slot("w", DType::f64, Shape{20, 8});
  EXPECT_THROW(Program(s.g, s.outputs, s.updates, other), ShapeError);
  const std::vector<Update> bad = {{s.updates[0].slot, s.outputs[0]}};
  EXPECT_THROW(Program(s.g, s.outputs, bad, state), ShapeError);
}

TEST(Program, RefusesInputsOfAPlateThatDisagreeInTheirRows) {
  Step s;
  const Bindings rows = s.bindings(48), fewer = s.bindings(31);
  State state = state_of(s.g, rows);
  Program p(s.g, s.outputs, s.updates, state);
  Workers workers(1);
  p.bind("rate", rows.at("rate"));
  p.bind("x", rows.at("x"));
  p.bind("ids", fewer.at("ids"));
  EXPECT_THROW(p.run(workers), ShapeError);
  p.bind("x", fewer.at("x"));
  p.run(workers);
}

TEST(Program, SlotsMayTakeEachOtherButNotInACircle) {
  Graph g(op_table());
  const Value a = g.slot("a", DType::f64, Shape{3}), b = g.slot("b", DType::f64, Shape{3}),
              c = g.slot("c", DType::f64, Shape{3});
  const std::vector<Value> none;
  State state;
  for (int i = 0; i < 3; ++i)
    for (const char* name : {"a", "b", "c"})
      state.slot(name, DType::f64, Shape{3}).data<double>()[i] = double(*name);
  Workers workers(1);
  const std::vector<Update> chain = {{b, a}, {c, b}, {a, a * 2.0}};
  Program(g, none, chain, state).run(workers);
  EXPECT_EQ(*state.find("a")->data<double>(), 2.0 * 'a');
  EXPECT_EQ(*state.find("b")->data<double>(), 'a');
  EXPECT_EQ(*state.find("c")->data<double>(), 'b');
  const std::vector<Update> circle = {{a, b}, {b, a}};
  EXPECT_THROW(Program(g, none, circle, state), ShapeError);
}

TEST(Reference, LocatesTheFirstValueThatIsNotFinite) {
  Graph g(op_table());
  const Value x = g.data("x", DType::f64, Shape{2}), y = exp(log(x) * 2.0);
  const std::vector<Value> out = {sum(y)};
  EXPECT_EQ(locate_non_finite(g, out, {{"x", array_of(DType::f64, Shape{2}, {1, 2})}}), "");
  EXPECT_NE(
      locate_non_finite(g, out, {{"x", array_of(DType::f64, Shape{2}, {1, -1})}}).find("[log]"),
      std::string::npos);
  EXPECT_THROW(evaluate_reference(g, out, {}), ShapeError);
}

}  // namespace
}  // namespace fathom::test
