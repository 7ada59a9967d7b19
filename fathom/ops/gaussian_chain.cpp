#include "fathom/ops/gaussian_chain.h"

#include <algorithm>
#include <array>
#include <vector>

#include "fathom/kernels/gaussian_chain.h"
#include "fathom/ops/all_ops.h"

namespace fathom {

namespace {

// Whether `t` is [events], or the same with the rows' axis in front.
bool each_or_all(const TypeOf& t, const Axis& row, const Shape& events) {
  return t.shape == events || t.shape == events.with_front(row);
}

[[noreturn]] void refuse(const OpDoc& doc, std::string_view wants, const ShapeCall& c) {
  std::string got;
  for (const TypeOf& t : c.in) got += (got.empty() ? "" : ", ") + t.shape.text();
  raise<ShapeError>("[{}] wants {}, of one real type; got {}", doc.name, wants, got);
}

bool one_type(const ShapeCall& c) {
  return is_real(c.in[0].dtype) && std::all_of(c.in.begin(), c.in.end(), [&](const TypeOf& t) {
           return t.dtype == c.in[0].dtype;
         });
}

// Inputs with an axis for rows, among the first `count`, and the marks.
int with_rows(const ShapeCall& c, int marks) {
  const Axis row = c.in[std::size_t(marks)].shape[0];
  int bits = 0;
  for (int k = 0; k <= marks; ++k) {
    const Shape& s = c.in[std::size_t(k)].shape;
    if (s.rank() > 0 && s[0] == row && row.label != kNoLabel) bits |= 1 << k;
  }
  return bits;
}

// What the kernels, which compute in f64, read and write of a call.
class InDoubles {
 public:
  explicit InDoubles(const KernelCall& call) : call_(call) {
    if (single()) {
      in_.resize(call.in.size());
      out_.resize(call.out.size());
    }
  }
  bool single() const { return call_.in[0].dtype == DType::f32; }
  const double* in(std::size_t k) {
    const View& v = call_.in[k];
    if (!single()) return v.data<double>();
    in_[k].assign(v.data<float>(), v.data<float>() + v.size());
    return in_[k].data();
  }
  double* out(std::size_t k) {
    const View& v = call_.out[k];
    if (!v.raw || !single()) return v.raw ? v.data<double>() : nullptr;
    out_[k].resize(std::size_t(v.size()));
    return out_[k].data();
  }
  kernels::EachRow<double> each(std::size_t k, int events) {
    const View& v = call_.in[k];
    return {in(k), v.rank > events ? v.size(v.rank - events, v.rank) : 0};
  }
  void finish() const {
    if (!single()) return;
    for (std::size_t k = 0; k < out_.size(); ++k)
      if (call_.out[k].raw)
        std::transform(out_[k].begin(), out_[k].end(), call_.out[k].data<float>(),
                       [](double v) { return float(v); });
  }

