// Products, factorisations and indexing against plain loops; gradients and Hessian-vector products
// of every structured op against differences.
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

// C[b, m, n] = sum over k of A B with groups of axes, by offsets alone.
std::vector<long double> product(const std::vector<double>& a, const std::vector<double>& b,
                                 std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k,
                                 bool ta, bool tb, bool magnitudes) {
  std::vector<long double> c(std::size_t(batch * m * n));
  for (std::int64_t i = 0; i < batch; ++i)
    for (std::int64_t r = 0; r < m; ++r)
      for (std::int64_t s = 0; s < n; ++s)
        for (std::int64_t p = 0; p < k; ++p) {
          const long double x = a[std::size_t(i * m * k + (ta ? p * m + r : r * k + p))];
          const long double y = b[std::size_t(i * k * n + (tb ? s * k + p : p * n + s))];
          c[std::size_t((i * m + r) * n + s)] += magnitudes ? std::abs(x * y) : x * y;
        }
  return c;
}

TEST(MatMul, GroupsOfAxesBatchesAndTransposes) {
  struct Case {
    std::vector<std::int64_t> batch, m, k, n;
  };
  const std::vector<Case> cases = {
      {{}, {3}, {4}, {5}},          {{}, {1}, {1}, {1}},        {{}, {}, {7}, {3}},
      {{}, {6}, {5}, {}},           {{}, {}, {9}, {}},          {{2}, {3}, {4}, {5}},
      {{2, 3}, {2}, {2}, {2}},      {{}, {2, 3}, {4}, {5}},     {{}, {3}, {2, 4}, {5}},
      {{}, {3}, {2, 2, 3}, {2, 2}}, {{4}, {2}, {3, 2}, {1, 5}}, {{}, {0}, {4}, {5}},
      {{}, {3}, {0}, {5}},          {{}, {3}, {4}, {0}},        {{0}, {3}, {4}, {2}},
      {{}, {70}, {65}, {66}},       {{}, {130}, {300}, {17}},   {{3}, {40}, {33}, {20}},
      {{}, {1}, {500}, {100}},      {{}, {500}, {1}, {100}},    {{}, {100}, {64}, {1}}};
  const auto size = [](const std::vector<std::int64_t>& v) {
    std::int64_t n = 1;
    for (const std::int64_t e : v) n *= e;
    return n;
  };
  const auto joined = [](std::initializer_list<std::vector<std::int64_t>> parts) {
    Shape s;
    for (const auto& p : parts)
      for (const std::int64_t e : p) s = s.with_back(e);
    return s;
  };
  for (const Case& c : cases)
    for (const DType t : {DType::f32, DType::f64})
      for (const bool ta : {false, true})
        for (const bool tb : {false, true}) {
          SCOPED_TRACE(fmt::format("batch {} m {} k {} n {} {} ta {} tb {}",
                                   fmt::join(c.batch, ","), fmt::join(c.m, ","),
                                   fmt::join(c.k, ","), fmt::join(c.n, ","), name_of(t), ta, tb));
          Graph g(op_table());
          Random random(5);
          const Shape sa = ta ? joined({c.batch, c.k, c.m}) : joined({c.batch, c.m, c.k});
          const Shape sb = tb ? joined({c.batch, c.n, c.k}) : joined({c.batch, c.k, c.n});
          const Value a = g.data("a", t, sa), b = g.data("b", t, sb);
          const Bindings in = {{"a", random_array(random, t, sa)},
                               {"b", random_array(random, t, sb)}};
          const std::vector<Value> out = {
              contract(a, b, int(c.batch.size()), int(c.k.size()), ta, tb)};
          ASSERT_EQ(out[0].shape(), joined({c.batch, c.m, c.n}));
          const auto x = numbers(in.at("a")), y = numbers(in.at("b"));
          const std::int64_t k = size(c.k);
          const auto want = product(x, y, size(c.batch), size(c.m), size(c.n), k, ta, tb, false);
          const auto weight = product(x, y, size(c.batch), size(c.m), size(c.n), k, ta, tb, true);
          const long double eps = t == DType::f32 ? 0x1p-24L : 0x1p-53L;
          for (const Array& r :
               {evaluate_reference(g, out, in)[0], run_planned(g, out, in, {}, 2)[0],
                run_planned(g, out, in, {false, 0, false})[0]}) {
            const std::vector<double> got = numbers(r);
            ASSERT_EQ(got.size(), want.size());
            for (std::size_t i = 0; i < got.size(); ++i)
              ASSERT_LE(std::abs(got[i] - want[i]), double(k + 2) * eps * weight[i])
                  << "element " << i;
          }
        }
}

