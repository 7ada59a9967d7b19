#include "fathom/jobs/gmm.h"

#include "fathom/zoo/rows.h"

namespace fathom {

namespace {

constexpr std::pair<std::string_view, Covariance> kCovariances[] = {
    {"full", Covariance::full},
    {"tied", Covariance::tied},
    {"diag", Covariance::diagonal},
    {"spherical", Covariance::spherical}};

}  // namespace

// Of a tied covariance, that of all rows serves a component on one.
double Gmm::least_rows() const {
  if (covariance_ == Covariance::tied) return 1;
  return covariance_ == Covariance::full ? double(width_ + 1) : 2;
}

bool Gmm::has_matrix() const {
  return covariance_ == Covariance::full || covariance_ == Covariance::tied;
}

void Gmm::build(const TableMoments& m, const TableFormat& format) {
  covariance_ = word<Covariance>("covariance", settings_.covariance, kCovariances);
  settings_.check();
  width_ = m.width();
  moments_ = m;
  format_ = format;
  settings_.check_rows(m.rows, format);
  if (has_matrix()) {
    if (m.rows <= width_)
      raise<DataError>(
          "{} rows of {} columns: full covariances need more rows than columns; --covariance diag "
          "or fewer --columns",
          m.rows, width_);
    if (const std::int64_t j = dependent_column(m); j >= 0)
      raise<DataError>(
          "column \"{}\" follows from those before it (a weighted sum of them), so that full "
          "covariances have no inverse: leave it out with --drop, or say --covariance diag",
          format.columns[std::size_t(j)]);
  }
  GaussianMixturePrior prior;
  prior.concentration = settings_.prior_concentration();
  prior.process = settings_.process;
  prior.mean = m.mean;
  prior.inverse_scale = m.covariance;
  prior.dof = double(width_);
  mixture_.emplace(settings_.components, width_, prior, covariance_);
  GaussianMixture& g = *mixture_;
  if (format.missing) g.model.missing(g.x);
  if (!format.weights.empty()) weigh_rows(g.model, g.row);
  if (!format.labels.empty()) know_choices(g.model, g.row, g.component, g.which);
}

DataSet Gmm::data(const TableRows& rows) const {
  DataSet set;
  set.rows = rows.count();
  set.columns["x"] = rows.x;
  add_row_data(rows, format_, settings_.components, set);
  return set;
}

std::int64_t Gmm::free_parameters() const {
  const std::int64_t k = settings_.components, d = width_, matrix = d * (d + 1) / 2;
  switch (covariance_) {
    case Covariance::tied: return k - 1 + k * d + matrix;
    case Covariance::diagonal: return k - 1 + 2 * k * d;
    case Covariance::spherical: return k - 1 + k * d + k;
    default: return k - 1 + k * (d + matrix);
  }
}

std::string Gmm::describe() const {
  const std::int64_t k = settings_.components;
  return fmt::format("{} gaussian component{} of {} column{}, {} covariance{}", k,
                     k == 1 ? "" : "s", width_, width_ == 1 ? "" : "s",
                     covariance_ == Covariance::diagonal ? "diagonal" : settings_.covariance,
                     k == 1 || covariance_ == Covariance::tied ? "" : "s") +
         settings_.describe();
}

void Gmm::start(CoordinateClimb& climb, const TableRows& rows, Key key, Workers& workers) const {
  climb.start({{"which", settings_.start_of(rows, key)}}, workers);
}

GaussianComponents Gmm::components(const State& state) const {
  return components_of(state, covariance_, settings_);
}

// The likelihood has no maximum: a component on a few rows may be as narrow as it likes. Priors
// keep the others from that.
std::string Gmm::fault(const State& state) const {
  if (!settings_.likelihood()) return {};
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
  summarise_components({c.weight, c.rows}, settings_, format.classes, least_rows(), "a covariance",
                       summary, verdict);
  summarise_gaussians(c, format, summary);
}

void Gmm::report(const State& state, const TableFormat& format, const TableRows* rows,
                 const nlohmann::json& summary, Page& page, Workers& workers) const {
  report_gaussians(components(state), format, moments_, rows, summary, page, workers);
}

RowPredictions Gmm::predict(const State& state, const Array& rows, Workers& workers) const {
  return predictions_of(components(state).log_joint(rows, workers), format_.classes);
}

FilledRows Gmm::fill(const State& state, const Array& rows, Workers& workers) const {
  return components(state).fill(rows, workers);
}

Array Gmm::sample(const State& state, std::int64_t count, Key key, Workers&) const {
  return components(state).sample(count, key);
}

}  // namespace fathom
