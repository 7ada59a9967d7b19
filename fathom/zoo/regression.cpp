#include "fathom/zoo/regression.h"

namespace fathom {

Regression::Regression(std::int64_t width, const RegressionConfig& config) {
  if (width < 2) raise<ConfigError>("a regression on no column");
  row = model.plate("row");
  x = model.data("x", row, Shape{width}, DType::f64);
  y = model.data("y", row, {}, DType::f64);
  if (config.missing) model.missing(y);
  const Expr wide = model.constant(Array::of<double>(Shape{1}, std::vector{config.intercept}));
  const Conditional precision = gamma(config.shape, config.rate);
  relevance = config.weights > 0 ? model.constant(config.weights)
              : config.relevance ? model.latent("relevance", precision, Shape{width - 1})
                                 : model.latent("relevance", precision);
  const Expr all = relevance.event().rank() > 0 ? relevance : repeat(relevance, width - 1);
  weights = model.latent("weights", mvnormal_diagonal(0.0, concat(wide, all)), Shape{width});
  const Expr f = inner(x, weights);
  switch (config.link) {
    case Link::linear:
      noise = config.noise > 0 ? model.constant(config.noise) : model.latent("noise", precision);
      model.observe("y", normal_precision(f, noise), y);
      break;
    case Link::logistic: model.observe("y", bernoulli(f), y); break;
    case Link::poisson: model.observe("y", poisson_log(f), y); break;
  }
}

}  // namespace fathom
