#include "fathom/climb/coordinate.h"

#include <cstring>

#include "fathom/autodiff/gradient.h"

namespace fathom {

CoordinateClimb::CoordinateClimb(const Model& model, const DataSet& data, State& state)
    : graph_(std::make_unique<Graph>(op_table())) {
  check_data(model, data);
  Graph& g = *graph_;
  LowerOptions lower;
  lower.capacity = data.rows;
  lower.factors = true;
  Lowering lowering(model, g, lower);
  Value expected, bound;  // F = E log p, and the bound: F plus the entropies
  const auto add = [](Value& total, Value v) { total = total ? total + v : v; };
  for (const Term& t : lowering.terms()) {
    const Value v = sum(t.value);
    add(bound, v);
    if (t.kind != Term::entropy) add(expected, v);
    if (t.how == Estimate::sampled)
      raise<ConfigError>("[coordinate] term \"{}\" is not affine in its latents ({})", t.name,
                         t.note);
  }
  const auto make = [&](std::vector<Value> outputs, std::vector<Update> updates) {
    auto p = std::make_unique<Program>(g, outputs, updates, state);
    for (const auto& [name, array] : data.columns) p->bind("data." + name, array);
    return p;
  };
  for (const LatentInfo& z : model.latents()) {
    const Distribution q = lowering.guide(z);
    const std::vector<Value> slots = lowering.natural_slots(z);
    const std::vector<Value> leaves = q.family->leaves(face(q));
    const Values natural = q.family->natural_from_gradient(leaves, gradient(expected, leaves));
    std::vector<Update> updates;
    for (std::size_t k = 0; k < slots.size(); ++k) updates.push_back({slots[k], natural[k]});
    updates_.push_back(make({}, updates));
    means_.push_back(make({face(q).mean}, {}));
    // The start: the prior.
    const Distribution prior = lowering.prior(z);
    std::vector<Value> start;
    for (const Value& v : prior.family->natural(prior.parameters))
      start.push_back(broadcast_to(v, model.info(z.expr).event));
    std::vector<Update> reset;
    for (std::size_t k = 0; k < slots.size(); ++k) reset.push_back({slots[k], start[k]});
    Workers one(1);
    make({}, reset)->run(one);
  }
  elbo_ = make({bound}, {});
}

void CoordinateClimb::update(std::size_t latent, Workers& workers) {
  updates_[latent]->run(workers);
}

double CoordinateClimb::elbo(Workers& workers) {
  elbo_->run(workers);
  return elbo_->scalar(0);
}

double CoordinateClimb::sweep(Workers& workers) {
  for (auto& u : updates_) u->run(workers);
  return elbo(workers);
}

double CoordinateClimb::mean(std::size_t latent, Workers& workers) {
  means_[latent]->run(workers);
  return means_[latent]->scalar(0);
}

}  // namespace fathom
