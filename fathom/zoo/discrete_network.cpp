#include "fathom/zoo/discrete_network.h"

#include <algorithm>

namespace fathom {

namespace {

// Tables one after another, row by row.
Expr side_by_side(Model& m, const std::vector<Expr>& tables, std::int64_t cells) {
  const auto flat = [](auto&& of) {
    return [of](const auto& all) {
      std::vector<Value> parts;
      for (const auto& x : all) {
        const Value v = of(x);
        parts.push_back(reshape(v, Shape{v.shape().size()}));
      }
      return parts.size() == 1 ? parts[0] : concat(parts, 0);
    };
  };
  const auto values = flat([](const Value& v) { return v; });
  const auto means = flat([](const Face& f) { return f.mean; });
  const auto logs = flat([](const Face& f) { return f.expected_log(); });
  return m.function(
      "tables", tables, Shape{cells}, [values](std::span<const Value> v) { return values(v); },
      [means, logs](std::span<const Face> f) { return Face::positive(means(f), logs(f)); });
}

}  // namespace

double DiscreteNetworkConfig::pseudo_count(std::size_t v) const {
  if (sample <= 0) return cell;
  return sample / double(structure.configurations(v) * structure.states[v]);
}

DiscreteNetworkModel::DiscreteNetworkModel(const DiscreteNetworkConfig& c) {
  const kernels::NetworkStructure& s = c.structure;
  kernels::NetworkStructure ordered = s;
  const double largest = order_elimination(ordered);
  if (!s.mean_field && largest > kernels::kMostCliqueStates)
    raise<ConfigError>(
        "the largest clique has {:.3g} states, and exact inference takes up to {:.0e}: fewer "
        "parents or states, or --inference meanfield",
        largest, kernels::kMostCliqueStates);
  row = model.plate("row");
  for (std::size_t v = 0; v < s.size(); ++v) {
    const Shape shape{s.configurations(v), s.states[v]};
    Array prior(DType::f64, shape);
    std::fill_n(prior.data<double>(), prior.size(), c.pseudo_count(v));
    tables.push_back(model.latent("table." + c.names[v], dirichlet(model.constant(prior)), shape));
  }
  const std::vector<double> numbers = ordered.numbers();
  const Expr structure =
      model.constant(Array::of<double>(Shape{std::int64_t(numbers.size())}, numbers));
  states = model.latent("states",
                        discrete_network(side_by_side(model, tables, s.total_cells()), structure),
                        row, Shape{s.total_states()});
  model.observe("cells", categorical_of(states),
                model.data("cells", row, Shape{s.total_states()}, DType::u8));
}

}  // namespace fathom
