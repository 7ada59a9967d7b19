// Coordinate ascent (mean-field variational Bayes): each factor in turn is set to its optimum given
// the others, which is the gradient of F = E_q log p with respect to its moments. Nobody writes an
// update.
//
// Latents of rows are integrated out: F then holds the logarithm of their normaliser, one forward
// and reverse pass over the rows is the E step, and its gradient the statistics that the M step
// collects (Neal & Hinton 1998; Hoffman et al. 2013, section 2.4). Where F is linear in what rows
// meet of the factors (elbo/statistics.h), or a sum of products of rows and factors
// (elbo/separate.h), a sweep is one pass over the rows, and factors are then updated one after
// another on these statistics. Otherwise each block of factors takes a pass.
//
// Factors that meet terms which are not affine in their statistics take damped steps instead
// (climb/site.h).
//
// A latent of rows may have a factor of its own beside the others of its row, as the states and the
// regimes of switching dynamics (Ghahramani & Hinton 2000, section 3): it is kept, and an E step
// begins with it.
//
// Factors that appear in no common term given the latents of rows form a block and are updated
// together; all others never are.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fathom/climb/gradient_climb.h"
#include "fathom/climb/rotation.h"
#include "fathom/climb/site.h"

namespace fathom {

struct CoordinateOptions {
  Factors factors = Factors::mean_field;  // variational Bayes; mode: MAP; likelihood: EM
  // Latents in the order of a sweep; those not named follow, in the order of the model.
  std::vector<std::string> order = {};
  // Latents that are point masses at the mode of their factor, others being mean-field: with
  // precisions of weights, the evidence is maximised over them (MacKay 1992).
  std::set<std::string> points = {};
  bool flat_points = false;  // whose priors count for nothing: the evidence alone
  // Latents of rows with factors of their own. Of latents of a row that meet in a term one may be
  // integrated out, or two where one chooses the other and neither lies along sequences; the rest
  // are named here. What a guess is given of to start() is best integrated out. Their moments and
  // entropies of all rows are slots of the state, "local.<latent>", "local.<latent>.1" and so on,
  // and "local.<latent>.entropy"; a climb of another number of rows begins its own.
  std::set<std::string> apart = {};
  // A latent of rows, vectors of gaussians, whose states are multiplied by the matrix that makes
  // the bound largest in every sweep (climb/rotation.h). Needs statistics of all rows.
  std::string rotated = {};
  // Latents that a likelihood iterates inside, such as the proportions of documents, begin where
  // the last pass over their rows left them, and not anew: passes that collect statistics keep
  // them in slots "inside.<term>.<sequences>", [sequence, number], all others begin there and leave
  // them. A sweep then is coordinate ascent in these latents too, however few of their updates it
  // makes. A climb of another number of sequences has slots of its own; 0s begin anew. Sequences
  // are numbered where they begin, in the column that marks them, which no other term may read.
  bool warm = false;
  // Most rows of a pass; 0: all. Fewer serve climbs in batches (climb/batches.h), which sees to it
  // that statistics of all rows come together.
  std::int64_t batch = 0;
  // Choices of rows are points, each its likeliest: hard EM (Celeux & Govaert 1992). Entropies of
  // choices are dropped, so that the bound is a classification likelihood.
  bool hard = false;
  // Entropies are weighed by temperature(), 1 at first: deterministic annealing (Ueda & Nakano
  // 1998; Katahira et al. 2008). The bound at another temperature is an objective and no ELBO.
  bool tempered = false;
  // Passes that collect statistics compute rows in f32 and sums in f64 (ops/narrow.h), until the
  // bound rises by no more than rounding hides: for data that have no more digits. Where no
  // statistics are kept it changes nothing.
  bool narrow = false;
  // Factors go part of the way, and statistics stand for more rows than they are of: see blend().
  bool blended = false;
};

class CoordinateClimb {
 public:
  // Latents need priors from exponential families; those of rows must be categorical or
  // gaussian. Factors are slots "<latent>.natural.<k>" of the state; those that it lacks start at
  // their priors. A point mass is the mode of its factor. Throws ConfigError naming the latent that
  // cannot have a factor.
  CoordinateClimb(const Model& model, const DataSet& data, State& state,
                  const CoordinateOptions& options = {});

  CoordinateClimb(const CoordinateClimb&) = delete;

  // The E step and an update of every factor, one after another (Gauss-Seidel). Returns the
  // ELBO afterwards, nats: where statistics are kept with the latents of rows as the E step found
  // them, otherwise at their optimum.
  double sweep(Workers& workers);
  // Sets the factors of latents of rows that are apart to their optimum given all others, one after
  // another. A sweep begins with it; for rows beside factors that stay, it is all there is to do.
  void update_apart(Workers& workers);
  // Updates every factor with given probabilities of the latents of rows, by their names, each
  // [row, category], of all of them but those apart: a start. Returns the ELBO with these.
  double start(const std::map<std::string, Array>& probabilities, Workers& workers);
  // The ELBO at the factors as they are, latents of rows at their optimum.
  double elbo(Workers& workers);
  // E x of a latent; of one of rows, [row, event].
  Array mean(std::size_t latent, Workers& workers);
  // Named terms at the same place, which add up to it.
  std::vector<std::pair<std::string, double>> terms(Workers& workers);