 private:
  const KernelCall& call_;
  std::vector<std::vector<double>> in_, out_;
};

}  // namespace

void LinkedChainNorm::shape(ShapeCall& c) {
  const Shape &h = c.in[0].shape, &begins = c.in[5].shape;
  bool fits = h.rank() >= 1 && begins.rank() == 1 && one_type(c);
  const Axis row = fits ? begins[0] : Axis{};
  const Shape one = fits ? Shape{h.extent(h.rank() - 1)} : Shape{},
              two = fits ? one.with_back(one.extent(0)) : Shape{};
  for (const std::size_t k : {0u, 2u}) fits = fits && each_or_all(c.in[k], row, one);
  for (const std::size_t k : {1u, 3u, 4u}) fits = fits && each_or_all(c.in[k], row, two);
  if (!fits) refuse(doc, "[n], [n, n], [n], [n, n], [n, n], with rows or without, and [row]", c);
  const DType t = c.in[0].dtype;
  c.out[0] = {begins, t};
  c.out[1] = c.out[3] = {one.with_front(row), t};
  c.out[2] = c.out[4] = c.out[5] = {two.with_front(row), t};
}

int LinkedChainNorm::aligned(const ShapeCall& c) { return with_rows(c, marks); }

void LinkedChainNorm::forward(const KernelCall& call) {
  InDoubles d(call);
  kernels::LinkedGaussians c;
  c.rows = call.in[5].extent[0];
  c.size = call.in[0].extent[call.in[0].rank - 1];
  c.linear = d.each(0, 1);
  c.half = d.each(1, 2);
  c.linear_before = d.each(2, 1);
  c.half_before = d.each(3, 2);
  c.link = d.each(4, 2);
  c.begins = d.in(5);
  c.log_norm = d.out(0);
  c.mean = d.out(1);
  c.covariance = d.out(2);
  c.mean_before = d.out(3);
  c.covariance_before = d.out(4);
  c.cross = d.out(5);
  kernels::linked_gaussians(c);
  d.finish();
}

void DrivenChainNorm::shape(ShapeCall& c) {
  const Shape &h = c.in[0].shape, &g = c.in[2].shape, &begins = c.in[6].shape;
  bool fits = h.rank() >= 1 && g.rank() >= 1 && begins.rank() == 1 && one_type(c);
  const Axis row = fits ? begins[0] : Axis{};
  const Shape x = fits ? Shape{h.extent(h.rank() - 1)} : Shape{},
              e = fits ? Shape{g.extent(g.rank() - 1)} : Shape{};
  const Shape xx = fits ? x.with_back(x.extent(0)) : Shape{},
              ee = fits ? e.with_back(e.extent(0)) : Shape{};
  fits = fits && e.extent(0) <= x.extent(0) && each_or_all(c.in[0], row, x) &&
         each_or_all(c.in[1], row, xx) && each_or_all(c.in[2], row, e) &&
         each_or_all(c.in[3], row, ee) && c.in[4].shape == xx &&
         c.in[5].shape == x.with_back(e.extent(0));
  if (!fits)
    refuse(doc,
           "[n], [n, n], [r], [r, r], with rows or without, [n, n], [n, r] for r <= n and [row]",
           c);
  const DType t = c.in[0].dtype;
  c.out[0] = {begins, t};
  c.out[1] = {x.with_front(row), t};
  c.out[2] = {xx.with_front(row), t};
  c.out[3] = {e.with_front(row), t};
  c.out[4] = {ee.with_front(row), t};
}

int DrivenChainNorm::aligned(const ShapeCall& c) { return with_rows(c, marks); }

template <class T>
static void driven_forward(const KernelCall& call) {
  const auto in = [&](std::size_t k) { return call.in[k].data<T>(); };
  const auto each = [&](std::size_t k, int events) {
    const View& v = call.in[k];
    return kernels::EachRow<T>{in(k), v.rank > events ? v.size(v.rank - events, v.rank) : 0};
  };
  const auto out = [&](std::size_t k) { return call.out[k].raw ? call.out[k].data<T>() : nullptr; };
  kernels::DrivenGaussians<T> c;
  c.rows = call.in[6].extent[0];
  c.size = call.in[0].extent[call.in[0].rank - 1];
  c.drives = call.in[2].extent[call.in[2].rank - 1];
  c.linear = each(0, 1);
  c.half = each(1, 2);
  c.linear_drive = each(2, 1);
  c.half_drive = each(3, 2);
  c.motion = in(4);
  c.reach = in(5);
  c.begins = in(6);
  c.log_norm = out(0);
  c.mean = out(1);
  c.covariance = out(2);
  c.drive = out(3);
  c.drive_covariance = out(4);
  kernels::driven_gaussians(c);
}

void DrivenChainNorm::forward(const KernelCall& call) {
  if (call.in[0].dtype == DType::f32) return driven_forward<float>(call);
  driven_forward<double>(call);
}

LinkedParts linked_parts(std::span<const Value> n, Value begins) {
  Graph& g = begins.graph();
  const Value y = apply<LinkedChainNorm>({n[0], n[1], n[2], n[3], n[4], begins});
  const auto out = [&](int k) { return g.output(y.id(), k); };
  return {out(0), out(1), out(2), out(3), out(4), out(5)};
}

DrivenParts driven_parts(std::span<const Value> n, Value motion, Value reach, Value begins) {
  Graph& g = begins.graph();
  const Value y = apply<DrivenChainNorm>({n[0], n[1], n[2], n[3], motion, reach, begins});
  const auto out = [&](int k) { return g.output(y.id(), k); };
  return {out(0), out(1), out(2), out(3), out(4)};
}

Value weighted_statistic(Value dy, Value statistic, const Shape& input) {
  return sum_to(broadcast_to(dy, statistic.shape()) * statistic, input);
}

}  // namespace fathom
