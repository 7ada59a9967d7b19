// Gaussian mixtures of tables: `fathom fit gmm`. The model is zoo/gaussian_mixture.h.
#pragma once

#include <optional>

#include "fathom/jobs/gaussian_components.h"
#include "fathom/jobs/mixture_settings.h"

namespace fathom {

struct GmmSettings : MixtureSettings {
  std::string covariance = "full";

  static void fields(auto& self, auto&& f) {
    MixtureSettings::fields(self, f);
    f("covariance", self.covariance,
      "of components: full, tied (one for all), diag or spherical (one variance for all columns)");
  }
};

class Gmm : public MixtureModelWith<GmmSettings> {
 public:
  static constexpr std::string_view kTask = "gmm";
  static constexpr std::string_view kBrief = "a mixture of gaussians: clusters of a table's rows";
  static constexpr std::string_view kExample = "fathom fit gmm faithful.csv -o RUN --components 2";

  std::string_view task() const override { return kTask; }
  std::string_view title() const override { return "Gaussian mixture"; }
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
  std::vector<PosteriorRow> posterior(const State& state, const TableFormat& format) const override;
  Array sample(const State& state, std::int64_t count, Key key, Workers& workers) const override;

  GaussianComponents components(const State& state) const;

 private:
  bool has_matrix() const;    // whether covariances have elements beside the diagonal
  double least_rows() const;  // that the covariance of a component needs

  std::int64_t width_ = 0;
  Covariance covariance_ = Covariance::full;
  TableMoments moments_;
  TableFormat format_;
  std::optional<GaussianMixture> mixture_;
};

}  // namespace fathom
