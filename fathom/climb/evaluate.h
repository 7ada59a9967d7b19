// What a fitted model says of data: the ELBO with its standard error, importance-weighted log p(x),
// and any quantity of the model, row by row. Rows are taken in chunks, so that memory does not grow
// with their number or with that of the draws.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fathom/climb/gradient_climb.h"

namespace fathom {

struct EvaluateOptions {
  int samples = 1;            // draws per row of terms that are sampled
  std::int64_t chunk = 1024;  // rows at a time
};

struct TermValue {
  std::string name;
  double value = 0;  // total over rows, nats
  Estimate how = Estimate::exact;
};

struct Evaluation {
  std::int64_t rows = 0;
  double elbo = 0, elbo_per_row = 0;  // nats, all constants
  double elbo_se = 0;                 // of the total, from the spread over rows
  std::vector<TermValue> terms;
  std::vector<double> per_row;  // ELBO of each row
};

// Importance-weighted estimate of log p(x): log 1/K sum_k p(x, z_k) / q(z_k | x). Burda et al.
// 2016, eq. 8: a lower bound in expectation, rising with K.
struct LogEvidence {
  std::int64_t rows = 0;
  double log_px = 0;             // total over rows, nats
  double log_px_se = 0;          // from the spread over rows
  double effective_samples = 0;  // mean over rows of (sum w)^2 / sum w^2
  std::vector<double> per_row;
};

class Evaluator {
 public:
  Evaluator(const Model& model, const EvaluateOptions& options, State& state);
  ~Evaluator();

  Evaluation elbo(const DataSet& data, Key key, Workers& workers);
  // Each row is encoded once; K draws are streamed through a running log-sum-exp per row.
  LogEvidence log_evidence(const DataSet& data, std::int64_t draws, Key key, Workers& workers,
                           const std::function<void()>& between = {});
  // Mean KL(q || p) of each unit of each latent over the rows, in nats: [unit]. Empty where a prior
  // is sampled.
  std::vector<double> unit_kl(const DataSet& data, const std::string& latent, Key key,
                              Workers& workers);
  // A quantity for every row, random inputs drawn; [rows, event] in f64.
  Array quantity(const DataSet& data, Expr e, Key key, Workers& workers);
  // The same at given latents: `data` holds one [rows, event] array of the model's dtype for each
  // latent that `e` reads, under its name.
  Array decode(const DataSet& data, Expr e, Workers& workers);
  // Parameters of q(latent) for every row: name and [rows, event].
  std::vector<std::pair<std::string, Array>> posterior(const DataSet& data,
                                                       const std::string& latent, Key key,
                                                       Workers& workers);

 private:
  struct Chunked;
  Array quantity_of(const DataSet& data, Expr e, Key key, bool bind_latents, Workers& workers);
  const Model& model_;
  EvaluateOptions options_;
  State& state_;
  std::unique_ptr<Chunked> elbo_;
  std::vector<Term> terms_;
};

}  // namespace fathom
