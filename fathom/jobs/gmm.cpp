#include "fathom/jobs/gmm.h"

#include <algorithm>
#include <cmath>

#include "fathom/climb/start.h"
#include "fathom/jobs/words.h"

namespace fathom {

namespace {

constexpr std::pair<std::string_view, Covariance> kCovariances[] = {{"full", Covariance::full},
                                                                    {"diag", Covariance::diagonal}};
std::string holding_sentence(std::int64_t holding, std::int64_t count, bool vb) {
  if (holding == count)
    return count == 1   ? "There is one component."
           : count == 2 ? "Both components hold rows."
                        : fmt::format("All {} components hold rows.", count);
  const bool one = count - holding == 1;
  return fmt::format("{} of {} components hold{} rows; the other{} {}.", holding, count,
                     holding == 1 ? "s" : "", one ? "" : "s",
                     !vb   ? one ? "stands empty" : "stand empty"
                     : one ? "is where the prior put it, and costs little"
                           : "are where the prior put them, and cost little");
}

}  // namespace

void Gmm::check() const {
  const GmmSettings& s = settings_;
  if (s.components < 1) raise<ConfigError>("--components must be at least 1, got {}", s.components);
  if (!(s.concentration >= 0) || !std::isfinite(s.concentration))
    raise<ConfigError>("--concentration must be positive, got {}", s.concentration);
  if (s.start != "kmeans" && s.start != "random" && s.start != "blocks")
    raise<ConfigError>("--start \"{}\": one of kmeans, random, blocks", s.start);
  if (s.process && s.method != "vb")
    raise<ConfigError>("--process is a prior on weights and goes with --method vb, not {}",
                       s.method);
  if (s.method == "map" && s.concentration > 0 && s.concentration < 1)
    raise<ConfigError>(
        "--concentration {:g} with --method map: below 1 the density of the weights has no mode; "
        "--method vb takes it",
        s.concentration);
}

double Gmm::prior_concentration() const {
  if (settings_.concentration > 0) return settings_.concentration;
  return settings_.process || settings_.method != "vb" ? 1 : 1 / double(settings_.components);
}

double Gmm::least_rows() const { return covariance_ == Covariance::full ? double(width_ + 1) : 2; }

void Gmm::build(const TableMoments& m, const std::vector<std::string>& columns) {
  covariance_ = word("covariance", settings_.covariance, kCovariances);
  word("method", settings_.method, kMethods);
  check();
  width_ = m.width();
  moments_ = m;
  if (m.rows < settings_.components)
    raise<DataError>("{} rows for {} components: at least one row each; --components {} at most",
                     m.rows, settings_.components, m.rows);
  if (covariance_ == Covariance::full) {
    if (m.rows <= width_)
      raise<DataError>(
          "{} rows of {} columns: full covariances need more rows than columns; --covariance diag "
          "or fewer --columns",
          m.rows, width_);
    if (const std::int64_t j = dependent_column(m); j >= 0)
      raise<DataError>(
          "column \"{}\" follows from those before it (a weighted sum of them), so that full "
          "covariances have no inverse: leave it out with --drop, or say --covariance diag",
          columns[std::size_t(j)]);
  }
  GaussianMixturePrior prior;
  prior.concentration = prior_concentration();
  prior.process = settings_.process;
  prior.mean = m.mean;
  prior.inverse_scale = m.covariance;
  prior.dof = double(width_);
  mixture_.emplace(settings_.components, width_, prior, covariance_);
}

DataSet Gmm::data(const Array& rows) const {
  DataSet set;
  set.rows = rows.shape().extent(0);
  set.columns["x"] = rows;
  return set;
}

CoordinateOptions Gmm::options() const {
  return {.factors = word("method", settings_.method, kMethods)};
}

Objective Gmm::objective() const {
  return objective_of(word("method", settings_.method, kMethods));
}

std::string Gmm::describe() const {
  const std::int64_t k = settings_.components;
  std::string text =
      fmt::format("{} gaussian component{} of {} column{}, {} covariance{}", k, k == 1 ? "" : "s",
                  width_, width_ == 1 ? "" : "s",
                  covariance_ == Covariance::full ? "full" : "diagonal", k == 1 ? "" : "s");
  if (settings_.method == "em") return text + "; maximum likelihood by EM";
  if (settings_.process) {
    text +=
        fmt::format("; weights of a Dirichlet process ({:g}), truncated", prior_concentration());
  } else {
    text += fmt::format("; weights ~ Dirichlet({:.3g})", prior_concentration());
  }
  return text + (settings_.method == "vb" ? "; variational Bayes" : "; posterior mode by EM");
}

void Gmm::start(CoordinateClimb& climb, const Array& rows, Key key, Workers& workers) const {
  const std::int64_t k = settings_.components;
  const Array which = settings_.start == "blocks"
                          ? block_start(rows, k)
                          : kmeans_start(rows, k, key, settings_.start == "random" ? 0 : 10);
  climb.start({{"which", which}}, workers);
}

GaussianComponents Gmm::components(const State& state) const {
  const bool points = settings_.method != "vb";
  const double prior =
      settings_.method == "em" || settings_.process ? 0 : prior_concentration() - 1;
  return components_of(state, covariance_, points, settings_.process, prior);
}

// The likelihood has no maximum: a component on a few rows may be as narrow as it likes. Priors
// keep the others from that.
std::string Gmm::fault(const State& state) const {
  if (settings_.method != "em") return {};
  const GaussianComponents c = components(state);
  for (std::int64_t k = 0; k < c.count; ++k)
    if (c.rows.data<double>()[k] < least_rows())
      return fmt::format(
          "a component came to sit on fewer than the {:g} rows that its covariance needs",
          least_rows());
  return {};
}

void Gmm::summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                    std::vector<std::string>& verdict) const {
  const GaussianComponents c = components(state);
  std::vector<std::int64_t> thin;
  std::int64_t holding = 0;
  const Array means = in_file_units(c.mean, format);
  for (std::int64_t k = 0; k < c.count; ++k) {
    nlohmann::json one = {{"weight", c.weight.data<double>()[k]},
                          {"rows", c.rows.data<double>()[k]}};
    for (std::int64_t j = 0; j < width_; ++j) {
      one["mean"].push_back(means.data<double>()[k * width_ + j]);
      one["sd"].push_back(std::sqrt(c.covariance.data<double>()[(k * width_ + j) * width_ + j]) *
                          format.scale[std::size_t(j)]);
    }
    summary["components"].push_back(std::move(one));
    const double rows = c.rows.data<double>()[k];
    if (rows < 1) continue;
    ++holding;
    if (rows < least_rows()) thin.push_back(k + 1);
  }
  summary["effective_components"] = holding;
  verdict.push_back(holding_sentence(holding, c.count, settings_.method == "vb"));
  if (!thin.empty())
    verdict.push_back(fmt::format(
        "Component{} {} hold{} fewer than the {:g} rows that a covariance needs, so that {}.",
        thin.size() == 1 ? "" : "s", fmt::join(thin, ", "), thin.size() == 1 ? "s" : "",
        least_rows(),
        settings_.method == "em"
            ? "the likelihood is higher than it deserves: fewer --components, or --method vb"
            : "the prior decides its shape: fewer --components would leave them out"));
}

RowPredictions Gmm::predict(const State& state, const Array& rows, Workers& workers) const {
  const GaussianComponents c = components(state);
  const Array joint = c.log_joint(rows, workers);
  const std::int64_t n = rows.shape().extent(0), k = c.count;
  RowPredictions out;
  out.names = {"component"};
  for (std::int64_t j = 1; j <= k; ++j) out.names.push_back(fmt::format("p{}", j));
  out.values = Array(DType::f64, Shape{n, k + 1});
  out.log_density.resize(std::size_t(n));
  for (std::int64_t i = 0; i < n; ++i) {
    const double* from = joint.data<double>() + i * k;
    double *to = out.values.data<double>() + i * (k + 1), sum = 0;
    const std::int64_t best = std::max_element(from, from + k) - from;
    for (std::int64_t j = 0; j < k; ++j) sum += to[j + 1] = std::exp(from[j] - from[best]);
    for (std::int64_t j = 0; j < k; ++j) to[j + 1] /= sum;
    to[0] = double(best + 1);
    out.log_density[std::size_t(i)] = from[best] + std::log(sum);
  }
  return out;
}

Array Gmm::sample(const State& state, std::int64_t count, Key key, Workers&) const {
  return components(state).sample(count, key);
}

}  // namespace fathom
