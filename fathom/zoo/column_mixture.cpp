#include "fathom/zoo/column_mixture.h"

namespace fathom {

ColumnParameters::ColumnParameters(Model& m, Plate component, const ColumnMixtureConfig& c) {
  const bool reals = c.real.mean.size() > 0;
  if (!reals && c.bits == 0 && c.counts == 0 && c.levels.empty())
    raise<ConfigError>("a mixture of no column");
  if (reals)
    real =
        m.latent("real.parameters", c.real.diagonal_prior(m), component, Shape{c.real.mean.size()});
  if (c.bits > 0)
    probabilities = m.latent("bits.probability", beta(c.ones, c.zeros), component, Shape{c.bits});
  if (c.counts > 0)
    rates = m.latent("counts.rate",
                     gamma(c.shape, c.rates.size() > 0 ? Arg(m.constant(c.rates)) : Arg(c.rate)),
                     component, Shape{c.counts});
  for (std::size_t j = 0; j < c.levels.size(); ++j)
    tables.push_back(m.latent(fmt::format("level.{}.probability", j), dirichlet(c.level), component,
                              Shape{c.levels[j]}));
}

void ColumnParameters::observe(Model& m, Plate row, Expr which,
                               const ColumnMixtureConfig& c) const {
  const auto observed = [&](const std::string& name, std::int64_t width) {
    const Expr x = m.data(name, row, Shape{width}, DType::f64);
    if (c.missing) m.missing(x);
    return x;
  };
  if (real) m.observe("real", mvnormal_of(gate(which, real)), observed("real", c.real.mean.size()));
  if (c.bits > 0)
    m.observe("bits", bernoulli_of(gate(which, probabilities)), observed("bits", c.bits));
  if (c.counts > 0)
    m.observe("counts", poisson_of(gate(which, rates)), observed("counts", c.counts));
  for (std::size_t j = 0; j < c.levels.size(); ++j) {
    const std::string name = fmt::format("level.{}", j);
    m.observe(name, categorical_of(gate(which, tables[j])),
              m.data(name, row, Shape{c.levels[j]}, DType::f64));
  }
}

ColumnMixture::ColumnMixture(const ColumnMixtureConfig& c) {
  if (c.components < 1) raise<ConfigError>("components {}: at least 1", c.components);
  Model& m = model;
  row = m.plate("row");
  component = m.plate("component", c.components);
  weights = m.latent("weights",
                     c.process ? stick_breaking(1.0, c.concentration) : dirichlet(c.concentration),
                     Shape{c.components});
  parameters = ColumnParameters(m, component, c);
  which = m.latent("which", categorical_of(weights), row, Shape{c.components});
  parameters.observe(m, row, which, c);
}

}  // namespace fathom
