// Rows that are made when they are read.
#include "fathom/tensor/recipe.h"

#include <gtest/gtest.h>

#include <cmath>

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
  EXPECT_THROW(x.scaled({1}, {1}).scaled({1}, {2}), ShapeError);
  EXPECT_THROW(x.scaled({1}, {2}).indicators(0, 2), ShapeError);
  EXPECT_THROW(x.indicators(0, 2).columns({0}), ShapeError);
  EXPECT_THROW(x.part(1, 2), ShapeError);
  EXPECT_NO_THROW(x.made().data<double>());
}

TEST(Recipe, ASecondScaleIsExact) {
  const Array x = table(DType::f64);
  EXPECT_EQ(x.scaled({1, 2, 3}, {1, 1, 1}).scaled({0, 0, 0}, {2, 4, 1}).made().values<double>()[3],
            x.scaled({1, 2, 3}, {2, 4, 1}).made().values<double>()[3]);
}

TEST(Recipe, ColumnsThatAreNotThere) {
  const Array x = table(DType::f32).columns({RowRecipe::kOne, 1, RowRecipe::kMissing}).made();
  for (std::int64_t i = 0; i < 2; ++i) {
    EXPECT_EQ(x.data<double>()[3 * i], 1);
    EXPECT_EQ(x.data<double>()[3 * i + 1], double(3 * i + 2));
    EXPECT_TRUE(std::isnan(x.data<double>()[3 * i + 2]));
  }
}

// Stored 7, NaN, 5, 9, where 9 stands for level 0, 5 for 2 and 7 for nothing; nothing for 1.
TEST(Recipe, LevelsAndTheirIndicators) {
  const double stored[] = {7, NAN, 5, 9};
  const Array x = Array::of<double>({4, 1}, stored), levels = x.with_levels({{{5, 9}, {2, 0}}});
  const Array made = levels.made();
  EXPECT_TRUE(std::isnan(made.data<double>()[0]));
  EXPECT_TRUE(std::isnan(made.data<double>()[1]));
  EXPECT_EQ(made.data<double>()[2], 2);
  EXPECT_EQ(made.data<double>()[3], 0);
  const Array one = levels.columns({0}).indicators(0, 3, 1, 0, -1).made();
  EXPECT_EQ(std::vector<double>(one.data<double>(), one.data<double>() + 12),
            (std::vector<double>{0, 0, 0, -1, -1, -1, 0, 0, 1, 1, 0, 0}));
  const Array plain = x.indicators(0, 8).made();
  EXPECT_EQ(plain.data<double>()[7], 1);
  EXPECT_EQ(table(DType::f64).indicators(0, 3).made().data<double>()[1],
            1);  // as wide as it is stored
  EXPECT_EQ(plain.data<double>()[8 * 2 + 5], 1);
}

TEST(Recipe, PartsOfArraysShareTheirMemory) {
  const Array x = table(DType::f64);
  EXPECT_EQ(x.part(1, 1).data<double>(), x.data<double>() + 3);
  EXPECT_EQ(x.made().data<double>(), x.data<double>());
}

}  // namespace
}  // namespace fathom
