// The one objective: ELBO(q) = E_q log p(x, z) - E_q log q(z), as a sum of named terms with all
// constants, in nats. Kingma & Welling 2013, eq. 3; Jordan et al. 1999.
//
// A term is lowered once. Per term and latent the estimator is the first that applies:
//   closed   the term is affine in the latent's statistics, or a function of a normal quantity
//            (by quadrature): its moments are taken
//   sampled  otherwise: a reparameterised draw from q
// so that N(z; 0, 1) under a normal guide gives the closed KL by itself, and a decoder a draw.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "fathom/model/model.h"

namespace fathom {

enum class Estimate : std::uint8_t { exact, closed, sampled };
std::string_view name_of(Estimate e);

struct Term {
  enum class Kind : std::uint8_t { likelihood, prior, entropy };
  std::string name;  // "x", "z.prior", "z.entropy"
  Kind kind = Kind::likelihood;
  int plate = -1;  // -1: global
  Estimate how = Estimate::exact;
  std::string note;    // why it is sampled: the function that is not affine
  bool local = false;  // of latents of rows that are integrated out: see Lowering::evidence
  bool affine = true;  // in the statistics of each latent; else a site: its gradient moves with q
  // Of a likelihood with latents of its own inside (FamilyInfo::rows_meet): what rows meet there.
  std::vector<Value> met;
  Value kept, left;  // with LowerOptions::warm: the slot of these latents, and what it becomes
  Value value;       // [plate], or a scalar: event axes summed, draws averaged
  Value elements;    // [plate, event] of priors and entropies: what each unit adds
};

// What latents without a guide and without rows have for q.
enum class Factors : std::uint8_t {
  none,        // a normal with learned mean and log sd
  mean_field,  // a member of the prior's family
  mode,        // a point mass at the mode of such a member: MAP; no entropy, so that the bound is a
               // penalised log-likelihood, which is not to be compared with an ELBO
  likelihood   // the same without the prior: maximum likelihood, EM where rows have latents
};

struct LowerOptions {
  std::int64_t capacity = 1;  // most rows of a batch; ignored by plans with unbounded rows
  int samples = 1;            // draws of each latent (Kingma & Welling 2013, L)
  bool gather = false;        // rows are taken from a table by an index
  bool weights = false;       // every latent sampled, nothing closed: importance weights
  bool bind_guides = false;   // parameters of guides are inputs (encode once, draw often)
  Factors factors = Factors::none;
  bool bind_latents = false;      // latents are inputs, data.<latent> (decoding)
  bool hard = false;              // choices of rows that are integrated out are points instead
  bool tempered = false;          // entropies are weighed by temperature()
  bool collapse = false;          // latents of rows with a conjugate prior are integrated out
  std::set<std::string> apart;    // latents of rows that are not: see Lowering::apart
  std::set<std::string> sampled;  // terms whose latents are to be sampled although closed
  std::set<std::string> points;   // latents that are point masses at their mode, among factors
  bool flat_points = false;       // without their priors
  // Terms with latents of their own inside which begin where they are kept (FamilyInfo::Warm), in
  // slots "inside.<term>.<sequences>": how many sequences of rows those are of.
  std::map<std::string, std::int64_t> warm;
};

// A model on a graph. Inputs of the graph:
//   data.<name>  [row, event]; with `gather` a table [n, event], and `index` i64 [row]
//   ids          i64 [row]: places in the data set, for draws; with `gather` it is `index`
//   key          randomness: one key per epoch; draws belong to (key, id)
//   <parameter>, <latent>.mean, <latent>.log_sd   slots
//   <latent>.natural.<k>   slots, with `factors`
class Lowering {
 public:
  Lowering(const Model& model, Graph& graph, LowerOptions options);

  std::vector<Term> terms();
  // With `collapse`: log of the integral of the local terms over the latents of each row, [row],
  // the log-normaliser of their exact conditional given the other factors. The local terms add up
  // to it, and its gradient is that of the bound with those latents at their optimum (Hoffman et
  // al. 2013, section 2.4). Empty where no latent lies on rows.
  Value evidence();
  // The same terms as they are for given statistics of those latents, data "local.<name>" of [row,
  // event] (probabilities, or indicators), summed over rows; `entropy` is that of such choices.
  // Empty where no latent lies on rows.
  // `leaves` are these inputs, `of` whose they are (quantities), `optimum` what they are at the
  // optimum, and `completed` what they are where the first of each latent alone is given.
  struct Given {
    Value expected, entropy;
    std::vector<Value> leaves, optimum, completed;
    std::vector<int> of;
  };
  Given given_locals();
  // A latent of rows with a factor of its own beside the other latents of its row, which are then
  // integrated out given it. The factor is data: what the family's terms see of it, as above, and
  // its entropy, "local.<name>.entropy" of [row].
  struct Apart {
    const LatentInfo* latent = nullptr;
    std::vector<Value> leaves;
    Value entropy;
  };
  std::vector<Apart> apart();
  // The factor at its optimum where the rest is as in `rows`, a sum over rows: new leaves, and last
  // the new entropy.
  std::vector<Value> best_apart(const Apart& a, Value rows);
  // Its own prior, summed over rows: where it begins. Empty where that reads latents of rows that
  // are integrated out.
  Value alone(const Apart& a);
  // log p(x, z) - log q(z) of every row and draw, [row, draw]. Needs `weights`.
  Value log_weights();

