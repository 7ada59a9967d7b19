// Models that coordinate ascent would take wrongly: each is refused, by a message that says why;
// and near them what is taken is right.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fathom/climb/coordinate.h"

namespace fathom::test {
namespace {

// Rows of two numbers, a matrix of them on a plate of two columns, and bits.
struct Case {
  Model m{DType::f64};
  Plate row = m.plate("row"), part = m.plate("part", 2), column = m.plate("column", 3);
  Expr x = m.data("x", row, Shape{2}, DType::f64), y = m.data("y", row, {}, DType::f64);
  Expr b = m.data("b", row, {}, DType::f64), grid = m.data("grid", {row, part}, {}, DType::f64);
  DataSet data;

  Case() {
    data.rows = 4;
    const auto fill = [&](const char* name, const Shape& s) {
      Array a(DType::f64, s);
      for (std::int64_t i = 0; i < a.size(); ++i)
        a.data<double>()[i] = std::sin(1.7 * double(i) + double(name[0]));
      data.columns[name] = a;
    };
    fill("x", Shape{4, 2});
    fill("y", Shape{4});
    fill("grid", Shape{4, 2});
    data.columns["b"] = Array::of<double>(Shape{4}, {{0, 1, 1, 0}});
  }
  Expr choice(const char* name, bool rows) {
    const Expr w = m.latent(std::string("weights.") + name, dirichlet(1.0), Shape{2});
    return rows ? m.latent(name, categorical_of(w), row, Shape{2})
                : m.latent(name, categorical_of(w), Shape{2});
  }
  // What the refusal says; empty: none.
  std::string refusal() {
    try {
      State state;
      Workers one(1);
      CoordinateClimb climb(m, data, state);
      climb.sweep(one);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return {};
  }
  void expect(const char* part_of_message) {
    const std::string said = refusal();
    EXPECT_NE(said.find(part_of_message), std::string::npos) << "said: " << said;
  }
};

TEST(Refusals, TermsBeyondThePlatesOfTheirValue) {
  Case c;
  const Expr mu = c.m.latent("mu", normal(0.0, 1.0), c.part);
  c.m.observe("y", normal(mu, 1.0), c.y);
  c.expect("lies on the plate \"part\"");
}

TEST(Refusals, PriorsBeyondThePlatesOfTheirLatent) {
  Case c;
  const Expr mu = c.m.latent("mu", normal(0.0, 1.0), c.part);
  const Expr nu = c.m.latent("nu", normal(mu, 1.0));
  c.m.observe("y", normal(nu, 1.0), c.y);
  c.expect("lies on the plate \"part\"");
}

TEST(Refusals, ElementsBeyondThoseObserved) {
  Case c;
  const Expr mu = c.m.latent("mu", normal(0.0, 1.0), Shape{2});
  c.m.observe("y", normal(mu, 1.0), c.y);
  c.expect("has elements [2]");
}

TEST(Refusals, AValueThatDependsOnALatent) {
  Case c;
  const Expr mu = c.m.latent("mu", normal(0.0, 1.0));
  c.m.observe("mu is small", normal(mu, 1.0), mu);
  c.m.observe("y", normal(mu, 1.0), c.y);
  c.expect("only data are observed");
}

TEST(Refusals, AGateOnThePlateThatIsObserved) {
  Case c;
  const Expr mu = c.m.latent("mu", normal(0.0, 1.0), c.part);
  c.m.observe("y", normal(gate(c.choice("which", true), mu), 1.0), c.grid);
  c.expect("of which \"which\" chooses");
}

TEST(Refusals, TwoChoicesFromOnePlate) {
  Case c;
  const Expr mu = c.m.latent("mu", normal(0.0, 1.0), c.part);
  const Expr tau = c.m.latent("tau", gamma(2.0, 1.0), c.part);
  const Expr one = c.choice("one", true), all = c.choice("all", false);
  c.m.observe("y", normal_precision(gate(one, mu), gate(all, tau)), c.y);
  c.expect("choose from the one plate");
}

TEST(Refusals, ThreeChoicesOfRowsInOneTerm) {
  Case c;
  const Plate other = c.m.plate("other", 2), third = c.m.plate("third", 2);
  const Expr mu = c.m.latent("mu", normal(0.0, 1.0), c.part);
  const Expr nu = c.m.latent("nu", normal(0.0, 1.0), third);
  const Expr tau = c.m.latent("tau", gamma(2.0, 1.0), other);
  const Expr mean = gate(c.choice("one", true), mu) + gate(c.choice("three", true), nu);
  c.m.observe("y", normal_precision(mean, gate(c.choice("two", true), tau)), c.y);
  c.expect("couples two latents of each row and a third");
}

TEST(Refusals, GatesInPriors) {
  Case c;
  const Expr mu = c.m.latent("mu", normal(0.0, 1.0), c.part);
  const Expr nu = c.m.latent("nu", normal(gate(c.choice("which", false), mu), 1.0));
  c.m.observe("y", normal(nu, 1.0), c.y);
  c.expect("the prior of \"nu\" reads");
}

TEST(Refusals, LatentsOfRowsWithLatentsOfRowsForPriors) {
  Case c;
  const Expr above = c.m.latent("above", normal(0.0, 1.0), c.row);
  const Expr below = c.m.latent("below", normal(above, 1.0), c.row);
  c.m.observe("y", normal(below, 1.0), c.y);
  c.expect("couples two latents of each row, and neither chooses");
}

TEST(Refusals, ChoicesTakenForNumbers) {
  Case c;
  const Expr mu = c.m.latent("mu", mvnormal(0.0, 1.0), Shape{2});
  c.m.observe("y", normal(inner(c.choice("which", true), mu), 1.0), c.y);
  EXPECT_NE(c.refusal(), "");
}

TEST(Refusals, MomentsThatAreNoStatistics) {
  for (const int kind : {0, 1, 2}) {
    Case c;
    const Expr mean = kind == 0   ? c.m.latent("rate", gamma(2.0, 1.0))
                      : kind == 1 ? c.m.latent("p", beta(2.0, 1.0))
                                  : c.m.latent("v", inverse_gamma(3.0, 1.0));
    c.m.observe("y", normal(mean, 1.0), c.y);
    c.expect("no statistic of");
  }
}

TEST(Refusals, ElementsWithFactorsOfTheirOwnThatMeet) {
  Case c;
  const Expr w = c.m.latent("w", normal(0.0, 1.0), Shape{2});
  c.m.observe("y", normal(inner(c.x, w), 1.0), c.y);
  c.expect("give it an mvnormal prior");
}

TEST(Refusals, CovariancesThatNobodyCarries) {
  Case c;
  const Expr s = c.m.latent("s", normal(0.0, 1.0));
  c.m.observe("y", normal(inner(s * c.x, c.x), 1.0), c.y);
  c.expect("needs covariances");
}

TEST(Refusals, ANumberForTheMeanOfAVectorWithCovariances) {
  Case c;
  const Expr s = c.m.latent("s", normal(0.0, 1.0));
  const Expr lam = c.m.latent("lam", wishart(1.0, 4.0), Shape{2, 2});
  c.m.observe("x", mvnormal(s, lam), c.x);
  c.expect("write repeat");
}

TEST(Refusals, LogOddsThatAreNotNormal) {
  Case c;
  const Expr v = c.m.latent("v", mvnormal(0.0, 1.0), Shape{2});
  const Expr w = c.m.latent("w", mvnormal(0.0, 1.0), Shape{2});
  c.m.observe("b", bernoulli(inner(v, w)), c.b);
  c.expect("not normal");
}

// A vector whose covariance matters to a number of each element: E (y - w)^2 moves with both.
TEST(Taken, VectorsThroughTheirElements) {
  Case c;
  const Expr w = c.m.latent("w", mvnormal(0.5, 2.0), Shape{2});
  c.m.observe("x", normal_precision(w, 3.0), c.x);
  State state;
  Workers one(1);
  CoordinateClimb climb(c.m, c.data, state);  // columns that no term reads do no harm
  climb.sweep(one);
  const Array mean = climb.mean(0, one);
  for (std::int64_t j = 0; j < 2; ++j) {
    double sum = 0;
    for (std::int64_t i = 0; i < 4; ++i) sum += c.data.columns["x"].data<double>()[2 * i + j];
    EXPECT_NEAR(mean.data<double>()[j], (1.0 + 3 * sum) / 14, 1e-14);
    EXPECT_NEAR(state.find("w.natural.1")->data<double>()[3 * j], -7, 1e-13);
  }
}

// Cells that are gone lie within the support, so that logarithms of them are numbers.
TEST(Taken, MissingCellsOfPositiveQuantities) {
  Case c;
  const Expr t = c.m.data("t", c.row, {}, DType::f64);
  c.m.missing(t);
  c.m.observe("t", gamma(2.5, c.m.latent("rate", gamma(2.0, 1.0))), t);
  c.data.columns["t"] =
      Array::of<double>(Shape{4}, {{0.5, std::numeric_limits<double>::quiet_NaN(), 2, 1.5}});
  State state;
  Workers one(1);
  CoordinateClimb climb(c.m, c.data, state);
  EXPECT_TRUE(std::isfinite(climb.sweep(one)));
  EXPECT_NEAR(climb.mean(0, one).data<double>()[0], 9.5 / 5, 1e-14);
}

}  // namespace
}  // namespace fathom::test
