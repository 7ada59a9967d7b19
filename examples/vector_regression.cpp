// Regression of vectors: length and width of petals by those of sepals, with coefficients and the
// covariance of the residuals in one factor, which is the exact posterior.
//
//   y_n ~ N(M' x_n, Lam^-1),   Lam ~ Wishart,   M | Lam ~ MatrixNormal   (Rossi, Allenby &
//   McCulloch 2005, section 2.8.5).
//
//   build/release/examples/vector_regression [data/iris.csv]
#include <fmt/format.h>

#include <cmath>

#include "fathom/climb/coordinate.h"
#include "fathom/io/csv.h"

using namespace fathom;

int main(int argc, char** argv) {
  const Array table = read_csv(argc > 1 ? argv[1] : "data/iris.csv").values;
  const std::int64_t n = table.shape().extent(0), width = table.size() / n;
  DataSet data;
  data.rows = n;
  Array in(DType::f64, Shape{n, 3}), out(DType::f64, Shape{n, 2});
  for (std::int64_t i = 0; i < n; ++i) {
    const double* row = table.data<double>() + i * width;
    const double values[] = {1, row[0], row[1]};
    std::copy_n(values, 3, in.data<double>() + 3 * i);
    std::copy_n(row + 2, 2, out.data<double>() + 2 * i);
  }
  data.columns = {{"x", in}, {"y", out}};

  constexpr double kStrength = 0.01;
  Model m(DType::f64);
  const Plate row = m.plate("row");
  const Expr x = m.data("x", row, Shape{3}, DType::f64);
  const Expr y = m.data("y", row, Shape{2}, DType::f64);
  const Conditional prior = matrix_normal_wishart(0.0, kStrength, 1.0, 4.0);
  const Expr slopes = m.latent("slopes", prior, Shape{3, 2});
  m.observe("y", mvnormal_of(regressed(x, slopes)), y);

  Workers workers;
  State state;
  CoordinateClimb climb(m, data, state);
  const double bound = climb.sweep(workers), again = climb.sweep(workers);
  const Array mean = climb.mean(0, workers);
  const double* b = mean.data<double>();
  fmt::print("log evidence {:.4f}\n", bound);
  for (int j = 0; j < 2; ++j)
    fmt::print("petal {:<7} {:6.3f} {:+.3f} length {:+.3f} width\n", j == 0 ? "length" : "width",
               b[j], b[2 + j], b[4 + j]);

  // Nothing is left to climb, and the mean solves the normal equations x'(y - x M) = strength M.
  double most = 0;
  for (int k = 0; k < 3; ++k)
    for (int j = 0; j < 2; ++j) {
      double sum = -kStrength * b[2 * k + j];
      for (std::int64_t i = 0; i < n; ++i) {
        const double *at = in.data<double>() + 3 * i, *of = out.data<double>() + 2 * i;
        sum += at[k] * (of[j] - at[0] * b[j] - at[1] * b[2 + j] - at[2] * b[4 + j]);
      }
      most = std::max(most, std::abs(sum));
    }
  return std::abs(again - bound) < 1e-9 * std::abs(bound) && most < 1e-8 ? 0 : 1;
}
