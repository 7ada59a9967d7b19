#include "fathom/ops/network.h"

#include "fathom/ops/all_ops.h"

namespace fathom {

void NetworkNorm::shape(ShapeCall& c) {
  const Shape &cells = c.in[0].shape, &potentials = c.in[1].shape, &tables = c.in[2].shape;
  bool fits = cells.rank() > cells.labelled() && tables.rank() == 1 && tables.labelled() == 0 &&
              c.in[3].shape.rank() == 1 && c.in[3].shape.labelled() == 0 && is_real(c.in[0].dtype);
  for (const TypeOf& t : c.in) fits = fits && t.dtype == c.in[0].dtype;
  fits = fits && (potentials == cells || potentials == Shape{cells.extent(cells.rank() - 1)});
  if (!fits)
    raise<ShapeError>(
        "[network_norm] wants cells [..., states], potentials of these or of [states], tables and "
        "a "
        "structure without rows, got {}, {}, {} and {}",
        cells.text(), potentials.text(), tables.text(), c.in[3].shape.text());
  const Shape lead = cells.without(cells.rank() - 1);
  c.out[0] = {lead, c.in[0].dtype};
  c.out[1] = c.in[0];
  c.out[2] = {lead.with_back(tables.extent(0)), c.in[0].dtype};
}

NetworkOutputs network_norm(Value cells, Value potentials, Value tables, Value structure) {
  const Shape s = broadcast_shapes("network_norm", cells.shape(), potentials.shape());
  const bool shared = potentials.shape().rank() == 1;
  const Value made =
      apply<NetworkNorm>({broadcast_to(cells, s), shared ? potentials : broadcast_to(potentials, s),
                          tables, structure});
  Graph& g = cells.graph();
  return {g.output(made.id(), 0), g.output(made.id(), 1), g.output(made.id(), 2)};
}

}  // namespace fathom
