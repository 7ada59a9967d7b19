// Rates of failure of ten pumps, each seen for a time of its own (Gaver & O'Muircheartaigh 1987;
// the model and its constants are those of Gelfand & Smith 1990, section 4.2):
//
//   count_n ~ Poisson(rate_n time_n),   rate_n ~ Gamma(1.802, scale),   scale ~ Gamma(0.01, 1).
//
//   build/release/examples/hierarchical_poisson
#include <fmt/format.h>

#include <cmath>

#include "fathom/climb/ascend.h"

using namespace fathom;

namespace {

constexpr double kShape = 1.802, kPriorShape = 0.01, kPriorRate = 1;
const std::vector<double> kCounts = {5, 1, 5, 14, 3, 19, 1, 1, 4, 22};
const std::vector<double> kTimes = {94.320, 15.720, 62.880, 125.760, 5.240,
                                    31.440, 1.048,  1.048,  2.096,   10.480};

// log p(counts, scale), rates integrated out.
double log_joint(double scale) {
  double total = kPriorShape * std::log(kPriorRate) - std::lgamma(kPriorShape) +
                 (kPriorShape - 1) * std::log(scale) - kPriorRate * scale;
  for (std::size_t n = 0; n < kCounts.size(); ++n)
    total += kCounts[n] * std::log(kTimes[n]) - std::lgamma(kCounts[n] + 1) +
             kShape * std::log(scale) - std::lgamma(kShape) + std::lgamma(kShape + kCounts[n]) -
             (kShape + kCounts[n]) * std::log(scale + kTimes[n]);
  return total;
}

// log p(counts) and the exact E rate_n, by the trapezium rule on log scale.
double exact(std::vector<double>& rates) {
  double evidence = 0;
  rates.assign(kCounts.size(), 0);
  const double step = 1e-3;
  for (double t = -12; t < 6; t += step) {
    const double p = std::exp(log_joint(std::exp(t)) + t) * step;
    evidence += p;
    for (std::size_t n = 0; n < rates.size(); ++n)
      rates[n] += p * (kShape + kCounts[n]) / (std::exp(t) + kTimes[n]);
  }
  for (double& r : rates) r /= evidence;
  return std::log(evidence);
}

}  // namespace

int main() {
  Model m(DType::f64);
  const Plate pump = m.plate("pump");
  const Expr time = m.data("time", pump, {}, DType::f64);
  const Expr count = m.data("count", pump, {}, DType::f64);
  const Expr scale = m.latent("scale", gamma(kPriorShape, kPriorRate));
  const Expr rate = m.latent("rate", gamma(kShape, scale), pump);
  m.observe("count", poisson_of(rate * time), count);

  DataSet data;
  data.rows = std::int64_t(kCounts.size());
  data.columns = {{"time", Array::of<double>(Shape{data.rows}, kTimes)},
                  {"count", Array::of<double>(Shape{data.rows}, kCounts)}};
  Workers workers(1);
  State state;
  CoordinateClimb climb(m, data, state);
  const double elbo = ascend(climb, data.rows, {.tolerance = 1e-12}, workers).elbo();

  std::vector<double> rates;
  const double evidence = exact(rates);
  const Array found = climb.mean(1, workers);
  fmt::print("pump  count    time    rate  exact  count / time\n");
  double worst = 0;
  for (std::size_t n = 0; n < rates.size(); ++n) {
    const double r = found.data<double>()[n];
    fmt::print("{:>4}  {:>5}  {:6.2f}  {:6.3f} {:6.3f}  {:6.3f}\n", n + 1, kCounts[n], kTimes[n], r,
               rates[n], kCounts[n] / kTimes[n]);
    worst = std::max(worst, std::abs(r / rates[n] - 1));
  }
  fmt::print("ELBO {:.4f}, log evidence {:.4f}: {:.4f} nats below\n", elbo, evidence,
             evidence - elbo);
  for (const auto& [name, value] : climb.terms(workers))
    fmt::print("  {:<14} {:9.4f}\n", name, value);
  return elbo <= evidence && evidence - elbo < 0.25 && worst < 0.03 ? 0 : 1;
}
