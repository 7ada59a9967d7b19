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
  lower.factors = lower.collapse = true;
  Lowering lowering(model, g, lower);
  Value expected, bound;  // F, latents of rows integrated out; and with the entropies, the bound
  const auto add = [](Value& total, Value v) { total = total ? total + v : v; };
  std::vector<Value> values;
  for (const Term& t : lowering.terms()) {
    const Value v = sum(t.value);
    names_.push_back(t.name);
    values.push_back(v);
    if (t.how == Estimate::sampled)
      raise<ConfigError>("[coordinate] term \"{}\" is not affine in its latents ({})", t.name,
                         t.note);
    if (t.local) continue;
    add(bound, v);
    if (t.kind != Term::Kind::entropy) add(expected, v);
  }
  if (const Value e = lowering.evidence()) {
    add(bound, sum(e));
    add(expected, sum(e));
  }
  const auto make = [&](std::vector<Value> outputs, std::vector<Update> updates) {
    auto p = std::make_unique<Program>(g, outputs, updates, state);
    for (const auto& [name, array] : data.columns) p->bind("data." + name, array);
    return p;
  };
  for (const LatentInfo& z : model.latents()) {
    const Distribution q = lowering.guide(z);
    means_.push_back(make({face(q).mean}, {}));
    if (model.streamed(model.info(z.expr))) {
      updates_.push_back(nullptr);
      continue;
    }
    const std::vector<Value> slots = lowering.natural_slots(z);
    const std::vector<Value> leaves = q.family->leaves(lowering.moments(z));
    const Values natural = q.family->natural_from_gradient(leaves, gradient(expected, leaves));
    std::vector<Update> updates;
    for (std::size_t k = 0; k < slots.size(); ++k) updates.push_back({slots[k], natural[k]});
    updates_.push_back(make({}, updates));
    // The start: the prior.
    const Distribution prior = lowering.prior(z);
    std::vector<Value> start;
    const Values natural_prior = prior.family->natural(prior.parameters);
    for (std::size_t k = 0; k < slots.size(); ++k)
      start.push_back(broadcast_to(natural_prior[k], slots[k].shape()));
    std::vector<Update> reset;
    for (std::size_t k = 0; k < slots.size(); ++k) reset.push_back({slots[k], start[k]});
    Workers one(1);
    make({}, reset)->run(one);
  }
  elbo_ = make({bound}, {});
  values_ = make(values, {});
}

void CoordinateClimb::update(std::size_t latent, Workers& workers) {
  if (updates_[latent]) updates_[latent]->run(workers);
}

double CoordinateClimb::elbo(Workers& workers) {
  elbo_->run(workers);
  return elbo_->scalar(0);
}

double CoordinateClimb::sweep(Workers& workers) {
  for (std::size_t z = 0; z < updates_.size(); ++z) update(z, workers);
  return elbo(workers);
}

Array CoordinateClimb::mean(std::size_t latent, Workers& workers) {
  means_[latent]->run(workers);
  return means_[latent]->output_array(0);
}

std::vector<std::pair<std::string, double>> CoordinateClimb::terms(Workers& workers) {
  values_->run(workers);
  std::vector<std::pair<std::string, double>> out;
  for (std::size_t i = 0; i < names_.size(); ++i)
    out.emplace_back(names_[i], values_->scalar(int(i)));
  return out;
}

}  // namespace fathom
