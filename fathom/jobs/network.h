// Discrete Bayesian networks of a table of categories: `fathom fit network`. The model is
// zoo/discrete_network.h; the structure is given (jobs/network_text.h).
#pragma once

#include <memory>
#include <optional>

#include "fathom/jobs/network_tables.h"
#include "fathom/jobs/table_model.h"
#include "fathom/zoo/discrete_network.h"

namespace fathom {

struct NetworkSettings {
  std::string structure, method = "vb", inference = "exact";
  double concentration = 1, equivalent = 0;

  static void fields(auto& self, auto&& f) {
    f("structure", self.structure,
      "what depends on what: \"rain; sprinkler <- rain; wet <- rain sprinkler\", or a file of such "
      "lines");
    f("method", self.method, "em (maximum likelihood), map (posterior mode) or vb (posterior)");
    f("inference", self.inference,
      "of missing cells: exact, or meanfield (independent variables, where cliques are too large)");
    f("concentration", self.concentration, "pseudo-count of each cell of a table, with vb and map");
    f("equivalent", self.equivalent,
      "rows that the prior is worth, spread evenly over each table (BDeu), instead; 0: "
      "--concentration");
  }
};

class NetworkTable : public TableModelWith<NetworkSettings> {
 public:
  static constexpr std::string_view kTask = "network";
  static constexpr std::string_view kBrief =
      "a discrete Bayesian network of given structure, cells missing or not";
  static constexpr std::string_view kExample =
      "fathom fit network lawn.csv -o RUN --structure 'rain; sprinkler <- rain; wet <- rain "
      "sprinkler'";

  std::string_view task() const override { return kTask; }
  std::string_view title() const override { return "Bayesian network"; }
  nlohmann::json settings() const override;
  void prepare(TableConfig& table) const override;
  TableNeeds needs() const override;
  void build(const TableMoments& moments, const TableFormat& format) override;
  const Model& model() const override { return network_->model; }
  DataSet data(const TableRows& rows) const override;
  CoordinateOptions options() const override;
  Objective objective() const override;
  std::int64_t free_parameters() const override;
  std::string describe() const override;
  // At the prior: where every variable is seen in some rows, nothing is alike.
  void start(CoordinateClimb&, const TableRows&, Key, Workers&) const override {}
  bool start_has_chance() const override { return false; }
  void summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                 std::vector<std::string>& verdict) const override;
  void report(const State& state, const TableFormat& format, const TableRows* rows,
              const nlohmann::json& summary, Page& page, Workers& workers) const override;
  // The state of every variable, most probable where it is missing, and the probability of each.
  RowPredictions predict(const State& state, const TableRows& rows,
                         Workers& workers) const override;
  bool fills() const override { return true; }
  // Each by its own probabilities, none in a row that cannot be; the standard deviation is that of
  // an indicator of the state.
  FilledRows fill(const State& state, const TableRows& rows, Workers& workers) const override;
  std::vector<PosteriorRow> posterior(const State& state, const TableFormat& format) const override;
  Array sample(const State& state, std::int64_t count, Key key, Workers& workers) const override;

  NetworkTables tables(const State& state) const;

 private:
  // What is unseen, of the rows of a climb, and how far apart exact sums over it and those of
  // independent variables are.
  struct Unseen {
    std::int64_t cells = 0, rows = 0;
    std::optional<double> gap;  // nats per row, where it is known
  };
  Unseen unseen(const State& state) const;

  NetworkText text_;  // with the names of the columns
  DiscreteNetworkConfig config_;
  std::vector<std::vector<std::string>> states_;
  TableFormat format_;
  std::unique_ptr<DiscreteNetworkModel> network_;
  mutable Array seen_;  // the rows that a climb was last given
};

}  // namespace fathom
