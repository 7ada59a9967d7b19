// Hidden Markov models of tables whose rows follow each other: `fathom fit hmm`. The model is
// zoo/hidden_markov.h.
#pragma once

#include <memory>

#include "fathom/jobs/column_components.h"
#include "fathom/jobs/gaussian_components.h"
#include "fathom/zoo/hidden_markov.h"

namespace fathom {

struct HmmSettings : MixtureSettings {
  std::string emission = "gaussian", covariance = "full", kind, forbid;
  double sticky = 0;
  bool left_right = false;

  HmmSettings() { size_name = "states"; }
  static constexpr const char* kMethodWords =
      "em (maximum likelihood, Baum-Welch), hard (the same on the likeliest path), map (posterior "
      "mode), vb (posterior) or svi (the same, by steps on batches of sequences)";

  static void fields(auto& self, auto&& f) {
    f("states", self.components,
      "hidden states, or a range 1:10: the best by its bound, or by BIC");
    f("method", self.method, kMethodWords);
    f("emission", self.emission,
      "what rows are given the state: gaussian (of all columns), or columns (each of its own kind: "
      "real, binary, count, category)");
    f("covariance", self.covariance,
      "of gaussian states: full, tied (one for all), diag or spherical");
    f("kind", self.kind,
      "kinds of columns, where the guess is wrong: \"count=a,b real=c\"; with --emission columns");
    f("sticky", self.sticky,
      "rows that every state is worth to stay where it is, before any is seen");
    f("left_right", self.left_right, "begin in state 1; stay or go on to the next state");
    f("forbid", self.forbid, "transitions that never happen: \"1>3,3>1\"");
    f("concentration", self.concentration,
      "of the priors of the first state and of transitions, for each state; 0: 1");
    f("start", self.start,
      "kmeans, random (rows drawn as centres), steps (each sequence cut into equal parts), or a "
      "file with a column for each state: the probabilities of each row at first");
  }
};

// A fitted model as numbers.
struct MarkovStates {
  std::int64_t count = 0;
  Array start, move;  // expected probabilities [count], [count, count]
  Array left;         // rows after which a transition was seen, by state [count]
  Array share;        // of the time, in the long run [count]
  std::optional<GaussianComponents> gaussian;
  std::optional<ColumnComponents> columns;

  // log p(x | state) of rows [n, width] under the posterior predictive: [n, count].
  Array log_emission(const Array& rows, Workers& workers) const;
};

class Hmm : public MixtureModelWith<HmmSettings> {
 public:
  static constexpr std::string_view kTask = "hmm";
  static constexpr std::string_view kBrief =
      "a hidden Markov model: states behind the rows of one or many sequences";
  static constexpr std::string_view kExample =
      "fathom fit hmm walks.csv -o RUN --states 3 --sequence walk";

  std::string_view task() const override { return kTask; }
  std::string_view title() const override { return "Hidden Markov model"; }
  bool sequential() const override { return true; }
  TableNeeds needs() const override;
  void build(const TableMoments& moments, const TableFormat& format) override;
  const Model& model() const override { return markov_->model; }
  DataSet data(const TableRows& rows) const override;
  std::int64_t free_parameters() const override;
  std::string describe() const override;
  void start(CoordinateClimb& climb, const TableRows& rows, Key key,
             Workers& workers) const override;
  bool start_has_chance() const override {
    return settings_.start != "steps" && start_file().empty();
  }
  std::string start_file() const override {
    return settings_.start == "steps" ? "" : settings_.start_file();
  }
  std::string fault(const State& state) const override;
  void summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                 std::vector<std::string>& verdict) const override;
  void report(const State& state, const TableFormat& format, const TableRows* rows,
              const nlohmann::json& summary, Page& page, Workers& workers) const override;
  // "state" from 1, on the likeliest path; the probability of every one given all of the sequence;
  // log density: of a row given those before it.
  RowPredictions predict(const State& state, const TableRows& rows,
                         Workers& workers) const override;
  // Of gaussian states: by the smoothed states of all of the sequence.
  bool fills() const override { return !by_columns(); }
  FilledRows fill(const State& state, const TableRows& rows, Workers& workers) const override;
  // Of gaussian states: mean and standard deviation of the mixture of them that is to come.
  bool forecasts() const override { return !by_columns(); }
  std::vector<SeriesForecast> forecast(const State& state, const TableRows& rows,
                                       std::int64_t steps, Key key,
                                       Workers& workers) const override;
  // One sequence of `count` rows.
  Array sample(const State& state, std::int64_t count, Key key, Workers& workers) const override;

  MarkovStates states(const State& state) const;

 private:
  bool by_columns() const { return settings_.emission == "columns"; }

  Covariance covariance_ = Covariance::full;
  std::int64_t width_ = 0;
  TableMoments moments_;
  TableFormat format_;
  ColumnGroups groups_;
  HiddenMarkovConfig config_;
  std::unique_ptr<HiddenMarkov> markov_;
};

}  // namespace fathom
