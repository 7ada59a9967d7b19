// A kind of model of the rows of a table, as the jobs see it. Loading, restarts, the climb, the run
// folder, verbs and the page are the same for all; what differs is here. A kind is a file (gmm.h)
// and a name in the list of all_tables.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fathom/climb/ascend.h"
#include "fathom/jobs/fields_json.h"
#include "fathom/jobs/filled_rows.h"
#include "fathom/jobs/posterior.h"
#include "fathom/jobs/series_forecast.h"
#include "fathom/jobs/table_data.h"
#include "fathom/report/page.h"

namespace fathom {

// What a climb raises; figures of different kinds are not to be compared.
enum class Objective : std::uint8_t { elbo, penalised, likelihood, classification, evidence };
// "ELBO", "penalised log-likelihood", "log-likelihood", "classification log-likelihood", "maximised
// log evidence".
std::string_view name_of(Objective o);
Objective objective_of(Factors factors);

// What a fitted model says of each row of a table.
struct RowPredictions {
  std::vector<std::string> names;   // of the columns of `values`
  Array values;                     // [n, names]
  std::vector<double> log_density;  // posterior predictive, of rows as the model sees them
  // Of the first names, what their values 0, 1, ... are called; the others are numbers.
  std::vector<std::vector<std::string>> levels = {};
};

class TableModel {
 public:
  virtual ~TableModel() = default;

  virtual std::string_view task() const = 0;   // its name in commands and in config.json
  virtual std::string_view title() const = 0;  // "Gaussian mixture"
  virtual nlohmann::json settings() const = 0;
  virtual void set(const nlohmann::json& settings, const std::string& file) = 0;

  // What the kind needs of how a table is read, before it is.
  virtual void prepare(TableConfig&) const {}
  // What it takes of tables, by its settings.
  virtual TableNeeds needs() const { return {}; }
  // Makes the model for a table with these moments. Throws ConfigError or DataError, without the
  // table's name, where settings and table do not go together.
  virtual void build(const TableMoments& moments, const TableFormat& format) = 0;
  // Throws DataError naming row and column where rows are not what the model takes.
  virtual void check(const Array&) const {}
  virtual const Model& model() const = 0;
  // Rows without weights count once each; without components, theirs are unknown.
  virtual DataSet data(const TableRows& rows) const = 0;
  virtual CoordinateOptions options() const { return {}; }
  virtual Objective objective() const { return Objective::elbo; }
  virtual bool stochastic() const { return false; }  // climbed by a batch at a time
  virtual bool crawls() const { return false; }      // sweeps are extrapolated unasked
  // A latent of rows whose states sweeps over all rows rotate (climb/rotation.h); empty: none.
  virtual std::string rotated() const { return {}; }
  // Temperature that each start is annealed from (climb/ascend.h); 0: none.
  virtual double annealed_from() const { return 0; }
  // Numbers that a point estimate sets freely, of AIC and BIC; 0: not known.
  virtual std::int64_t free_parameters() const { return 0; }
  // Sizes that are asked for, the best of which is kept: numbers of components. One: no choice.
  virtual std::vector<std::int64_t> sizes() const { return {0}; }
  virtual void set_size(std::int64_t) {}     // to be built anew
  virtual std::string describe() const = 0;  // in words, one line

  // Sets the factors of `climb` somewhere to climb from; another key, another place.
  virtual void start(CoordinateClimb& climb, const TableRows& rows, Key key,
                     Workers& workers) const = 0;
  virtual bool start_has_chance() const { return true; }
  virtual std::string start_file() const { return {}; }  // that TableRows::start is read from
  // What makes a state useless though its bound may be high; empty: nothing.
  virtual std::string fault(const State&) const { return {}; }

  // ---- of a fitted state

  // Adds its figures to summary.json, in the file's units, and to the verdict.
  virtual void summarise(const State& state, const TableFormat& format, nlohmann::json& summary,
                         std::vector<std::string>& verdict) const = 0;
  // The same of what takes a look at the rows of the fit.
  virtual void judge(const State&, const TableRows&, nlohmann::json&,
                     std::vector<std::string>&) const {}
  // Adds figures and sections to the page. `rows` may be null: then there are no pictures of them.
  virtual void report(const State& state, const TableFormat& format, const TableRows* rows,
                      const nlohmann::json& summary, Page& page, Workers& workers) const = 0;
  // Whether rows follow each other, so that what is said of some takes all of their sequences.
  virtual bool sequential() const { return false; }
  // Of rows, held, as the model sees them.
  virtual RowPredictions predict(const State& state, const TableRows& rows,
                                 Workers& workers) const = 0;
  // Whether it says what missing cells may be, and what.
  virtual bool fills() const { return false; }
  virtual FilledRows fill(const State&, const TableRows&, Workers&) const { return {}; }
  // Whether it says how sequences go on, and how each does.
  virtual bool forecasts() const { return false; }
  virtual std::vector<SeriesForecast> forecast(const State&, const TableRows&, std::int64_t, Key,
                                               Workers&) const {
    return {};
  }
  // Every parameter with its interval, in the file's units.
  virtual std::vector<PosteriorRow> posterior(const State& state, const TableFormat&) const {
    return posterior_of(model(), state, options());
  }
  // Draws from the posterior predictive, as the model sees rows.
  virtual Array sample(const State& state, std::int64_t count, Key key, Workers& workers) const = 0;
};

// A kind whose settings are the struct S of fields (base/fields.h).
template <HasFields S>
class TableModelWith : public TableModel {
 public:
  S settings_;
  nlohmann::json settings() const override { return to_json(settings_); }
  void set(const nlohmann::json& settings, const std::string& file) override {
    from_json(settings, settings_, file);
  }
};

}  // namespace fathom
