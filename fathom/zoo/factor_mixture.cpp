#include "fathom/zoo/factor_mixture.h"

namespace fathom {

FactorMixture::FactorMixture(std::int64_t count, std::int64_t width, std::int64_t latent,
                             const FactorMixtureConfig& c, DType stored) {
  if (count < 1) raise<ConfigError>("components {}: at least 1", count);
  if (latent < 1 || latent >= width)
    raise<ConfigError>("{} latent elements for {} columns: at least one, and fewer than columns",
                       latent, width);
  row = model.plate("row");
  component = model.plate("component", count);
  const Plate column = model.plate("column", width);
  x = model.data("x", {row, column}, {}, stored);
  if (c.missing) model.missing(x);
  weights = model.latent(
      "weights", c.process ? stick_breaking(1.0, c.concentration) : dirichlet(c.concentration),
      Shape{count});
  loadings = model.latent("loadings", mvnormal(0.0, c.loading), {component, column}, Shape{latent});
  mean = model.latent("mean", normal_precision(0.0, c.mean), {component, column});
  noise = model.latent("noise", gamma(c.shape, c.rate), column);
  which = model.latent("which", categorical_of(weights), row, Shape{count});
  z = model.latent("z", mvnormal(0.0, 1.0), row, Shape{latent});
  model.observe("x", normal_precision(inner(gate(which, loadings), z) + gate(which, mean), noise),
                x);
}

}  // namespace fathom
