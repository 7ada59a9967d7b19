#include "fathom/ops/layout.h"

#include <algorithm>

#include "fathom/ops/polygamma.h"
#include "fathom/ops/shape_peak.h"
#include "fathom/ops/tilt.h"
#include "fathom/ops/transcendental.h"

namespace fathom {

namespace {

Shape with_extent(const Shape& s, int axis, std::int64_t extent) {
  std::array<Axis, Shape::kMaxRank> axes{};
  std::copy(s.axes().begin(), s.axes().end(), axes.begin());
  axes[std::size_t(axis)].extent = extent;
  return Shape(std::span<const Axis>(axes.data(), std::size_t(s.rank())));
}

void check_axis(std::string_view op, const Shape& s, std::int64_t axis) {
  if (axis < 0 || axis >= s.rank())
    raise<ShapeError>("[{}] axis {} is not among those of {}", op, axis, s.text());
}

// A view of the part [first, first + count) of one axis.
View part_of(View v, std::int64_t axis, std::int64_t first, std::int64_t count) {
  v.raw += first * v.stride[axis] * std::int64_t(size_of(v.dtype));
  v.extent[axis] = count;
  return v;
}

}  // namespace

void Broadcast::forward(const KernelCall& c) {
  const std::int64_t packed = c.attrs.words[0];
  int axis[Shape::kMaxRank];
  for (int i = 0; i < Shape::kMaxRank; ++i) axis[i] = int((packed >> (4 * i)) & 15);
  kernels::broadcast(c.in[0], axis, c.out[0]);
}

void Transpose::shape(ShapeCall& c) {
  const Attrs a = c.attrs.as<Attrs>();
  const Shape& s = c.in[0].shape;
  std::array<Axis, Shape::kMaxRank> axes{};
  for (int i = 0; i < s.rank(); ++i) axes[std::size_t(i)] = s[int(a.from[i])];
  c.out[0] = {Shape(std::span<const Axis>(axes.data(), std::size_t(s.rank()))), c.in[0].dtype};
}

void Transpose::forward(const KernelCall& c) {
  const Attrs a = c.attrs.as<Attrs>();
  kernels::transpose(c.in[0], a.from, c.out[0]);
}

void Slice::shape(ShapeCall& c) {
  const Attrs a = c.attrs.as<Attrs>();
  const Shape& s = c.in[0].shape;
  check_axis("slice", s, a.axis);
  if (a.first < 0 || a.count < 0 || a.first + a.count > s.extent(int(a.axis)))
    raise<ShapeError>("[slice] range {}..{} is outside axis {} of {}", a.first, a.first + a.count,
                      a.axis, s.text());
  c.out[0] = {with_extent(s, int(a.axis), a.count), c.in[0].dtype};
}

void Slice::forward(const KernelCall& c) {
  const Attrs a = c.attrs.as<Attrs>();
  kernels::copy(part_of(c.in[0], a.axis, a.first, a.count), c.out[0]);
}

void Embed::shape(ShapeCall& c) {
  const Attrs a = c.attrs.as<Attrs>();
  const Shape& s = c.in[0].shape;
  check_axis("embed", s, a.axis);
  if (a.first < 0 || a.first + s.extent(int(a.axis)) > a.extent)
    raise<ShapeError>("[embed] {} does not fit at {} of {}", s.text(), a.first, a.extent);
  c.out[0] = {with_extent(s, int(a.axis), a.extent), c.in[0].dtype};
}

void Embed::forward(const KernelCall& c) {
  const Attrs a = c.attrs.as<Attrs>();
  kernels::zero(c.out[0]);
  kernels::copy(c.in[0], part_of(c.out[0], a.axis, a.first, c.in[0].extent[a.axis]));
}

void Concat::shape(ShapeCall& c) {
  const auto axis = c.attrs.as<Attrs>().axis;
  const Shape& s = c.in[0].shape;
  check_axis("concat", s, axis);
  std::int64_t extent = 0;
  for (const TypeOf& t : c.in) {
    if (t.dtype != c.in[0].dtype ||
        with_extent(t.shape, int(std::min<std::int64_t>(axis, t.shape.rank() - 1)), 0) !=
            with_extent(s, int(axis), 0))
      raise<ShapeError>("[concat] {} and {} differ beside axis {}", s.text(), t.shape.text(), axis);
    extent += t.shape.extent(int(axis));
  }
  c.out[0] = {with_extent(s, int(axis), extent), c.in[0].dtype};
}

void Concat::forward(const KernelCall& c) {
  const auto axis = c.attrs.as<Attrs>().axis;
  std::int64_t first = 0;
  for (const View& v : c.in) {
    kernels::copy(v, part_of(c.out[0], axis, first, v.extent[axis]));
    first += v.extent[axis];
  }
}

Value reshape(Value x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (x.graph().op(x.id()).doc.name == "reshape") x = x.graph().value(x.graph().inputs(x.id())[0]);
  if (x.shape() == shape) return x;
  const TypeOf told{shape, x.dtype()};
  return apply<Reshape>({x}, {}, &told);
}

Value stop_gradient(Value x, std::int64_t name) {
  return apply<StopGradient>({x}, AttrBlob::of(StopGradient::Attrs{name}));
}
Value keep(Value x, std::int64_t name) { return apply<Keep>({x}, AttrBlob::of(Keep::Attrs{name})); }

Value transpose(Value x, std::span<const int> from) {
  if (int(from.size()) != x.shape().rank())
    raise<ShapeError>("[transpose] {} axes named for {}", from.size(), x.shape().text());
  Transpose::Attrs a{};
  bool same = true;
  unsigned seen = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] < 0 || from[i] >= x.shape().rank() || (seen >> from[i] & 1u))
      raise<ShapeError>("[transpose] axes of {} must each be named once", x.shape().text());
    seen |= 1u << from[i];
    a.from[i] = std::int8_t(from[i]);
    same = same && from[i] == int(i);
  }
  return same ? x : apply<Transpose>({x}, AttrBlob::of(a));
}

