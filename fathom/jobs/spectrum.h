// Eigenvalues of a covariance, and what they say of probabilistic PCA.
#pragma once

#include <vector>

#include "fathom/tensor/buffer.h"

namespace fathom {

struct Spectrum {
  std::vector<double> values;  // falling
  Array axes;                  // [d, d]: row k belongs to value k; its largest element is positive
};

// Of a symmetric matrix [d, d] f64.
Spectrum spectrum_of(const Array& covariance);

// The noise variance of probabilistic PCA at its maximum: the mean of the values from `latent` on.
double discarded(const Spectrum& spectrum, std::int64_t latent);

// The highest log-likelihood of probabilistic PCA on `rows` rows whose covariance, by rows - 1, has
// this spectrum. Tipping & Bishop 1999, equation 3.8.
double highest_likelihood(const Spectrum& spectrum, std::int64_t latent, std::int64_t rows);

}  // namespace fathom