TEST(MatMul, PlatesOfOneSideAreRowsAndOfBothAreBatches) {
  Graph g(op_table());
  const Label p = g.label("p"), q = g.label("q");
  const Shape sp = shape_of({{4, p}, {3, kNoLabel}}), w{3, 2},
              wq = shape_of({{5, q}, {3, kNoLabel}, {2, kNoLabel}});
  const Value x = g.data("x", DType::f64, sp), a = g.data("a", DType::f64, w),
              b = g.data("b", DType::f64, wq);
  EXPECT_EQ(matmul(x, a).shape(), shape_of({{4, p}, {2, kNoLabel}}));
  EXPECT_EQ(matmul(x, b).shape(), shape_of({{4, p}, {5, q}, {2, kNoLabel}}));
  Random random(1);
  const Bindings in = {{"x", random_array(random, DType::f64, sp)},
                       {"a", random_array(random, DType::f64, w)},
                       {"b", random_array(random, DType::f64, wq)}};
  const Array y = evaluate_reference(g, std::vector{matmul(x, b)}, in)[0];
  const double* px = in.at("x").data<double>();
  const double* pb = in.at("b").data<double>();
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 5; ++j)
      for (int n = 0; n < 2; ++n) {
        double s = 0;
        for (int k = 0; k < 3; ++k) s += px[i * 3 + k] * pb[(j * 3 + k) * 2 + n];
        EXPECT_NEAR(y.data<double>()[(i * 5 + j) * 2 + n], s, 1e-14);
      }
}

// L L' = A, L X = B, L' X = B, and the determinant as a product over the diagonal.
TEST(Factorisations, SatisfyTheirEquations) {
  for (const DType t : {DType::f32, DType::f64})
    for (const std::int64_t n : {0, 1, 2, 5, 20})
      for (const std::int64_t batch : {1, 3}) {
        SCOPED_TRACE(fmt::format("{} n {} batch {}", name_of(t), n, batch));
        Graph g(op_table());
        const Shape s{batch, n, n}, sb{batch, n, 2};
        const Value m = g.data("m", t, s), b = g.data("b", t, sb);
        const Value a = matmul(m, m, false, true) +
                        diagonal_matrix(broadcast_to(g.constant(1.0, t), Shape{batch, n}));
        const Value l = cholesky(a);
        const Value x = triangular_solve(l, b), z = triangular_solve(l, b, true);
        const std::vector<Value> out = {matmul(l, l, false, true) - a,
                                        l - tril(l),
                                        matmul(l, x) - b,
                                        matmul(l, z, true, false) - b,
                                        diagonal(diagonal_matrix(diagonal(a))) - diagonal(a),
                                        log_determinant(a) - sum(log(square(diagonal(l))), 1, 1)};
        Random random(2);
        const Bindings in = {{"m", random_array(random, t, s)}, {"b", random_array(random, t, sb)}};
        const double eps = t == DType::f32 ? 0x1p-23 : 0x1p-52;
        for (const auto& r : {evaluate_reference(g, out, in), run_planned(g, out, in, {}, 2)})
          for (std::size_t k = 0; k < out.size(); ++k)
            for (const double v : numbers(r[k]))
              EXPECT_LE(std::abs(v), eps * 64 * double(n + 1) * double(n + 1)) << "equation " << k;
      }
}

TEST(Factorisations, NotPositiveDefiniteGivesNan) {
  Graph g(op_table());
  const Value a = g.data("a", DType::f64, Shape{2, 2});
  const Bindings in = {{"a", array_of(DType::f64, Shape{2, 2}, {1, 2, 2, 1})}};
  EXPECT_TRUE(
      std::isnan(numbers(evaluate_reference(g, std::vector{log_determinant(a)}, in)[0])[0]));
}

