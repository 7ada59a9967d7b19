// Derivatives of every elementwise op: against dual numbers, against differences of the value in
// long double, and second derivatives against differences of gradients.
#include "fathom/kernels/dual.h"
#include "tests/laws/oracle.h"

namespace fathom::test {
namespace {

using Real = Scalar<long double>;
using DualReal = Dual<Scalar<double>>;

// forward of Op on any value type.
template <class Op, class T>
T forward(const std::vector<T>& x) {
  if constexpr (requires { Op::forward(x[0], x[0], x[0]); }) {
    return Op::forward(x[0], x[1], x[2]);
  } else if constexpr (requires { Op::forward(x[0], x[0]); }) {
    return Op::forward(x[0], x[1]);
  } else {
    return Op::forward(x[0]);
  }
}

template <class Op>
double dual_derivative(const std::vector<double>& x, std::size_t k) {
  std::vector<DualReal> d;
  // A forward that takes |x| on the way has a kink at 0 that its function has not.
  const auto beside = [](double v) { return v == 0 && !has_jump(Op::doc.name) ? 1e-300 : v; };
  for (std::size_t i = 0; i < x.size(); ++i)
    d.push_back({Scalar<double>(beside(x[i])), Scalar<double>(i == k ? 1.0 : 0.0)});
  return forward<Op>(d).d.v;
}

struct Difference {
  long double slope, noise;
};

// Five points, error of order h^4.
template <class Op>
Difference central_difference(const std::vector<double>& x, std::size_t k, double h) {
  const auto f = [&](int step) {
    std::vector<Real> y;
    for (const double v : x) y.push_back(Real::of(v));
    y[k].v += static_cast<long double>(step) * h;
    return forward<Op>(y).v;
  };
  const long double a = f(-2), b = f(-1), c = f(1), d = f(2);
  const long double most = std::max({std::abs(a), std::abs(b), std::abs(c), std::abs(d)});
  return {(a - 8 * b + 8 * c - d) / (12 * static_cast<long double>(h)), 1e-15L * most / h};
}

double step_for(const OpInfo& op, double x) {
  if (has_jump(op.doc.name)) return 1e-5 * std::abs(x);
  if (op.doc.domain == "all reals") return 1e-5 * std::max(std::abs(x), 1.0);
  if (op.doc.domain == "0 < p < 1") return 1e-3 * std::min(x, 1 - x);
  if (op.doc.domain == "x > -1") return 1e-3 * (1 + x);
  return 1e-3 * std::abs(x);
}

// Gradients of the sum of op(x...) at all arguments, by the graph.
std::vector<Array> graph_gradients(const OpInfo& op,
                                   const std::vector<std::vector<double>>& arguments) {
  Graph g(op_table());
  const Shape s{std::int64_t(arguments.size())};
  std::vector<Value> x;
  Bindings bindings;
  for (int k = 0; k < op.arity; ++k) {
    const std::string name = fmt::format("x{}", k);
    x.push_back(g.data(name, DType::f64, s));
    std::size_t i = 0;
    bindings[name] = make_array(DType::f64, s, [&] { return arguments[i++][std::size_t(k)]; });
  }
  const std::vector<Value> grads = gradient(sum(apply_op(op, x)), x);
  return evaluate_reference(g, grads, bindings);
}

template <class F>
void each_elementwise_type(F&& f) {
  [&]<class... Op>(OpList<Op...>) { (f.template operator()<Op>(), ...); }(ElementwiseOps{});
}

// The bounds of clamp are constants by its contract; a tie has no slope; a jump has none at 0.
template <class Op>
bool has_slope(const std::vector<double>& x, std::size_t k) {
  if (!has_jump(Op::doc.name)) return true;
  if (Op::doc.name == "clamp" && k > 0) return false;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (i != k && x[i] == x[k]) return false;
  return x[k] != 0;
}

TEST(ElementwiseGradient, EqualsDualNumbers) {
  each_elementwise_type([]<class Op>() {
    SCOPED_TRACE(std::string(Op::doc.name));
    const OpInfo& op = *find_op(Op::doc.name);
    const auto arguments = arguments_of(op, DType::f64, 500);
    const std::vector<Array> grads = graph_gradients(op, arguments);
    for (std::size_t i = 0; i < arguments.size(); ++i)
      for (std::size_t k = 0; k < grads.size(); ++k) {
        if (!has_slope<Op>(arguments[i], k)) continue;
        const double got = grads[k].values<double>()[i],
                     want = dual_derivative<Op>(arguments[i], k);
        if (got == want || (std::isnan(got) && std::isnan(want))) continue;
        ASSERT_LE(std::abs(got - want), 1e-10 * std::abs(want) + 1e-14)
            << "argument " << k << " of (" << fmt::format("{}", fmt::join(arguments[i], ", "))
            << ")";
      }
  });
}

TEST(ElementwiseGradient, EqualsDifferences) {
  each_elementwise_type([]<class Op>() {
    SCOPED_TRACE(std::string(Op::doc.name));
    const OpInfo& op = *find_op(Op::doc.name);
    const auto arguments = arguments_of(op, DType::f64, 500);
    const std::vector<Array> grads = graph_gradients(op, arguments);
    for (std::size_t i = 0; i < arguments.size(); ++i)
      for (std::size_t k = 0; k < grads.size(); ++k) {
        if (!has_slope<Op>(arguments[i], k)) continue;
        const double h = step_for(op, arguments[i][k]);
        const Difference d = central_difference<Op>(arguments[i], k, h);
        const long double got = grads[k].values<double>()[i];
        ASSERT_LE(std::abs(got - d.slope), 1e-7L * std::abs(d.slope) + d.noise + 1e-13L)
            << double(got) << " against " << double(d.slope) << ", argument " << k << " of ("
            << fmt::format("{}", fmt::join(arguments[i], ", ")) << ")";
      }
  });
}

TEST(ElementwiseGradient, HessianVectorProductEqualsDifferencesOfGradients) {
  for (const OpInfo& op : op_table()) {
    if (op.kind != OpKind::elementwise) continue;
    SCOPED_TRACE(std::string(op.doc.name));
    Random random(7);
    const std::int64_t n = 60;
    Graph g(op_table());
    std::vector<Value> x, v;
    Bindings at;
    for (int k = 0; k < op.arity; ++k) {
      x.push_back(g.data(fmt::format("x{}", k), DType::f64, Shape{n}));
      v.push_back(g.data(fmt::format("v{}", k), DType::f64, Shape{n}));
      at[fmt::format("x{}", k)] =
          make_array(DType::f64, Shape{n}, [&] { return moderate_argument(op, random); });
      at[fmt::format("v{}", k)] = random_array(random, DType::f64, Shape{n}, -1, 1);
    }
    const Value y = sum(apply_op(op, x));
    const std::vector<Value> grads = gradient(y, x), products = hessian_vector(y, x, v);
    const std::vector<Array> got = evaluate_reference(g, products, at);
    const auto gradients_at = [&](double step) {
      Bindings moved = at;
      for (int k = 0; k < op.arity; ++k) {
        const std::string name = fmt::format("x{}", k);
        moved[name] = at[name].copy();
        for (std::int64_t i = 0; i < n; ++i)
          moved[name].data<double>()[i] += step * at[fmt::format("v{}", k)].data<double>()[i];
      }
      return evaluate_reference(g, grads, moved);
    };
    const double h = 1e-3;
    const auto a = gradients_at(-2 * h), b = gradients_at(-h), c = gradients_at(h),
               d = gradients_at(2 * h);
    for (std::size_t k = 0; k < grads.size(); ++k)
      for (std::int64_t i = 0; i < n; ++i) {
        const auto of = [&](const std::vector<Array>& r) { return r[k].data<double>()[i]; };
        const double slope = (of(a) - 8 * of(b) + 8 * of(c) - of(d)) / (12 * h);
        bool jumped = false;  // moved across a kink between two operands
        for (int j = 0; j < op.arity; ++j)
          for (int l = 0; l < j; ++l)
            jumped = jumped || (has_jump(op.doc.name) &&
                                std::abs(at[fmt::format("x{}", j)].data<double>()[i] -
                                         at[fmt::format("x{}", l)].data<double>()[i]) < 5 * h);
        if (jumped) continue;
        EXPECT_NEAR(got[k].data<double>()[i], slope, 1e-7 * (1 + std::abs(slope)))
            << "argument " << k << " at " << at[fmt::format("x{}", k)].data<double>()[i];
      }
  }
}

}  // namespace
}  // namespace fathom::test
