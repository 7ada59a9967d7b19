// What mixtures of gaussians of all columns have in common, however their covariances are made:
// rows, densities, draws, missing cells and the page follow from components().
#pragma once

#include "fathom/jobs/gaussian_components.h"

namespace fathom {

// Rows that the parameters of one component need, for what is said where it holds fewer.
struct ComponentNeeds {
  double rows = 0;
  const char* parameters = "";  // "a covariance", "loadings"
  const char* need = "";        // "its covariance needs", "its loadings need"
};

template <class S>
class GaussianTableWith : public MixtureModelWith<S> {
 public:
  TableNeeds needs() const override { return {true, this->settings_.components.last}; }
  DataSet data(const TableRows& rows) const override {
    DataSet set;
    set.rows = rows.count();
    set.columns["x"] = rows.x;
    add_row_data(rows, format_, this->settings_.components, set);
    return set;
  }
  // The likelihood has no maximum: a component on a few rows may fit them as closely as it likes.
  // Priors keep the others from that.
  std::string fault(const State& state) const override {
    if (!this->settings_.likelihood()) return {};
    const ComponentNeeds least = component_needs();
    const ComponentWeights w = component_weights(state, this->settings_);
    for (const double rows : w.rows.template values<double>())
      if (rows < least.rows)
        return fmt::format("a component came to sit on fewer than the {:g} different rows that {}",
                           least.rows, least.need);
    return {};
  }
  void summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                 std::vector<std::string>& verdict) const override {
    const GaussianComponents c = components(state);
    const ComponentNeeds least = component_needs();
    summarise_components({c.weight, c.rows}, this->settings_, format.classes, least.rows,
                         least.parameters, summary, verdict);
    summarise_gaussians(c, format, summary);
  }
  void report(const State& state, const TableFormat& format, const TableRows* rows,
              const nlohmann::json& summary, Page& page, Workers& workers) const override {
    report_gaussians(components(state), format, moments_, rows, summary, page, workers);
  }
  // "component" from 1, the most probable; its probability and that of every one.
  RowPredictions predict(const State& state, const TableRows& rows,
                         Workers& workers) const override {
    return predictions_of(components(state).log_joint(rows.x, workers), format_.classes);
  }
  bool fills() const override { return true; }
  FilledRows fill(const State& state, const TableRows& rows, Workers& workers) const override {
    return components(state).fill(rows.x, workers);
  }
  Array sample(const State& state, std::int64_t count, Key key, Workers&) const override {
    return components(state).sample(count, key);
  }

  virtual GaussianComponents components(const State& state) const = 0;

 protected:
  virtual ComponentNeeds component_needs() const = 0;

  std::int64_t width_ = 0;
  TableMoments moments_;
  TableFormat format_;
};

}  // namespace fathom
