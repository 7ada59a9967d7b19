#include "fathom/ops/reduce.h"

#include "fathom/ops/wide.h"

namespace fathom {

namespace detail {

void reduce_shape(std::string_view name, ShapeCall& c) {
  const auto [first, count] = c.attrs.as<ReduceAttrs>();
  const Shape& s = c.in[0].shape;
  if (!is_real(c.in[0].dtype))
    raise<ShapeError>("[{}] wants reals, got {}", name, name_of(c.in[0].dtype));
  if (first < 0 || count < 1 || first + count > s.rank())
    raise<ShapeError>("[{}] axes {}..{} are not among those of {}", name, first, first + count,
                      s.text());
  Shape out = s;
  for (std::int64_t i = 0; i < count; ++i) out = out.without(int(first));
  c.out[0] = {out, c.in[0].dtype};
}

}  // namespace detail

void LogSumExp::shape(ShapeCall& c) {
  const auto axis = c.attrs.as<Attrs>().axis;
  const Shape& s = c.in[0].shape;
  if (axis < 0 || axis >= s.rank() || !is_real(c.in[0].dtype))
    raise<ShapeError>("[logsumexp] axis {} of {} {}", axis, name_of(c.in[0].dtype), s.text());
  c.out[0] = {s.without(int(axis)), c.in[0].dtype};
  if (c.out.size() > 1) c.out[1] = c.in[0];
}

void Argmax::shape(ShapeCall& c) {
  const Shape& s = c.in[0].shape;
  if (s.rank() == 0 || s.extent(s.rank() - 1) == 0)
    raise<ShapeError>("[argmax] {} has no last axis to search", s.text());
  c.out[0] = {s.without(s.rank() - 1), DType::i64};
}

Value sum(Value x, int first, int count) {
  if (count == 0) return x;
  // The sum over axes that a broadcast made is a product.
  return apply<Sum>({x}, AttrBlob::of(ReduceAttrs{first, count}));
}

Value sum(Value x) { return sum(x, 0, x.shape().rank()); }

Value sum(Value x, Label label) {
  const int axis = x.shape().find(label);
  if (axis < 0) raise<ShapeError>("[sum] {} lacks the labelled axis", x.shape().text());
  return sum(x, axis, 1);
}

Value sum_events(Value x) {
  const int l = x.shape().labelled();
  return sum(x, l, x.shape().rank() - l);
}

Value sum_last(Value x, int count) { return sum(x, x.shape().rank() - count, count); }

Value sum_to(Value x, const Shape& shape) {
  // Axes of x that `shape` lacks are summed away; those that are 1 there are summed and put back.
  bool keep[Shape::kMaxRank] = {};
  for (int i = 0; i < shape.rank(); ++i) {
    const int j = broadcast_axis(shape, x.shape(), i);
    keep[j] = shape.extent(i) == x.shape().extent(j);
  }
  Value y = x;
  for (int last = x.shape().rank(); last > 0;) {  // runs of axes to sum, from the right
    if (keep[last - 1]) {
      --last;
      continue;
    }
    int first = last - 1;
    while (first > 0 && !keep[first - 1]) --first;
    y = sum(y, first, last - first);
    last = first;
  }
  return reshape(y, shape);
}

Value mean(Value x, int first, int count) {
  for (int i = first; i < first + count; ++i)
    if (const Label l = x.shape()[i].label; l != kNoLabel && x.graph().label_info(l).streamed)
      raise<ShapeError>(
          "[mean] the rows of \"{}\" are counted when running: take the sum and divide by that",
          x.graph().label_info(l).name);
  const auto n = double(x.shape().size(first, first + count));
  return sum(x, first, count) * (1.0 / n);
}

Value mean(Value x) { return mean(x, 0, x.shape().rank()); }

Value reduce_max(Value x, int first, int count) {
  return apply<ReduceMax>({x}, AttrBlob::of(ReduceAttrs{first, count}));
}

namespace {

Value logsumexp_output(Value x, int axis, int k) {
  const Value both = apply<LogSumExp>({x}, AttrBlob::of(LogSumExp::Attrs{axis}));
  return x.graph().output(both.id(), k);
}

}  // namespace

void LogSumExp::planned(const KernelCall& c) {
  const View &x = c.in[0], &y = c.out[0], &p = c.out[1];
  if (c.attrs.as<Attrs>().axis != x.rank - 1 || x.size() == 0) return forward(c);
  const std::int64_t k = x.extent[x.rank - 1], rows = x.size(0, x.rank - 1);
  if (x.dtype == DType::f64) {
    wide_table().logsumexp_f64(rows, k, x.data<double>(), y.data<double>(), p.data<double>());
  } else {
    wide_table().logsumexp_f32(rows, k, x.data<float>(), y.data<float>(), p.data<float>());
  }
}

Value logsumexp(Value x, int axis) { return logsumexp_output(x, axis, 0); }
Value softmax(Value x, int axis) { return logsumexp_output(x, axis, 1); }
Value argmax(Value x) { return apply<Argmax>({x}); }

Value repeat_axes(Value x, const Shape& shape, ReduceAttrs reduced) {
  // Labelled axes find their place by label; unlabelled ones are put back with extent 1.
  std::array<Axis, Shape::kMaxRank> axes{};
  int n = 0, next = 0;
  for (int i = 0; i < shape.rank(); ++i) {
    const bool gone = i >= reduced.first && i < reduced.first + reduced.count;
    if (gone && shape[i].label != kNoLabel) continue;
    axes[std::size_t(n++)] = gone ? Axis{1, kNoLabel} : x.shape()[next++];
  }
  const Shape ones(std::span<const Axis>(axes.data(), std::size_t(n)));
  return broadcast_to(reshape(x, ones), shape);
}

}  // namespace fathom
