// Laws of every elementwise op: its value within the declared accuracy, by the interpreter and by
// plans; NaN for NaN.
#include "tests/laws/oracle.h"

namespace fathom::test {
namespace {

constexpr DType kReals[] = {DType::f32, DType::f64};

template <class F>
void each_elementwise(F&& f) {
  for (const OpInfo& op : op_table())
    if (op.kind == OpKind::elementwise) {
      SCOPED_TRACE(std::string(op.doc.name));
      f(op);
    }
}

// y = op(x...), with arguments bound as vectors.
struct Vectors {
  Graph graph{op_table()};
  Value y;
  Bindings bindings;

  Vectors(const OpInfo& op, DType dtype, const std::vector<std::vector<double>>& arguments) {
    const Shape s{std::int64_t(arguments.size())};
    std::vector<Value> x;
    for (int k = 0; k < op.arity; ++k) {
      const std::string name = fmt::format("x{}", k);
      x.push_back(graph.data(name, dtype, s));
      std::size_t i = 0;
      bindings[name] = make_array(dtype, s, [&] { return arguments[i++][std::size_t(k)]; });
    }
    y = apply_op(op, x);
  }
};

std::string worst_error(const OpInfo& op, DType dtype,
                        const std::vector<std::vector<double>>& arguments, const Array& y,
                        double allowed) {
  const Oracle oracle = oracle_of(op.doc.name);
  if (!oracle) return "no oracle";
  const std::vector<double> got = numbers(y);
  double worst = allowed;
  std::string text;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    long double x[3] = {};
    for (std::size_t k = 0; k < arguments[i].size(); ++k) x[k] = arguments[i][k];
    const long double want = oracle(x);
    const double error = ulps(got[i], want, dtype, op.doc.least);
    if (error <= worst) continue;
    worst = error;
    text = fmt::format(
        "{}({:.17g}, {:.17g}, {:.17g}) = {:.17g}, wanted {:.17g}: {} ulp, declared {}", op.doc.name,
        double(x[0]), double(x[1]), double(x[2]), got[i], double(want), error, op.doc.ulp);
  }
  return text;
}

TEST(Elementwise, ReferenceIsWithinDeclaredAccuracyOfOracle) {
  each_elementwise([](const OpInfo& op) {
    for (const DType dtype : kReals) {
      const auto arguments = arguments_of(op, dtype, 2000);
      Vectors v(op, dtype, arguments);
      const Array y = evaluate_reference(v.graph, std::vector{v.y}, v.bindings)[0];
      // Half a unit more: the oracle is rounded too.
      EXPECT_EQ(worst_error(op, dtype, arguments, y, op.doc.ulp + 0.5), "") << name_of(dtype);
    }
  });
}

TEST(Elementwise, PlannedRunIsWithinDeclaredAccuracyOfOracle) {
  each_elementwise([](const OpInfo& op) {
    for (const DType dtype : kReals) {
      const auto arguments = arguments_of(op, dtype, 2000);
      Vectors v(op, dtype, arguments);
      for (const bool fuse : {true, false}) {
        const Array y = run_planned(v.graph, std::vector{v.y}, v.bindings, {fuse, 0, false})[0];
        EXPECT_EQ(worst_error(op, dtype, arguments, y, op.doc.ulp + 0.5), "")
            << name_of(dtype) << ", fuse " << fuse;
      }
    }
  });
}

// Comparisons answer with an indicator, and a selection passes by what it does not take.
TEST(Elementwise, NanGivesNan) {
  each_elementwise([](const OpInfo& op) {
    const std::string_view name = op.doc.name;
    if (name == "less" || name == "less_equal" || name == "equal" || name == "where") return;
    for (const DType dtype : kReals) {
      std::vector<std::vector<double>> arguments;
      for (int k = 0; k < op.arity; ++k)
        for (std::vector<double> a : arguments_of(op, dtype, 20)) {
          if (name == "xlogy" && a[0] == 0) continue;  // 0 log y is 0 whatever y
          a[std::size_t(k)] = std::numeric_limits<double>::quiet_NaN();
          arguments.push_back(a);
        }
      Vectors v(op, dtype, arguments);
      const std::vector<Value> out = {v.y};
      for (const Array& y : {evaluate_reference(v.graph, out, v.bindings)[0],
                             run_planned(v.graph, out, v.bindings)[0]}) {
        const std::vector<double> got = numbers(y);
        for (std::size_t i = 0; i < got.size(); ++i)
          EXPECT_TRUE(std::isnan(got[i])) << "case " << i;
      }
    }
  });
}

TEST(Elementwise, RefusesOtherDtypesAndShapes) {
  each_elementwise([](const OpInfo& op) {
    Graph g(op_table());
    const Value a = g.data("a", DType::f64, Shape{3}), b = g.data("b", DType::f32, Shape{3}),
                c = g.data("c", DType::f64, Shape{4}), i = g.data("i", DType::i64, Shape{3});
    std::vector<Value> good(std::size_t(op.arity), a);
    EXPECT_EQ(apply_op(op, good).shape(), a.shape());
    for (int k = 0; k < op.arity; ++k)
      for (const Value& bad : {b, c, i}) {
        std::vector<Value> x = good;
        x[std::size_t(k)] = bad;
        if (op.arity == 1 && bad != i) continue;
        try {
          apply_op(op, x);
          ADD_FAILURE() << "took operand " << k << " " << g.text(bad.id());
        } catch (const ShapeError& e) {
          const std::string text = e.what();
          EXPECT_EQ(text.find(fmt::format("[{}]", op.doc.name)), 0u) << text;
        }
      }
  });
}

}  // namespace
}  // namespace fathom::test
