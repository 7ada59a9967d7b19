// Values of the structured ops, each against a plain loop over indices written here, by the
// interpreter and by plans; empty axes, axes of one, large ones, plates, batches, groups of axes.
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

using Index = std::vector<std::int64_t>;

// Calls f(index) for every element of `s`, row-major.
void each_index(const Shape& s, const std::function<void(const Index&)>& f) {
  Index at(std::size_t(s.rank()), 0);
  for (std::int64_t n = 0; n < s.size(); ++n) {
    f(at);
    for (int i = s.rank(); i-- > 0;) {
      if (++at[std::size_t(i)] < s.extent(i)) break;
      at[std::size_t(i)] = 0;
    }
  }
}

std::int64_t offset(const Shape& s, const Index& at) {
  std::int64_t o = 0;
  for (int i = 0; i < s.rank(); ++i) o = o * s.extent(i) + at[std::size_t(i)];
  return o;
}

// A dense table of long doubles: what the loops below compute with.
struct Table {
  Shape shape;
  std::vector<long double> v, weight;  // weight: sum of magnitudes that went into an element

  explicit Table(const Shape& s)
      : shape(s), v(std::size_t(s.size())), weight(std::size_t(s.size())) {}
  explicit Table(const Array& a) : Table(a.shape()) {
    const std::vector<double> x = numbers(a);
    for (std::size_t i = 0; i < x.size(); ++i) weight[i] = std::abs(v[i] = x[i]);
  }
  long double& at(const Index& i) { return v[std::size_t(offset(shape, i))]; }
  long double at(const Index& i) const { return v[std::size_t(offset(shape, i))]; }
};

Table filled(const Shape& s, const std::function<long double(const Index&)>& f) {
  Table t(s);
  each_index(s, [&](const Index& i) { t.at(i) = f(i); });
  for (std::size_t k = 0; k < t.v.size(); ++k) t.weight[k] = std::abs(t.v[k]);
  return t;
}

// |got - want| <= units eps weight, where `weight` bounds what was added up.
void expect_near(const Array& got, const Table& want, double units, const std::string& how) {
  ASSERT_EQ(got.size(), want.shape.size()) << how;
  const std::vector<double> g = numbers(got);
  const long double eps = got.dtype() == DType::f32 ? 0x1p-24L : 0x1p-53L;
  for (std::size_t i = 0; i < g.size(); ++i) {
    const long double w = want.v[i];
    if (static_cast<long double>(g[i]) == w || (std::isnan(g[i]) && std::isnan(w))) continue;
    ASSERT_LE(std::abs(g[i] - w), units * eps * want.weight[i])
        << how << ", element " << i << ": " << g[i] << " for " << double(w);
  }
}

// Checks the value made by `build` from one array, on both executors, in f32 and f64.
void check(const Shape& s, const std::function<Value(Value)>& build,
           const std::function<Table(const Table&)>& loop, double units = 0) {
  for (const DType t : {DType::f32, DType::f64}) {
    SCOPED_TRACE(fmt::format("{} {}", name_of(t), s.text()));
    Graph g(op_table());
    while (s.labelled() > int(g.labels().size())) g.label(fmt::format("l{}", g.labels().size()));
    const Value x = g.data("x", t, s);
    const Value y = build(x);
    Random random(3);
    const Bindings b = {{"x", random_array(random, t, s)}};
    const Table want = loop(Table(b.at("x")));
    ASSERT_EQ(y.shape(), want.shape) << y.shape().text() << " for " << want.shape.text();
    const std::vector<Value> out = {y};
    expect_near(evaluate_reference(g, out, b)[0], want, units, "interpreter");
    for (const bool fuse : {true, false})
      expect_near(run_planned(g, out, b, {fuse, 0, false}, 2)[0], want, units, "plan");
  }
}

