// How a family is declared: one struct with static members, listed once in dist/all_dists.h.
//
//   struct Gamma {
//     static constexpr FamilyDoc doc{.name = "gamma", ...};
//     static constexpr ParameterDoc parameters[] = {{"shape", Support::positive}, ...};
//     static Value expected_log_prob(const Face& x, std::span<const Face> p);
//     static Value sample(const Draw& d, std::span<const Face> p);
//     // the exponential-family face, where there is one: p(x) = exp(<natural, stats> - log_norm)
//     static Values stats(Value x);
//     static Values natural(std::span<const Face> p);
//     static Value log_norm(std::span<const Value> natural);
//   };
//
// A base measure h that is not constant is given as log_base(x) = log h(x), added to the above.
//
// All densities keep all their constants, and are in nats. `dist/expfam.h` derives the rest once.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "fathom/dist/face.h"

namespace fathom {

using Values = std::vector<Value>;

enum class Support : std::uint8_t {
  real,
  positive,
  unit,
  simplex,
  bit,
  count,
  counts,
  category,
  vector,
  matrix,
  joint
};

std::string_view name_of(Support s);

struct ParameterDoc {
  std::string_view name;
  Support support;
  std::string_view help;
  // What the family's expectation needs of a random parameter; fixed: it must be that, or sampled.
  // normal: mean and variance, of a normal quantity; the expectation is not affine in its moments.
  // log_gamma: moments of a shape or a concentration; of another quantity it is drawn.
  enum class Needs : std::uint8_t {
    fixed,
    mean_variance,
    mean_log,
    log,
    statistics,
    normal,
    log_gamma
  };
  Needs needs = Needs::fixed;
  // The axis of an event of two whose elements a number stands for; -1: both.
  int axis = 0;
};

struct FamilyDoc {
  std::string_view name;
  std::string_view brief;
  Support support;
  std::string_view source;
  int event_axes = 0;  // trailing axes that belong to one draw
  bool reparameterised = false;
  bool partial = false;  // of vectors: takes one with missing cells, Face::observed
  // Densities are with respect to a member of the family, because none has a closed form.
  bool relative = false;
  // Of rows one after another that belong together: states, each given the one before, for latents
  // that are integrated out; words of documents.
  bool sequences = false;
  // Statistics have the shapes of a prior's natural parameters, whatever the event's.
  bool shaped_by_prior = false;
};

// Where draws go: shape, key, and ids of the rows on the first axis where there is a plate.
struct Draw {
  Value key;
  DType dtype;
  Shape shape;
  Value rows;
};

// One entry of the table of families.
struct FamilyInfo {
  FamilyDoc doc;
  std::span<const ParameterDoc> parameters;
  // E log p(x | p), element by element of the plates (event axes summed); all quantities
  // independent.
  Value (*expected_log_prob)(const Face& x, std::span<const Face> p) = nullptr;
  Value (*sample)(const Draw& d, std::span<const Face> p) = nullptr;
  Values (*stats)(Value x) = nullptr;
  Values (*natural)(std::span<const Face> p) = nullptr;
  std::vector<Face> (*from_natural)(std::span<const Value> n) = nullptr;
  Value (*log_norm)(std::span<const Value> n) = nullptr;
  Value (*log_base)(Value x) = nullptr;
  std::span<const int> stat_axes;  // trailing axes of each statistic; empty: event axes
  // Entropy, element by element of the plates, at fixed parameters: closed where it is given.
  Value (*entropy)(std::span<const Face> p) = nullptr;
  // Coordinate ascent: the optimal natural parameters of a factor are the gradient of
  // F = E_q log p with respect to its mean parameters (Wainwright & Jordan 2008, section 5).
  // `leaves` are the members of the face that F is a function of; Gaussian ones are centred, so
  // that precision = -2 dF/dV and precision times mean = dF/dm + precision m, exact where F is
  // quadratic.
  std::vector<Value> (*leaves)(const Face& f) = nullptr;
  Values (*natural_from_gradient)(std::span<const Value> leaves,
                                  std::span<const Value> gradient) = nullptr;
  // The face that has these leaves, and E stats(x) by them: for latents that are integrated out, of
  // which F is a function first.
  Face (*face_of_leaves)(std::span<const Value> leaves) = nullptr;
  Values (*expected_stats)(std::span<const Value> leaves) = nullptr;
  // Leaves where the first one alone is given, a start; none: it is all of them. `natural` are
  // those of the latent.
  Values (*completed)(std::span<const Value> leaves, std::span<const Value> natural) = nullptr;
  // The face that a variable with this distribution shows to terms: closed moments.
  Face (*face)(std::span<const Face> p) = nullptr;
  // What a point mass shows: the x that maximises <natural, stats(x)> on the support. Boundaries
  // are reached exactly; logarithms of zeros are -690.8, so that zero counts times them are zero.
  Face (*mode)(std::span<const Value> natural) = nullptr;
  // Natural parameters near these whose mode lies inside the support, where a point mass starts;
  // none: those of the prior will do.
  Values (*inside)(std::span<const Value> natural) = nullptr;
  // Of choices, as points: the best of <natural, stats>, element by element of the plates, and the
  // parameters of the point that has it.
  Value (*best_norm)(std::span<const Value> natural) = nullptr;
  std::vector<Face> (*best)(std::span<const Value> natural) = nullptr;
  // Of what is observed: a density with latents of its own inside, which are at their optimum. It
  // is linear in these quantities where those latents are given; its gradient with respect to them
  // are the statistics of rows (Hoffman et al. 2013, section 2.4).
  Values (*rows_meet)(std::span<const Face> p) = nullptr;
  // The same from where those latents are kept: warm_size() numbers for each sequence of rows,
  // [sequence, number], 0s where none are known yet. A sequence of the place s in them has s + 1
  // on its first row in the parameter `warm_marks`, which is data.
  struct Warm {
    Value elements, kept;  // log p, and what those numbers become
  };
  Warm (*warm_log_prob)(const Face& x, std::span<const Face> p, Value kept) = nullptr;
  std::int64_t (*warm_size)(std::span<const Face> p) = nullptr;
  int warm_marks = -1;
  bool exponential() const { return natural != nullptr; }
};

// A distribution at given parameters: what priors, guides and likelihoods are on the graph.
struct Distribution {
  const FamilyInfo* family = nullptr;
  std::vector<Face> parameters;
};

// log p(x) at fixed parameters.
Value log_prob(const Distribution& d, Value x);
// E_q log p(x) of x ~ q through the face of q.
Value cross_entropy_term(const Distribution& p, const Face& x);
Value sample(const Distribution& d, const Draw& draw);
// -E_q log q, element by element of the plates.
Value entropy(const Distribution& d);
// The face that a variable with distribution `d` shows.
Face face(const Distribution& d);

}  // namespace fathom
