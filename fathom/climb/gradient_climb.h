// Stochastic gradient ascent of the ELBO: one planned step per minibatch. Kingma & Welling 2013,
// algorithm 1.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fathom/climb/optimiser.h"
#include "fathom/elbo/bound.h"

namespace fathom {

// Arrays for the data of a model, by name, all with the same number of rows.
struct DataSet {
  std::map<std::string, Array> columns;
  std::int64_t rows = 0;
};

// Checks names, dtypes and row counts against the model; throws DataError naming the mismatch.
void check_data(const Model& model, const DataSet& data);

struct ClimbOptions {
  std::int64_t batch = 128;
  int samples = 1;
  Optimiser optimiser;
  double clip = 0;
};

// What a step found: the sum of each term over the rows of the batch, at the parameters before it.
struct StepInfo {
  std::vector<double> terms;
  double elbo = 0;  // of the batch: row terms plus its share of the global ones, nats
};

class GradientClimb {
 public:
  GradientClimb(const Model& model, const ClimbOptions& options, State& state);

  // Starting values of all parameters, a function of the key alone.
  static void init(const Model& model, Key key, State& state);

  void bind(const DataSet& data);
  // One step on the rows `index` at learning rate `rate`; t counts steps from 1, and `key` is that
  // of the epoch. A pure function of its arguments, the data and the state.
  StepInfo step(std::span<const std::int64_t> index, Key key, double rate, std::int64_t t,
                Workers& workers);

  const std::vector<Term>& terms() const { return terms_; }
  const Program& program() const { return *program_; }
  // The first term or op that is not finite at the present state, as text.
  std::string locate(std::span<const std::int64_t> index, Key key, const DataSet& data,
                     const State& state);

 private:
  std::unique_ptr<Graph> graph_;
  std::vector<Term> terms_;
  std::unique_ptr<Program> program_;
  std::vector<Value> outputs_;
  ClimbOptions options_;
  std::int64_t rows_ = 0;
  int index_ = -1;
  Array rate_, epsilon_, per_row_, per_total_;
};

}  // namespace fathom
