// A planned run equals the interpreter, and is the same bits for any number of threads.
#include "tests/laws/random_graph.h"

#include <map>
#include <memory>

#include "fathom/graph/verify.h"

namespace fathom::test {
namespace {

Workers& pool(int threads) {
  static std::map<int, std::unique_ptr<Workers>> pools;
  auto& p = pools[threads];
  if (!p) p = std::make_unique<Workers>(threads);
  return *p;
}

// What a run leaves: outputs, then slots in the order of the updates.
using Result = std::vector<Array>;

std::vector<Result> planned_steps(RandomGraph& g, const std::vector<Bindings>& steps,
                                  const PlanOptions& options, int threads) {
  State state = state_of(g.graph, steps[0]);
  Program program(g.graph, g.outputs, g.updates, state, options);
  std::vector<Result> out;
  for (const Bindings& b : steps) {
    bind_all(program, g.graph, b);
    program.run(pool(threads));
    Result r;
    for (std::size_t k = 0; k < g.outputs.size(); ++k) r.push_back(program.output_array(int(k)));
    for (const Update& u : g.updates)
      for (const InputInfo& i : g.graph.graph_inputs())
        if (i.node == u.slot.id()) r.push_back(state.find(i.name)->copy());
    out.push_back(std::move(r));
  }
  return out;
}

std::vector<Result> reference_steps(const RandomGraph& g, std::vector<Bindings> steps) {
  std::vector<Value> all = g.outputs;
  for (const Update& u : g.updates) all.push_back(u.value);
  std::vector<Result> out;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    out.push_back(evaluate_reference(g.graph, all, steps[i]));
    if (i + 1 == steps.size()) break;
    for (const InputInfo& input : g.graph.graph_inputs())  // slots go on from where they are
      if (input.kind == InputKind::slot) steps[i + 1][input.name] = steps[i][input.name];
    for (std::size_t u = 0; u < g.updates.size(); ++u)
      for (const InputInfo& input : g.graph.graph_inputs())
        if (input.node == g.updates[u].slot.id())
          steps[i + 1][input.name] = out.back()[g.outputs.size() + u];
  }
  return out;
}

void expect_close(const RandomGraph& g, const std::vector<Result>& got,
                  const std::vector<Result>& want, const std::string& how) {
  const double tolerance = g.single ? 2e-3 : 1e-8;
  for (std::size_t s = 0; s < want.size(); ++s)
    for (std::size_t k = 0; k < want[s].size(); ++k) {
      const std::string d = first_difference(got[s][k], want[s][k], tolerance);
      const Value v = k < g.outputs.size() ? g.outputs[k] : g.updates[k - g.outputs.size()].value;
      ASSERT_EQ(d, "") << how << ", step " << s << ", "
                       << (k < g.outputs.size() ? "output " : "update ") << k << " "
                       << g.graph.text(v.id()) << " node " << v.id();
    }
}

class RandomGraphs : public testing::TestWithParam<int> {};

std::vector<Bindings> steps_for(const RandomGraph& g, std::uint64_t seed) {
  const std::int64_t c = g.capacity;
  if (c == 1) return {g.bindings(1, seed), g.bindings(1, seed + 1)};
  return {g.bindings(c, seed), g.bindings(c > 2 ? c - c / 3 : 1, seed + 1), g.bindings(1, seed + 2),
          g.bindings(0, seed + 3)};
}

TEST_P(RandomGraphs, PlannedRunEqualsInterpreterForAnyThreads) {
  const int per_block = 10;
  for (int i = 0; i < per_block; ++i) {
    const auto seed = std::uint64_t(GetParam() * per_block + i);
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomGraph g(seed);
    verify(g.graph);
    const std::vector<Bindings> steps = steps_for(g, seed);
    const std::vector<Result> want = reference_steps(g, steps);
    for (const bool fuse : {true, false}) {
      for (const std::int64_t tile : {0, 1, 3}) {
        std::vector<Result> first;
        for (const int threads : {1, 2, 3}) {
          const std::string how = fmt::format("fuse {}, tile {}, threads {}", fuse, tile, threads);
          const auto got = planned_steps(g, steps, {fuse, tile, false}, threads);
          if (threads == 1) {
            expect_close(g, got, want, how);
            if (HasFatalFailure()) return;
            first = got;
            continue;
          }
          for (std::size_t s = 0; s < got.size(); ++s)
            for (std::size_t k = 0; k < got[s].size(); ++k)
              ASSERT_TRUE(same_bits(got[s][k], first[s][k]))
                  << how << ", step " << s << ", result " << k;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Laws, RandomGraphs, testing::Range(0, 24));

// Rows that need not fit in memory: what can be planned so gives the same, with more rows too.
TEST(RandomGraphs, UnboundedPlansEqualInterpreter) {
  int planned = 0;
  for (std::uint64_t seed = 1000; seed < 1120; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomGraph g(seed);
    std::erase_if(g.outputs, [&](const Value& v) { return v.shape().find(g.row) >= 0; });
    if (g.outputs.empty()) continue;
    const std::int64_t c = g.capacity;
    if (c == 1) continue;
    const std::vector<Bindings> steps = {g.bindings(c, seed), g.bindings(3 * c + 2, seed),
                                         g.bindings(1, seed)};
    std::vector<Result> one;
    try {
      one = planned_steps(g, steps, {true, 0, true}, 1);
    } catch (const ShapeError& e) {
      EXPECT_NE(std::string(e.what()).find("streamed"), std::string::npos) << e.what();
      continue;
    }
    ++planned;
    expect_close(g, one, reference_steps(g, steps), "unbounded");
    if (HasFatalFailure()) return;
    const auto two = planned_steps(g, steps, {true, 0, true}, 2);
    for (std::size_t s = 0; s < two.size(); ++s)
      for (std::size_t k = 0; k < two[s].size(); ++k) ASSERT_TRUE(same_bits(two[s][k], one[s][k]));
  }
  EXPECT_GE(planned, 20);
}

}  // namespace
}  // namespace fathom::test
