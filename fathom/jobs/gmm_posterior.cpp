// The posterior of a Gaussian mixture as numbers: weights, means and standard deviations.
#include <cmath>

#include "fathom/jobs/gmm.h"

namespace fathom {

std::vector<PosteriorRow> Gmm::posterior(const State& state, const TableFormat& format) const {
  const GaussianComponents c = components(state);
  const bool points = settings_.points();
  const std::int64_t d = width_;
  const auto natural = [&](const char* name, int k) {
    return state.find(fmt::format("{}.natural.{}", name, k))->data<double>();
  };
  std::vector<PosteriorRow> out;
  double total = 0;
  if (!points && !settings_.process)
    for (std::int64_t k = 0; k < c.count; ++k) total += natural("weights", 0)[k] + 1;
  for (std::int64_t k = 0; k < c.count; ++k) {
    const std::string element = component_name(std::size_t(k), format.classes);
    const double a = natural("weights", 0)[k] + 1;
    if (points) {
      out.push_back(point_row("weights", element, c.weight.data<double>()[k]));
    } else if (settings_.process) {  // the part that is broken off of what is left of the stick
      out.push_back(beta_row("sticks", element, a, natural("weights", 1)[k] + 1));
    } else {
      out.push_back(beta_row("weights", element, a, total - a));
    }
  }
  // The variance of a column is inverse gamma, its mean given that a normal: a Student t.
  for (const bool means : {true, false})
    for (std::int64_t k = 0; k < c.count; ++k) {
      const double dof = c.dof.data<double>()[k];
      for (std::int64_t j = 0; j < d; ++j) {
        const std::string element =
            fmt::format("{}.{}", component_name(std::size_t(k), format.classes),
                        format.columns[std::size_t(j)]);
        const double scale = format.scale[std::size_t(j)], shift = format.shift[std::size_t(j)];
        const double mean = c.mean.data<double>()[k * d + j],
                     variance = c.covariance.data<double>()[(k * d + j) * d + j];
        if (points) {
          out.push_back(means ? scaled(point_row("mean", element, mean), scale, shift)
                              : scaled(point_row("sd", element, std::sqrt(variance)), scale));
          continue;
        }
        const bool wishart = covariance_ == Covariance::full || covariance_ == Covariance::tied;
        const double worth = wishart ? dof + double(d) - 1 : dof,
                     b = -2 * natural("components", 2)[wishart ? k : k * d + j],
                     rate = variance * worth / 2;
        out.push_back(
            means ? scaled(student_row("mean", element, mean, std::sqrt(rate / (dof / 2) / b), dof),
                           scale, shift)
                  : scaled(root_inverse_gamma_row("sd", element, dof / 2, rate), scale));
      }
    }
  return out;
}

}  // namespace fathom