Shape plate(std::int64_t n, std::initializer_list<std::int64_t> rest) {
  Shape s = shape_of({{n, Label(1)}});
  for (const std::int64_t e : rest) s = s.with_back(e);
  return s;
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {Shape{1},
                                         Shape{5},
                                         Shape{0},
                                         Shape{3, 4},
                                         Shape{1, 7},
                                         Shape{6, 1},
                                         Shape{0, 3},
                                         Shape{3, 0},
                                         Shape{2, 3, 4},
                                         Shape{2, 1, 5},
                                         Shape{70, 90},
                                         Shape{1, 1, 1},
                                         Shape{5000},
                                         plate(7, {}),
                                         plate(4, {3}),
                                         plate(1, {2}),
                                         plate(300, {2, 40}),
                                         plate(0, {3}),
                                         Shape{2, 0, 3},
                                         plate(5, {1, 6})};
  return all;
}

TEST(Structured, SumAndMeanOverAnyAdjacentAxes) {
  for (const Shape& s : shapes())
    for (int first = 0; first < s.rank(); ++first)
      for (int count = 1; first + count <= s.rank(); ++count) {
        const auto n = double(s.size(first, first + count));
        const auto loop = [&](const Table& x) {
          Shape to = s;
          for (int i = 0; i < count; ++i) to = to.without(first);
          Table y(to);
          each_index(s, [&](const Index& i) {
            Index j = i;
            j.erase(j.begin() + first, j.begin() + first + count);
            y.at(j) += x.at(i);
            y.weight[std::size_t(offset(to, j))] += std::abs(x.at(i));
          });
          return y;
        };
        check(
            s, [&](Value x) { return sum(x, first, count); }, loop, 2 + std::sqrt(n));
        if (n == 0) continue;
        check(
            s, [&](Value x) { return mean(x, first, count); },
            [&](const Table& x) {
              Table y = loop(x);
              for (std::size_t i = 0; i < y.v.size(); ++i) y.v[i] /= n, y.weight[i] /= n;
              return y;
            },
            4 + std::sqrt(n));
      }
}

TEST(Structured, LargestOverAnyAdjacentAxesAndItsPlace) {
  for (const Shape& s : shapes()) {
    for (int first = 0; first < s.rank(); ++first)
      for (int count = 1; first + count <= s.rank(); ++count)
        check(
            s, [&](Value x) { return reduce_max(x, first, count); },
            [&](const Table& x) {
              Shape to = s;
              for (int i = 0; i < count; ++i) to = to.without(first);
              Table y(to);
              std::fill(y.v.begin(), y.v.end(), -std::numeric_limits<long double>::infinity());
              each_index(s, [&](const Index& i) {
                Index j = i;
                j.erase(j.begin() + first, j.begin() + first + count);
                y.at(j) = std::max(y.at(j), x.at(i));
              });
              return y;
            });
    if (s.extent(s.rank() - 1) == 0) continue;
    check(
        s, [](Value x) { return cast(argmax(x), x.dtype()); },
        [&](const Table& x) {
          return filled(s.without(s.rank() - 1), [&](Index i) -> long double {
            i.push_back(0);
            Index best = i;
            for (; i.back() < s.extent(s.rank() - 1); ++i.back())
              if (x.at(i) > x.at(best)) best = i;
            return static_cast<long double>(best.back());
          });
        });
  }
}

TEST(Structured, LogSumExpAndSoftmaxOverAnyAxis) {
  for (const Shape& s : shapes())
    for (int axis = 0; axis < s.rank(); ++axis) {
      const auto loop = [&](const Table& x) {
        Table y(s.without(axis));
        each_index(s, [&](Index i) {
          const long double v = x.at(i);
          i.erase(i.begin() + axis);
          y.at(i) += std::exp(v);
        });
        for (std::size_t k = 0; k < y.v.size(); ++k) {
          y.v[k] = std::log(y.v[k]);
          y.weight[k] = 2 + std::abs(y.v[k]);
        }
        return y;
      };
      check(
          s, [&](Value x) { return logsumexp(x, axis); }, loop, 8);
      check(
          s, [&](Value x) { return softmax(x, axis); },
          [&](const Table& x) {
            const Table l = loop(x);
            return filled(s, [&](const Index& i) {
              Index j = i;
              j.erase(j.begin() + axis);
              return std::exp(x.at(i) - l.at(j));
            });
          },
          24 + std::sqrt(double(s.extent(axis))));
    }
}

