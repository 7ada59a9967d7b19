#include "fathom/io/dataset.h"

#include <cmath>

#include "fathom/io/images.h"
#include "fathom/io/npy.h"
#include "tests/io/support.h"

namespace fathom::io_test {
namespace {

using Strings = std::vector<std::string>;

std::string data(const char* name) { return std::string(FATHOM_SOURCE_DIR) + "/data/" + name; }

TEST(Dataset, ReadsTheTablesOfTheProject) {
  const Dataset digits = load_dataset(data("digits.csv"), {.label = "label"});
  EXPECT_EQ(digits.values.shape(), (Shape{1797, 64}));
  EXPECT_EQ(digits.item, (Shape{64}));
  EXPECT_EQ(digits.labels.size(), 1797u);
  EXPECT_EQ(digits.labels[1], "1");
  EXPECT_EQ(digits.kind, "csv");
  EXPECT_EQ(load_dataset(data("iris.csv"), {.drop = {"target"}}).columns.back(), "petal_width_cm");
  EXPECT_EQ(load_dataset(data("faithful.csv")).columns, (Strings{"eruptions", "waiting"}));
  EXPECT_EQ(load_dataset(data("nile.csv"), {.columns = {"flow"}}).values.shape(), (Shape{100, 1}));
}

TEST(Dataset, TakesIdsLabelsAndText) {
  TempFolder t;
  const std::string path = put(t / "a.csv", "id,x,kind,y,place\nr1,1,a,2,p\nr2,3,b,,q\n");
  const Dataset d =
      load_dataset(path, {.text = {"place"}, .label = "kind", .id = "id", .dtype = DType::f32});
  EXPECT_EQ(d.columns, (Strings{"x", "y"}));
  EXPECT_EQ(d.ids, (Strings{"r1", "r2"}));
  EXPECT_EQ(d.labels, (Strings{"a", "b"}));
  EXPECT_EQ(d.text_names, Strings{"place"});
  EXPECT_EQ(d.text[0], (Strings{"p", "q"}));
  EXPECT_EQ(d.values.dtype(), DType::f32);
  EXPECT_EQ(d.missing, 1);
  EXPECT_EQ(d.first_missing, "line 3, column y");
  EXPECT_EQ(d.note, "2 rows of f32 [2] (csv), 1 missing, the first in line 3, column y");
  expect_error([&] { check_finite(d); }, {"a.csv", "1 missing cell", "row 2", "column \"y\""});
  expect_error([&] { load_dataset(path, {.columns = {"id"}, .id = "id"}); },
               {"no columns of numbers"});
}

TEST(Dataset, TheContentDecides) {
  TempFolder t;
  const Array a = Array::of<float>({2, 2, 3}, std::vector<float>(12, 1.5f));
  write_npy(t / "a.csv", a);
  const Dataset npy = load_dataset(t / "a.csv");
  EXPECT_EQ(npy.kind, "npy");
  EXPECT_EQ(npy.item, (Shape{2, 3}));
  EXPECT_EQ(load_dataset(put(t / "b", std::string("\0\0\x8\1\0\0\0\2ab", 10))).kind, "idx");
  std::filesystem::create_directory(t / "c");
  write_png(t / "c/1.png", Array(DType::u8, {2, 2}));
  const Dataset images = load_dataset(t / "c");
  EXPECT_EQ(images.kind, "images");
  EXPECT_EQ(images.ids, Strings{"1.png"});
  EXPECT_EQ(images.item, (Shape{2, 2}));
  expect_error([&] { load_dataset(t / "c/1.png"); }, {"1.png", "folder of images"});
}

TEST(Dataset, RefusesInOneLine) {
  TempFolder t;
  expect_error([&] { load_dataset(t / "none.csv"); }, {"none.csv", "no such file"});
  expect_error([&] { load_dataset(put(t / "e.csv", "")); }, {"e.csv", "empty"});
  std::filesystem::create_directory(t / "f");
  expect_error([&] { load_dataset(t / "f"); }, {"no PNG or PGM"});
  write_npy(t / "s.npy", Array::scalar(1.0));
  expect_error([&] { load_dataset(t / "s.npy"); }, {"s.npy", "one number"});
  write_npy(t / "z.npy", Array(DType::f64, {0, 3}));
  expect_error([&] { load_dataset(t / "z.npy"); }, {"z.npy", "no rows"});
  write_npy(t / "a.npy", Array(DType::f64, {2, 3}));
  expect_error([&] { load_dataset(t / "a.npy", {.columns = {"x"}}); }, {"a.npy", "from tables"});
  expect_error([&] { load_dataset(t / "a.npy", {.array = "x"}); }, {"a.npy", "NPZ"});
}

TEST(Dataset, FiniteDataPassAndOthersAreCounted) {
  Dataset d;
  d.source = "m.npy";
  d.values = Array(DType::f32, {3, 2, 2});
  EXPECT_NO_THROW(check_finite(d));
  d.values.data<float>()[7] = INFINITY;
  d.values.data<float>()[9] = NAN;
  expect_error([&] { check_finite(d); }, {"m.npy: 2 NaN or infinite values", "row 2, column 4"});
  d.values = Array(DType::u8, {3, 2});
  EXPECT_NO_THROW(check_finite(d));
}

}  // namespace
}  // namespace fathom::io_test
