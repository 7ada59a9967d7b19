// Coordinate ascent (mean-field variational Bayes): each factor in turn is set to its optimum given
// the others, which is the gradient of F = E_q log p with respect to its moments. Nobody writes an
// update.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fathom/climb/gradient_climb.h"

namespace fathom {

class CoordinateClimb {
 public:
  // Every latent must be global, with a prior from an exponential family. Factors start at their
  // priors. Throws ConfigError naming the latent that cannot have a factor.
  CoordinateClimb(const Model& model, const DataSet& data, State& state);

  // Updates the factor of one latent, by its place in the model.
  void update(std::size_t latent, Workers& workers);
  // All factors once, in the order of the model (Gauss-Seidel). Returns the ELBO afterwards, nats.
  double sweep(Workers& workers);
  double elbo(Workers& workers);
  // E x of a latent.
  double mean(std::size_t latent, Workers& workers);

 private:
  std::unique_ptr<Graph> graph_;
  std::vector<std::unique_ptr<Program>> updates_, means_;
  std::unique_ptr<Program> elbo_;
};

}  // namespace fathom