// Extremes: all -inf gives -inf and zeros; far from 0 nothing overflows.
TEST(Structured, LogSumExpAtExtremes) {
  const double inf = std::numeric_limits<double>::infinity();
  for (const DType t : {DType::f32, DType::f64}) {
    Graph g(op_table());
    const Value x = g.data("x", t, Shape{4, 3});
    const std::vector<Value> out = {logsumexp(x, 1), softmax(x, 1)};
    const Bindings b = {
        {"x",
         array_of(t, Shape{4, 3}, {-inf, -inf, -inf, 1e4, 1e4, -1e4, -inf, 2, -inf, inf, 0, 1})}};
    for (const auto& r : {evaluate_reference(g, out, b), run_planned(g, out, b)}) {
      const std::vector<double> l = numbers(r[0]), p = numbers(r[1]);
      EXPECT_EQ(l[0], -inf);
      EXPECT_EQ(p[0] + p[1] + p[2], 0);
      EXPECT_NEAR(l[1], 1e4 + std::log(2.0), t == DType::f32 ? 1e-3 : 1e-11);
      EXPECT_NEAR(p[3], 0.5, 1e-6);
      EXPECT_EQ(p[5], 0);
      EXPECT_NEAR(l[2], 2, 1e-6);
      EXPECT_EQ(p[7], 1);
      EXPECT_EQ(l[3], inf);
    }
  }
}

TEST(Structured, LayoutMovesEveryElementToItsPlace) {
  for (const Shape& s : shapes()) {
    const int l = s.labelled(), r = s.rank();
    check(
        s, [&](Value x) { return reshape(x, Shape{s.size()}); },
        [&](const Table& x) {
          return filled(Shape{s.size()}, [&](const Index& i) { return x.v[std::size_t(i[0])]; });
        });
    check(
        s, [](Value x) { return stop_gradient(x); }, [](const Table& x) { return x; });
    check(
        s, [](Value x) { return keep(x); }, [](const Table& x) { return x; });
    if (r - l >= 2) {
      std::vector<int> from(std::size_t(r), 0);
      for (int i = 0; i < r; ++i) from[std::size_t(i)] = i < l ? i : l + r - 1 - i;
      std::vector<Axis> axes;
      for (const int i : from) axes.push_back(s[i]);
      check(
          s, [&](Value x) { return transpose(x, from); },
          [&](const Table& x) {
            return filled(shape_of(axes), [&](const Index& i) {
              Index j(i.size());
              for (std::size_t k = 0; k < i.size(); ++k) j[std::size_t(from[k])] = i[k];
              return x.at(j);
            });
          });
    }
    for (int axis = l; axis < r; ++axis) {
      const std::int64_t n = s.extent(axis);
      const auto resized = [&](std::int64_t extent) {
        std::vector<Axis> axes(s.axes().begin(), s.axes().end());
        axes[std::size_t(axis)].extent = extent;
        return shape_of(axes);
      };
      const auto a = std::size_t(axis);
      for (const std::int64_t first : {std::int64_t(0), n / 3}) {
        const std::int64_t count = n - first - n / 4;
        check(
            s, [&](Value x) { return slice(x, axis, first, count); },
            [&](const Table& x) {
              return filled(resized(count), [&](Index i) { return i[a] += first, x.at(i); });
            });
        check(
            s, [&](Value x) { return embed(x, axis, first, n + first + 1); },
            [&](const Table& x) {
              return filled(resized(n + first + 1), [&](Index i) -> long double {
                i[a] -= first;
                return i[a] < 0 || i[a] >= n ? 0 : x.at(i);
              });
            });
      }
      check(
          s,
          [&](Value x) {
            return concat(std::vector<Value>{x, x * 2.0, x, x * 0.5, -x, x}, axis);
          },
          [&](const Table& x) {
            return filled(resized(6 * n), [&](Index i) {
              constexpr long double factor[] = {1, 2, 1, 0.5L, -1, 1};
              const std::int64_t part = n ? i[a] / n : 0;
              i[a] -= part * n;
              return factor[part] * x.at(i);
            });
          });
    }
    for (const Axis front : {Axis{3, kNoLabel}, Axis{1, kNoLabel}}) {
      if (l > 0) continue;
      const Shape to = s.with_front(front);
      check(
          s, [&](Value x) { return broadcast_to(x, to); },
          [&](const Table& x) {
            return filled(to, [&](const Index& i) { return x.at(Index(i.begin() + 1, i.end())); });
          });
    }
  }
}

