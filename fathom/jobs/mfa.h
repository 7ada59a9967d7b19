// Mixtures of factor analysers of tables: `fathom fit mfa`. The model is zoo/factor_mixture.h.
#pragma once

#include <optional>

#include "fathom/jobs/gaussian_components.h"
#include "fathom/zoo/factor_mixture.h"

namespace fathom {

struct MfaSettings : MixtureSettings {
  std::int64_t latent = 2;

  static void fields(auto& self, auto&& f) {
    MixtureSettings::fields(self, f);
    f("latent", self.latent, "latent elements of each component, fewer than columns");
  }
};

class Mfa : public MixtureModelWith<MfaSettings> {
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
  TableNeeds needs() const override { return {true, settings_.components.last}; }
  void build(const TableMoments& moments, const TableFormat& format) override;
  const Model& model() const override { return mixture_->model; }
  DataSet data(const TableRows& rows) const override;
  std::int64_t free_parameters() const override;
  std::string describe() const override;
  void start(CoordinateClimb& climb, const TableRows& rows, Key key,
             Workers& workers) const override;
  std::string fault(const State& state) const override;
  void summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                 std::vector<std::string>& verdict) const override;
  void report(const State& state, const TableFormat& format, const TableRows* rows,
              const nlohmann::json& summary, Page& page, Workers& workers) const override;
  // "component" from 1, the most probable; its probability and that of every one.
  RowPredictions predict(const State& state, const Array& rows, Workers& workers) const override;
  bool fills() const override { return true; }
  FilledRows fill(const State& state, const Array& rows, Workers& workers) const override;
  Array sample(const State& state, std::int64_t count, Key key, Workers& workers) const override;

  // Gaussians of mean mu_k and covariance E w w' + diag(1 / E tau): the density of rows at points;
  // under variational Bayes one with the same first two moments given the expected noise.
  GaussianComponents components(const State& state) const;

 private:
  double least_rows() const { return double(settings_.latent + 1); }

  std::int64_t width_ = 0;
  TableMoments moments_;
  TableFormat format_;
  std::optional<FactorMixture> mixture_;
};

}  // namespace fathom
