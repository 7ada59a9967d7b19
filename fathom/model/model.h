// A model: plates, data, latents, parameters and what is observed, written down once. Nothing is
// computed here; elbo/ lowers a model to a graph.
//
//   Model m;
//   Plate image = m.plate("image");
//   Expr x = m.data("x", image, Shape{784});
//   Network encoder = m.network("encoder", nn::mlp(...)), decoder = m.network("decoder", ...);
//   Expr z = m.latent("z", normal(0, 1), image, Shape{20});
//   m.observe("x", bernoulli(decoder(z)), x);
//   auto q = encoder(x);
//   m.guide(z, normal_log_sd(slice(q, 0, 20), slice(q, 20, 20)));
//
// A mixture of regressions, to be climbed factor by factor (climb/coordinate.h):
//
//   Plate row = m.plate("row"), component = m.plate("component", 2);
//   Expr x = m.data("x", row, Shape{3}), y = m.data("y", row, {});
//   Expr weights = m.latent("weights", dirichlet(1.0), Shape{2});
//   Expr slopes = m.latent("slopes", mvnormal(0.0, 0.01), component, Shape{3});
//   Expr noise = m.latent("noise", gamma(1.0, 1.0), component);
//   Expr which = m.latent("which", categorical_of(weights), row, Shape{2});
//   m.observe("y", normal_precision(inner(x, gate(which, slopes)), gate(which, noise)), y);
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fathom/dist/all_dists.h"
#include "fathom/nn/network.h"

namespace fathom {

class Model;

// A set of conditionally independent copies: rows of a table, images, components of a mixture.
struct Plate {
  Model* model = nullptr;
  int index = -1;
};

// A quantity of a model: a handle, cheap to copy. Arithmetic makes new quantities.
class Expr {
 public:
  Expr() = default;
  Expr(Model& model, int index) : model_(&model), index_(index) {}
  explicit operator bool() const { return model_ != nullptr; }
  Model& model() const { return *model_; }
  int index() const { return index_; }
  const Shape& event() const;  // without plates

 private:
  Model* model_ = nullptr;
  int index_ = -1;
};

// A parameter of a conditional: a quantity or a number.
class Arg {
 public:
  Arg(double value) : value_(value) {}
  Arg(Expr e) : expr_(e) {}
  Expr expr() const { return expr_; }
  double value() const { return value_; }

