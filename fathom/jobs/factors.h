// Linear latent variables of tables: `fathom fit ppca`, `fa` and `bpca`. The model is
// zoo/factor_analysis.h; priors follow the scale of the columns, so that bounds follow their units.
#pragma once

#include <optional>

#include "fathom/jobs/linear_factors.h"
#include "fathom/jobs/spectrum.h"
#include "fathom/jobs/table_model.h"
#include "fathom/zoo/factor_analysis.h"

namespace fathom {

struct FactorSettings {
  std::int64_t latent = 2;
  std::string method = "vb", start = "pca";

  static void fields(auto& self, auto&& f) {
    f("latent", self.latent, "latent elements, fewer than columns");
    f("method", self.method, "em (maximum likelihood), map (posterior mode) or vb (posterior)");
    f("start", self.start, "pca (principal axes of the rows) or random");
  }
};

class FactorTable : public TableModelWith<FactorSettings> {
 public:
  // Factor analysis is free of the scale of its columns: they are standardized, so that its priors
  // say the same of each.
  void prepare(TableConfig& table) const override {
    table.centre = true;
    table.standardize |= noise_per_column();
  }
  TableNeeds needs() const override { return {.missing = true}; }
  void build(const TableMoments& moments, const TableFormat& format) override;
  const Model& model() const override { return analysis_->model; }
  DataSet data(const TableRows& rows) const override;
  CoordinateOptions options() const override;
  Objective objective() const override;
  std::string describe() const override;
  void start(CoordinateClimb& climb, const TableRows& rows, Key key,
             Workers& workers) const override;
  bool start_has_chance() const override { return settings_.start == "random"; }
  void summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                 std::vector<std::string>& verdict) const override;
  void report(const State& state, const TableFormat& format, const TableRows* rows,
              const nlohmann::json& summary, Page& page, Workers& workers) const override;
  // "z1", ... and "z1_sd", ...: scores and their standard deviations.
  RowPredictions predict(const State& state, const TableRows& rows,
                         Workers& workers) const override;
  bool fills() const override { return true; }
  FilledRows fill(const State& state, const TableRows& rows, Workers& workers) const override {
    return factors(state).fill(rows.x, workers);
  }
  std::vector<PosteriorRow> posterior(const State& state, const TableFormat& format) const override;
  Array sample(const State& state, std::int64_t count, Key key, Workers& workers) const override;

  LinearFactors factors(const State& state) const;

 protected:
  virtual bool noise_per_column() const { return false; }
  virtual bool relevance() const { return false; }

 private:
  void check_settings() const;
  double typical_variance() const;  // of a column, over all columns
  // The standard deviations of the columns, by which factor analysis is free to scale; or ones.
  std::vector<double> units() const;
  // Loadings [width, latent] and variances of the noise [width] to start from.
  void principal_start(double* loadings, double* noise) const;
  void random_start(Key key, double* loadings, double* noise) const;

  std::int64_t width_ = 0;
  TableMoments moments_;
  TableFormat format_;
  Spectrum spectrum_;  // of the covariance of columns in these units
  std::optional<FactorAnalysis> analysis_;
};

class Ppca final : public FactorTable {
 public:
  static constexpr std::string_view kTask = "ppca";
  static constexpr std::string_view kBrief =
      "probabilistic PCA: a few latent scores and one noise for all columns";
  static constexpr std::string_view kExample = "fathom fit ppca iris.csv -o RUN --latent 2";
  std::string_view task() const override { return kTask; }
  std::string_view title() const override { return "Probabilistic PCA"; }
};

class Fa final : public FactorTable {
 public:
  static constexpr std::string_view kTask = "fa";
  static constexpr std::string_view kBrief =
      "factor analysis: a few latent scores and a noise for each column";
  static constexpr std::string_view kExample = "fathom fit fa wine.csv -o RUN --latent 3";
  std::string_view task() const override { return kTask; }
  std::string_view title() const override { return "Factor analysis"; }

 protected:
  bool noise_per_column() const override { return true; }
};

class Bpca final : public FactorTable {
 public:
  static constexpr std::string_view kTask = "bpca";
  static constexpr std::string_view kBrief =
      "Bayesian PCA: latent scores that are not needed are switched off";
  static constexpr std::string_view kExample =
      "fathom fit bpca wine.csv -o RUN --latent 8 --standardize";
  std::string_view task() const override { return kTask; }
  std::string_view title() const override { return "Bayesian PCA"; }

 protected:
  bool relevance() const override { return true; }
};

}  // namespace fathom
