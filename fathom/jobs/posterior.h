// What a fit says of its parameters: each with its mean, standard deviation and interval.
#pragma once

#include <string>
#include <vector>

#include "fathom/climb/coordinate.h"

namespace fathom {

// A parameter and its posterior. Of a point only the mean is a number.
struct PosteriorRow {
  std::string factor, element;  // "loadings", "petal_length.z1"
  double mean = 0, sd = 0, low = 0, high = 0;
};

// With the interval of 95 % between quantiles 0.025 and 0.975.
PosteriorRow point_row(const std::string& factor, const std::string& element, double mean);
PosteriorRow normal_row(const std::string& factor, const std::string& element, double mean,
                        double sd);
PosteriorRow student_row(const std::string& factor, const std::string& element, double mean,
                         double scale, double dof);
PosteriorRow gamma_row(const std::string& factor, const std::string& element, double shape,
                       double rate);
PosteriorRow beta_row(const std::string& factor, const std::string& element, double a, double b);
// Of 1 / x and of 1 / sqrt(x), x ~ gamma(shape, rate). Moments that do not exist are NaN.
PosteriorRow inverse_gamma_row(const std::string& factor, const std::string& element, double shape,
                               double rate);
PosteriorRow root_inverse_gamma_row(const std::string& factor, const std::string& element,
                                    double shape, double rate);
// Of x * scale + shift.
PosteriorRow scaled(PosteriorRow row, double scale, double shift = 0);

// Every element of every latent that is not one of rows, by its family, as the model has them:
// elements by their places from 1. Throws ConfigError naming a family that it does not know.
std::vector<PosteriorRow> posterior_of(const Model& model, const State& state,
                                       const CoordinateOptions& options);

}  // namespace fathom
