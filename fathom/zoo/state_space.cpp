#include "fathom/zoo/state_space.h"

namespace fathom {

StructuralMotion structural_motion(const StructuralSeriesConfig& c) {
  if (c.period != 0 && c.period < 2)
    raise<ConfigError>("a period of {} rows: at least 2", c.period);
  StructuralMotion m;
  m.states = m.drives = {"level"};
  if (c.slope) {
    m.states.emplace_back("slope");
    m.drives.emplace_back("slope");
  }
  const std::int64_t season = std::int64_t(m.states.size());
  if (c.period > 0) m.drives.emplace_back("season");
  for (std::int64_t j = 1; j < c.period; ++j)
    m.states.push_back(j == 1 ? "season" : fmt::format("season {} before", j - 1));
  const std::int64_t n = std::int64_t(m.states.size()), r = std::int64_t(m.drives.size());
  m.motion = Array(DType::f64, Shape{n, n});
  m.reach = Array(DType::f64, Shape{n, r});
  m.seen = Array(DType::f64, Shape{n});
  double *a = m.motion.data<double>(), *e = m.reach.data<double>(), *see = m.seen.data<double>();
  a[0] = e[0] = see[0] = 1;
  if (c.slope) a[1] = a[n + 1] = e[r + 1] = 1;
  for (std::int64_t j = season; j < n; ++j) {
    a[season * n + j] = -1;
    if (j > season) a[j * n + j - 1] = 1;
  }
  if (c.period > 0) e[season * r + r - 1] = see[season] = 1;
  return m;
}

StructuralSeries::StructuralSeries(const StructuralSeriesConfig& c) {
  const StructuralMotion s = structural_motion(c);
  Model& m = model;
  step = m.plate("step");
  begins = m.data("begins", step, {}, DType::f64);
  y = m.data("y", step, {}, DType::f64);
  if (c.missing) m.missing(y);
  drives = m.latent("drives", gamma(c.shape, c.rate), Shape{s.reach.shape().extent(1)});
  noise = m.latent("noise", gamma(c.shape, c.rate));
  state = m.latent("state",
                   driven_chain(m.constant(s.motion), m.constant(s.reach), drives, 0.0, begins),
                   step, Shape{s.seen.size()});
  m.observe("y", normal_precision(inner(state, m.constant(s.seen)), noise), y);
}

LinearDynamics::LinearDynamics(const LinearDynamicsConfig& c) {
  if (c.latent < 1) raise<ConfigError>("{} latent elements: at least one", c.latent);
  Model& m = model;
  step = m.plate("step");
  element = m.plate("element", c.latent);
  column = m.plate("column", c.width);
  begins = m.data("begins", step, {}, DType::f64);
  x = m.data("x", {step, column}, {}, DType::f64);
  if (c.missing) m.missing(x);
  move = m.latent("move", mvnormal(0.0, c.move), element, Shape{c.latent});
  loadings = m.latent("loadings", mvnormal(0.0, c.loading), column, Shape{c.latent});
  mean = m.latent("mean", normal_precision(0.0, c.mean), column);
  noise = m.latent("noise", gamma(c.shape, c.rate), column);
  state = m.latent("state", linked_chain(0.0, 1.0, move, 1.0, begins), step, Shape{c.latent});
  m.observe("x", normal_precision(inner(loadings, state) + mean, noise), x);
}

}  // namespace fathom