TEST(Indexing, GatherScatterPickPlace) {
  for (const DType t : {DType::f32, DType::f64}) {
    Graph g(op_table());
    const Label p = g.label("p");
    const Shape table{4, 3}, at = shape_of({{5, p}}), wide = shape_of({{5, p}, {4, kNoLabel}});
    const Value x = g.data("x", t, table), i = g.data("i", DType::i64, at),
                v = g.data("v", t, wide);
    const Value picked = pick(v, i);
    const std::vector<Value> out = {gather(x, i), scatter_add(gather(x, i), i, table), picked,
                                    place(picked, i, 4)};
    Random random(4);
    const Array index = array_of(DType::i64, Shape{5}, {3, 0, 3, 3, 1});
    const Bindings in = {
        {"x", random_array(random, t, table)}, {"i", index}, {"v", random_array(random, t, wide)}};
    const std::vector<double> xs = numbers(in.at("x")), vs = numbers(in.at("v")),
                              is = numbers(index);
    for (const auto& r : {evaluate_reference(g, out, in), run_planned(g, out, in)}) {
      std::vector<double> gathered, sums(12, 0.0), chosen, placed(20, 0.0);
      for (std::size_t k = 0; k < 5; ++k) {
        const auto row = std::size_t(is[k]);
        for (std::size_t j = 0; j < 3; ++j) {
          gathered.push_back(xs[row * 3 + j]);
          sums[row * 3 + j] += xs[row * 3 + j];
        }
        chosen.push_back(vs[k * 4 + row]);
        placed[k * 4 + row] = vs[k * 4 + row];
      }
      EXPECT_EQ(numbers(r[0]), gathered);
      EXPECT_EQ(numbers(r[2]), chosen);
      EXPECT_EQ(numbers(r[3]), placed);
      const std::vector<double> got = numbers(r[1]);
      for (std::size_t k = 0; k < sums.size(); ++k) EXPECT_NEAR(got[k], sums[k], 1e-6);
    }
  }
}

// A use of each structured op that has a derivative, as a function of x [3, 4] of moderate reals.
struct Use {
  std::string_view op;
  std::function<Value(Value)> build;
};

const std::vector<Use>& uses() {
  static const auto spd = [](Value x) {
    return matmul(x, x, false, true) + diagonal_matrix(broadcast_to(like(x, 2.0), Shape{3}));
  };
  static const auto index = [](Value x, std::initializer_list<double> v) {
    return x.graph().constant(array_of(DType::i64, Shape{std::int64_t(v.size())}, v));
  };
  static const std::vector<Use> all = {
      {"broadcast",
       [](Value x) {
         return broadcast_to(reshape(x, Shape{3, 1, 4}), Shape{3, 2, 4});
       }},
      {"reshape",
       [](Value x) {
         return reshape(x, Shape{2, 6});
       }},
      {"keep", [](Value x) { return x * keep(x); }},
      {"stop_gradient", [](Value x) { return x * 2.0 + 0.0 * stop_gradient(x); }},
      {"transpose", [](Value x) { return transpose(x); }},
      {"slice", [](Value x) { return slice(x, 1, 1, 2); }},
      {"embed", [](Value x) { return embed(x, 0, 2, 7); }},
      {"concat",
       [](Value x) {
         return concat(std::vector<Value>{x, x * 2.0, square(x), x, x, x}, 1);
       }},
      {"cast", [](Value x) { return cast(x, DType::f64); }},
      {"sum", [](Value x) { return sum(x, 0, 1); }},
      {"reduce_max", [](Value x) { return reduce_max(x, 1, 1); }},
      {"logsumexp", [](Value x) { return logsumexp(x, 0) + sum(softmax(x, 1) * x); }},
      {"gather",
       [](Value x) {
         return gather(x, index(x, {2, 0, 2, 2}));
       }},
      {"scatter_add",
       [](Value x) {
         return scatter_add(x, index(x, {1, 1, 0}), Shape{5, 4});
       }},
      {"pick",
       [](Value x) {
         return pick(x, index(x, {3, 0, 0}));
       }},
      {"place",
       [](Value x) {
         return place(sum(x, 1, 1), index(x, {3, 0, 0}), 5);
       }},
      {"matmul", [](Value x) { return matmul(x, tanh(x), true, false) + matmul(transpose(x), x); }},
      {"cholesky", [](Value x) { return cholesky(spd(x)); }},
      {"triangular_solve", [](Value x) { return triangular_solve(cholesky(spd(x)), x, true); }},
      {"tril", [](Value x) { return tril(spd(x), 0.25); }},
      {"diagonal", [](Value x) { return diagonal(spd(x)); }},
      {"vech", [](Value x) { return vech(matmul(x, x, false, true)); }},
      {"unvech", [](Value x) { return unvech(slice(x, 1, 1, 3)); }},
      {"quadratic_features", [](Value x) { return quadratic_features(x); }},
      {"diagonal_matrix",
       [](Value x) {
         return matmul(diagonal_matrix(x),
                       x.graph().constant(array_of(DType::f64, Shape{4, 1}, {1, 2, 3, 4})));
       }},
      {"polygamma", [](Value x) { return polygamma(2, softplus(x) + 1.0); }},
  };
  return all;
}

