// What kinds of mixtures have in common: their settings, what those mean to a climb, starts, and
// what is said of components.
#pragma once

#include <iosfwd>
#include <type_traits>

#include "fathom/jobs/table_model.h"
#include "fathom/jobs/words.h"

namespace fathom {

// A number of components, or a range "1:10" of them to choose from.
struct ComponentCount {
  std::int64_t first = 3, last = 3;

  ComponentCount(std::int64_t count = 3) : first(count), last(count) {}
  operator std::int64_t() const { return first; }
  std::string text() const;
  static ComponentCount parse(const std::string& text);  // throws ConfigError
};
std::istream& operator>>(std::istream& in, ComponentCount& count);  // throws ConfigError
std::ostream& operator<<(std::ostream& out, const ComponentCount& count);
void to_json(nlohmann::json& j, const ComponentCount& count);
void from_json(const nlohmann::json& j, ComponentCount& count);

struct MixtureSettings {
  ComponentCount components;
  std::string method = "vb", start = "kmeans";
  bool process = false;
  double concentration = 0, anneal = 0;
  // What is counted, and the flag that says how many: "components", "states".
  std::string size_name = "components";
  static constexpr const char* kMethodWords =
      "em (maximum likelihood), hard (the same with each row wholly in its likeliest component), "
      "map (posterior mode), vb (posterior) or svi (the same, by steps on batches of rows)";

  static void fields(auto& self, auto&& f) {
    f("components", self.components,
      "components, or a range 1:10: the best by its bound, or by BIC, is kept; of a process the "
      "most that it may use");
    f("method", self.method, std::remove_cvref_t<decltype(self)>::kMethodWords);
    f("process", self.process,
      "weights of a Dirichlet process, truncated at --components; with vb");
    f("concentration", self.concentration,
      "of the weights' prior: small values empty components that are not needed; 0: 1 / "
      "components, "
      "with map or --process");
    f("start", self.start,
      "kmeans, random (rows drawn as centres), blocks (by the last column), or a file with a "
      "column for each component: what of each row belongs to it at first");
    f("anneal", self.anneal,
      "temperature to anneal from, above 1: choices of rows are blurred at first, so that a poor "
      "start is left; try 1.5, and 3 with --method em where no column is real; 0: none");
  }

  // Throws ConfigError naming the flag that says nothing or goes with no other.
  void check() const;
  Factors factors() const;
  Objective objective() const;
  bool hard() const { return method == "hard"; }
  bool likelihood() const { return method == "em" || hard(); }     // no priors
  bool points() const { return likelihood() || method == "map"; }  // of all factors
  std::string start_file() const;                                  // empty: none
  bool stochastic() const { return method == "svi"; }
  std::vector<std::int64_t> sizes() const;
  double prior_concentration() const;
  // Added to the rows of each component in the weights' natural parameters.
  double prior_rows() const { return likelihood() || process ? 0 : prior_concentration() - 1; }
  // "; variational Bayes", by vb, map or svi.
  std::string_view posterior_words() const;
  // "; weights ~ Dirichlet(0.333); variational Bayes"
  std::string describe() const;
  // Throws DataError where there are fewer rows than components, or fewer of these than labels.
  void check_rows(std::int64_t rows, const TableFormat& format) const;
  // The component of each row at first, [n, components]: where it is known, that.
  Array start_of(const TableRows& rows, Key key) const;
};

// A mixture as the jobs see it: what its settings alone decide.
template <class S>
class MixtureModelWith : public TableModelWith<S> {
 public:
  CoordinateOptions options() const override {
    return {.factors = this->settings_.factors(), .hard = this->settings_.hard()};
  }
  Objective objective() const override { return this->settings_.objective(); }
  bool stochastic() const override { return this->settings_.stochastic(); }
  double annealed_from() const override { return this->settings_.anneal; }
  std::vector<std::int64_t> sizes() const override { return this->settings_.sizes(); }
  void set_size(std::int64_t size) override { this->settings_.components = size; }
  std::string start_file() const override { return this->settings_.start_file(); }
  bool start_has_chance() const override {
    return this->settings_.start != "blocks" && start_file().empty();
  }
};

// Weights and choices that are known, for a model that has them (zoo/rows.h).
void add_row_data(const TableRows& rows, const TableFormat& format, std::int64_t components,
                  DataSet& set);

// Expected weights and the rows that each component holds, by the natural parameters of "weights".
struct ComponentWeights {
  Array weight, rows;  // [components]
};
ComponentWeights component_weights(const State& state, const MixtureSettings& settings);

// "component" from 1, the most probable; the probability of every one; log densities. From
// log p(x, component) [n, components].
RowPredictions predictions_of(const Array& log_joint, const std::vector<std::string>& classes);

// Weight and rows of each component and how many hold rows, to summary and verdict. `least` rows
// are what the parameters of one need.
void summarise_components(const ComponentWeights& weights, const MixtureSettings& settings,
                          const std::vector<std::string>& classes, double least,
                          const std::string& parameters, nlohmann::json& summary,
                          std::vector<std::string>& verdict);

// The name of component k from 0: that of its class, or its number from 1.
std::string component_name(std::size_t k, const std::vector<std::string>& classes);

}  // namespace fathom