 private:
  Expr expr_;
  double value_ = 0;
};

// A family at parameters given by quantities; `form` turns the arguments' faces into the family's
// own parameters (a standard deviation into a precision).
struct Conditional {
  const FamilyInfo* family = nullptr;
  std::string text;  // "normal(mean, log_sd)"
  std::vector<Arg> args;
  std::function<std::vector<Face>(std::span<const Face>)> form;
  // What is taken of each argument where it is random; fixed: it must be drawn.
  std::vector<ParameterDoc::Needs> needs;
  double error = 0;  // nats per row by which an inner loop may leave the term below its optimum
};

Conditional normal(Arg mean, Arg sd);
Conditional normal_log_sd(Arg mean, Arg log_sd);
Conditional normal_precision(Arg mean, Arg precision);
Conditional normal_variance(Arg mean, Arg variance);
Conditional bernoulli(Arg logits);
// A number for the precision is that multiple of the identity; it may have a wishart prior.
Conditional mvnormal(Arg mean, Arg precision);
// A precision for each element: with gamma priors, automatic relevance determination.
Conditional mvnormal_diagonal(Arg mean, Arg precisions);
// Of vectors whose mean and precision are one latent with a normal_wishart or, element by element,
// a normal_gamma prior.
Conditional mvnormal_of(Arg mean_and_precision);
// A number for the inverse scale is that multiple of the identity.
Conditional normal_wishart(Arg mean, Arg strength, Arg inverse_scale, Arg dof);
// Of K vectors with one precision matrix: spread() shows each of them. Mean [K, d], strength [K];
// numbers as above.
Conditional tied_normal_wishart(Arg mean, Arg strength, Arg inverse_scale, Arg dof);
// Of coefficients [K, d] and the precision matrix of what they predict: regressed() shows that to
// mvnormal_of(). Mean [K, d], strength [K, K]; numbers stand for every element, or multiples of the
// identity.
Conditional matrix_normal_wishart(Arg mean, Arg strength, Arg inverse_scale, Arg dof);
// Of a vector whose elements have one precision.
Conditional spherical_normal_gamma(Arg mean, Arg strength, Arg shape, Arg rate);
// Numbers are those of every element.
Conditional normal_gamma(Arg mean, Arg strength, Arg shape, Arg rate);
// Weights of a truncated Dirichlet process: stick_breaking(1, concentration).
Conditional stick_breaking(Arg taken, Arg left);
Conditional categorical(Arg logits);
Conditional categorical_of(Arg probabilities);
// States of sequences of rows: by probabilities of the first state and, on a plate of as many
// elements as there are states, of the next one; `begins` is data, 1 on the first row of a sequence
// and 0 on the others. Fixed probabilities are a vector and a matrix, a row for each state.
Conditional chain(Arg start, Arg move, Arg begins);
// Vectors along sequences of rows, each linear in the one before: by coefficients on a plate of as
// many elements as the vector has, or a fixed matrix, and the precision of each element's noise.
// The first one has a mean and a precision for each element; 0: nothing is known of it. What
// `shift` is on a row, a regression on inputs perhaps, is added to the mean of its vector, except
// of the first. By gates they are those of a choice of the row.
Conditional linked_chain(Arg first, Arg first_precision, Arg move, Arg noise, Arg begins,
                         Arg shift = 0.0);
// The same with a motion and a precision matrix of all noise that are one latent with a
// matrix_normal_wishart prior of [n, n] coefficients: x_t ~ N(M' x_{t-1}, Lam^-1).
Conditional linked_chain_of(Arg first, Arg first_precision, Arg motion_and_noise, Arg begins);
// The same by a known motion, constants A [n, n] and the reach R [n, r] of noise with r precisions:
// x_t = A x_{t-1} + R e_t, which need not reach all elements.
Conditional driven_chain(Arg motion, Arg reach, Arg noise, Arg first_precision, Arg begins);
// Words of documents, rows (document, word, count) whose value is the word: each document mixes
// topics, probabilities of words on a plate of topics, by proportions of its own, which have a
// symmetric Dirichlet prior of this concentration, or a vector of them, and are inside the term:
// iterated until they are optimal. `begins` is data, 1 on the first row of a document and 0 on the
// others; latent Dirichlet allocation (Blei, Ng & Jordan 2003). Of each document the term has what
// its counts add in any order of their words; coefficients that count orders are left out.
Conditional documents(Arg topics, Arg concentration, Arg begins, Arg count, DocumentLoop loop = {});
// By logits that are normal quantities: lower bounds (dist/softmax.h) and damped steps
// (climb/site.h). The tilted one is tighter, and takes logits that are independent.
Conditional categorical_bohning(Arg logits);
Conditional categorical_tilted(Arg logits);
// Of the states of a network's variables, side by side: tables [cells], and their structure, a
// constant (kernels/network.h). What was seen of them is observed as categorical_of(states).
Conditional discrete_network(Arg tables, Arg structure);
Conditional uniform_between(Arg low, Arg high);
// A shape may have a gamma_shape prior.
Conditional gamma(Arg shape, Arg rate);
Conditional gamma_mean_one(Arg shape);  // gamma(shape, shape)
// Of the shape of gamma quantities, or half the degrees of freedom of Student's t: it is gamma, and
// its factor has the moments that a random shape needs.
Conditional gamma_shape(Arg shape, Arg rate);
// A number may have a concentration prior.
Conditional dirichlet(Arg concentration);
// Of the concentration of symmetric Dirichlet probabilities of so many categories: it is gamma.
Conditional concentration(std::int64_t categories, Arg shape, Arg rate);
Conditional beta(Arg a, Arg b);
Conditional inverse_gamma(Arg shape, Arg scale);
// A number for the inverse scale is that multiple of the identity.
Conditional wishart(Arg inverse_scale, Arg dof);
// By probabilities with beta or dirichlet priors, and by rates with gamma priors.
Conditional bernoulli_of(Arg probability);
Conditional binomial_of(Arg count, Arg probability);
Conditional multinomial_of(Arg count, Arg probabilities);
Conditional poisson_of(Arg rate);
// A rate whose logarithm is a normal quantity: damped steps (climb/site.h).
Conditional poisson_log(Arg log_rate);
Conditional exponential_of(Arg rate);
// By log odds psi that are affine in gaussian latents, exact given omega, a latent with the prior
// polya_gamma(count, 0); see families/binomial.h. With omega on rows: Jaakkola & Jordan's bound.
Conditional polya_gamma(Arg shape, Arg tilt);
Conditional bernoulli_polya_gamma(Arg logits, Arg omega);
Conditional binomial_polya_gamma(Arg count, Arg logits, Arg omega);

enum class ExprKind : std::uint8_t {
  data,
  constant,
  parameter,
  latent,
  draw,
  gate,
  spread,
  across,
  stacked,
  function
};

struct PlateInfo {
  std::string name;
  std::int64_t size = 0;  // 0: rows of the data, bound when running
  int weight = -1;        // the quantity that weighs its elements; -1: each counts once
  bool streamed() const { return size == 0; }
};

// The element of a plate that a latent chooses: terms that read one are evaluated for each element,
// weighted by the latent's probabilities, and summed (Minka & Winn 2008).
struct Gate {
  int which = -1;  // the latent's quantity
  int plate = -1;
  friend auto operator<=>(const Gate&, const Gate&) = default;
};

// What the model keeps of a quantity.
struct ExprInfo {
  ExprKind kind = ExprKind::constant;
  std::string name;
  std::vector<int> plates;  // sorted
  std::vector<Gate> gates;  // sorted
  Shape event;
  std::vector<Expr> inputs;
  int plate = -1;  // across, stacked: whose elements are an axis of the event
  // A function of values; given values of its inputs, plates as labelled axes.
  std::function<Value(std::span<const Value>)> apply;
  // Its moments where it is affine in every random input; empty where it is not.
  std::function<Face(std::span<const Face>)> moments;
  DType stored = DType::f32;  // data: dtype of the bound memory
  bool partial = false;       // data: cells that are NaN were not observed
  nn::Parameter init;         // parameter
  Array value;                // constant
};

struct LatentInfo {
  int expr = -1;
  Conditional prior;
  std::optional<Conditional> guide;
};

struct ObservedInfo {
  std::string name;
  Conditional likelihood;
  Expr value;
};

class Network {
 public:
  Expr operator()(Expr x) const;

