// Gaussian mixtures of tables: `fathom fit gmm`. The model is zoo/gaussian_mixture.h.
#pragma once

#include <optional>

#include "fathom/jobs/gaussian_table.h"

namespace fathom {

struct GmmSettings : MixtureSettings {
  std::string covariance = "full";

  static void fields(auto& self, auto&& f) {
    MixtureSettings::fields(self, f);
    f("covariance", self.covariance,
      "of components: full, tied (one for all), diag or spherical (one variance for all columns)");
  }
};

class Gmm : public GaussianTableWith<GmmSettings> {
 public:
  static constexpr std::string_view kTask = "gmm";
  static constexpr std::string_view kBrief = "a mixture of gaussians: clusters of a table's rows";
  static constexpr std::string_view kExample = "fathom fit gmm faithful.csv -o RUN --components 2";

  std::string_view task() const override { return kTask; }
  std::string_view title() const override { return "Gaussian mixture"; }
  void build(const TableMoments& moments, const TableFormat& format) override;
  const Model& model() const override { return mixture_->model; }
  std::int64_t free_parameters() const override;
  std::string describe() const override;
  void start(CoordinateClimb& climb, const TableRows& rows, Key key,
             Workers& workers) const override;
  std::vector<PosteriorRow> posterior(const State& state, const TableFormat& format) const override;
  GaussianComponents components(const State& state) const override;

 private:
  ComponentNeeds component_needs() const override;
  bool has_matrix() const;  // whether covariances have elements beside the diagonal

  Covariance covariance_ = Covariance::full;
  std::optional<GaussianMixture> mixture_;
};

}  // namespace fathom
