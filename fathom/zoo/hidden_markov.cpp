#include "fathom/zoo/hidden_markov.h"

#include <algorithm>

namespace fathom {

namespace {

// Concentrations where states are allowed, 0 elsewhere. Throws ConfigError on a row of zeros.
Array concentrations(const Array& allowed, const Shape& shape, double each, double sticky) {
  const std::int64_t k = shape.extent(shape.rank() - 1), rows = shape.size() / k;
  if (allowed.size() > 0 && allowed.shape() != shape)
    raise<ConfigError>("{} of what is allowed for {}", allowed.shape().text(), shape.text());
  Array out(DType::f64, shape);
  for (std::int64_t i = 0; i < rows; ++i) {
    double total = 0;
    for (std::int64_t j = 0; j < k; ++j) {
      const bool may = allowed.size() == 0 || allowed.data<double>()[i * k + j] != 0;
      total += out.data<double>()[i * k + j] = may ? each + (i == j ? sticky : 0) : 0;
    }
    if (total > 0) continue;
    if (rows == 1) raise<ConfigError>("no state may be the first");
    raise<ConfigError>("from state {} there is no way: its transitions are all forbidden", i + 1);
  }
  return out;
}

}  // namespace

Array left_to_right(std::int64_t states) {
  Array a(DType::f64, Shape{states, states});
  for (std::int64_t i = 0; i < states; ++i)
    for (std::int64_t j = i; j < std::min(states, i + 2); ++j) a.data<double>()[i * states + j] = 1;
  return a;
}

Array first_state(std::int64_t states) {
  Array a(DType::f64, Shape{states});
  a.data<double>()[0] = 1;
  return a;
}

HiddenMarkov::HiddenMarkov(const HiddenMarkovConfig& c) {
  const std::int64_t k = c.states;
  if (k < 1) raise<ConfigError>("states {}: at least 1", k);
  Model& m = model;
  step = m.plate("step");
  state = m.plate("state", k);
  begins = m.data("begins", step, {}, DType::f64);
  start = m.latent("start", dirichlet(m.constant(concentrations(c.first, Shape{k}, c.start, 0))),
                   Shape{k});
  const Array moves = concentrations(c.allowed, Shape{k, k}, c.move, c.sticky);
  move = m.latent("move", dirichlet(spread(m.constant(moves), state)), state, Shape{k});
  Expr first = start, next = stacked(move, state);
  if (c.first.size() > 0) first = only(first, c.first);
  if (c.allowed.size() > 0) next = only(next, c.allowed);
  const auto chained = [&] { return m.latent("path", chain(first, next, begins), step, Shape{k}); };
  if (c.gaussian) {
    const Expr x = m.data("x", step, Shape{c.gaussian->mean.size()}, DType::f64);
    if (c.missing) m.missing(x);
    const Expr components = gaussian_components(m, state, *c.gaussian, c.covariance);
    path = chained();
    m.observe("x", mvnormal_of(gate(path, components)), x);
  } else {
    const ColumnParameters columns(m, state, c.columns);
    path = chained();
    columns.observe(m, step, path, c.columns);
  }
}

}  // namespace fathom
