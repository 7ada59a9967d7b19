// Vector-Jacobian products of the structured ops on batches, groups of axes, middle axes, plates
// and empty axes: every element against differences, in f64, and again in f32 against f64.
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

Shape plate(Label l, std::int64_t n, std::initializer_list<std::int64_t> rest) {
  Shape s = shape_of({{n, l}});
  for (const std::int64_t e : rest) s = s.with_back(e);
  return s;
}

constexpr Label kP = Label(1), kQ = Label(2);

// A function of arrays. Where it is a sum of products of elements, errors are bounded element by
// element by the sum of the magnitudes of these products; otherwise by the largest element.
struct Case {
  std::string name;
  std::vector<Shape> shapes;
  std::function<Value(const std::vector<Value>&)> build;
  bool products = true;
};

struct Built {
  std::unique_ptr<Graph> graph = std::make_unique<Graph>(op_table());
  // <seed, y>, its gradients, and their derivatives along the directions v.
  std::vector<Value> out;
  std::size_t inputs;
  DType dtype;

  Built(const Case& c, DType t) : inputs(c.shapes.size()), dtype(t) {
    Graph& g = *graph;
    g.label("p");
    g.label("q");
    std::vector<Value> x, v;
    for (std::size_t k = 0; k < inputs; ++k) {
      x.push_back(g.data(fmt::format("x{}", k), t, c.shapes[k]));
      v.push_back(g.data(fmt::format("v{}", k), t, c.shapes[k]));
    }
    const Value y = c.build(x), seed = g.data("seed", t, y.shape());
    out.push_back(sum(seed * y));
    for (const Value& d : vjp(y, seed, x)) out.push_back(d);
    for (const Value& d : hessian_vector(out[0], x, v)) out.push_back(d);
  }

  // Numbers of f32, so that both dtypes start from the same ones.
  Bindings random_bindings() const {
    Random random(17);
    Bindings b;
    for (const InputInfo& i : graph->graph_inputs())
      b[i.name] = random_array(random, DType::f32, graph->shape(i.node), -1, 1).cast(dtype);
    return b;
  }
};

Bindings mapped(const Bindings& in, DType t, const std::function<double(double)>& f) {
  Bindings b;
  for (const auto& [name, array] : in) {
    Array a = array.cast(DType::f64).copy();
    for (std::int64_t i = 0; i < a.size(); ++i) a.data<double>()[i] = f(a.data<double>()[i]);
    b[name] = a.cast(t);
  }
  return b;
}

// Derivatives with respect to one element and along a direction are those of five points, whose
// error is of order h^4: Abramowitz & Stegun 1964, 25.3.6.
void against_differences(const Case& c) {
  const Built f(c, DType::f64);
  const Bindings in = f.random_bindings();
  const std::vector<Array> at = evaluate_reference(*f.graph, f.out, in);
  const double h = 1e-3;
  const auto slopes = [&](const std::function<void(Bindings&, double)>& move) {
    const auto moved = [&](double step) {
      Bindings b = mapped(in, DType::f64, [](double x) { return x; });
      move(b, step);
      return evaluate_reference(*f.graph, f.out, b);
    };
    const auto r1 = moved(-2 * h), r2 = moved(-h), r3 = moved(h), r4 = moved(2 * h);
    return [=](std::size_t k, std::int64_t i) {
      const auto of = [&](const std::vector<Array>& r) { return r[k].data<double>()[i]; };
      return (of(r1) - 8 * of(r2) + 8 * of(r3) - of(r4)) / (12 * h);
    };
  };
  const auto along = slopes([&](Bindings& b, double step) {
    for (std::size_t k = 0; k < f.inputs; ++k)
      for (std::int64_t i = 0; i < c.shapes[k].size(); ++i)
        b[fmt::format("x{}", k)].data<double>()[i] +=
            step * in.at(fmt::format("v{}", k)).data<double>()[i];
  });
  for (std::size_t k = 0; k < f.inputs; ++k) {
    ASSERT_EQ(f.out[1 + k].shape(), c.shapes[k]);
    ASSERT_EQ(at[1 + k].size(), c.shapes[k].size());
    for (std::int64_t i = 0; i < c.shapes[k].size(); ++i) {
      const double slope = slopes([&](Bindings& b, double step) {
        b[fmt::format("x{}", k)].data<double>()[i] += step;
      })(0, 0);
      ASSERT_NEAR(at[1 + k].data<double>()[i], slope, 1e-9 * (1 + std::abs(slope)))
          << "gradient of input " << k << ", element " << i;
      const double bend = along(1 + k, i);
      ASSERT_NEAR(at[1 + f.inputs + k].data<double>()[i], bend, 1e-9 * (1 + std::abs(bend)))
          << "second derivative of input " << k << ", element " << i;
    }
  }
}

