// Regressions of one column of a table on the others: `fathom fit regression`. The model is
// zoo/regression.h on standardized columns; priors follow the scale of a gaussian target, so that
// bounds follow its units.
#pragma once

#include <optional>

#include "fathom/jobs/coefficients.h"
#include "fathom/jobs/linear_evidence.h"
#include "fathom/jobs/table_model.h"

namespace fathom {

struct RegressionSettings {
  std::string target, likelihood = "gaussian", prior = "ard", method = "vb", kind;

  static void fields(auto& self, auto&& f) {
    f("target", self.target, "column that the others explain, by name or number from 1");
    f("likelihood", self.likelihood, "gaussian, bernoulli (0 and 1) or poisson (counts)");
    f("prior", self.prior, "ard (a precision for each coefficient) or ridge (one for all)");
    f("method", self.method,
      "vb (posterior of coefficients and precisions) or em (precisions where the evidence is "
      "highest)");
    f("kind", self.kind,
      "columns of numbers that name categories: \"category=a,b\"; those of text do; each level but "
      "the first has a coefficient of its own");
  }
};

class RegressionTable : public TableModelWith<RegressionSettings> {
 public:
  static constexpr std::string_view kTask = "regression";
  static constexpr std::string_view kBrief =
      "a column explained by others: linear, logistic or Poisson regression";
  static constexpr std::string_view kExample =
      "fathom fit regression diabetes.csv -o RUN --target target";

  std::string_view task() const override { return kTask; }
  std::string_view title() const override { return "Regression"; }
  void prepare(TableConfig& table) const override;
  TableNeeds needs() const override {
    return {.missing = true, .kinds = true, .kind = settings_.kind, .coded = true};
  }
  void build(const TableMoments& moments, const TableFormat& format) override;
  void check(const Array& rows) const override;
  const Model& model() const override { return regression_->model; }
  DataSet data(const TableRows& rows) const override;
  CoordinateOptions options() const override;
  Objective objective() const override;
  std::string describe() const override;
  void start(CoordinateClimb&, const TableRows&, Key, Workers&) const override {}
  bool start_has_chance() const override { return false; }
  void summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                 std::vector<std::string>& verdict) const override;
  // Of counts and classes how much of the deviance the mean of the posterior explains.
  void judge(const State& state, const TableRows& rows, nlohmann::json& summary,
             std::vector<std::string>& verdict) const override;
  void report(const State& state, const TableFormat& format, const TableRows* rows,
              const nlohmann::json& summary, Page& page, Workers& workers) const override;
  // Of a gaussian or poisson target "mean", "sd", "low" and "high": what a new row's outcome may
  // be, and the interval of 95 %; of a bernoulli target "class", "p", "p_low" and "p_high".
  RowPredictions predict(const State& state, const TableRows& rows,
                         Workers& workers) const override;
  std::vector<PosteriorRow> posterior(const State& state, const TableFormat& format) const override;
  Array sample(const State& state, std::int64_t count, Key key, Workers& workers) const override;

  Coefficients coefficients(const State& state) const;

 private:
  RegressionSums sums() const;
  // Of linear regression: the evidence, where it is known, and how.
  std::optional<double> evidence(const State& state, std::string* how) const;
  // Part of the target's variance that the mean explains, of the rows of the fit.
  double explained(const Coefficients& c) const;

  Link link_ = Link::linear;
  std::int64_t columns_ = 0;  // without the target
  std::string target_;
  std::vector<std::string> names_;
  TableMoments moments_;
  TableFormat format_;
  RegressionConfig config_;
  std::optional<Regression> regression_;
};

}  // namespace fathom
