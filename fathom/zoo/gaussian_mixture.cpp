#include "fathom/zoo/gaussian_mixture.h"

#include <algorithm>

namespace fathom {

GaussianMixturePrior GaussianMixturePrior::of_rows(const Array& rows, double concentration) {
  const std::int64_t n = rows.shape().extent(0), d = rows.shape().extent(1);
  if (n < 2) raise<DataError>("{} row: a covariance needs two", n);
  GaussianMixturePrior p;
  p.concentration = concentration;
  p.mean = Array(DType::f64, Shape{d});
  p.inverse_scale = Array(DType::f64, Shape{d, d});
  p.dof = double(d);
  const Array wide = rows.cast(DType::f64);
  const double* x = wide.data<double>();
  double *m = p.mean.data<double>(), *s = p.inverse_scale.data<double>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j) m[j] += x[i * d + j] / double(n);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j)
      for (std::int64_t k = 0; k <= j; ++k)
        s[j * d + k] += (x[i * d + j] - m[j]) * (x[i * d + k] - m[k]) / double(n - 1);
  for (std::int64_t j = 0; j < d; ++j)
    for (std::int64_t k = j + 1; k < d; ++k) s[j * d + k] = s[k * d + j];
  return p;
}

Conditional GaussianMixturePrior::diagonal_prior(Model& m) const {
  const std::int64_t d = mean.size();
  Array rate(DType::f64, Shape{d});
  for (std::int64_t j = 0; j < d; ++j)
    rate.data<double>()[j] = inverse_scale.data<double>()[j * d + j] / 2;
  return normal_gamma(m.constant(mean), strength, dof / 2, m.constant(rate));
}

Conditional GaussianMixturePrior::spherical_prior(Model& m) const {
  const std::int64_t d = mean.size();
  double trace = 0;
  for (std::int64_t j = 0; j < d; ++j) trace += inverse_scale.data<double>()[j * d + j];
  return spherical_normal_gamma(m.constant(mean), strength, dof / 2, trace / (2 * double(d)));
}

Conditional GaussianMixturePrior::tied_prior(Model& m, std::int64_t count) const {
  const std::int64_t d = mean.size();
  Array means(DType::f64, Shape{count, d}), strengths(DType::f64, Shape{count});
  for (std::int64_t i = 0; i < count * d; ++i) means.data<double>()[i] = mean.data<double>()[i % d];
  std::fill_n(strengths.data<double>(), count, strength);
  return tied_normal_wishart(m.constant(means), m.constant(strengths), m.constant(inverse_scale),
                             dof);
}

Expr gaussian_components(Model& m, Plate component, const GaussianMixturePrior& prior,
                         Covariance covariance) {
  const std::int64_t width = prior.mean.size(),
                     count = m.plates()[std::size_t(component.index)].size;
  if ((covariance == Covariance::full || covariance == Covariance::tied) &&
      prior.dof <= double(width - 1))
    raise<ConfigError>("dof {}: more than {} for {} columns", prior.dof, width - 1, width);
  switch (covariance) {
    case Covariance::tied:
      return spread(m.latent("components", prior.tied_prior(m, count), Shape{count, width}),
                    component);
    case Covariance::diagonal:
      return m.latent("components", prior.diagonal_prior(m), component, Shape{width});
    case Covariance::spherical:
      return m.latent("components", prior.spherical_prior(m), component, Shape{width});
    default:
      return m.latent("components",
                      normal_wishart(m.constant(prior.mean), prior.strength,
                                     m.constant(prior.inverse_scale), prior.dof),
                      component, Shape{width});
  }
}

GaussianMixture::GaussianMixture(std::int64_t count, std::int64_t width,
                                 const GaussianMixturePrior& prior, Covariance covariance,
                                 DType stored)
    : model(DType::f64) {
  Model& m = model;
  if (count < 1) raise<ConfigError>("components {}: at least 1", count);
  row = m.plate("row");
  component = m.plate("component", count);
  x = m.data("x", row, Shape{width}, stored);
  weights = m.latent(
      "weights",
      prior.process ? stick_breaking(1.0, prior.concentration) : dirichlet(prior.concentration),
      Shape{count});
  components = gaussian_components(m, component, prior, covariance);
  which = m.latent("which", categorical_of(weights), row, Shape{count});
  m.observe("x", mvnormal_of(gate(which, components)), x);
}

}  // namespace fathom
