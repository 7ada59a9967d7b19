// A fitted Gaussian mixture as numbers: densities of rows under its posterior predictive, and
// draws.
//
// Under variational Bayes a component's predictive is a Student t of all columns (Bishop 2006,
// eq. 10.81), or, of diagonal covariances, one of each column; at point estimates (MAP and EM) it
// is a Gaussian.
#pragma once

#include "fathom/base/key.h"
#include "fathom/exec/program.h"
#include "fathom/jobs/mixture_settings.h"
#include "fathom/zoo/gaussian_mixture.h"

namespace fathom {

struct GaussianComponents {
  std::int64_t count = 0, width = 0;
  Covariance kind = Covariance::full;
  std::string noun = "component";  // what one is called
  Array weight;                    // [count], expected; they add up to one
  Array rows;                      // [count], rows that each holds
  Array mean;                      // [count, width]
  Array covariance;                // [count, width, width]: the inverse of the expected precision
  // The predictive: dof 0 is a Gaussian. `spread` is the lower Cholesky factor of its scale matrix,
  // of columns apart the square roots, [count, width].
  Array dof, spread;
  bool joint() const { return kind != Covariance::diagonal; }  // one density of all columns

  // log p(x, component) of rows [n, width] under the predictive: [n, count]. Cells that are NaN are
  // integrated over.
  Array log_joint(const Array& rows, Workers& workers) const;
  // Draws [n, width] from the predictive, a function of the key alone.
  Array sample(std::int64_t n, Key key) const;
  // What missing cells of rows may be given the others. `shares` [n, count]: the probability of
  // each component for each row, where more than the row tells of it; empty: by the row and the
  // weights.
  FilledRows fill(const Array& x, Workers& workers, const Array& shares = {}) const;
  // Variances of single columns under the predictive, [count, width].
  Array predictive_variance() const;
  // Sets `spread` by `covariance`, for gaussians.
  void factorise();
};

// log of the density of a Student t of d dimensions at squared distance q, less that of its scale;
// with dof 0 a Gaussian.
double log_student(double q, double dof, double d);

// Degrees of freedom of a weak prior of covariances of `width` columns: as few as a matrix needs,
// and two of variances apart, which else would be told as much as there are columns. `mode`: with a
// mode for a component without rows.
double weak_dof(Covariance kind, std::int64_t width, bool mode);

// What a state of gaussian_components() says, by its natural parameters; `points`: they are those
// of point masses.
GaussianComponents components_of(const State& state, Covariance kind, bool points,
                                 const ComponentWeights& weights);
// Of GaussianMixture.
GaussianComponents components_of(const State& state, Covariance kind,
                                 const MixtureSettings& settings);

// Mean and standard deviation of every column, in the file's units, to "components".
void summarise_gaussians(const GaussianComponents& c, const TableFormat& format,
                         nlohmann::json& summary);

// The page of a mixture of gaussians: components over the rows, and as a table. `rows` may be null.
void report_gaussians(const GaussianComponents& c, const TableFormat& format,
                      const TableMoments& moments, const TableRows* rows,
                      const nlohmann::json& summary, Page& page, Workers& workers);

}  // namespace fathom
