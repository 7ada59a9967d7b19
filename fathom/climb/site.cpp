#include "fathom/climb/site.h"

#include <fmt/format.h>

#include <cmath>

#include "fathom/autodiff/gradient.h"

namespace fathom {

std::vector<Value> Factor::asked(Value bound) const {
  return family->natural_from_gradient(leaves, gradient(bound, leaves));
}

SiteStep::SiteStep(Graph& graph, const std::vector<Factor>& factors, Value affine, Value sites,
                   Value bound, const MakeProgram& make)
    : rho_name_("rho." + factors.front().name), rho_(Array::scalar(1.0).cast(bound.dtype())) {
  const Value rho = graph.data(rho_name_, bound.dtype(), Shape{});
  std::vector<Update> proposed, split, whole;
  for (const Factor& f : factors) {
    const std::vector<Value> given = affine ? f.asked(affine) : std::vector<Value>(),
                             wanted = f.asked(sites);
    for (std::size_t k = 0; k < f.slots.size(); ++k) {
      const Value natural = f.slots[k];
      const auto slot = [&](const char* role) {
        return graph.slot(fmt::format("{}.{}.{}", f.name, role, k), natural.dtype(),
                          natural.shape());
      };
      const Value site = slot("site"), other = slot("site.other"), target = slot("site.target"),
                  old_site = slot("site.old"), old = slot("natural.old");
      const auto all = [&](Value v) { return broadcast_to(v, natural.shape()); };
      proposed.push_back({other, given.empty() ? all(like(natural, 0.0)) : all(given[k])});
      proposed.push_back({target, all(wanted[k])});
      proposed.push_back({old_site, site});
      proposed.push_back({old, natural});
      const Value moved = old_site + (target - old_site) * rho;
      split.push_back({site, moved});
      split.push_back({natural, other + moved});
      whole.push_back({site, moved});
      whole.push_back({natural, old + (other + target - old) * rho});
    }
  }
  propose_ = make({bound}, proposed);
  split_ = make({}, split);
  whole_ = make({}, whole);
  bound_ = make({bound}, {});
}

double SiteStep::try_step(LazyProgram& step, double rho, Workers& workers) {
  if (rho_.dtype() == DType::f32) {
    *rho_.data<float>() = float(rho);
  } else {
    *rho_.data<double>() = rho;
  }
  step.get().bind(rho_name_, rho_);
  step.run(workers);
  bound_.run(workers);
  return bound_.scalar(0);
}

double SiteStep::run(Workers& workers) {
  propose_.run(workers);
  const double before = propose_.scalar(0);
  const double slack = std::isfinite(before) ? 1e-12 * std::abs(before) : 0;
  const auto rises = [&](LazyProgram& step, double rho) {
    const double now = try_step(step, rho, workers);
    return std::isfinite(now) && (!std::isfinite(before) || now >= before - slack);
  };
  for (double rho = 1; rho > 1e-3; rho /= 2)
    if (rises(split_, rho)) return rho;
  // The affine part alone may ask for too much while the sites lag behind: less of the whole step.
  for (double rho = 0.5; rho > 1e-9; rho /= 2)
    if (rises(whole_, rho)) return rho;
  try_step(whole_, 0, workers);
  return 0;
}

}  // namespace fathom