TEST(Structured, BroadcastRepeatsHeadTailMiddleAndScalar) {
  const std::vector<std::pair<Shape, Shape>> pairs = {{Shape{}, Shape{4, 5}},
                                                      {Shape{5}, Shape{4, 5}},
                                                      {Shape{4, 1}, Shape{4, 5}},
                                                      {Shape{1, 3, 1}, Shape{2, 3, 4}},
                                                      {Shape{2, 1, 4}, Shape{2, 3, 4}},
                                                      {Shape{1}, Shape{1}},
                                                      {Shape{1}, Shape{0}},
                                                      {Shape{3, 1}, Shape{3, 0}},
                                                      {Shape{1, 1}, Shape{70, 80}},
                                                      {Shape{80}, Shape{70, 80}},
                                                      {Shape{70, 1}, Shape{70, 80}},
                                                      {plate(4, {}), plate(4, {3})},
                                                      {Shape{3}, plate(4, {3})},
                                                      {plate(4, {1, 3}), plate(4, {2, 3})}};
  for (const auto& [from, to] : pairs) {
    const auto loop = [from = from, to = to](const Table& x) {
      return filled(to, [&](const Index& i) {
        Index j(std::size_t(from.rank()), 0);
        for (int k = 0; k < from.rank(); ++k) {
          const int at = from[k].label != kNoLabel ? k : to.rank() - from.rank() + k;
          // Plates match by label; events from the right.
          j[std::size_t(k)] =
              from.extent(k) == 1 ? 0 : i[std::size_t(from[k].label != kNoLabel ? 0 : at)];
        }
        return x.at(j);
      });
    };
    check(
        from,
        [to = to](Value x) {
          while (x.graph().labels().empty()) x.graph().label("l");
          return broadcast_to(x, to);
        },
        loop);
  }
}

TEST(Structured, Casts) {
  for (const DType from :
       {DType::f32, DType::f64, DType::u8, DType::i32, DType::i64, DType::boolean})
    for (const DType to :
         {DType::f32, DType::f64, DType::u8, DType::i32, DType::i64, DType::boolean}) {
      Graph g(op_table());
      const Value x = g.data("x", from, Shape{2, 3});
      const Array a = array_of(DType::f64, Shape{2, 3}, {0, 1, 2, 7.5, 100, 0.25}).cast(from);
      const std::vector<Value> out = {cast(x, to)};
      const std::vector<double> in = numbers(a);
      const Array r = evaluate_reference(g, out, {{"x", a}})[0],
                  p = run_planned(g, out, {{"x", a}})[0];
      EXPECT_TRUE(same_bits(r, p)) << name_of(from) << " " << name_of(to);
      for (std::size_t i = 0; i < in.size(); ++i) {
        const double want = is_real(to)            ? in[i]
                            : to == DType::boolean ? double(in[i] != 0)
                                                   : std::trunc(in[i]);
        EXPECT_EQ(numbers(r)[i], want) << name_of(from) << " " << name_of(to);
      }
    }
}

}  // namespace
}  // namespace fathom::test
