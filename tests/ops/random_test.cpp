// Bernoulli draws by key: their values, what they are a function of, and how often they are 1.
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

Array draws(Key key, const Array& p) {
  Graph g(op_table());
  const std::vector<Value> out = {bernoulli(g.key("key"), g.data("p", p.dtype(), p.shape()))};
  return evaluate_reference(g, out, {{"key", key_array(key)}, {"p", p}})[0];
}

Array filled(DType t, const Shape& s, double p) {
  return make_array(t, s, [&] { return p; });
}

// 1 with probability p: the mean of n draws lies within five of its standard errors,
// sqrt(p (1 - p) / n), and so does the share of pairs of neighbours that are both 1, within five
// of sqrt(p^2 (1 - p^2) / (n / 2)).
TEST(Bernoulli, IsOneAsOftenAsAsked) {
  const std::int64_t n = 100000;
  for (const DType t : {DType::f32, DType::f64})
    for (const Shape& s : {Shape{n}, Shape{1000, 100}, Shape{n, 1}})
      for (const double p : {0.02, 0.5, 0.9}) {
        SCOPED_TRACE(fmt::format("{} {} p {}", name_of(t), s.text(), p));
        const std::vector<double> x = numbers(draws(Key{31, 7}, filled(t, s, p)));
        double ones = 0, pairs = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
          ASSERT_TRUE(x[i] == 0 || x[i] == 1) << x[i];
          ones += x[i];
          if (i % 2 == 1) pairs += x[i] * x[i - 1];
        }
        EXPECT_NEAR(ones / double(n), p, 5 * std::sqrt(p * (1 - p) / double(n)));
        EXPECT_NEAR(2 * pairs / double(n), p * p,
                    5 * std::sqrt(p * p * (1 - p * p) / (double(n) / 2)));
      }
}

// With a p of its own for each element, the number of ones has mean sum p, variance sum p (1 - p).
TEST(Bernoulli, EachElementHasItsOwnP) {
  Random random(3);
  for (const DType t : {DType::f32, DType::f64}) {
    const Array p = random_array(random, t, Shape{1000, 100}, 0, 1);
    const std::vector<double> x = numbers(draws(Key{5, 1}, p)), ps = numbers(p);
    double got = 0, want = 0, variance = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      got += x[i];
      want += ps[i];
      variance += ps[i] * (1 - ps[i]);
    }
    EXPECT_NEAR(got, want, 5 * std::sqrt(variance));
  }
}

// Uniforms lie in the open interval (0, 1): p = 0 is never, p = 1 always; a larger p at the same
// key keeps every 1.
TEST(Bernoulli, NeverAlwaysAndMonotoneInP) {
  const Shape s{300, 50};
  for (const DType t : {DType::f32, DType::f64}) {
    const auto at = [&](double p) { return numbers(draws(Key{8, 8}, filled(t, s, p))); };
    EXPECT_EQ(at(0), std::vector<double>(std::size_t(s.size()), 0.0));
    EXPECT_EQ(at(1), std::vector<double>(std::size_t(s.size()), 1.0));
    const std::vector<double> less_often = at(0.3), more_often = at(0.6);
    for (std::size_t i = 0; i < less_often.size(); ++i) ASSERT_LE(less_often[i], more_often[i]);
  }
}

// Draws are a function of the key: the same again, others for another key or purpose; two keys
// agree where independent ones do, in a share p^2 + (1 - p)^2 of the places.
TEST(Bernoulli, IsAFunctionOfTheKey) {
  const std::int64_t n = 100000;
  const double p = 0.3, same = p * p + (1 - p) * (1 - p);
  for (const DType t : {DType::f32, DType::f64}) {
    const Array ps = filled(t, Shape{1000, 100}, p);
    const Array a = draws(Key{1, 2}, ps);
    EXPECT_TRUE(same_bits(a, draws(Key{1, 2}, ps)));
    const std::vector<double> x = numbers(a);
    for (const Key& other : {Key{2, 2}, Key{1, 3}, fold(Key{1, 2}, 1), fold(Key{1, 2}, 2)}) {
      const std::vector<double> y = numbers(draws(other, ps));
      EXPECT_NE(x, y);
      double agree = 0;
      for (std::size_t i = 0; i < x.size(); ++i) agree += x[i] == y[i];
      EXPECT_NEAR(agree / double(n), same, 5 * std::sqrt(same * (1 - same) / double(n)));
    }
  }
}

// Draws of a row belong to its id: rows in another order carry theirs along, and a plan, fused or
// not, with any threads, makes the interpreter's.
TEST(Bernoulli, BelongsToTheIdOfItsRow) {
  const std::int64_t rows = 400, columns = 30;
  for (const DType t : {DType::f32, DType::f64}) {
    Graph g(op_table());
    const Label row = g.label("row", true);
    const Shape s = shape_of({{rows, row}, {columns, kNoLabel}});
    const Value ids = g.data("ids", DType::i64, shape_of({{rows, row}}));
    const std::vector<Value> out = {bernoulli(g.key("key"), g.data("p", t, s), ids)};
    Random random(6);
    const Array p = random_array(random, t, s, 0, 1);
    std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = std::int64_t(i);
    const auto bound = [&](const Array& probabilities) {
      return Bindings{{"key", key_array(Key{4, 9})},
                      {"p", probabilities},
                      {"ids", Array::of<std::int64_t>(Shape{rows}, order)}};
    };
    const Bindings in = bound(p);
    const Array plain = evaluate_reference(g, out, in)[0];
    EXPECT_TRUE(same_bits(plain, draws(Key{4, 9}, p.reshaped(Shape{rows, columns}))));
    for (const int threads : {1, 3})
      for (const bool fuse : {true, false})
        EXPECT_TRUE(same_bits(plain, run_planned(g, out, in, {fuse, 0, false}, threads)[0]));
    std::shuffle(order.begin(), order.end(), random);
    Array moved = p.copy();
    const std::size_t bytes = p.bytes() / std::size_t(rows);
    for (std::size_t r = 0; r < order.size(); ++r)
      std::memcpy(moved.raw() + r * bytes, p.raw() + std::size_t(order[r]) * bytes, bytes);
    const Array again = evaluate_reference(g, out, bound(moved))[0];
    for (std::size_t r = 0; r < order.size(); ++r)
      ASSERT_EQ(0, std::memcmp(again.raw() + r * bytes, plain.raw() + std::size_t(order[r]) * bytes,
                               bytes))
          << "row " << r;
  }
}

}  // namespace
}  // namespace fathom::test
