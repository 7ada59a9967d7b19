// Latent Dirichlet allocation (Blei, Ng & Jordan 2003; Hoffman, Blei & Bach 2010):
//
//   topics_k ~ Dirichlet(eta) over words,   theta_d ~ Dirichlet(alpha) over topics,
//   words of document d ~ sum_k theta_dk topics_k
//
// with one term "words" in which the proportions theta of each document are at their optimum.
#pragma once

#include "fathom/model/model.h"

namespace fathom {

struct TopicConfig {
  std::int64_t words = 0, topics = 10;
  double alpha = 0.1, eta = 0.05;
  DocumentLoop loop = {};
};

struct TopicModel {
  Model model;
  Plate entry, topic;
  Expr topics;

  // Data "word", "count" and "begins" [entry], of the model's dtype: what a row counts, and 1 on
  // the first row of a document. Throws ConfigError naming the number that cannot be.
  explicit TopicModel(const TopicConfig& config, DType dtype = DType::f64);
};

}  // namespace fathom