TEST(StructuredGradient, EveryDifferentiableOpAgainstDifferencesTwice) {
  for (const OpInfo& op : op_table()) {
    if (op.kind == OpKind::elementwise || op.kind == OpKind::leaf || !op.differentiable) continue;
    // Once alone: chain_test.cpp, network_test.cpp.
    if (op.kind == OpKind::sequences || op.doc.name == "network_norm") continue;
    const auto use = std::find_if(uses().begin(), uses().end(),
                                  [&](const Use& u) { return u.op == op.doc.name; });
    ASSERT_NE(use, uses().end()) << "no use of op " << op.doc.name
                                 << ": add one to tests/laws/linalg_test.cpp";
    SCOPED_TRACE(std::string(op.doc.name));
    Graph g(op_table());
    const Shape s{3, 4};
    const Value x = g.data("x", DType::f64, s), v = g.data("v", DType::f64, s);
    const Value y = use->build(x);
    const Value loss = sum(tanh(y) + square(y) * 0.25);
    const std::vector<Value> wrt = {x}, along = {v};
    const std::vector<Value> out = {loss, gradient(loss, wrt)[0],
                                    hessian_vector(loss, wrt, along)[0]};
    Random random(11);
    Bindings in = {{"x", random_array(random, DType::f64, s, -1.5, 1.5)},
                   {"v", random_array(random, DType::f64, s, -1, 1)}};
    const std::vector<Array> r = evaluate_reference(g, out, in);
    const auto moved = [&](double h) {
      Bindings b = in;
      b["x"] = in["x"].copy();
      for (std::int64_t i = 0; i < s.size(); ++i)
        b["x"].data<double>()[i] += h * in["v"].data<double>()[i];
      return evaluate_reference(g, out, b);
    };
    const double h = 1e-3;
    const auto a = moved(-2 * h), b = moved(-h), c = moved(h), d = moved(2 * h);
    const auto slope = [&](std::size_t k, std::int64_t i) {
      const auto at = [&](const std::vector<Array>& q) { return q[k].data<double>()[i]; };
      return (at(a) - 8 * at(b) + 8 * at(c) - at(d)) / (12 * h);
    };
    double directional = 0;
    for (std::int64_t i = 0; i < s.size(); ++i)
      directional += r[1].data<double>()[i] * in["v"].data<double>()[i];
    EXPECT_NEAR(directional, slope(0, 0), 1e-9 * (1 + std::abs(directional)));
    for (std::int64_t i = 0; i < s.size(); ++i)
      EXPECT_NEAR(r[2].data<double>()[i], slope(1, i), 1e-8 * (1 + std::abs(slope(1, i))))
          << "element " << i;
  }
}

}  // namespace
}  // namespace fathom::test
