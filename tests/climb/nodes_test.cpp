// Take, sum and reshape: the same models written without them.
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/coordinate.h"

namespace fathom {
namespace {

Array table(std::int64_t rows, std::int64_t columns, const std::vector<double>& x) {
  return Array::of<double>(columns > 0 ? Shape{rows, columns} : Shape{rows}, x);
}

const std::vector<double> kX = {1, -0.4, 0.3, 1, 1.3, -2, 1, 0.2, 0.7, 1, -1, 0.1},
                          kY = {0.3, 2.1, -0.7, 1.4};

// A regression on columns that `columns` makes of w.
double evidence(const std::vector<double>& x, std::int64_t width,
                const std::function<Expr(Model&, Expr x, Expr w)>& mean) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr xs = m.data("x", row, Shape{width}, DType::f64);
  const Expr ys = m.data("y", row, {}, DType::f64);
  Array precision(DType::f64, Shape{2, 2});
  const double p[] = {1.5, 0.4, 0.4, 0.8};
  std::copy(p, p + 4, precision.data<double>());
  const Expr w = m.latent("w", mvnormal(0.2, m.constant(precision)), Shape{2});
  m.observe("y", normal_precision(mean(m, xs, w), 2.0), ys);
  DataSet data;
  data.rows = 4;
  data.columns = {{"x", table(4, width, x)}, {"y", table(4, 0, kY)}};
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);
  const double bound = climb.sweep(workers);
  EXPECT_NEAR(climb.sweep(workers), bound, 1e-12 * std::abs(bound));  // exact
  return bound;
}

// x_1 w_1 + x_2 w_0 + x_3 w_1: what is taken twice counts twice.
TEST(Take, PlacesThatRepeatAddUp) {
  std::vector<double> merged;
  for (std::size_t i = 0; i < 4; ++i) {
    merged.push_back(kX[3 * i + 1]);
    merged.push_back(kX[3 * i] + kX[3 * i + 2]);
  }
  const double taken = evidence(kX, 3, [](Model&, Expr x, Expr w) {
    return inner(x, take(w, {1, 0, 1}));
  });
  const double plain = evidence(merged, 2, [](Model&, Expr x, Expr w) { return inner(x, w); });
  EXPECT_NEAR(taken, plain, 1e-12 * std::abs(plain));
}

TEST(Sum, IsTheProductWithOnes) {
  const std::vector<double> ones(8, 1.0);
  const double summed = evidence(ones, 2, [](Model&, Expr, Expr w) { return sum(w); });
  const double product = evidence(ones, 2, [](Model&, Expr x, Expr w) { return inner(x, w); });
  EXPECT_NEAR(summed, product, 1e-12 * std::abs(product));
}

TEST(Reshape, KeepsElementsInTheirOrder) {
  double bound[2];
  for (const bool square : {false, true}) {
    Model m(DType::f64);
    const Plate row = m.plate("row");
    const Expr y = m.data("y", row, Shape{4}, DType::f64);
    const Expr rate = m.latent("rate", gamma(1.5, 0.7), square ? Shape{2, 2} : Shape{4});
    m.observe("y", poisson_of(square ? reshape(rate, Shape{4}) : rate), y);
    DataSet data;
    data.rows = 2;
    data.columns["y"] = table(2, 4, {0, 1, 5, 2, 3, 0, 1, 9});
    State state;
    Workers workers(1);
    CoordinateClimb climb(m, data, state);
    bound[square] = climb.sweep(workers);
  }
  EXPECT_NEAR(bound[0], bound[1], 1e-12 * std::abs(bound[0]));
}

TEST(Nodes, RefuseWhatDoesNotFit) {
  Model m(DType::f64);
  const Expr w = m.latent("w", mvnormal(0.0, 1.0), Shape{3});
  EXPECT_THROW(take(w, {0, 3}), ShapeError);
  EXPECT_THROW(take(w, {}), ShapeError);
  EXPECT_THROW(reshape(w, Shape{2, 2}), ShapeError);
  EXPECT_THROW(sum(m.constant(1.0)), ShapeError);
}

// Elements that are factors of their own do not meet in one number.
TEST(Nodes, SumsOfElementsApartAreRefused) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr y = m.data("y", row, {}, DType::f64);
  const Expr e = m.latent("e", normal_precision(0.0, 1.0), Shape{3});
  m.observe("y", normal_precision(sum(e), 1.0), y);
  DataSet data;
  data.rows = 1;
  data.columns["y"] = table(1, 0, {1});
  State state;
  EXPECT_THROW(CoordinateClimb(m, data, state), ConfigError);
}

}  // namespace
}  // namespace fathom