  // A sweep in parts, where statistics are kept: show() some rows, collect() their statistics into
  // the slots statistics(), which gives what they add to the ELBO beyond these, update() all
  // factors on what the slots hold, and statistics_bound() is what that adds to the ELBO.
  void show(std::int64_t first, std::int64_t count);
  double collect(Workers& workers);
  // The same without what they add to the ELBO, which is then not computed.
  void collect_only(Workers& workers);
  // The same as collect() for a look: latents that are kept inside (warm) stay as they are.
  double collect_aside(Workers& workers);
  std::vector<Array*> statistics() const { return statistics_; }
  void update(Workers& workers);  // as they are, and not rotated
  double statistics_bound(Workers& workers);
  // With CoordinateOptions::blended, of updates from now on: statistics count `scale` times, and a
  // factor goes a part `rho` of the way to its optimum (Hoffman et al. 2013, eq. 36). Both 1 at
  // first.
  void blend(double rho, double scale);
  // Natural parameters of all factors.
  std::vector<Array*> naturals() const { return naturals_; }

  // Where they lie, by name.
  State& state() const { return *state_; }
  // With CoordinateOptions::tempered; above 0. At 1 the bound is the ELBO.
  void temperature(double t);

  // A choice of rows all of whose components are alike, bit for bit, and so would remain: such as
  // "which (component)"; empty where they differ.
  std::string alike() const;
  // For a message: the block whose update, in a sweep from these natural parameters, lowers the
  // bound most, by how much, and the term that falls most.
  std::string lowest_block(const std::vector<Array>& from, Workers& workers);

  // How rows are computed with CoordinateOptions::narrow, which the state remembers: in f32 at
  // first, then in f64; the bound of the first pass in f64 compares to none before it.
  enum class Digits : std::uint8_t { f64, f32, first_f64 };
  Digits digits() const { return narrow_ ? Digits(int(*narrow_->data<double>())) : Digits::f64; }
  void set_digits(Digits d) {
    if (narrow_) *narrow_->data<double>() = double(d);
  }

  bool has_apart() const { return !apart_.empty(); }
  // Whether latents inside likelihoods begin where they are kept.
  bool is_warm() const { return !inside_.empty(); }
  // Passes that collect statistics begin them anew all the same, or no longer, and keep what they
  // find. A first few such passes find better optima: what is warm stays near to where it was.
  void begin_anew(bool anew) { anew_ = anew; }
  // Nothing is kept, for another start.
  void forget();
  // Whether a sweep is one pass over the rows, and one for each latent apart.
  bool keeps_statistics() const { return bool(collect_); }
  bool has_sites() const { return bool(sites_); }
  // The program that passes over the rows, for a look at its plan.
  const Program& pass() { return collect_ ? collecting().get() : elbo_.get(); }
  // Of terms that are not affine in their factors' statistics (climb/site.h): the least part of the
  // way to their gradient that the last sweep took; 1 without such terms.
  double last_step() const { return last_step_; }
  // Nats by which latents that a likelihood iterates inside may leave the bound below their
  // optimum, so that a sweep may lower it; 0 where all is exact, and where they begin where they
  // are kept, in f64.
  double error() const { return error_ + (anew_ ? error_anew_ : 0); }
  // Latents by their places in the model, in blocks that are updated together.
  const std::vector<std::vector<std::size_t>>& blocks() const { return blocks_; }

 private:
  // A block of factors: those that are set to their optimum, and those that take a damped step.
  struct Step {
    LazyProgram exact;
    std::unique_ptr<SiteStep> sites;
    std::vector<std::string> latents;
  };
  // A choice of rows, and natural parameters of what it chooses from: [before, choices, after].
  struct Choices {
    std::string name;
    std::int64_t size = 0;
    std::vector<std::pair<const Array*, std::int64_t>> naturals;  // with `after`
  };
  // A latent of rows that is apart: what a run makes of it, from the others' optimum or with given
  // ones, and where it is kept.
  struct RowFactor {
    std::string name;
    LazyProgram first, best, best_given;  // the first by its prior alone
    std::vector<Array> kept;
    void update(LazyProgram& by, Workers& workers);
  };
  void update(Step& step, Workers& workers);
  LazyProgram& collecting() { return digits() == Digits::f32 ? collect_narrow_ : collect_; }
  std::map<std::string, std::int64_t> number_sequences(const Model& model);
  void check_shown(std::int64_t first, std::int64_t count) const;
  void begin_inside();
  void find_choices(const Model& model, const std::vector<Factor>& factors, State& state);

  State* state_;
  std::unique_ptr<Graph> graph_;
  RowWindow rows_;
  std::vector<std::vector<std::size_t>> blocks_;
  std::vector<Step> steps_;
  std::unique_ptr<RotationStep> rotation_;
  std::vector<RowFactor> apart_;
  std::vector<LazyProgram> starts_, means_;
  // With statistics: the E step, the same from given probabilities, and what an update changed.
  LazyProgram collect_, collect_narrow_, collect_given_, collect_only_, collect_aside_, factors_;
  LazyProgram elbo_, elbo_given_, values_;
  std::vector<Value> terms_;
  std::vector<Array*> statistics_, naturals_;
  std::vector<Choices> choices_;
  std::vector<Array*> inside_;  // latents inside likelihoods, where they are warm
  std::vector<Array> numbers_;  // of their sequences, each on its first row
  Array *temperature_ = nullptr, *narrow_ = nullptr, *rho_ = nullptr, *scale_ = nullptr;
  std::vector<std::string> names_;
  bool sites_ = false;
  std::int64_t shown_ = 0, shown_rows_ = 0;
  bool anew_ = false;
  double last_step_ = 1, error_ = 0, error_anew_ = 0;
};

}  // namespace fathom
