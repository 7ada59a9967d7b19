// Laws that a model keeps whatever its data, and what is refused: how to find out that a text says
// what was meant.
//   build/release/examples/model_checks
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "fathom/climb/ascend.h"
#include "fathom/climb/batches.h"
#include "fathom/kernels/rng.h"

using namespace fathom;

namespace {

int failures = 0;

void check(bool holds, const std::string& what) {
  fmt::print("{} {}\n", holds ? "holds:" : "FAILS:", what);
  failures += !holds;
}

bool near(double a, double b) { return std::abs(a - b) <= 1e-10 * std::max(1.0, std::abs(b)); }

// Weighted rows of numbers, some of them missing, with a mean and a precision in common.
struct Numbers {
  Model m{DType::f64};
  Expr mean, precision;

  Numbers() {
    const Plate row = m.plate("row");
    const Expr x = m.data("x", row, {}, DType::f64);
    m.missing(x);
    m.weigh(row, m.data("weight", row, {}, DType::f64));
    mean = m.latent("mean", normal_precision(0.0, 0.1));
    precision = m.latent("precision", gamma(1.0, 1.0));
    m.observe("x", normal_precision(mean, precision), x);
  }
};

DataSet rows_of(const std::vector<double>& x, const std::vector<double>& weight) {
  DataSet data;
  data.rows = std::int64_t(x.size());
  data.columns = {{"x", Array::of<double>(Shape{data.rows}, x)},
                  {"weight", Array::of<double>(Shape{data.rows}, weight)}};
  return data;
}

double bound(const DataSet& data, const CoordinateOptions& options = {}, int threads = 1) {
  const Numbers n;
  State state;
  Workers workers(threads);
  CoordinateClimb climb(n.m, data, state, options);
  return ascend(climb, data.rows, {.tolerance = 1e-14}, workers).elbo();
}

void laws() {
  const double gone = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> x = {0.3, -1.2, 0.8, 2.5, 0.1, -0.6};
  const DataSet plain = rows_of(x, {1, 1, 1, 1, 1, 1});

  const DataSet twice = rows_of({0.3, 0.3, -1.2}, {1, 1, 1}),
                weighed = rows_of({0.3, -1.2}, {2, 1});
  check(near(bound(twice), bound(weighed)), "a row twice is a row of weight 2");
  const DataSet missing = rows_of({0.3, gone, -1.2}, {1, 1, 1}),
                left = rows_of({0.3, -1.2}, {1, 1});
  check(near(bound(missing), bound(left)), "a missing cell is a row left out");
  check(std::abs(bound(rows_of({gone, gone}, {1, 1}))) < 1e-12,
        "nothing seen: factors are priors, and the bound is 0");
  check(bound(plain, {}, 1) == bound(plain, {}, 2), "the same bits for one and two threads");

  const Numbers n;
  State state, batches;
  Workers workers(1);
  CoordinateClimb climb(n.m, plain, state);
  const double elbo = climb.sweep(workers);
  double total = 0;
  for (const auto& [name, value] : climb.terms(workers)) total += value;
  check(near(total, climb.elbo(workers)), "named terms add up to the ELBO");

  BatchClimb one(n.m, plain, batches, {.batch = 6});
  one.stochastic(0, 1.0, workers);
  check(near(one.elbo(workers), elbo), "one batch of all rows, and rho = 1: a sweep");

  // Point masses at the mode: the objective is a penalised log-likelihood, and no ELBO.
  const double map = bound(plain, {.factors = Factors::mode}),
               em = bound(plain, {.factors = Factors::likelihood});
  double mean = 0, variance = 0, likelihood = 0;
  for (const double v : x) mean += v / 6;
  for (const double v : x) variance += (v - mean) * (v - mean) / 6;
  for (const double v : x)
    likelihood -= 0.5 * (std::log(2 * 3.14159265358979323846 * variance) +
                         (v - mean) * (v - mean) / variance);
  check(near(em, likelihood), "EM without latents of rows is the maximum of the likelihood");
  fmt::print("       ELBO {:.4f}, penalised log-likelihood {:.4f}, log-likelihood {:.4f}\n",
             bound(plain), map, em);
}

// A model, and what it is told.
template <class F>
void refused(const char* why, F&& write) {
  try {
    Model m(DType::f64);
    const Plate row = m.plate("row");
    const Expr x = m.data("x", row, {}, DType::f64);
    write(m, row, x);
    const DataSet data = rows_of({0.3, -1.2}, {1, 1});
    State state;
    const CoordinateClimb climb(m, data, state);
    check(false, why);
  } catch (const ConfigError& e) {
    fmt::print("refused, {}:\n  {}\n", why, e.what());
  }
}

void refusals() {
  refused("a mean that is not affine in its latent", [](Model& m, Plate, Expr x) {
    const Expr a = m.latent("a", normal_precision(0.0, 1.0));
    m.observe("x", normal_precision(exp(a), 1.0), x);
  });
  refused("elements with a factor each, taken together", [](Model& m, Plate row, Expr x) {
    const Expr w = m.latent("w", normal_precision(0.0, 1.0), Shape{2});
    const Expr v = m.data("v", row, Shape{2}, DType::f64);
    m.observe("x", normal_precision(inner(v, w), 1.0), x);
  });
  refused("a component that nobody chooses", [](Model& m, Plate, Expr x) {
    const Expr mu = m.latent("mu", normal_precision(0.0, 1.0), m.plate("component", 2));
    m.observe("x", normal_precision(mu, 1.0), x);
  });
  refused("a latent that is observed", [](Model& m, Plate row, Expr) {
    const Expr z = m.latent("z", normal_precision(0.0, 1.0), row);
    m.observe("z", normal_precision(0.0, 1.0), z);
  });
  refused("missing cells that something else reads", [](Model& m, Plate, Expr x) {
    m.missing(x);
    m.observe("x", normal_precision(x * 2.0, 1.0), x);
  });
}

}  // namespace

int main() {
  laws();
  refusals();
  return failures == 0 ? 0 : 1;
}
