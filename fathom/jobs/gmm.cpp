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
ComponentNeeds Gmm::component_needs() const {
  const double rows = covariance_ == Covariance::tied   ? 1
                      : covariance_ == Covariance::full ? double(width_ + 1)
                                                        : 2;
  return {rows, "a covariance", "its covariance needs"};
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
  prior.dof = weak_dof(covariance_, width_, settings_.method == "map");
  mixture_.emplace(settings_.components, width_, prior, covariance_);
  GaussianMixture& g = *mixture_;
  if (format.missing) g.model.missing(g.x);
  if (!format.weights.empty()) weigh_rows(g.model, g.row);
  if (!format.labels.empty()) know_choices(g.model, g.row, g.component, g.which);
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

}  // namespace fathom
