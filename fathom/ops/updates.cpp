#include "fathom/ops/updates.h"

#include "fathom/kernels/scalar.h"
#include "fathom/ops/all_ops.h"
#include "fathom/ops/wide.h"

namespace fathom {

void AdamStep::shape(ShapeCall& c) {
  const TypeOf& p = c.in[0];
  for (std::size_t i = 0; i < c.in.size(); ++i) {
    const Shape wanted = i < 4 ? p.shape : Shape{};
    if (c.in[i].shape != wanted || c.in[i].dtype != p.dtype || !is_real(p.dtype))
      raise<ShapeError>("[adam_step] input {} must be {} {}, not {} {}", i, name_of(p.dtype),
                        wanted.text(), name_of(c.in[i].dtype), c.in[i].shape.text());
  }
  for (TypeOf& out : c.out) out = p;
}

namespace {

template <class T>
void reference(const KernelCall& c) {
  using S = Scalar<T>;
  const auto in = [&](std::size_t k, std::int64_t i) { return S::of(c.in[k].data<T>()[i]); };
  for (std::int64_t i = 0, n = c.in[0].size(); i < n; ++i) {
    S p = in(0, i), m = in(1, i), v = in(2, i);
    AdamStep::step(p, m, v, in(3, i), in(4, 0), in(5, 0), in(6, 0), in(7, 0));
    const S made[] = {p, m, v};
    for (std::size_t k = 0; k < 3; ++k)
      if (c.out[k].raw) c.out[k].data<T>()[i] = made[k].v;
  }
}

template <class T>
void planned_as(const KernelCall& c, void (*run)(std::int64_t, const T* const*, T* const*)) {
  const T* in[AdamStep::arity];
  T* out[AdamStep::outputs];
  for (std::size_t k = 0; k < AdamStep::arity; ++k) in[k] = c.in[k].data<T>();
  for (std::size_t k = 0; k < AdamStep::outputs; ++k)
    out[k] = c.out[k].raw ? c.out[k].data<T>() : nullptr;
  run(c.in[0].size(), in, out);
}

}  // namespace

void AdamStep::forward(const KernelCall& c) {
  if (c.in[0].dtype == DType::f32) return reference<float>(c);
  reference<double>(c);
}

void AdamStep::planned(const KernelCall& c) {
  if (c.in[0].dtype == DType::f32) return planned_as<float>(c, wide_table().adam_f32);
  planned_as<double>(c, wide_table().adam_f64);
}

AdamUpdate adam_step(Value p, Value m, Value v, Value g, Value rate, Value epsilon, double beta1,
                     double beta2) {
  const Value made =
      apply<AdamStep>({p, m, v, g, rate, epsilon, like(p, 1 - beta1), like(p, 1 - beta2)});
  Graph& graph = p.graph();
  return {graph.output(made.id(), 0), graph.output(made.id(), 1), graph.output(made.id(), 2)};
}

}  // namespace fathom
