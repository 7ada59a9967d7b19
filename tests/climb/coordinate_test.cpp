// Coordinate ascent through the model alone: no update rule is written anywhere.
#include "fathom/climb/coordinate.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

// Ten numbers, mu ~ N(0, 1e6), tau ~ Gamma(1e-6, 1e-6), mu first: the trace and the moments that
// the quick start of BayesPy 0.5.22 gives for this model.
TEST(Coordinate, NormalGammaOfTenRows) {
  const std::vector<double> x = {
      21.243453636632,  -1.117564136501, -0.281717522635, -5.729686221562, 13.654076293247,
      -18.015386968803, 22.448117642165, -2.612069008951, 8.190390960571,  2.506296245226};
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr y = m.data("y", row, {}, DType::f64);
  const Expr mu = m.latent("mu", normal_precision(0.0, 1e-6));
  const Expr tau = m.latent("tau", gamma(1e-6, 1e-6));
  m.observe("y", normal_precision(mu, tau), y);
  DataSet data;
  data.rows = 10;
  data.columns["y"] = Array::of<double>(Shape{10}, x);
  State state;
  Workers workers(1);
  CoordinateClimb climb(m, data, state);
  const double trace[] = {-60.209562231, -58.205271478, -58.202897354, -58.202875200};
  for (double expected : trace) EXPECT_NEAR(climb.sweep(workers), expected, 1e-8);
  double last = climb.elbo(workers);
  for (int i = 0; i < 50; ++i) {
    const double now = climb.sweep(workers);
    EXPECT_GE(now, last - 1e-10 * std::abs(last));  // an exact step never lowers the bound
    last = now;
  }
  EXPECT_NEAR(last, -58.2028749779, 1e-9);
  EXPECT_NEAR(climb.mean(0, workers).data<double>()[0], 4.02852761, 1e-7);
  EXPECT_NEAR(climb.mean(1, workers).data<double>()[0], 0.00634591, 1e-8);
}

}  // namespace
}  // namespace fathom
