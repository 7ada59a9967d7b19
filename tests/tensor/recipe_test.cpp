// Rows that are made when they are read.
#include "fathom/tensor/recipe.h"

#include <gtest/gtest.h>

#include "fathom/tensor/buffer.h"

namespace fathom {
namespace {

Array table(DType dtype) {
  return Array::of<double>(Shape{2, 3}, std::vector<double>{1, 2, 3, 4, 5, 6}).cast(dtype);
}

TEST(Recipe, ColumnsInAnyOrderOfAnyType) {
  for (const DType t : {DType::f32, DType::f64, DType::u8, DType::i32, DType::i64}) {
    const Array x = table(t).columns({2, 0});
    EXPECT_EQ(x.dtype(), DType::f64);
    EXPECT_EQ(x.shape(), (Shape{2, 2}));
    const Array made = x.made();
    EXPECT_EQ(std::vector(made.values<double>().begin(), made.values<double>().end()),
              (std::vector<double>{3, 1, 6, 4}));
  }
}

TEST(Recipe, ShiftedAndScaledThenChosen) {
  const Array x = table(DType::f64).scaled({1, 2, 3}, {2, 4, 1}).columns({1, 2});
  const Array row = x.part(1, 1).made();
  EXPECT_EQ(row.shape(), (Shape{1, 2}));
  EXPECT_EQ(row.data<double>()[0], 0.75);
  EXPECT_EQ(row.data<double>()[1], 3);
}

TEST(Recipe, ElementsThatAreNotThereAreRefused) {
  const Array x = table(DType::f32).columns({0});
  EXPECT_THROW(x.data<double>(), ShapeError);
  EXPECT_THROW(x.raw(), ShapeError);
  EXPECT_THROW(x.columns({1}), ShapeError);
  EXPECT_THROW(x.scaled({1}, {2}).scaled({1}, {2}), ShapeError);
  EXPECT_THROW(x.part(1, 2), ShapeError);
  EXPECT_NO_THROW(x.made().data<double>());
}

TEST(Recipe, PartsOfArraysShareTheirMemory) {
  const Array x = table(DType::f64);
  EXPECT_EQ(x.part(1, 1).data<double>(), x.data<double>() + 3);
  EXPECT_EQ(x.made().data<double>(), x.data<double>());
}

}  // namespace
}  // namespace fathom
