// Mean and covariance of a table's columns: what priors, scales and checks are made of.
#pragma once

#include <cstdint>
#include <vector>

#include "fathom/base/workers.h"
#include "fathom/tensor/buffer.h"

namespace fathom {

struct TableMoments {
  std::int64_t rows = 0;
  Array mean, covariance;  // [d], [d, d] f64; the covariance by rows - 1, zeros for one row

  std::int64_t width() const { return mean.size(); }
  double at(std::int64_t j) const { return mean.data<double>()[j]; }
  double at(std::int64_t i, std::int64_t j) const {
    return covariance.data<double>()[i * width() + j];
  }
  double sd(std::int64_t j) const;
};

// Of rows [n, d] f64, in two passes; the same bits for any number of workers.
TableMoments moments_of(const Array& rows, Workers& workers);

// The same where cells are missing (NaN) or rows count `weights` [n] times (empty: once each).
// Variances are of the cells that are there; correlations are those with missing cells at the mean
// of their column, so that the covariance stays positive definite. `rows` are those that count.
TableMoments moments_of_some(const Array& rows, const Array& weights);

// Of (x - shift) / scale.
TableMoments transformed(const TableMoments& moments, const std::vector<double>& shift,
                         const std::vector<double>& scale);

// The first column that is, to one part in 1e10 of its variance, an affine function of those before
// it; -1: none.
std::int64_t dependent_column(const TableMoments& moments);

// The two directions [2, d] in which rows, each column brought to one variance, spread most, and
// the parts of the whole variance that they hold. d at least 2.
struct Directions {
  Array axes;
  double part[2] = {0, 0};
};
Directions principal_directions(const TableMoments& moments);

}  // namespace fathom