// The same derivatives in f32, by both executors, against f64 at the same numbers; plans in f64
// too.
void by_every_executor(const Case& c) {
  const Built wide(c, DType::f64);
  const Bindings in = wide.random_bindings();
  const std::vector<Array> want = evaluate_reference(*wide.graph, wide.out, in);
  const std::vector<Array> magnitudes = evaluate_reference(
      *wide.graph, wide.out, mapped(in, DType::f64, [](double x) { return std::abs(x); }));
  for (const DType t : {DType::f32, DType::f64}) {
    Built f(c, t);
    const Bindings b = mapped(in, t, [](double x) { return x; });
    const double eps = t == DType::f32 ? 0x1p-24 : 0x1p-53;
    const std::vector<std::vector<Array>> runs = {
        evaluate_reference(*f.graph, f.out, b), run_planned(*f.graph, f.out, b, {}, 2),
        run_planned(*f.graph, f.out, b, {false, 0, false})};
    for (std::size_t r = 0; r < runs.size(); ++r)
      for (std::size_t k = 1; k < f.out.size(); ++k) {
        const std::vector<double> got = numbers(runs[r][k]), w = numbers(want[k]),
                                  weight = numbers(magnitudes[k]);
        ASSERT_EQ(got.size(), w.size());
        double most = 0;
        for (const double v : w) most = std::max(most, std::abs(v));
        for (std::size_t i = 0; i < got.size(); ++i)
          ASSERT_LE(std::abs(got[i] - w[i]), eps * (c.products ? 16 * weight[i] : 64 * most))
              << name_of(t) << ", run " << r << ", derivative " << k << ", element " << i << ": "
              << got[i] << " for " << w[i];
      }
  }
}

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    against_differences(c);
    by_every_executor(c);
  }
}

Shape joined(std::initializer_list<std::vector<std::int64_t>> parts) {
  Shape s;
  for (const auto& p : parts)
    for (const std::int64_t e : p) s = s.with_back(e);
  return s;
}

// da = dy B' and db = A' dy, whichever sides are transposed, for every batch, with groups of axes
// and axes of one and of none.
TEST(StructuredVjp, ContractionsOfGroupsOfAxes) {
  struct Groups {
    std::vector<std::int64_t> batch, m, k, n;
  };
  const std::vector<Groups> all = {
      {{}, {3}, {4}, {2}},    {{2}, {3}, {4}, {2}},      {{2, 2}, {2}, {3}, {2}},
      {{}, {3}, {2, 2}, {2}}, {{2}, {2}, {3, 2}, {1}},   {{2}, {2, 2}, {2, 3}, {2}},
      {{}, {3}, {1}, {2}},    {{3}, {2}, {1}, {2}},      {{2}, {}, {4}, {3}},
      {{2}, {3}, {4}, {}},    {{2}, {}, {5}, {}},        {{1}, {1}, {1}, {1}},
      {{2}, {3}, {0}, {2}},   {{}, {3}, {0}, {2}},       {{}, {3}, {0, 2}, {2}},
      {{2}, {0}, {4}, {3}},   {{2}, {3}, {4}, {0}},      {{0}, {2}, {3}, {2}},
      {{}, {2}, {2, 0}, {3}}, {{}, {3}, {2, 1, 2}, {2}}, {{2}, {3}, {1, 1}, {2}}};
  std::vector<Case> cases;
  for (const Groups& g : all)
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        cases.push_back(
            {fmt::format("batch {} m {} k {} n {} ta {} tb {}", fmt::join(g.batch, ","),
                         fmt::join(g.m, ","), fmt::join(g.k, ","), fmt::join(g.n, ","), ta, tb),
             {ta ? joined({g.batch, g.k, g.m}) : joined({g.batch, g.m, g.k}),
              tb ? joined({g.batch, g.n, g.k}) : joined({g.batch, g.k, g.n})},
             [=](const std::vector<Value>& x) {
               return contract(x[0], x[1], int(g.batch.size()), int(g.k.size()), ta, tb);
             }});
  check(cases);
}