Value transpose(Value x) {
  const int r = x.shape().rank();
  if (r - x.shape().labelled() < 2)
    raise<ShapeError>("[transpose] {} has no two unlabelled axes", x.shape().text());
  int from[Shape::kMaxRank];
  for (int i = 0; i < r; ++i) from[i] = i;
  std::swap(from[r - 1], from[r - 2]);
  return transpose(x, std::span<const int>(from, std::size_t(r)));
}

Value transpose_back(Value x, Transpose::Attrs forward) {
  int from[Shape::kMaxRank];
  for (int i = 0; i < x.shape().rank(); ++i) from[forward.from[i]] = i;
  return transpose(x, std::span<const int>(from, std::size_t(x.shape().rank())));
}

Value slice(Value x, int axis, std::int64_t first, std::int64_t count) {
  if (axis >= 0 && axis < x.shape().rank() && first == 0 && count == x.shape().extent(axis))
    return x;
  return apply<Slice>({x}, AttrBlob::of(Slice::Attrs{axis, first, count}));
}

Value embed(Value x, int axis, std::int64_t first, std::int64_t extent) {
  if (axis >= 0 && axis < x.shape().rank() && extent == x.shape().extent(axis)) return x;
  return apply<Embed>({x}, AttrBlob::of(Embed::Attrs{axis, first, extent}));
}

Value concat(std::span<const Value> parts, int axis) {
  if (parts.empty()) raise<ShapeError>("[concat] nothing to join");
  if (parts.size() == 1) return parts[0];
  constexpr std::size_t kMost = 16;  // that one instruction takes
  if (parts.size() > kMost) {
    std::vector<Value> joined;
    for (std::size_t i = 0; i < parts.size(); i += kMost)
      joined.push_back(concat(parts.subspan(i, std::min(kMost, parts.size() - i)), axis));
    return concat(joined, axis);
  }
  return parts[0].graph().apply(op_id<Concat>(), parts, AttrBlob::of(Concat::Attrs{axis}));
}

Value cast(Value x, DType dtype) {
  if (x.dtype() == dtype) return x;
  const TypeOf told{x.shape(), dtype};
  return apply<Cast>({x}, {}, &told);
}

Value polygamma(int n, Value x) {
  if (n == 0) return digamma(x);
  if (n == 1) return trigamma(x);
  return apply<Polygamma>({x}, AttrBlob::of(Polygamma::Attrs{n}));
}

Value shape_peak(Value numbers) { return stop_gradient(apply<ShapePeak>({numbers})); }

Value tilt(Value mean, Value variance) { return stop_gradient(binary<Tilt>(mean, variance)); }

}  // namespace fathom
