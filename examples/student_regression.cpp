// Regression with outliers: Student's t as a normal whose precision is scaled row by row,
//
//   y_n ~ N(x_n' w, 1 / (tau u_n)),   u_n ~ Gamma(nu / 2, nu / 2)   (Bishop 2006, eq. 2.158).
//
// Old Faithful: minutes to the next eruption by minutes of this one, ten cells damaged.
//   build/release/examples/student_regression [data/faithful.csv]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fathom/climb/ascend.h"
#include "fathom/io/csv.h"

using namespace fathom;

namespace {

constexpr double kDof = 4;

struct Fit {
  double intercept = 0, slope = 0, elbo = 0;
  std::vector<double> scale;  // E u_n
};

Fit fit(const DataSet& data, bool student) {
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("x", row, Shape{2}, DType::f64);
  const Expr y = m.data("y", row, {}, DType::f64);
  const Expr w = m.latent("w", mvnormal(0.0, 1e-4), Shape{2});
  const Expr tau = m.latent("tau", gamma(0.1, 0.1));
  Expr precision = tau;
  if (student) precision = tau * m.latent("u", gamma(kDof / 2, kDof / 2), row);
  m.observe("y", normal_precision(inner(x, w), precision), y);

  Workers workers;
  State state;
  CoordinateClimb climb(m, data, state);
  Fit f;
  f.elbo = ascend(climb, data.rows, {}, workers).elbo();
  const Array mean = climb.mean(0, workers);
  f.intercept = mean.data<double>()[0];
  f.slope = mean.data<double>()[1];
  if (!student) return f;
  const Array u = climb.mean(2, workers);
  f.scale.assign(u.data<double>(), u.data<double>() + u.size());
  return f;
}

}  // namespace

int main(int argc, char** argv) {
  const Array table = read_csv(argc > 1 ? argv[1] : "data/faithful.csv").values;
  DataSet data;
  data.rows = table.shape().extent(0);
  Array x(DType::f64, Shape{data.rows, 2}), y(DType::f64, Shape{data.rows});
  for (std::int64_t i = 0; i < data.rows; ++i) {
    x.data<double>()[2 * i] = 1;
    x.data<double>()[2 * i + 1] = table.data<double>()[2 * i];
    y.data<double>()[i] = table.data<double>()[2 * i + 1];
  }
  data.columns = {{"x", x}, {"y", y.copy()}};
  const Fit clean = fit(data, false);
  std::vector<std::int64_t> damaged;  // a digit lost, of long eruptions
  for (std::int64_t i = 0; i < data.rows && damaged.size() < 10; ++i)
    if (x.data<double>()[2 * i + 1] > 4) {
      y.data<double>()[i] /= 10;
      damaged.push_back(i);
    }
  data.columns["y"] = y;
  const Fit normal = fit(data, false), student = fit(data, true);

  const auto show = [](const char* what, const Fit& f) {
    fmt::print("{:<30} {:6.2f} + {:5.2f} x   ELBO {:.2f}\n", what, f.intercept, f.slope, f.elbo);
  };
  show("normal, before the damage", clean);
  show("normal", normal);
  show("Student t, 4 degrees", student);
  std::vector<std::int64_t> order(student.scale.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = std::int64_t(i);
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return student.scale[std::size_t(a)] < student.scale[std::size_t(b)];
  });
  fmt::print("rows that count least:");
  for (int i = 0; i < 12; ++i)
    fmt::print(" {} ({:.3f})", order[std::size_t(i)] + 1,
               student.scale[std::size_t(order[std::size_t(i)])]);
  fmt::print("\n");

  // The damaged rows count least, and without them the line is that of the whole table.
  std::sort(order.begin(), order.begin() + 10);
  const bool found = std::equal(damaged.begin(), damaged.end(), order.begin());
  const bool kept =
      std::abs(student.slope - clean.slope) < std::abs(normal.slope - clean.slope) / 4;
  return found && kept && student.elbo > normal.elbo ? 0 : 1;
}
