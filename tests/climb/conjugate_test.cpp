// Small conjugate models against published values.
#include <gtest/gtest.h>

#include "fathom/climb/coordinate.h"
#include "fathom/io/csv.h"

namespace fathom {
namespace {

// The quick start of BayesPy 0.5.22: its bound after each sweep, the mean first.
TEST(Conjugate, MeanAndPrecisionOfTenNumbers) {
  const double numbers[] = {21.243453636632, -1.117564136501,  -0.281717522635, -5.729686221562,
                            13.654076293247, -18.015386968803, 22.448117642165, -2.612069008951,
                            8.190390960571,  2.506296245226};
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("x", row, {}, DType::f64);
  const Expr mu = m.latent("mu", normal_precision(0.0, 1e-6));
  const Expr tau = m.latent("tau", gamma(1e-6, 1e-6));
  m.observe("x", normal_precision(mu, tau), x);
  DataSet data;
  data.rows = 10;
  data.columns["x"] = Array::of<double>(Shape{10}, std::span<const double>(numbers));
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);
  EXPECT_TRUE(climb.keeps_statistics());
  for (const double want : {-60.209562231, -58.205271478, -58.202897354, -58.202875200})
    EXPECT_NEAR(climb.sweep(workers), want, 1e-8);
  for (int sweep = 0; sweep < 20; ++sweep) climb.sweep(workers);
  EXPECT_NEAR(climb.elbo(workers), -58.2028749779, 1e-8);
  EXPECT_NEAR(*climb.mean(0, workers).data<double>(), 4.02852761, 1e-8);
  EXPECT_NEAR(*climb.mean(1, workers).data<double>(), 0.00634591, 1e-8);
}

// Bishop 2006, eq. 3.86: with one factor the bound is the evidence. Diabetes, a column of ones
// added, precision of weights 1e-5 and of noise 1/3000.
TEST(Conjugate, LinearRegressionReachesItsEvidence) {
  const Table t = read_csv(FATHOM_SOURCE_DIR "/data/diabetes.csv");
  const std::int64_t n = t.rows(), d = t.values.shape().extent(1) - 1;
  Array x(DType::f64, Shape{n, d + 1}), y(DType::f64, Shape{n});
  for (std::int64_t i = 0; i < n; ++i) {
    const double* row = t.values.data<double>() + i * (d + 1);
    std::copy(row, row + d, x.data<double>() + i * (d + 1));
    x.data<double>()[i * (d + 1) + d] = 1;
    y.data<double>()[i] = row[d];
  }
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr design = m.data("x", row, Shape{d + 1}, DType::f64);
  const Expr target = m.data("y", row, {}, DType::f64);
  const Expr w = m.latent("w", mvnormal(0.0, 1e-5), Shape{d + 1});
  m.observe("y", normal_precision(inner(design, w), 1.0 / 3000), target);
  DataSet data;
  data.rows = n;
  data.columns = {{"x", x}, {"y", y}};
  State state;
  Workers workers(2);
  CoordinateClimb climb(m, data, state);
  EXPECT_TRUE(climb.keeps_statistics());
  EXPECT_NEAR(climb.sweep(workers), -2410.77828207, 1e-8);
  EXPECT_NEAR(climb.elbo(workers), -2410.77828207, 1e-8);
}

}  // namespace
}  // namespace fathom
