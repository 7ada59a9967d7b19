// Sums over rows apart from factors: by whatever way they are formed, they add up to the value.
#include "fathom/elbo/separate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "fathom/exec/program.h"
#include "fathom/kernels/rng.h"
#include "fathom/ops/all_ops.h"

namespace fathom {
namespace {

// Quantities of rows and of factors, on plates and without; small, or large enough that products
// of factors are products of matrices.
struct Quantities {
  Graph g{op_table()};
  Label row = g.label("row", true), plate = g.label("plate");
  std::int64_t n;
  std::vector<Value> rows, factors;
  Value x, y, s, d, each, seen;  // [row, n], [row, n], [row, n, n], [row, n], [row, 1], [row, 6]
  Value a, b, h, by_plate, vectors, numbers;  // [n, n] twice, [n], on the plate [n, n], [n], []

  explicit Quantities(std::int64_t size) : n(size) {
    const auto data = [&](const char* name, const Shape& of_row) {
      rows.push_back(g.data(name, DType::f64, of_row.with_front({7, row})));
      return rows.back();
    };
    const auto slot = [&](const char* name, const Shape& shape) {
      factors.push_back(g.slot(name, DType::f64, shape));
      return factors.back();
    };
    const auto on = [&](const Shape& shape) { return shape.with_front({6, plate}); };
    x = data("x", Shape{n});
    y = data("y", Shape{n});
    s = data("s", Shape{n, n});
    d = data("d", Shape{n});
    each = data("each", Shape{1});
    seen = data("seen", on(Shape{}));
    a = slot("a", Shape{n, n});
    b = slot("b", Shape{n, n});
    h = slot("h", Shape{n});
    by_plate = slot("by_plate", on(Shape{n, n}));
    vectors = slot("vectors", on(Shape{n}));
    numbers = slot("numbers", on(Shape{}));
  }
  // What is left of `f`, by each way, is the same number.
  void expect_same(const std::vector<std::pair<const char*, Value>>& all) {
    std::vector<Value> out;
    std::vector<std::string> names;
    for (const auto& [name, f] : all) {
      const Value whole = sum(f);
      const auto parts = separate(whole, factors);
      ASSERT_TRUE(parts) << name;
      Value total;
      for (std::size_t k = 0; k < parts->sums.size(); ++k) {
        EXPECT_EQ(parts->sums[k].shape(), parts->eta[k].shape()) << name;
        const Value v = sum(parts->sums[k] * parts->eta[k]);
        total = total ? total + v : v;
      }
      for (const Value& v : {whole, total, rows_first(whole)}) out.push_back(v);
      names.push_back(name);
    }
    State state;
    std::uint64_t key = 0;
    for (const Value& v : factors) {
      Array& at = state.slot(g.input_of(v.id()).name, DType::f64, v.shape());
      kernels::fill_normal(Key{9, ++key}, nullptr, 0, 1, at.size(), at.data<double>());
    }
    Program p(g, out, {}, state);
    for (const Value& v : rows) {
      std::vector<Axis> axes;
      for (const Axis& axis : v.shape().axes()) axes.push_back({axis.extent, kNoLabel});
      Array at(DType::f64, Shape(std::span<const Axis>(axes)));
      kernels::fill_normal(Key{5, ++key}, nullptr, 0, 1, at.size(), at.data<double>());
      p.bind(g.input_of(v.id()).name, at);
    }
    Workers one(1);
    p.run(one);
    for (std::size_t k = 0; k < names.size(); ++k) {
      const double want = p.scalar(int(3 * k));
      for (const int way : {1, 2})
        EXPECT_NEAR(p.scalar(int(3 * k) + way), want, 1e-10 * (1 + std::abs(want)) * double(n))
            << names[k] << (way == 1 ? ", separated" : ", rows first");
    }
  }
};

Value times(Value v, Value m) { return contract(v, m, 0, 1, false, true); }
Value both_sides(Value v, Value m) { return transpose(times(transpose(times(v, m)), m)); }

TEST(Separate, SumsAndWhatTheyMeetAreTheValue) {
  for (const std::int64_t n : {3, 20}) {
    SCOPED_TRACE(n);
    Quantities q(n);
    const Value xa = times(q.x, q.a), yb = times(q.y, q.b), sa = both_sides(q.s, q.a),
                of_plate = contract(xa, q.vectors, 0, 1, false, true);
    q.expect_same({{"vectors", xa * yb},
                   {"a square", square(xa)},
                   {"a matrix", sa * q.b},
                   {"a matrix and a vector", times(sa * q.b, q.b) * q.h},
                   {"matrices of a plate", contract(sa, q.by_plate, 0, 2, false, true) * q.numbers},
                   {"and what rows see of it",
                    contract(sa, q.by_plate, 0, 2, false, true) * q.seen * q.numbers},
                   {"outer products there",
                    contract(outer_product(xa, yb), q.by_plate, 0, 2, false, true) * q.seen},
                   {"vectors of a plate", of_plate * q.seen},
                   {"their squares", square(of_plate) * q.numbers * q.seen}});
  }
}

// Diagonals of rows both of whose axes meet factors.
TEST(Separate, DiagonalsOfRows) {
  for (const std::int64_t n : {3, 20}) {
    SCOPED_TRACE(n);
    Quantities q(n);
    const Value own = diagonal_matrix(q.d),
                same = diagonal_matrix(broadcast_to(q.each, q.d.shape()));
    std::vector<std::pair<const char*, Value>> all;
    for (const Value& d : {own, same}) {
      const Value turned = both_sides(d, q.a);
      for (const auto& [name, v] : std::vector<std::pair<const char*, Value>>{
               {"turned", turned * q.b},
               {"turned twice", both_sides(turned, q.b) * q.a},
               {"beside a full one", both_sides(d + q.s, q.a) * q.b},
               {"on a plate", contract(turned, q.by_plate, 0, 2, false, true) * q.seen},
               {"with a vector", times(d * q.b, q.b) * q.x},
               {"with an outer product",
                d * q.a * outer_product(q.x, broadcast_to(q.h, q.x.shape()))},
               {"with another of rows", d * q.a * q.s},
               {"with another turned over", d * q.a * transpose(q.s * q.b)},
               {"times another", matmul(d * q.a, q.s * q.b)},
               {"times another turned over", matmul(d * q.a, q.s * q.b, false, true)},
               // The order of what the sums keep is not that of what factors share at first.
               {"through a factor and met there",
                contract(d, q.a, 0, 1, false, false) *
                    transpose(square(q.s) * broadcast_to(q.h, q.s.shape()))}})
        all.emplace_back(name, v);
    }
    q.expect_same(all);
  }
}

}  // namespace
}  // namespace fathom