// A sum over nothing is 0 whatever the sides are; what meets no element of y has gradient 0.
TEST(StructuredVjp, ContractionsWithEmptyAxesAreZerosOfTheRightShapes) {
  struct Empty {
    Shape a, b, y;
  };
  for (const Empty& e : {Empty{Shape{2, 3, 0}, Shape{2, 0, 4}, Shape{2, 3, 4}},
                         Empty{Shape{2, 0, 3}, Shape{2, 3, 4}, Shape{2, 0, 4}},
                         Empty{Shape{2, 3, 4}, Shape{2, 4, 0}, Shape{2, 3, 0}},
                         Empty{Shape{0, 3, 4}, Shape{0, 4, 2}, Shape{0, 3, 2}}}) {
    SCOPED_TRACE(e.y.text());
    Graph g(op_table());
    const Value a = g.data("a", DType::f64, e.a), b = g.data("b", DType::f64, e.b);
    const std::vector<Value> wrt = {a, b};
    std::vector<Value> out = {matmul(a, b)};
    for (const Value& d : gradient(sum(out[0]), wrt)) out.push_back(d);
    Random random(2);
    const Bindings in = {{"a", random_array(random, DType::f64, e.a)},
                         {"b", random_array(random, DType::f64, e.b)}};
    for (const auto& r : {evaluate_reference(g, out, in), run_planned(g, out, in)}) {
      const Shape want[] = {e.y, e.a, e.b};
      for (std::size_t k = 0; k < 3; ++k) {
        EXPECT_EQ(out[k].shape(), want[k]);
        EXPECT_EQ(numbers(r[k]), std::vector<double>(std::size_t(want[k].size()), 0.0));
      }
    }
  }
}

// Plates of one side are rows and of both batches; leading axes without labels broadcast.
TEST(StructuredVjp, ProductsOverPlatesAndBroadcastBatches) {
  const auto product = [](const std::vector<Value>& x) { return matmul(x[0], x[1]); };
  const auto transposed = [](const std::vector<Value>& x) {
    return matmul(x[0], x[1], true, true);
  };
  check({{"rows times a matrix", {plate(kP, 4, {3}), Shape{3, 2}}, product},
         {"rows times the matrix of each", {plate(kP, 4, {3}), plate(kP, 4, {3, 2})}, product},
         {"rows times matrices of others", {plate(kP, 3, {3}), plate(kQ, 2, {3, 2})}, product},
         {"matrices of a plate", {plate(kP, 3, {2, 4}), plate(kP, 3, {4, 2})}, product},
         {"transposed, of a plate", {plate(kP, 3, {4, 2}), plate(kP, 3, {3, 4})}, transposed},
         {"one matrix for a plate", {Shape{4, 2}, plate(kP, 3, {3, 4})}, transposed},
         {"batches that broadcast", {Shape{2, 1, 3, 4}, Shape{3, 4, 2}}, product},
         {"a batch of one", {Shape{1, 3, 4}, Shape{2, 4, 2}}, product}});
}

TEST(StructuredVjp, FormsAndMatrixVectorProductsOfBatches) {
  const auto form = [](const std::vector<Value>& x) { return quadratic_form(x[0], x[1]); };
  const auto vector = [](const std::vector<Value>& x) { return matrix_vector(x[0], x[1]); };
  check({{"form, of one", {Shape{3, 3}, Shape{3}}, form},
         {"form, rows", {Shape{3, 3}, plate(kP, 4, {3})}, form},
         {"form, a matrix each", {plate(kP, 4, {3, 3}), plate(kP, 4, {3})}, form},
         {"form, matrices of others", {plate(kQ, 2, {3, 3}), plate(kP, 3, {3})}, form},
         {"product, a matrix each", {plate(kP, 4, {2, 3}), plate(kP, 4, {3})}, vector},
         {"product, matrices of others", {plate(kQ, 2, {2, 3}), plate(kP, 3, {3})}, vector},
         {"product, a batch", {Shape{2, 3, 3}, Shape{2, 3}}, vector}});
}

// M M' + 2n I: its condition is below 1 + n / 2 for |M| elementwise below 1.
Value positive_definite(Value m) {
  const Shape s = m.shape().without(m.shape().rank() - 1);
  return matmul(m, m, false, true) +
         diagonal_matrix(broadcast_to(like(m, 2.0 * double(s.extent(s.rank() - 1))), s));
}

