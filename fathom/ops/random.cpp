#include "fathom/ops/random.h"

#include "fathom/ops/transcendental.h"

namespace fathom {

namespace detail {

void draw_shape(ShapeCall& c) {
  const TypeOf& out = c.out[0];
  if (c.in.empty() || c.in[0].dtype != DType::key || c.in.size() > 2 || !is_real(out.dtype))
    raise<ShapeError>("[draw] wants a key, row ids if any, and a real dtype");
  if (c.in.size() == 2) {
    const Shape& ids = c.in[1].shape;
    if (c.in[1].dtype != DType::i64 || ids.rank() != 1 || out.shape.rank() == 0 ||
        ids[0] != out.shape[0])
      raise<ShapeError>("[draw] row ids {} {} do not lie on the first axis of {}",
                        name_of(c.in[1].dtype), ids.text(), out.shape.text());
  }
}

DrawGrid draw_grid(const KernelCall& c) {
  const View& out = c.out[0];
  DrawGrid g{*c.in[0].data<Key>(), nullptr, 1, out.size()};
  if (out.rank > 1 || c.in.size() == 2) {
    g.rows = out.extent[0];
    g.columns = out.size(1, out.rank);
  }
  if (c.in.size() == 2) g.ids = c.in[1].data<std::int64_t>();
  return g;
}

}  // namespace detail

namespace {

template <class Op>
Value draw(Value key, DType dtype, const Shape& shape, Value rows) {
  const TypeOf told{shape, dtype};
  if (rows) return apply<Op>({key, rows}, {}, &told);
  return apply<Op>({key}, {}, &told);
}

}  // namespace

void Uniform::forward(const KernelCall& c) {
  const auto g = detail::draw_grid(c);
  if (c.out[0].dtype == DType::f32) {
    kernels::fill_uniform(g.key, g.ids, 0, g.rows, g.columns, c.out[0].data<float>());
  } else {
    kernels::fill_uniform(g.key, g.ids, 0, g.rows, g.columns, c.out[0].data<double>());
  }
}

void StandardNormal::forward(const KernelCall& c) {
  const auto g = detail::draw_grid(c);
  if (c.out[0].dtype == DType::f32) {
    kernels::fill_normal(g.key, g.ids, 0, g.rows, g.columns, c.out[0].data<float>());
  } else {
    kernels::fill_normal(g.key, g.ids, 0, g.rows, g.columns, c.out[0].data<double>());
  }
}

Value uniform(Value key, DType dtype, const Shape& shape, Value rows) {
  return draw<Uniform>(key, dtype, shape, rows);
}

Value standard_normal(Value key, DType dtype, const Shape& shape, Value rows) {
  return draw<StandardNormal>(key, dtype, shape, rows);
}

Value bernoulli(Value key, Value p, Value rows) {
  return less(uniform(key, p.dtype(), p.shape(), rows), p);
}

Value fold_key(Value key, std::int64_t n) {
  return apply<FoldKey>({key}, AttrBlob::of(FoldKey::Attrs{n}));
}

}  // namespace fathom
