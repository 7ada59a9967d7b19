#include "fathom/zoo/factor_analysis.h"

namespace fathom {

FactorAnalysis::FactorAnalysis(std::int64_t width, std::int64_t latent,
                               const FactorAnalysisConfig& config, DType stored) {
  if (latent < 1 || latent >= width)
    raise<ConfigError>("{} latent elements for {} columns: at least one, and fewer than columns",
                       latent, width);
  row = model.plate("row");
  const Plate column = model.plate("column", width);
  x = model.data("x", {row, column}, {}, stored);
  if (config.missing) model.missing(x);
  if (config.relevance) {
    relevance = model.latent("relevance", gamma(config.shape, config.rate), Shape{latent});
    loadings = model.latent("loadings", mvnormal_diagonal(0.0, relevance), column, Shape{latent});
  } else {
    loadings = model.latent("loadings", mvnormal(0.0, config.loading), column, Shape{latent});
  }
  mean = model.latent("mean", normal_precision(0.0, config.mean), column);
  noise = config.noise_per_column ? model.latent("noise", gamma(config.shape, config.rate), column)
                                  : model.latent("noise", gamma(config.shape, config.rate));
  z = model.latent("z", mvnormal(0.0, 1.0), row, Shape{latent});
  model.observe("x", normal_precision(inner(loadings, z) + mean, noise), x);
}

}  // namespace fathom
