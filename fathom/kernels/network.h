// The joint states of the variables of a discrete Bayesian network, each given its parents:
//
//   log Z = log sum_x prod_v exp(T_v[x_v | x_parents(v)] + P_v[x_v]) [x agrees with the cells]
//
// and the marginals, its derivatives by P and T. Exactly by eliminating one variable after another
// (Dechter 1999; Cowell et al. 1999, chapter 6), or as the bound of independent variables
// (Wainwright & Jordan 2008, section 5).
//
// Numbers lie side by side: states of variable v from state_at[v]; its table from table_at[v], a
// row of `states[v]` for every configuration of its parents, the last of which varies fastest. All
// is in logarithms, so that products of tiny probabilities stay apart; -infinity is a probability
// of zero.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fathom/tensor/view.h"

namespace fathom::kernels {

struct NetworkStructure {
  bool mean_field = false;
  std::vector<std::int64_t> states;       // of each variable
  std::vector<std::vector<int>> parents;  // of each variable
  std::vector<int> order;                 // of elimination

  std::size_t size() const { return states.size(); }
  std::int64_t configurations(std::size_t v) const;  // of the parents
  std::int64_t total_states() const;
  std::int64_t total_cells() const;  // of all tables
  // As an array of a graph: whole numbers, and back. Throws ShapeError where they are no structure.
  std::vector<double> numbers() const;
  static NetworkStructure of(std::span<const double> numbers);
};

// Sets the better of two orders (Kjaerulff 1990): in which the next variable is one whose clique,
// itself and those that it still meets, has the fewest states; or one that makes the fewest of
// these meet that did not. Returns the states of the largest clique: what exact inference costs, at
// most, for a row of which no cell is known.
double order_elimination(NetworkStructure& structure);
inline constexpr double kMostCliqueStates = 1e6;

// Rows of one network, one after another. Not to be shared between threads.
class NetworkRows {
 public:
  explicit NetworkRows(NetworkStructure structure);

  const NetworkStructure& structure() const { return s_; }
  std::int64_t state_at(std::size_t v) const { return state_at_[v]; }
  std::int64_t table_at(std::size_t v) const { return table_at_[v]; }

  // log Z of a row. `cells` [states]: of a variable that was seen, 1 at its state; all 0 where it
  // was not, and several ones say that it is one of these. `potentials` [states]: added to log
  // probabilities, -690 or less rules a state out. `marginals` [states] and `families` [cells of
  // the tables] are written unless null: probabilities of every state and of every variable's state
  // with those of its parents. Where nothing is possible -infinity, and they are 0.
  double run(const double* cells, const double* potentials, const double* tables, double* marginals,
             double* families);

 private:
  // Where a table or a message is read as the states of a bucket's variables vary.
  struct Factor {
    int message = -1;  // of this bucket; -1: of the tables
    int variable = -1;
    std::int64_t base = 0, own = 0;     // first place, step of the bucket's own variable
    std::vector<std::int64_t> strides;  // of the variables beside it
  };
  // A variable and those that it meets when it is eliminated.
  struct Bucket {
    int variable = 0;
    std::vector<int> beside;
    std::vector<std::int64_t> strides;  // of its message
    std::vector<Factor> factors;
    std::vector<double> message, share, belief;
  };
  void make_buckets();
  bool see(const double* cells, const double* potentials);
  double complete(const double* tables, double* marginals, double* families) const;
  double eliminate(const double* tables);
  void distribute(double* families);
  double mean_field(const double* tables, double* families);
  template <class F>
  void each_configuration(const Bucket& b, F&& f);
  template <class F>
  void each_cell(std::size_t v, F&& f) const;

  NetworkStructure s_;
  std::vector<std::int64_t> state_at_, table_at_;
  std::vector<Bucket> buckets_;
  std::vector<double> potential_;  // of the row: -infinity where a state is ruled out
  std::vector<int> seen_;          // its only state; -1: it has several
  std::vector<std::int64_t> at_;   // room for the places of a bucket's factors
  std::vector<int> state_;
  std::vector<double> q_, field_;  // mean field: probabilities
};

// By rows: cells [rows, states], potentials [rows, states] or [states], tables [cells], structure
// as numbers; log Z [rows], marginals and families, null where nobody reads them.
void network_norm(const View& cells, const View& potentials, const View& tables,
                  const View& structure, const View& norm, const View& marginals,
                  const View& families);

}  // namespace fathom::kernels
