#include "fathom/ops/chain.h"

#include "fathom/ops/all_ops.h"

namespace fathom {

void ChainNorm::shape(ShapeCall& c) {
  const Shape &a = c.in[0].shape, &b = c.in[1].shape;
  const bool fits = a.rank() == 2 && b.rank() == 2 && b.extent(0) == b.extent(1) &&
                    b.extent(0) == a.extent(1) && b.labelled() == 0;
  bool rows = fits;
  for (const std::size_t k : {2u, 3u})
    rows = rows && c.in[k].shape.rank() == 1 && c.in[k].shape[0] == a[0];
  rows = rows && c.in[4].shape == a.events();
  for (const TypeOf& t : c.in) rows = rows && t.dtype == c.in[0].dtype && is_real(t.dtype);
  if (!rows)
    raise<ShapeError>(
        "[chain_norm] wants [row, k], [k, k], [row], [row] and [k], got {}, {}, {}, {}, {}",
        a.text(), b.text(), c.in[2].shape.text(), c.in[3].shape.text(), c.in[4].shape.text());
  const DType t = c.in[0].dtype;
  c.out[0] = {a.without(1), t};
  c.out[1] = c.out[3] = c.out[4] = {a, t};
  c.out[2] = {b.with_front({kGroups, kNoLabel}), t};
  c.out[5] = {c.in[4].shape.with_front({kGroups, kNoLabel}), t};
}

namespace {

template <class T>
void run_chain(const KernelCall& call) {
  const auto in = [&](std::size_t k) { return call.in[k].data<T>(); };
  const auto out = [&](std::size_t k) -> T* {
    return call.out[k].raw ? call.out[k].data<T>() : nullptr;
  };
  kernels::Chain<T> c;
  c.rows = call.in[0].extent[0];
  c.states = call.in[0].extent[1];
  c.potentials = in(0);
  c.links = in(1);
  c.begins = in(2);
  c.weight = in(3);
  c.start = in(4);
  c.log_norm = out(0);
  c.marginals = out(1);
  c.counts = out(2);
  c.before = out(3);
  c.after = out(4);
  c.firsts = out(5);
  if (call.attrs.as<ChainNorm::Attrs>().best) {
    kernels::best_path(c);
  } else {
    kernels::chain(c);
  }
  const std::int64_t size = c.states * c.states;
  if (c.counts) std::fill_n(c.counts + size, (call.out[2].extent[0] - 1) * size, T(0));
  if (c.firsts) std::fill_n(c.firsts + c.states, (call.out[5].extent[0] - 1) * c.states, T(0));
}

}  // namespace

void ChainNorm::forward(const KernelCall& c) {
  if (c.in[0].dtype == DType::f32) return run_chain<float>(c);
  run_chain<double>(c);
}

ChainParts chain_parts(Value potentials, Value links, Value begins, Value weight, Value start,
                       bool best) {
  Graph& g = potentials.graph();
  if (start.shape().labelled() > 0) {
    potentials = potentials + where_begins(start, begins);
    start = broadcast_to(like(start, 0.0), potentials.shape().events());
  }
  const Value y = apply<ChainNorm>({potentials, links, begins, weight, start},
                                   AttrBlob::of(ChainNorm::Attrs{best ? 1 : 0}));
  const auto out = [&](int k) { return g.output(y.id(), k); };
  return {out(0), out(1), sum(out(2), 0, 1), out(3), out(4), sum(out(5), 0, 1)};
}

Value where_begins(Value rows, Value begins) {
  const Value marked = 1.0 - equal(begins, like(begins, 0.0));
  return rows * repeat_axes(marked, rows.shape(), {rows.shape().rank() - 1, 1});
}

ChainParts chain_parts(Value potentials, Value links, Value begins, Value start, bool best) {
  // As the adjoint of a sum over rows makes it: both are then one node.
  const Value once = repeat_axes(like(begins, 1.0), begins.shape(), {0, 1});
  return chain_parts(potentials, links, begins, once, start, best);
}

}  // namespace fathom
