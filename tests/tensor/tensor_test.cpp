// Shapes with labels, broadcasting, arrays.
#include "tests/laws/support.h"

namespace fathom::test {
namespace {

constexpr Label kA{1}, kB{2};

TEST(Shape, HoldsAxesInOrder) {
  const Shape s = shape_of({{5, kA}, {2, kB}, {3, kNoLabel}});
  EXPECT_EQ(s.size(), 30);
  EXPECT_EQ(s.labelled(), 2);
  EXPECT_EQ(s.find(kB), 1);
  EXPECT_EQ(s.find(Label(9)), -1);
  EXPECT_EQ(s.text(), "[#1:5, #2:2, 3]");
  EXPECT_EQ(s.events(), Shape{3});
  EXPECT_EQ(s.plates(), shape_of({{5, kA}, {2, kB}}));
  EXPECT_EQ(s.without(0), shape_of({{2, kB}, {3, kNoLabel}}));
  EXPECT_EQ(s.without(0).with_front({5, kA}), s);
  EXPECT_EQ(s.without(1).with_front({2, kB}), s);
  EXPECT_EQ(Shape{}.size(), 1);
  EXPECT_EQ((Shape{0, 3}).size(), 0);
  EXPECT_THROW(shape_of({{3, kNoLabel}, {5, kA}}), ShapeError);
  EXPECT_THROW(shape_of({{3, kA}, {5, kA}}), ShapeError);
  EXPECT_THROW((Shape{-1}), ShapeError);
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1, 1, 1}).with_back(2), ShapeError);
}

TEST(Shape, BroadcastsByLabelThenFromTheRight) {
  const auto both = [](const Shape& a, const Shape& b) { return broadcast_shapes("law", a, b); };
  EXPECT_EQ(both(Shape{3, 1}, Shape{4}), (Shape{3, 4}));
  EXPECT_EQ(both(shape_of({{5, kA}}), shape_of({{2, kB}, {3, kNoLabel}})),
            shape_of({{5, kA}, {2, kB}, {3, kNoLabel}}));
  EXPECT_EQ(both(shape_of({{1, kA}, {3, kNoLabel}}), shape_of({{5, kA}})),
            shape_of({{5, kA}, {3, kNoLabel}}));
  EXPECT_EQ(both(Shape{0}, Shape{1}), Shape{0});
  EXPECT_EQ(both(Shape{}, Shape{2, 0}), (Shape{2, 0}));
  EXPECT_THROW(both(Shape{0}, Shape{2}), ShapeError);
  EXPECT_THROW(both(shape_of({{5, kA}}), shape_of({{4, kA}})), ShapeError);
}

// a + b exists exactly where both broadcast to the joint shape, and the joint shape is the same
// whichever comes first.
TEST(Shape, BroadcastingIsSymmetricAndConsistent) {
  Random random(2);
  const auto some = [&] {
    std::vector<Axis> axes;
    if (integer_in(random, 0, 1)) axes.push_back({integer_in(random, 0, 3), kA});
    if (integer_in(random, 0, 1)) axes.push_back({integer_in(random, 1, 3), kB});
    for (std::int64_t i = integer_in(random, 0, 2); i > 0; --i)
      axes.push_back({integer_in(random, 0, 3), kNoLabel});
    return shape_of(axes);
  };
  int joined = 0;
  for (int i = 0; i < 5000; ++i) {
    const Shape a = some(), b = some();
    try {
      const Shape s = broadcast_shapes("law", a, b);
      ++joined;
      EXPECT_EQ(s, broadcast_shapes("law", b, a));
      EXPECT_TRUE(broadcasts_to(a, s)) << a.text() << " " << s.text();
      EXPECT_TRUE(broadcasts_to(b, s)) << b.text() << " " << s.text();
    } catch (const ShapeError& e) {
      EXPECT_NE(std::string(e.what()).find(a.text()), std::string::npos);
      EXPECT_NE(std::string(e.what()).find(b.text()), std::string::npos);
      EXPECT_FALSE(broadcasts_to(a, b));
    }
  }
  EXPECT_GT(joined, 500);
}

TEST(Array, IsAlignedZeroedAndShared) {
  Array a(DType::f32, Shape{3, 5});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.raw()) % 64, 0u);
  for (const float v : a.values<float>()) EXPECT_EQ(v, 0);
  Array shared = a, own = a.copy();
  a.data<float>()[7] = 2;
  EXPECT_EQ(shared.data<float>()[7], 2);
  EXPECT_EQ(own.data<float>()[7], 0);
  EXPECT_EQ(a.reshaped(Shape{15}).data<float>()[7], 2);
  EXPECT_THROW(a.reshaped(Shape{14}), ShapeError);
  EXPECT_THROW(a.data<double>(), ShapeError);
  const double two[] = {1, 2};
  EXPECT_THROW(Array::of<double>(Shape{3}, two), ShapeError);
  EXPECT_EQ(
      array_of(DType::f64, Shape{3}, {0, -1.75, 3}).cast(DType::i32).values<std::int32_t>()[1], -1);
  EXPECT_THROW(a.cast(DType::key), ShapeError);
}

}  // namespace
}  // namespace fathom::test
