// Mixtures of factor analysers of tables: `fathom fit mfa`. The model is zoo/factor_mixture.h.
#pragma once

#include <optional>

#include "fathom/jobs/gaussian_table.h"
#include "fathom/zoo/factor_mixture.h"

namespace fathom {

struct MfaSettings : MixtureSettings {
  std::int64_t latent = 2;
  static constexpr const char* kMethodWords =
      "em (maximum likelihood), map (posterior mode) or vb (posterior)";

  static void fields(auto& self, auto&& f) {
    MixtureSettings::fields(self, f);
    f("latent", self.latent, "latent elements of each component, fewer than columns");
  }
};

class Mfa : public GaussianTableWith<MfaSettings> {
 public:
  static constexpr std::string_view kTask = "mfa";
  static constexpr std::string_view kBrief =
      "a mixture of factor analysers: clusters that spread in few directions";
  static constexpr std::string_view kExample =
      "fathom fit mfa wine.csv -o RUN --components 3 --latent 2";

  std::string_view task() const override { return kTask; }
  std::string_view title() const override { return "Mixture of factor analysers"; }
  // As factor analysis: priors say the same of columns in any units.
  void prepare(TableConfig& table) const override { table.centre = table.standardize = true; }
  void build(const TableMoments& moments, const TableFormat& format) override;
  const Model& model() const override { return mixture_->model; }
  std::int64_t free_parameters() const override;
  std::string describe() const override;
  void start(CoordinateClimb& climb, const TableRows& rows, Key key,
             Workers& workers) const override;
  // Gaussians of mean E mu_k and covariance sum over latent elements of E w w', plus E 1 / tau and
  // the variance of mu_k on the diagonal: the density of rows at points, and under variational
  // Bayes a gaussian of the predictive's mean and covariance.
  GaussianComponents components(const State& state) const override;

 private:
  ComponentNeeds component_needs() const override {
    return {double(settings_.latent + 1), "a factor analyser", "its loadings need"};
  }

  std::optional<FactorMixture> mixture_;
};

}  // namespace fathom
