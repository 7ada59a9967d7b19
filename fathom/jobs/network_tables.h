// A fitted discrete network as numbers: its tables, probabilities of queries and of rows, draws.
//
// Under variational Bayes tables are posterior means, by which the predictive probability of a row
// is exact, missing cells and all: factors of different tables are independent, and each table is
// met once. Otherwise they are the point estimates.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "fathom/base/key.h"
#include "fathom/base/workers.h"
#include "fathom/climb/coordinate.h"
#include "fathom/jobs/network_text.h"
#include "fathom/kernels/network.h"

namespace fathom {

// What is asked: P(targets | given). A target with a state of -1 is asked for each of its states.
struct NetworkQuery {
  std::vector<std::pair<int, int>> targets;
  std::map<int, int> given;  // states of variables
};

struct NetworkAnswer {
  // Of every state of the targets, the last of which varies fastest.
  std::vector<std::vector<int>> states;
  std::vector<double> probabilities;
  double log_evidence = 0;  // of what is given, nats
  bool exact = true;        // else by independent variables, a bound
};

struct NetworkTables {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> states;  // what they are called, of each variable
  kernels::NetworkStructure structure;           // exact where its cliques allow, else mean field
  std::vector<double> log_tables;  // side by side; -infinity where a point estimate is 0
  std::vector<double> counts;      // of every cell: what its Dirichlet factor holds
  bool points = false;
  double largest_clique = 0;

  // Of a structure with the names of its variables' states, and the factors "table.<name>".
  static NetworkTables of(const NetworkText& net,
                          const std::vector<std::vector<std::string>>& states, const State& state,
                          bool points);

  double probability(std::int64_t cell) const;
  std::int64_t table_at(std::size_t v) const;
  // The states of v's parents in line j of its table, "rain=no, sprinkler=yes"; empty without any.
  std::string configuration(std::size_t v, std::int64_t j) const;
  // Probabilities of all states, side by side, by no evidence.
  std::vector<double> marginals() const;

  // These variables alone, all of whose parents are among them.
  NetworkTables part(const std::vector<char>& kept) const;

  // By the ancestors of what is asked for and given alone, since sums over others are one. Throws
  // ConfigError where what is given cannot be, or too many states are asked for.
  NetworkAnswer answer(const NetworkQuery& query) const;
  // Rows of places of states, NaN where a cell is missing: marginals [n, states] and log
  // probabilities of the cells that were seen; -infinity and NaN where these cannot be.
  void rows(const Array& x, Workers& workers, Array* marginals, std::vector<double>* logs) const;
  Array sample(std::int64_t n, Key key) const;

 private:
  NetworkAnswer answer_by_all(const NetworkQuery& query) const;
  void choose_inference();
  std::vector<double> used_logs() const;
};

// "P(rain, wet | sprinkler=yes)", with or without the P( ); names and states may be in quotes.
// Throws ConfigError naming what is no variable or no state, and the nearest.
NetworkQuery parse_query(const std::string& text, const std::vector<std::string>& names,
                         const std::vector<std::vector<std::string>>& states);

// Indicators of a row's cells [states], from places of states; NaN: missing.
void write_indicators(const double* row, const std::vector<std::int64_t>& states, double* cells);

}  // namespace fathom