 private:
  friend class Model;
  std::string name_;
  nn::Network net_;
  std::vector<Expr> parameters_;
};

// How a quantity depends on a latent.
struct Degree {
  bool depends = false;
  bool affine = true;
  std::string culprit;  // the first function on the way that is not affine
};

class Model {
 public:
  explicit Model(DType dtype = DType::f32) : dtype_(dtype) {}
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // Rows of the data, or `size` elements.
  Plate plate(std::string name, std::int64_t size = 0);
  // A leaf that is bound when the model is fitted; `stored` is the dtype of the memory.
  Expr data(std::string name, Plate plate, const Shape& event, DType stored = DType::f32);
  // On several plates: [row, element].
  Expr data(std::string name, std::vector<Plate> plates, const Shape& event,
            DType stored = DType::f32);
  // Cells of `data` that are NaN were not observed: terms of elements leave them out, terms of
  // vectors integrate over them. Such data can be observed, and read by nothing else.
  void missing(Expr data);
  // Each row of the plate counts so many times: every term of a row, its latents' included. Weights
  // are finite, not negative and not all zero.
  void weigh(Plate rows, Expr weights);
  Expr constant(double value);
  Expr constant(const Array& value);  // a number, a vector or a matrix
  // A number to be learned.
  Expr parameter(std::string name, const Shape& event, nn::Init init = nn::Init::zeros,
                 double value = 0);
  Expr latent(std::string name, Conditional prior, Plate plate, const Shape& event = {});
  Expr latent(std::string name, Conditional prior, std::vector<Plate> plates,
              const Shape& event = {});
  Expr latent(std::string name, Conditional prior, const Shape& event = {});
  // 1 with probability p, drawn once per row and epoch and shared by all that read it.
  Expr binarised(std::string name, Expr p);
  Network network(std::string name, nn::Network net);
  void observe(std::string name, Conditional likelihood, Expr value);
  // The family and parameters of q(latent). Latents without a guide get one of their own: a normal
  // with learned mean and log sd for each element.
  void guide(Expr latent, Conditional q);