  // A quantity with every random input drawn.
  Value value(Expr e);
  // q(z): its family and parameters on the graph.
  Distribution guide(const LatentInfo& z);
  // Names and values of the parameters of q(z), bound with `bind_guides`.
  std::vector<std::pair<std::string, Value>> guide_arguments(const LatentInfo& z);
  // What terms see of a latent by moments. With `factors` its members are leaves: F is
  // differentiated with respect to them, and no rewriting of the graph goes past them.
  Face moments(const LatentInfo& z);
  // The same of a factor at given natural parameters, as plain functions of these.
  Face moments_at(const LatentInfo& z, const std::vector<Value>& natural) const;
  Face spread(const ExprInfo& e, const Face& f) const;
  // Whether q(z) is a point mass, by `factors` or `points`.
  bool is_point(const LatentInfo& z) const;
  // The slots that hold the natural parameters of a factor, with `factors`.
  std::vector<Value> natural_slots(const LatentInfo& z);
  // A conditional with every latent shown by its moments.
  Distribution prior(const LatentInfo& z) {
    return distribution(z.prior, {}, model_.info(z.expr).event);
  }
  // Learned numbers that the graph read so far, in the order of the model.
  std::vector<Value> parameters() const;

  Graph& graph() { return graph_; }
  Label row() const { return row_; }
  Value ids();
  Value key();
  // With `tempered`: the slot "temperature"; else empty.
  Value temperature();

 private:
  using Drawn = std::set<int>;  // latents (by quantity) that a term samples
  void nest();
  void collapse();
  Value log_norm_of(int local, const std::vector<Value>& natural);
  // A member of the family, its natural parameters being divided by the temperature, if there is
  // one.
  Distribution cooled(const FamilyInfo& family, std::vector<Value> natural);
  bool is_hard(const LatentInfo& z) const;
  std::vector<Value> local_leaves(const LatentInfo& z);
  std::vector<Gate> outer_gate(int expr) const;
  std::vector<Gate> open_gates(const Conditional& c, int own) const;
  std::set<int> locals_of(const Conditional& c) const;
  std::vector<Gate> gates_of(const Conditional& c) const;
  Value choose(Value elements, const std::vector<Gate>& gates, const Drawn& drawn);
  Value chosen_by(Value elements, const Gate& gate, Value probabilities) const;
  Value summed_to(const Gate& gate, Value v) const;
  Value chosen(Value elements, const std::vector<Gate>& gates, const Drawn& drawn);
  Value elements_of(const ObservedInfo& o, const std::vector<Gate>& gates, const Drawn& drawn);
  Term likelihood(const ObservedInfo& o);
  void latent_terms(const LatentInfo& z, Term* prior, Term* entropy);
  bool is_local(const LatentInfo& z) const;
  bool is_apart(const LatentInfo& z) const;
  const Apart& apart(const LatentInfo& z);
  Face face(Expr e, const Drawn& drawn);
  Value across(Value v, int plate) const;
  Value stacked(Value v, int plate) const;
  Face observed(Expr e);
  Value weighed(Value v);
  Face face_of_arg(const Arg& a, const Drawn& drawn);
  // `event` is that of the variable: numbers stand for vectors and matrices of its extent.
  Distribution distribution(const Conditional& c, const Drawn& drawn, const Shape& event);
  Value draw_of(const LatentInfo& z);
  Value data(const ExprInfo& e);
  Value slot(const std::string& name, const Shape& shape);
  Drawn must_draw(const Conditional& c, const std::string& term, std::string* why);
  Shape full_shape(const ExprInfo& e, bool draws) const;
  Value to_plate(Value v, int plate, bool average);

  const Model& model_;
  Graph& graph_;
  LowerOptions options_;
  Label row_, draw_{}, table_{};
  std::map<int, Label> plates_;  // of a fixed size
  // Of collapsed latents: statistics while forming their natural parameters, both when formed.
  std::map<int, std::vector<Value>> leaves_, given_, naturals_;
  std::map<int, Apart> apart_;
  std::map<std::string, std::pair<Value, Value>> warm_;  // of a term: the slot, what it becomes
  // Of a collapsed latent whose conditional differs with what another one of the row chooses: that
  // one's gate. Its statistics and natural parameters lie on the gate's plate too.
  std::map<int, Gate> under_;
  Value constant_, evidence_, given_inner_;
  std::map<std::pair<int, Drawn>, Face> faces_;
  std::map<int, Value> draws_;
  std::map<int, Face> moments_;
  std::map<std::string, Value> inputs_;
  std::vector<Value> parameters_;
};

// The parameter slots that a model needs, mean-field guides included, in a fixed order.
std::vector<nn::Parameter> parameters_of(const Model& model);

}  // namespace fathom
