#include "fathom/climb/optimiser.h"

#include <cmath>

namespace fathom {

namespace {

std::string name_of_slot(const Graph& g, Value v) {
  for (const InputInfo& i : g.graph_inputs())
    if (i.node == v.id()) return i.name;
  raise<ShapeError>("[optimiser] a parameter must be a slot");
}

}  // namespace

std::vector<Update> descent(Graph& g, std::span<const Value> parameters,
                            std::span<const Value> gradients, const Optimiser& o, double clip) {
  if (o.kind != "adam" && o.kind != "sgd")
    raise<ConfigError>("optimiser \"{}\" is not known: adam or sgd", o.kind);
  std::vector<Update> updates;
  if (parameters.empty()) return updates;
  const DType dtype = parameters[0].dtype();
  const Value rate = g.data("step.rate", dtype, {}), epsilon = g.data("step.epsilon", dtype, {});
  Value scale;
  if (clip > 0) {
    Value squares;
    for (const Value& d : gradients) {
      const Value s = sum(square(d));
      squares = squares ? squares + s : s;
    }
    scale = min(like(rate, 1.0), clip / sqrt(squares + like(rate, 1e-30)));
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Value p = parameters[i];
    const Value d = scale ? gradients[i] * scale : gradients[i];
    const std::string name = name_of_slot(g, p);
    const Value m = g.slot(name + ".m", dtype, p.shape());
    if (o.kind == "sgd") {
      const Value velocity = m * o.momentum + d;
      updates.push_back({m, velocity});
      updates.push_back({p, p - rate * velocity});
      continue;
    }
    const Value v = g.slot(name + ".v", dtype, p.shape());
    const AdamUpdate after = adam_step(p, m, v, d, rate, epsilon, o.beta1, o.beta2);
    updates.push_back({m, after.first});
    updates.push_back({v, after.second});
    updates.push_back({p, after.parameter});
  }
  return updates;
}

StepSizes step_sizes(const Optimiser& o, double rate, std::int64_t t) {
  if (o.kind == "sgd") return {rate, 0};
  const double c1 = 1 - std::pow(o.beta1, double(t)),
               c2 = std::sqrt(1 - std::pow(o.beta2, double(t)));
  return {rate * c2 / c1, o.epsilon * c2};
}

double Schedule::factor(double epoch, double epochs) const {
  if (kind != "constant" && kind != "cosine" && kind != "exponential")
    raise<ConfigError>("schedule \"{}\" is not known: constant, cosine or exponential", kind);
  double f = 1;
  const double done = epochs > warmup ? std::max(0.0, (epoch - warmup) / (epochs - warmup)) : 0;
  if (kind == "cosine") f = end + (1 - end) * 0.5 * (1 + std::cos(3.14159265358979323846 * done));
  if (kind == "exponential") f = std::pow(end, done);
  if (warmup > 0 && epoch < warmup) f *= (epoch + 1e-9) / warmup;
  return f;
}

}  // namespace fathom
