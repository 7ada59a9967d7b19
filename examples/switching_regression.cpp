// Switching regression (Goldfeld & Quandt 1973; Hamilton 1990): which of two lines a row follows
// depends on the row before.
//
//   path ~ chain,   y_t ~ N(w_path' x_t, 1 / tau_path)
//
//   build/release/examples/switching_regression
#include <fmt/format.h>

#include <cmath>

#include "fathom/climb/ascend.h"
#include "fathom/kernels/rng.h"

using namespace fathom;

namespace {

constexpr std::int64_t kSequences = 6, kSteps = 100, kLines = 2, kRows = kSequences * kSteps;
constexpr double kLine[kLines][2] = {{1, 2}, {1, -1}};
constexpr double kNoise = 0.5, kLeave = 0.05;

double unit(std::uint64_t key, std::int64_t i) {
  return (double(philox(Key{key, 7}, std::uint64_t(i), 0).word[0]) + 0.5) * 0x1p-32;
}

}  // namespace

int main() {
  DataSet data;
  data.rows = kRows;
  Array x(DType::f64, Shape{kRows, 2}), y(DType::f64, Shape{kRows}),
      begins(DType::f64, Shape{kRows}), start(DType::f64, Shape{kRows, kLines});
  std::vector<std::int64_t> truth;
  kernels::fill_normal(Key{1, 1}, nullptr, 0, kRows, 1, y.data<double>());
  for (std::int64_t i = 0; i < kRows; ++i) {
    const bool first = i % kSteps == 0;
    truth.push_back(first                 ? i / kSteps % kLines
                    : unit(1, i) < kLeave ? 1 - truth.back()
                                          : truth.back());
    const double* line = kLine[truth.back()];
    const double at[] = {1, 4 * unit(2, i) - 2};
    std::copy_n(at, 2, x.data<double>() + 2 * i);
    y.data<double>()[i] = line[0] + line[1] * at[1] + kNoise * y.data<double>()[i];
    begins.data<double>()[i] = first;
    start.data<double>()[2 * i] = unit(3, i);
    start.data<double>()[2 * i + 1] = 1 - unit(3, i);
  }
  data.columns = {{"x", x}, {"y", y}, {"begins", begins}};

  Model m(DType::f64);
  const Plate step = m.plate("step"), line = m.plate("line", kLines);
  const Expr in = m.data("x", step, Shape{2}, DType::f64);
  const Expr out = m.data("y", step, {}, DType::f64);
  const Expr first = m.data("begins", step, {}, DType::f64);
  const Expr begin = m.latent("begin", dirichlet(1.0), Shape{kLines});
  const Expr move = m.latent("move", dirichlet(1.0), line, Shape{kLines});
  const Expr slopes = m.latent("slopes", mvnormal(0.0, 0.01), line, Shape{2});
  const Expr noise = m.latent("noise", gamma(1.0, 1.0), line);
  const Expr path = m.latent("path", chain(begin, move, first), step, Shape{kLines});
  m.observe("y", normal_precision(inner(in, gate(path, slopes)), gate(path, noise)), out);

  Workers workers;
  State state;
  CoordinateClimb climb(m, data, state);
  climb.start({{"path", start}}, workers);
  const Ascent a = ascend(climb, kRows, {}, workers);
  fmt::print("ELBO {:.4f} after {} sweeps\n", a.elbo(), a.bounds.size());
  const Array w = climb.mean(2, workers), tau = climb.mean(3, workers),
              next = climb.mean(1, workers), p = climb.mean(4, workers);
  const bool swapped = w.data<double>()[1] < w.data<double>()[3];
  bool good = true;
  for (std::int64_t k = 0; k < kLines; ++k) {
    const std::int64_t of = swapped ? 1 - k : k;
    const double *mean = w.data<double>() + 2 * of, spread = 1 / std::sqrt(tau.data<double>()[of]);
    fmt::print(
        "line {}: {:.3f} {:+.3f} x, spread {:.3f}, left with probability {:.3f} (drawn from "
        "{:g} {:+g} x, {:g}, {:g})\n",
        k + 1, mean[0], mean[1], spread, next.data<double>()[2 * of + (1 - of)], kLine[k][0],
        kLine[k][1], kNoise, kLeave);
    good = good && std::abs(mean[1] - kLine[k][1]) < 0.1 && std::abs(spread - kNoise) < 0.1;
  }
  int right = 0;
  for (std::int64_t i = 0; i < kRows; ++i)
    right += (p.data<double>()[2 * i + 1] > 0.5) == ((truth[std::size_t(i)] == 1) != swapped);
  fmt::print("{:.1f} % of the rows are on the line that was drawn\n",
             100 * double(right) / double(kRows));
  return good && right > 0.95 * double(kRows) ? 0 : 1;
}
