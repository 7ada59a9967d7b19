// Steps of factors that meet terms which are not affine in their statistics (sites): a logistic
// likelihood, counts with a log link. What the affine terms ask for is taken whole, as coordinate
// ascent does; the sites have natural parameters of their own, which go a part rho of the way to
// the gradient of their terms: a natural-gradient step on the sites alone (Khan & Lin 2017,
// equations 12 and 13). rho starts at 1 and is halved until the ELBO does not fall.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fathom/climb/lazy_program.h"
#include "fathom/dist/family.h"

namespace fathom {

// A latent with a factor: the slots of its natural parameters and the leaves of its moments.
struct Factor {
  std::size_t latent;
  std::string name;
  const FamilyInfo* family;
  std::vector<Value> slots, leaves;

  // The natural parameters that a bound asks for.
  std::vector<Value> asked(Value bound) const;
};

using MakeProgram =
    std::function<LazyProgram(std::vector<Value> outputs, std::vector<Update> updates)>;

class SiteStep {
 public:
  // `affine` and `sites` are the parts of E log p, `bound` the whole ELBO.
  SiteStep(Graph& graph, const std::vector<Factor>& factors, Value affine, Value sites, Value bound,
           const MakeProgram& make);

  // Steps all factors at once. Returns the part of the way that was taken: 0 where every step
  // lowers the bound, and the factors stay as they were.
  double run(Workers& workers);

 private:
  double try_step(LazyProgram& step, double rho, Workers& workers);

  LazyProgram propose_, split_, whole_, bound_;
  std::string rho_name_;  // blocks share a graph
  Array rho_;
};

}  // namespace fathom
