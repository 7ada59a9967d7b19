// Gaussian mixtures of tables: `fathom fit gmm`. The model is zoo/gaussian_mixture.h.
#pragma once

#include <optional>

#include "fathom/jobs/gaussian_components.h"
#include "fathom/jobs/table_model.h"

namespace fathom {

struct GmmSettings {
  std::int64_t components = 3;
  std::string covariance = "full", method = "vb", start = "kmeans";
  bool process = false;
  double concentration = 0;

  static void fields(auto& self, auto&& f) {
    f("components", self.components, "components; of a process the most that it may use");
    f("covariance", self.covariance, "full or diag");
    f("method", self.method, "em (maximum likelihood), map (posterior mode) or vb (posterior)");
    f("process", self.process,
      "weights of a Dirichlet process, truncated at --components; with vb");
    f("concentration", self.concentration,
      "of the weights' prior: small values empty components that are not needed; 0: 1 / "
      "components, "
      "with map or --process 1");
    f("start", self.start, "kmeans, random (rows drawn as centres) or blocks (by the last column)");
  }
};

class Gmm : public TableModelWith<GmmSettings> {
 public:
  static constexpr std::string_view kTask = "gmm";
  static constexpr std::string_view kBrief = "a mixture of gaussians: clusters of a table's rows";
  static constexpr std::string_view kExample = "fathom fit gmm faithful.csv -o RUN --components 2";

  std::string_view task() const override { return kTask; }
  std::string_view title() const override { return "Gaussian mixture"; }
  void build(const TableMoments& moments, const std::vector<std::string>& columns) override;
  const Model& model() const override { return mixture_->model; }
  DataSet data(const Array& rows) const override;
  CoordinateOptions options() const override;
  Objective objective() const override;
  std::string describe() const override;
  void start(CoordinateClimb& climb, const Array& rows, Key key, Workers& workers) const override;
  bool start_has_chance() const override { return settings_.start != "blocks"; }
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
  void check() const;
  double prior_concentration() const;
  double least_rows() const;  // that the covariance of a component needs

  std::int64_t width_ = 0;
  Covariance covariance_ = Covariance::full;
  TableMoments moments_;
  std::optional<GaussianMixture> mixture_;
};

}  // namespace fathom
