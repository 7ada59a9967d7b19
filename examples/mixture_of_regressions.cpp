// A mixture of regressions: every row lies on one of two lines, and nobody says on which.
//   build/release/examples/mixture_of_regressions
#include <fmt/format.h>

#include <cmath>

#include "fathom/climb/ascend.h"
#include "fathom/kernels/rng.h"

using namespace fathom;

namespace {

constexpr std::int64_t kRows = 400, kLines = 2;
constexpr double kTruth[kLines][2] = {{1.0, 2.0}, {-1.0, 0.5}};  // intercept and slope
constexpr double kSpread[kLines] = {0.3, 0.6};

// A third of the rows on the second line.
DataSet drawn_rows() {
  Array u(DType::f64, Shape{kRows, 2}), noise(DType::f64, Shape{kRows});
  kernels::fill_uniform(Key{7, 0}, nullptr, 0, kRows, 2, u.data<double>());
  kernels::fill_normal(Key{7, 1}, nullptr, 0, kRows, 1, noise.data<double>());
  DataSet data;
  data.rows = kRows;
  Array x(DType::f64, Shape{kRows, 2}), y(DType::f64, Shape{kRows});
  for (std::int64_t i = 0; i < kRows; ++i) {
    const double at = 4 * u.data<double>()[2 * i] - 2;
    const int k = u.data<double>()[2 * i + 1] < 1.0 / 3;
    x.data<double>()[2 * i] = 1;
    x.data<double>()[2 * i + 1] = at;
    y.data<double>()[i] = kTruth[k][0] + kTruth[k][1] * at + kSpread[k] * noise.data<double>()[i];
  }
  data.columns = {{"x", x}, {"y", y}};
  return data;
}

// Probabilities of the lines, drawn row by row: somewhere to start from.
Array drawn_start(Key key) {
  Array r(DType::f64, Shape{kRows, kLines});
  kernels::fill_uniform(key, nullptr, 0, kRows, kLines, r.data<double>());
  for (std::int64_t i = 0; i < kRows; ++i) {
    double* p = r.data<double>() + i * kLines;
    const double total = p[0] + p[1];
    p[0] /= total;
    p[1] /= total;
  }
  return r;
}

}  // namespace

int main() {
  const DataSet data = drawn_rows();

  Model m(DType::f64);
  const Plate row = m.plate("row"), line = m.plate("line", kLines);
  const Expr x = m.data("x", row, Shape{2}, DType::f64);
  const Expr y = m.data("y", row, {}, DType::f64);
  const Expr weights = m.latent("weights", dirichlet(1.0), Shape{kLines});
  const Expr slopes = m.latent("slopes", mvnormal(0.0, 0.01), line, Shape{2});
  const Expr noise = m.latent("noise", gamma(1.0, 1.0), line);
  const Expr which = m.latent("which", categorical_of(weights), row, Shape{kLines});
  m.observe("y", normal_precision(inner(x, gate(which, slopes)), gate(which, noise)), y);

  Workers workers;
  State state, best;
  CoordinateClimb climb(m, data, state);
  const State priors = state.copy();
  double highest = -INFINITY;
  for (std::uint64_t restart = 1; restart <= 8; ++restart) {
    state.assign(priors);
    climb.start({{"which", drawn_start(Key{restart, 2})}}, workers);
    const Ascent a = ascend(climb, data.rows, {}, workers);
    fmt::print("restart {}: ELBO {:.4f} after {} sweeps\n", restart, a.elbo(), a.bounds.size());
    if (a.elbo() <= highest) continue;
    highest = a.elbo();
    best = state.copy();
  }
  state.assign(best);

  const Array w = climb.mean(1, workers), tau = climb.mean(2, workers);
  const bool swapped = w.data<double>()[1] < w.data<double>()[3];  // steep line first
  bool close = true;
  for (int k = 0; k < kLines; ++k) {
    const double* found = w.data<double>() + 2 * (swapped ? 1 - k : k);
    const double spread = 1 / std::sqrt(tau.data<double>()[swapped ? 1 - k : k]);
    fmt::print("line {}: {:.3f} + {:.3f} x, spread {:.3f} (drawn from {} + {} x, {})\n", k + 1,
               found[0], found[1], spread, kTruth[k][0], kTruth[k][1], kSpread[k]);
    for (int j = 0; j < 2; ++j) close &= std::abs(found[j] - kTruth[k][j]) < 0.2;
    close &= std::abs(spread - kSpread[k]) < 0.1;
  }

  State likelihood;  // the same text, by EM: point masses, and no prior
  CoordinateClimb em(m, data, likelihood, {.factors = Factors::likelihood});
  em.start({{"which", climb.mean(3, workers)}}, workers);
  const double log_likelihood = ascend(em, data.rows, {}, workers).elbo();
  fmt::print("EM from there: log-likelihood {:.4f}, which no ELBO exceeds\n", log_likelihood);
  return close && log_likelihood > highest ? 0 : 1;
}
