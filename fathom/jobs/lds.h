// Linear gaussian state spaces of tables whose rows follow each other: `fathom fit lds`. The models
// are those of zoo/state_space.h.
#pragma once

#include <memory>
#include <optional>

#include "fathom/jobs/linear_states.h"
#include "fathom/jobs/spectrum.h"
#include "fathom/jobs/table_model.h"
#include "fathom/zoo/state_space.h"

namespace fathom {

struct LdsSettings {
  std::string form = "level", method = "vb", start = "pca";
  std::int64_t latent = 2, period = 0;

  static void fields(auto& self, auto&& f) {
    f("form", self.form,
      "level (it wanders), trend (so does its slope), seasonal (the same, and seasons), each of "
      "one column; or full: --latent states, whose motion and loadings are learned");
    f("period", self.period, "rows of a season, with --form seasonal");
    f("latent", self.latent, "elements of the state, with --form full");
    f("method", self.method, "em (maximum likelihood), map (posterior mode) or vb (posterior)");
    f("start", self.start, "of --form full: pca (principal axes of the rows) or random");
  }
};

class Lds final : public TableModelWith<LdsSettings> {
 public:
  static constexpr std::string_view kTask = "lds";
  static constexpr std::string_view kBrief =
      "a linear state space: a level, trend and seasons, or a dynamical system that is learned";
  static constexpr std::string_view kExample =
      "fathom fit lds nile.csv -o RUN --columns flow --form level";

  std::string_view task() const override { return kTask; }
  std::string_view title() const override {
    return structural() ? "Structural time series" : "Linear dynamical system";
  }
  bool sequential() const override { return true; }
  // States that may be turned make sweeps crawl, and so do variances that come to be small.
  bool crawls() const override { return true; }
  std::string rotated() const override;
  void prepare(TableConfig& table) const override;
  TableNeeds needs() const override;
  void build(const TableMoments& moments, const TableFormat& format) override;
  const Model& model() const override { return series_ ? series_->model : dynamics_->model; }
  DataSet data(const TableRows& rows) const override;
  CoordinateOptions options() const override;
  Objective objective() const override;
  std::int64_t free_parameters() const override;
  std::string describe() const override;
  void start(CoordinateClimb& climb, const TableRows& rows, Key key,
             Workers& workers) const override;
  bool start_has_chance() const override { return !structural() && settings_.start == "random"; }
  void summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                 std::vector<std::string>& verdict) const override;
  void report(const State& state, const TableFormat& format, const TableRows* rows,
              const nlohmann::json& summary, Page& page, Workers& workers) const override;
  // Smoothed states ("level" and "level_sd", ...; "z1", ...) and what they add up to in each column
  // ("fit.flow"), in the file's units; log density: of a row given those before it.
  RowPredictions predict(const State& state, const TableRows& rows,
                         Workers& workers) const override;
  bool fills() const override { return true; }
  FilledRows fill(const State& state, const TableRows& rows, Workers& workers) const override;
  bool forecasts() const override { return true; }
  std::vector<SeriesForecast> forecast(const State& state, const TableRows& rows,
                                       std::int64_t steps, Key key,
                                       Workers& workers) const override;
  std::vector<PosteriorRow> posterior(const State& state, const TableFormat& format) const override;
  // One sequence, from a first state at 0 where nothing is known of it.
  Array sample(const State& state, std::int64_t count, Key key, Workers& workers) const override;

  LinearStates states(const State& state) const;

 private:
  bool structural() const { return settings_.form != "full"; }
  StructuralSeriesConfig series_config() const;
  void check_settings() const;
  void start_series(State& state, const TableRows& rows) const;
  void start_dynamics(State& state, double rows, Key key) const;
  // What elements of the state are called; of seasons this row's alone.
  std::vector<std::string> state_names() const;

  std::int64_t width_ = 0;
  TableMoments moments_;
  TableFormat format_;
  std::optional<StructuralSeries> series_;
  std::optional<LinearDynamics> dynamics_;
};

}  // namespace fathom