// Murray 2016, "Differentiation of the Cholesky decomposition", for each matrix of a batch.
TEST(StructuredVjp, FactorsAndDeterminantsOfBatches) {
  const auto factor = [](const std::vector<Value>& x) { return cholesky(positive_definite(x[0])); };
  const auto log_det = [](const std::vector<Value>& x) {
    return log_determinant(positive_definite(x[0]));
  };
  std::vector<Case> cases;
  for (const Shape& s :
       {Shape{2, 3, 3}, Shape{2, 2, 2, 2}, Shape{3, 1, 1}, Shape{1, 4, 4}, plate(kP, 3, {3, 3}),
        plate(kP, 2, {2, 2, 2}), Shape{0, 3, 3}, Shape{2, 0, 0}}) {
    cases.push_back({"cholesky " + s.text(), {s}, factor, false});
    cases.push_back({"log_determinant " + s.text(), {s}, log_det, false});
  }
  check(cases);
}

// d log |A| / dA = A^-1 of each matrix of a batch (A symmetric): A times the gradient is I.
TEST(StructuredVjp, OfLogDeterminantsIsTheInverse) {
  const Shape s{3, 4, 4};
  Graph g(op_table());
  const Value m = g.data("m", DType::f64, s), a = positive_definite(m);
  const std::vector<Value> wrt = {a};
  const Value inverse = gradient(sum(log_determinant(a)), wrt)[0];
  Random random(8);
  const Bindings in = {{"m", random_array(random, DType::f64, s, -1, 1)}};
  const std::vector<Value> out = {matmul(a, inverse)};
  for (const auto& r : {evaluate_reference(g, out, in), run_planned(g, out, in)})
    for (std::int64_t i = 0; i < s.size(); ++i)
      EXPECT_NEAR(r[0].data<double>()[i], i % 16 % 5 == 0, 1e-14);
}

// L X = B and L' X = B; what lies above the diagonal of L is not read and has gradient 0.
TEST(StructuredVjp, TriangularSolvesOfBatchesBothWays) {
  std::vector<Case> cases;
  for (const auto& [l, b] :
       std::vector<std::pair<Shape, Shape>>{{Shape{3, 3}, Shape{3, 2}},
                                            {Shape{2, 3, 3}, Shape{2, 3, 2}},
                                            {Shape{2, 2, 2, 2}, Shape{2, 2, 2, 1}},
                                            {Shape{2, 1, 1}, Shape{2, 1, 3}},
                                            {plate(kP, 3, {3, 3}), plate(kP, 3, {3, 4})},
                                            {Shape{2, 3, 3}, Shape{2, 3, 0}},
                                            {Shape{0, 3, 3}, Shape{0, 3, 2}}})
    for (const bool transposed : {false, true})
      cases.push_back({fmt::format("{} {} transposed {}", l.text(), b.text(), transposed),
                       {l, b},
                       [transposed](const std::vector<Value>& x) {
                         const Shape& s = x[0].shape();
                         const Shape rows = s.without(s.rank() - 1);
                         const Value lower =
                             x[0] + diagonal_matrix(broadcast_to(like(x[0], 3.0), rows));
                         return triangular_solve(lower, x[1], transposed);
                       },
                       false});
  check(cases);
}

// Gather repeats rows, so its gradient adds them up; scatter_add the reverse.
TEST(StructuredVjp, IndexingWithIndicesOfSeveralAxes) {
  const auto at = [](Value x, const Shape& s, std::initializer_list<double> v) {
    return x.graph().constant(array_of(DType::i64, s, v));
  };
  const Shape two{2, 3}, on_plate = plate(kP, 3, {});
  check({{"gather, index [2, 3]",
          {Shape{4, 2}},
          [=](const auto& x) {
            return gather(x[0], at(x[0], two, {3, 0, 3, 3, 1, 0}));
          }},
         {"gather of numbers",
          {Shape{4}},
          [=](const auto& x) {
            return gather(x[0], at(x[0], two, {3, 0, 3, 3, 1, 0}));
          }},
         {"gather, index on a plate",
          {Shape{4, 2, 2}},
          [=](const auto& x) {
            return gather(x[0], reshape(at(x[0], Shape{3}, {2, 2, 0}), on_plate));
          }},
         {"gather nothing",
          {Shape{4, 2}},
          [=](const auto& x) { return gather(x[0], at(x[0], Shape{0}, {})); }},
         {"scatter_add, index [2, 3]",
          {Shape{2, 3, 2}},
          [=](const auto& x) {
            return scatter_add(x[0], at(x[0], two, {3, 0, 3, 3, 1, 0}), Shape{5, 2});
          }},
         {"scatter_add of numbers",
          {Shape{5}},
          [=](const auto& x) {
            return scatter_add(x[0], at(x[0], Shape{5}, {1, 1, 1, 0, 1}), Shape{3});
          }},
         {"pick of a batch",
          {Shape{2, 3, 4}},
          [=](const auto& x) {
            return pick(x[0], at(x[0], two, {3, 0, 2, 2, 1, 0}));
          }},
         {"place of a batch", {two}, [=](const auto& x) {
            return place(x[0], at(x[0], two, {3, 0, 2, 2, 1, 0}), 4);
          }}});
}

