#include "fathom/jobs/closing.h"

#include <cmath>
#include <cstdlib>
#include <numbers>

namespace fathom {

namespace {

// Centred rows as f32, and the means of columns.
struct Centred {
  std::vector<float> x, mean;
  std::int64_t rows;
};

Centred centred(const VaeRows& rows, const PixelFormat& format, std::int64_t most) {
  const VaeRows some = even_rows(rows, most);
  const std::int64_t n = some.set.rows, d = format.width;
  std::vector<float> x;
  x.reserve(std::size_t(n * d));
  std::vector<double> mean(std::size_t(d), 0);
  for (std::int64_t i = 0; i < n; ++i) {
    const Array row = as_pixels(slice_rows(some, i, 1).set.columns.at("x"), format);
    for (std::int64_t j = 0; j < d; ++j) {
      x.push_back(row.data<float>()[j]);
      mean[std::size_t(j)] += double(x.back()) / double(n);
    }
  }
  for (std::size_t i = 0; i < x.size(); ++i) x[i] -= float(mean[i % std::size_t(d)]);
  return {std::move(x), std::vector<float>(mean.begin(), mean.end()), n};
}

}  // namespace

std::optional<double> sigma2_of(const VaeConfig& config, const State& state) {
  if (config.likelihood != "gaussian") return {};
  if (config.sigma2 != "learned") return std::strtod(config.sigma2.c_str(), nullptr);
  return std::exp(2 * double(*state.find("log_sd")->data<float>()));
}

std::vector<float> mean_row(const VaeRows& rows, const PixelFormat& format) {
  return centred(rows, format, 4096).mean;
}

double mean_variance(const VaeRows& rows, const PixelFormat& format) {
  const std::vector<float> x = centred(rows, format, 4096).x;
  double s = 0;
  for (float v : x) s += double(v) * double(v);
  return s / double(x.size());
}

double largest_eigenvalue(const VaeRows& rows, const PixelFormat& format) {
  const auto [x, mean, n] = centred(rows, format, 2048);
  const auto d = std::size_t(format.width);
  std::vector<float> v(d, 1 / std::sqrt(float(d)));
  std::vector<double> next(d);
  double lambda = 0;
  for (int iteration = 0; iteration < 100; ++iteration) {
    std::fill(next.begin(), next.end(), 0.0);
    for (std::size_t i = 0; i < std::size_t(n); ++i) {
      const float* row = x.data() + i * d;
      float dot = 0;
      for (std::size_t j = 0; j < d; ++j) dot += row[j] * v[j];
      for (std::size_t j = 0; j < d; ++j) next[j] += double(dot * row[j]);
    }
    double norm = 0;
    for (double w : next) norm += w * w;
    norm = std::sqrt(norm);
    const double found = norm / double(n);
    if (!(norm > 0)) return 0;
    for (std::size_t j = 0; j < d; ++j) v[j] = float(next[j] / norm);
    if (std::abs(found - lambda) < 1e-3 * found) return found;
    lambda = found;
  }
  return lambda;
}

Closing close_fit(VaeScorer& scorer, const VaeSettings& settings, const VaeRows& train,
                  const VaeRows& validation, const PixelFormat& format, const State& state) {
  Closing c;
  const VaeRows part = even_rows(train, 10000);
  c.train = scorer.elbo(part, 1);
  if (validation.set.rows > 0) c.validation = scorer.elbo(validation, 1);
  c.units = scorer.units(part);
  const VaeRows some = slice_rows(validation.set.rows > 0 ? validation : train, 0, 100);
  const Evaluation bound = scorer.elbo(some, 10);
  const LogEvidence evidence = scorer.evidence(some, 100);
  GapFigures g;
  g.rows = some.set.rows;
  g.draws = 100;
  g.elbo = bound.elbo_per_row;
  g.log_px = evidence.log_px / double(g.rows);
  double mean = 0, squares = 0;
  for (std::size_t i = 0; i < bound.per_row.size(); ++i)
    mean += (evidence.per_row[i] - bound.per_row[i]) / double(g.rows);
  for (std::size_t i = 0; i < bound.per_row.size(); ++i)
    squares += std::pow(evidence.per_row[i] - bound.per_row[i] - mean, 2);
  g.gap_se = g.rows > 1 ? std::sqrt(squares / double(g.rows - 1) / double(g.rows)) : 0;
  if (std::isfinite(g.log_px) && std::isfinite(g.elbo) && std::isfinite(g.gap_se)) {
    c.gap = g;
  } else {
    c.gap_lost = true;
  }
  c.sigma2 = sigma2_of(settings.model, state);
  if (c.sigma2) c.lambda1 = largest_eigenvalue(train, format);
  return c;
}

nlohmann::json elbo_summary(const Evaluation& e, const PixelFormat& format,
                            const std::string& unit) {
  nlohmann::json out = {{"task", "vae"},        {"unit", unit},   {"n", e.rows},
                        {"dims", format.width}, {"elbo", e.elbo}, {"elbo_per_row", e.elbo_per_row}};
  if (e.rows > 1) out["elbo_se"] = e.elbo_se;
  for (const TermValue& t : e.terms) {
    out["terms"][t.name] = t.value;
    out["estimators"][t.name] = name_of(t.how);
  }
  return out;
}

std::optional<double> bits_per_dim(double elbo_per_row, const VaeConfig& config,
                                   const PixelFormat& format) {
  const double nats = -elbo_per_row / double(format.width);
  if (config.likelihood == "bernoulli") return nats / std::numbers::ln2;
  if (format.eight_bit) return (nats + std::log(255.0)) / std::numbers::ln2;
  return {};
}

}  // namespace fathom
