// Coordinate ascent (mean-field variational Bayes): each factor in turn is set to its optimum given
// the others, which is the gradient of F = E_q log p with respect to its moments. Latents of rows
// are integrated out, so that F holds the logarithm of their normaliser and its gradient the
// statistics that the M step of EM collects. Nobody writes an update.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fathom/climb/gradient_climb.h"

namespace fathom {

class CoordinateClimb {
 public:
  // Latents need priors from exponential families; those of rows must be categorical. Factors are
  // slots "<latent>.natural.<k>" of the state, and start at their priors. Throws ConfigError naming
  // the latent that cannot have a factor.
  CoordinateClimb(const Model& model, const DataSet& data, State& state);

  // Updates the factor of one latent, by its place in the model; those of rows have none.
  void update(std::size_t latent, Workers& workers);
  // All factors once, in the order of the model (Gauss-Seidel). Returns the ELBO afterwards, nats.
  double sweep(Workers& workers);
  double elbo(Workers& workers);
  // E x of a latent; of one of rows, [row, event].
  Array mean(std::size_t latent, Workers& workers);
  // Named terms, which add up to the ELBO.
  std::vector<std::pair<std::string, double>> terms(Workers& workers);

 private:
  std::unique_ptr<Graph> graph_;
  std::vector<std::unique_ptr<Program>> updates_, means_;
  std::unique_ptr<Program> elbo_, values_;
  std::vector<std::string> names_;
};

}  // namespace fathom