TEST(StructuredVjp, PartsAndRangesOfEveryAxis) {
  std::vector<Case> cases;
  const auto with = [](int axis, std::int64_t extent) {
    std::vector<Axis> axes = {{2, kNoLabel}, {3, kNoLabel}, {4, kNoLabel}};
    axes[std::size_t(axis)].extent = extent;
    return shape_of(axes);
  };
  for (int axis = 0; axis < 3; ++axis) {
    cases.push_back({fmt::format("concat, axis {}", axis),
                     {with(axis, 2), with(axis, 0), with(axis, 1), with(axis, 3)},
                     [=](const std::vector<Value>& x) {
                       return concat(std::vector<Value>{x[0], x[1], x[2], x[0] * 2.0, x[3]}, axis);
                     }});
    for (const auto& [first, count] : {std::pair<int, int>{1, 2}, {0, 5}, {4, 1}, {2, 0}}) {
      const int from = first, size = count;
      cases.push_back({fmt::format("slice, axis {}, {} from {}", axis, count, first),
                       {with(axis, 5)},
                       [=](const std::vector<Value>& x) { return slice(x[0], axis, from, size); }});
      cases.push_back({fmt::format("embed, axis {}, {} at {}", axis, count, first),
                       {with(axis, count)},
                       [=](const std::vector<Value>& x) { return embed(x[0], axis, from, 6); }});
    }
  }
  check(cases);
}

// Sums, means and maxima over axes with others before and behind; repeats along a middle axis.
TEST(StructuredVjp, ReductionsAndRepeatsOfMiddleAxes) {
  const Shape s{2, 3, 4};
  check({{"sum", {s}, [](const auto& x) { return sum(x[0], 1, 1); }},
         {"sum of two axes", {Shape{2, 3, 2, 2}}, [](const auto& x) { return sum(x[0], 1, 2); }},
         {"sum of none", {Shape{2, 0, 4}}, [](const auto& x) { return sum(x[0], 1, 1); }},
         {"mean", {s}, [](const auto& x) { return mean(x[0], 1, 1); }},
         {"reduce_max", {s}, [](const auto& x) { return reduce_max(x[0], 1, 1); }, false},
         {"sum over a plate", {plate(kP, 4, {3})}, [](const auto& x) { return sum(x[0], kP); }},
         {"broadcast", {Shape{2, 1, 4}}, [s](const auto& x) { return broadcast_to(x[0], s); }},
         {"transpose", {s}, [](const auto& x) {
            return transpose(x[0], std::vector<int>{1, 2, 0});
          }}});
}

// d logsumexp = softmax; d softmax = p (dy - <p, dy>). Along any axis, and through both at once.
TEST(StructuredVjp, LogSumExpAndSoftmaxOverEveryAxis) {
  std::vector<Case> cases;
  for (const Shape& s : {Shape{2, 3, 4}, Shape{2, 1, 3}, plate(kP, 3, {4, 2}), Shape{0, 3, 2}})
    for (int axis = s.labelled(); axis < s.rank(); ++axis) {
      const auto name = [&](std::string_view op) {
        return fmt::format("{} of {}, axis {}", op, s.text(), axis);
      };
      cases.push_back({name("logsumexp"),
                       {s},
                       [=](const std::vector<Value>& x) { return logsumexp(x[0], axis); },
                       false});
      cases.push_back({name("softmax"),
                       {s},
                       [=](const std::vector<Value>& x) { return softmax(x[0], axis); },
                       false});
      cases.push_back({name("both"),
                       {s, s},
                       [=](const std::vector<Value>& x) {
                         return logsumexp(x[0], axis) + sum(softmax(x[0], axis) * x[1], axis, 1);
                       },
                       false});
    }
  check(cases);
}

}  // namespace
}  // namespace fathom::test