  // A function that may be anything: its inputs are sampled where they are random.
  Expr function(std::string name, std::vector<Expr> inputs, const Shape& event,
                std::function<Value(std::span<const Value>)> apply,
                std::function<Face(std::span<const Face>)> moments = {});

  DType dtype() const { return dtype_; }
  const ExprInfo& info(int index) const { return exprs_[std::size_t(index)]; }
  const ExprInfo& info(Expr e) const { return info(e.index()); }
  std::size_t size() const { return exprs_.size(); }
  const std::vector<PlateInfo>& plates() const { return plates_; }
  bool streamed(const ExprInfo& e) const;  // on a plate of rows
  const std::vector<LatentInfo>& latents() const { return latents_; }
  const std::vector<ObservedInfo>& observed() const { return observed_; }
  const LatentInfo* latent_of(int expr) const;

  // The degree check: how `e` depends on the latent `z`, found by walking the model.
  Degree degree(Expr e, Expr z) const;

 private:
  friend Expr gate(Expr which, Expr e, Plate plate);
  friend Expr spread(Expr e, Plate plate);
  friend Expr across(Expr x, Plate plate);
  friend Expr stacked(Expr x, Plate plate);
  Expr add(ExprInfo info);
  void check_name(const std::string& name) const;

  DType dtype_;
  std::vector<ExprInfo> exprs_;
  std::vector<PlateInfo> plates_;
  std::vector<LatentInfo> latents_;
  std::vector<ObservedInfo> observed_;
};

// Affine functions keep moments; the product of two random quantities and the rest sample.
Expr operator+(Expr a, Expr b);
Expr operator+(Expr a, double b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator*(Expr a, double b);
inline Expr operator*(double a, Expr b) { return b * a; }
Expr exp(Expr x);
Expr sigmoid(Expr x);
// x [k] times W [k, n] -> [n]; affine in x where W is fixed, and the reverse.
Expr dot(Expr x, Expr w);
// The mean M' x and the precision of a matrix_normal_wishart latent, for mvnormal_of(): x fixed,
// [K].
Expr regressed(Expr x, Expr coefficients);
// sum_i a[i] b[i] of two vectors; affine in each where the other is fixed.
Expr inner(Expr a, Expr b);
Expr repeat(Expr x, std::int64_t count);  // a number as all elements of a vector
Expr concat(Expr a, Expr b);              // of two vectors, independent of each other
Expr slice(Expr x, std::int64_t first, std::int64_t count);  // of the last axis
Expr take(Expr x, std::vector<std::int64_t> places);         // of a vector; places may repeat
Expr reshape(Expr x, const Shape& event);                    // elements in their order
Expr sum(Expr x);                                            // of all elements of a vector
// The numbers on a plate of fixed size as the elements of a vector: scores of classes, each by a
// latent of its own. All latents in them lie on the plate.
Expr across(Expr x, Plate plate);
// The elements of a plate of fixed size along the first axis of an event: probabilities of the next
// state, a row for each, as a matrix.
Expr stacked(Expr x, Plate plate);
// Probabilities with exact zeros where `allowed`, of the same shape, is 0. Their prior should have
// concentrations of 0 there, which make them no part of it.
Expr only(Expr probabilities, const Array& allowed);
// e[which]: `e` lies on a plate of as many elements as the categorical latent has categories.
Expr gate(Expr which, Expr e);
// On this plate, where several have as many elements.
Expr gate(Expr which, Expr e, Plate plate);
// The first axis of a quantity's event as the elements of a plate; statistics that have one element
// there are the same for all.
Expr spread(Expr e, Plate plate);

}  // namespace fathom
