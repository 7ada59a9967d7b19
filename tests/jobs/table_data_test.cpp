// Tables as rows of a model: columns, labels, moments, scales; mistakes with place and remedy.
#include "fathom/jobs/table_data.h"

#include <gtest/gtest.h>

#include <fstream>

#include "fathom/jobs/nearest.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using testing::TempFolder;

class Tables : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.file(name)) << text;
    return folder_.file(name);
  }
  TableData load(const std::string& path, const TableConfig& config = {}) {
    return load_table(path, config, {}, workers_, {});
  }
  // The message of the error that loading ends in.
  std::string error(const std::string& path, const TableConfig& config = {}) {
    try {
      load(path, config);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
  TempFolder folder_;
  Workers workers_{1};
};

using Names = std::vector<std::string>;

TEST_F(Tables, ColumnsByNameAndNumber) {
  const std::string file = write("t.csv", "a,b,c\n1,2,9\n3,5,8\n4,1,7\n");
  EXPECT_EQ(load(file).format.columns, (Names{"a", "b", "c"}));
  const TableData d = load(file, {.columns = "c, 1"});
  EXPECT_EQ(d.format.columns, (Names{"c", "a"}));
  EXPECT_EQ(d.format.places, (std::vector<int>{2, 0}));
  EXPECT_EQ(d.rows.x.data<double>()[0], 9);
  EXPECT_EQ(d.rows.x.data<double>()[1], 1);
  EXPECT_EQ(load(file, {.drop = "b"}).format.columns, (Names{"a", "c"}));
  // Without a header columns are called by their number.
  const std::string bare = write("n.csv", "1,2\n3,5\n4,1\n");
  EXPECT_EQ(load(bare).format.columns, (Names{"x1", "x2"}));
  EXPECT_EQ(load(bare, {.columns = "2"}).rows.x.data<double>()[1], 5);
  // A header of numbers beside a name: names win over numbers.
  const std::string pandas = write("p.csv", "id,0,1,2\n7,1,2,9\n8,3,5,8\n9,4,1,7\n");
  EXPECT_EQ(load(pandas, {.columns = "1"}).rows.x.data<double>()[0], 2);
  EXPECT_EQ(load(pandas, {.drop = "id"}).format.columns, (Names{"0", "1", "2"}));
}

TEST_F(Tables, ArraysHaveNumberedColumns) {
  write_npy(folder_.file("x.npy"), testing::two_clusters(50, 3, 4));
  const TableData all = load(folder_.file("x.npy"));
  EXPECT_EQ(all.format.columns, (Names{"x1", "x2", "x3"}));
  const TableData two = load(folder_.file("x.npy"), {.columns = "3,1"});
  for (std::int64_t i = 0; i < 50; ++i) {
    EXPECT_EQ(two.rows.x.data<double>()[2 * i], all.rows.x.data<double>()[3 * i + 2]);
    EXPECT_EQ(two.rows.x.data<double>()[2 * i + 1], all.rows.x.data<double>()[3 * i]);
  }
  EXPECT_TRUE(has(error(folder_.file("x.npy"), {.columns = "4"}), "from 1 to 3"));
  write_npy(folder_.file("f.npy"), testing::two_clusters(50, 3, 4).cast(DType::f32));
  EXPECT_EQ(load(folder_.file("f.npy")).rows.x.dtype(), DType::f64);
}

TEST_F(Tables, LabelsAreKeptAndNotModelled) {
  const std::string text = write("t.csv", "a,species,b\n1,x,2\n3,y,5\n4,x,1\n");
  TableData d = load(text);
  EXPECT_EQ(d.format.label, "species");
  EXPECT_EQ(d.format.columns, (Names{"a", "b"}));
  EXPECT_EQ(d.rows.labels.all(), (Names{"x", "y", "x"}));
  const std::string number = write("n.csv", "a,b,target\n1,2,0\n3,5,1\n4,1,1\n");
  d = load(number);
  EXPECT_EQ(d.format.label, "target");
  EXPECT_EQ(d.rows.labels.all(), (Names{"0", "1", "1"}));
  EXPECT_EQ(load(number, {.label = "none"}).format.width(), 3);
  EXPECT_EQ(load(number, {.columns = "a,target"}).format.width(), 2);
  EXPECT_EQ(load(number, {.label = "b"}).format.columns, (Names{"a", "target"}));
  EXPECT_TRUE(has(error(number, {.label = "taret"}), "did you mean target?"));
}

TEST_F(Tables, MistakesAreNamedWithPlaceAndRemedy) {
  const std::string file = write("t.csv", "alpha,beta,gamma\n1,2,1\n3,5,3\n4,1,4\n");
  EXPECT_TRUE(has(error(file), "\"alpha\" and \"gamma\" are the same"));
  EXPECT_TRUE(has(error(file, {.columns = "alhpa"}), "did you mean alpha?"));
  EXPECT_TRUE(has(error(file, {.columns = "alpha,1"}), "\"1\" is named twice"));
  EXPECT_TRUE(has(error(file, {.drop = "1,2,3"}), "no columns are left"));
  const std::string constant = write("c.csv", "a,b\n1,0.1\n3,0.1\n4,0.1\n");
  EXPECT_TRUE(has(error(constant), "column \"b\" is constant"));
  EXPECT_TRUE(has(error(constant), "--drop b"));
  const std::string holes = write("h.csv", "a,b\n1,2\n,3\n5,\n");
  EXPECT_TRUE(has(error(holes), "2 missing cells"));
  EXPECT_TRUE(has(error(holes), "row 2, column \"a\""));
  Array x = testing::two_clusters(9, 2, 1);
  x.data<double>()[5] = INFINITY;
  write_npy(folder_.file("inf.npy"), x);
  EXPECT_TRUE(has(error(folder_.file("inf.npy")), "row 3, column \"x2\""));
  EXPECT_TRUE(has(error(write("one.csv", "a,b\n1,2\n")), "one row"));
}

TEST_F(Tables, MomentsAreThoseOfTheFormulas) {
  const Array x = testing::two_clusters(1500, 3, 2);
  for (const int threads : {1, 3}) {
    Workers workers(threads);
    const TableMoments m = moments_of(x, workers);
    for (std::int64_t a = 0; a < 3; ++a) {
      double mean = 0;
      for (std::int64_t i = 0; i < 1500; ++i) mean += x.data<double>()[3 * i + a] / 1500;
      EXPECT_NEAR(m.at(a), mean, 1e-12);
      for (std::int64_t b = 0; b < 3; ++b) {
        double s = 0;
        for (std::int64_t i = 0; i < 1500; ++i)
          s += (x.data<double>()[3 * i + a] - m.at(a)) * (x.data<double>()[3 * i + b] - m.at(b));
        EXPECT_NEAR(m.at(a, b), s / 1499, 1e-12);
      }
    }
  }
}

TEST_F(Tables, StandardizedRowsHaveUnitMoments) {
  const TableData d = load(testing::kFaithful, {.standardize = true});
  for (std::int64_t j = 0; j < 2; ++j) {
    EXPECT_NEAR(d.moments.at(j), 0, 1e-12);
    EXPECT_NEAR(d.moments.sd(j), 1, 1e-12);
  }
  const TableMoments again = moments_of(d.rows.x, workers_);
  EXPECT_NEAR(again.at(0, 1), d.moments.at(0, 1), 1e-12);
  const Array back = in_file_units(d.rows.x, d.format), x = testing::old_faithful();
  for (std::int64_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(back.data<double>()[i], x.data<double>()[i], 1e-12 * x.data<double>()[i]);
  EXPECT_EQ(d.fingerprint, load(testing::kFaithful).fingerprint) << "it is that of the file";
  EXPECT_NE(d.fingerprint, load(testing::kFaithful, {.columns = "1"}).fingerprint);
}

// Two columns with correlation r: directions (1, 1) and (1, -1) over the root of 2, (1 + r) / 2 and
// (1 - r) / 2 of the variance.
TEST_F(Tables, PrincipalDirectionsOfTwoColumns) {
  TableMoments m{10, Array(DType::f64, Shape{2}), Array(DType::f64, Shape{2, 2})};
  const double c[] = {4, 3, 3, 9};  // r = 1/2
  std::copy_n(c, 4, m.covariance.data<double>());
  const Directions p = principal_directions(m);
  EXPECT_NEAR(p.part[0], 0.75, 1e-8);
  EXPECT_NEAR(p.part[1], 0.25, 1e-8);
  const double root = std::sqrt(0.5), *v = p.axes.data<double>();
  EXPECT_NEAR(v[0], root, 1e-4);
  EXPECT_NEAR(v[1], root, 1e-4);
  EXPECT_NEAR(std::abs(v[2]), root, 1e-4);
  EXPECT_NEAR(v[2], -v[3], 1e-4);
  EXPECT_EQ(dependent_column(m), -1);
  m.covariance.data<double>()[1] = m.covariance.data<double>()[2] = 6;  // r = 1
  EXPECT_EQ(dependent_column(m), 1);
}

TEST(Nearest, IsTheOneThatWasMeant) {
  EXPECT_EQ(nearest("eruption", {"waiting", "eruptions"}), "eruptions");
  EXPECT_EQ(nearest("xyz", {"waiting", "eruptions"}), "");
}

}  // namespace
}  // namespace fathom
