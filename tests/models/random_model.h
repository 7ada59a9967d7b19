// Random conjugate models with data that are legal for them: every family that can be a factor,
// every likelihood, deterministic nodes, choices, latents of rows, missing cells and weights of
// rows, put together at random from a key.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "fathom/base/key.h"
#include "fathom/climb/coordinate.h"

namespace fathom::test {

// Draws that follow from a key and a counter.
class Stream {
 public:
  explicit Stream(std::uint64_t seed) : key_{seed, 77} {}
  double unit();  // in (0, 1)
  std::int64_t dice(std::int64_t n) { return std::int64_t(unit() * double(n)); }
  bool coin(double p = 0.5) { return unit() < p; }
  double between(double low, double high) { return low + (high - low) * unit(); }
  double normal();

 private:
  Key key_;
  std::uint64_t at_ = 0;
};

class RandomModel {
 public:
  enum class Variant : std::uint8_t {
    plain,
    duplicated,  // rows repeated as often as their weights say, and no weights
    gone         // no cell observed
  };
  explicit RandomModel(std::uint64_t seed, Variant variant = Variant::plain);

  Model model{DType::f64};
  DataSet data;
  CoordinateOptions options;
  std::map<std::string, Array> start;  // probabilities of the choices of rows
  std::map<std::string, int> counts;   // how often what occurs
  bool weighed = false;
  bool flat = true;            // no prior reads a latent
  bool affine = true;          // no term is a site, none integrates over cells of vectors
  bool sites = false;          // some term is not affine
  bool maskable = true;        // every observed quantity may have missing cells
  bool hidden_cells = false;   // some vector with covariances has missing cells
  bool global_choice = false;  // some term is gated by a latent that lies on no rows
  bool choices_alone = true;   // latents of rows are choices, so that a start can be given
  bool chained = false;        // some rows belong together: sequences, documents
  bool nested = false;         // some latents of rows depend on each other

  // Families of latents and of what is observed, and functions of quantities, as the model has
  // them: "family gamma", "likelihood gamma(shape, rate)", "node inner".
  std::set<std::string> contents() const;

 private:
  struct Choice {
    Plate plate;
    Expr which;
    int terms = 0;
    bool nested = false;  // coupled with another latent of rows
  };
  // Where quantities of a term may lie.
  struct Place {
    int choice = -1;
    bool column = false;
  };

  void choices();
  Expr begins();  // where sequences of rows begin
  Conditional chain_of(Expr first, Plate states);
  void term();
  void real_term(Place p);
  void positive_term(Place p);
  void count_term(Place p);
  void category_term(Place p);
  void vector_term(Place p);
  void joint_term(Place p);
  Conditional joint_prior(const FamilyInfo& family, std::int64_t d);
  Expr joint_of(Place p, const FamilyInfo& family, std::int64_t d);
  void augmented_term();
  void scaled_term();
  void analysers_term(Place p);
  void double_choice_term();
  void states_term(Place p);
  void documents_term(Place p);
  void site_term();
  void softmax_term();

  Plate plate_of(Place p);
  std::int64_t size_of(Plate p) const { return model.plates()[std::size_t(p.index)].size; }
  Expr gated(Place p, Expr e);
  Arg hyper_mean();
  Arg hyper_precision();
  Expr scalar(Place p);
  Expr vector(Place p, std::int64_t d);
  Expr elements(Place p, std::int64_t d);  // normal, each for itself
  Arg precision(Place p, bool* variance);
  Expr rate(Place p, const Shape& event);
  Expr shape(Place p);
  Expr mean(Place p, bool local);
  Expr simple_mean(Place p, bool local);
  Expr by_version(Place p);
  Expr deterministic(Place p);
  Expr local_scalar();
  Expr local_vector(std::int64_t d);
  Expr wishart_of(Place p, std::int64_t d);
  Expr constant_matrix(std::int64_t d);
  Expr constant_vector(std::int64_t d);

  using Cell = double (*)(Stream&);
  // Data of rows, and of columns where there are some; cells may be missing where that is allowed.
  Expr observed(const Shape& event, bool column, bool gaps, Cell cell);
  Expr covariates(std::int64_t d);
  Expr add(const Shape& event, std::vector<Plate> plates, std::vector<double> values, bool gaps);
  Array expanded(const std::vector<double>& values, const Shape& tail) const;
  std::string name(const char* what) { return std::string(what) + std::to_string(next_++); }
  void count(const std::string& what) { ++counts[what]; }

  Stream random_;
  Variant variant_;
  std::int64_t rows_ = 0;
  std::vector<std::int64_t> repeats_;
  Plate row_, column_;
  std::int64_t columns_ = 0;
  Plate versions_;
  Expr version_;
  std::vector<Choice> choices_;
  std::vector<Expr> scalars_, locals_;
  int next_ = 0;
};

}  // namespace fathom::test
