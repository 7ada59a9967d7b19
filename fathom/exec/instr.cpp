#include "fathom/exec/instr.h"

#include <cstring>

#include "fathom/kernels/reduce.h"
#include "fathom/ops/wide.h"

namespace fathom {

View view_at(const OperandView& o, const Frame& f) {
  View v;
  v.dtype = o.dtype;
  v.rank = std::int8_t(o.rank);
  v.raw = o.at.base < 0 ? nullptr : resolve(o.at, f) + f.lane * o.lane_bytes;
  for (int i = 0; i < o.rank; ++i) {
    const Extent& e = o.extent[std::size_t(i)];
    v.extent[i] = e.kind == Extent::fixed  ? e.value
                  : e.kind == Extent::tile ? f.rows
                                           : f.plate_rows;
    v.stride[i] = o.stride[std::size_t(i)];
  }
  return v;
}

namespace {

// Single reals fill a pack, so that elementwise programs read them as they are.
void fill_scalar(const View& v) {
  if (!v.raw) return;
  if (v.dtype == DType::f32) std::fill_n(v.data<float>() + 1, 15, *v.data<float>());
  if (v.dtype == DType::f64) std::fill_n(v.data<double>() + 1, 7, *v.data<double>());
}

}  // namespace

void KernelInstr::run(const Frame& f) const {
  View x[16], y[kMaxOutputs];
  std::vector<View> many;
  View* inputs = x;
  if (in.size() > 16) {
    many.resize(in.size());
    inputs = many.data();
  }
  for (std::size_t i = 0; i < in.size(); ++i) inputs[i] = view_at(in[i], f);
  for (std::size_t i = 0; i < out.size(); ++i) y[i] = view_at(out[i], f);
  (op->planned ? op->planned : op->forward)({{inputs, in.size()}, {y, out.size()}, attrs});
  if (!fills) return;
  for (std::size_t i = 0; i < out.size(); ++i)
    if (y[i].size() == 1) fill_scalar(y[i]);
}

void PartialInstr::run(const Frame& f) const {
  View y = view_at(out, f);
  y.raw += f.lane * lane_bytes;
  const View a = view_at(in[0], f);
  if (kind == sum && first == 0 && a.size(count, a.rank) >= 8) {  // row by row onto the lane
    const std::int64_t rows = a.size(0, count), width = a.size(count, a.rank);
    const std::size_t step = std::size_t(width) * size_of(a.dtype);
    for (std::int64_t r = 0; r < rows; ++r)
      add(width, y.raw, y.raw, a.raw + std::size_t(r) * step, y.raw, 3);
    return;
  }
  if (kind == sum) return kernels::add_sum(a, first, count, y);
  kernels::matmul(a, view_at(in[1], f), y, spec, true);
}

namespace {

template <class T>
void join(std::byte* lanes, std::int64_t used, std::int64_t step, std::int64_t count,
          std::byte* out) {
  const auto at = [&](std::int64_t lane) { return reinterpret_cast<T*>(lanes + lane * step); };
  for (std::int64_t gap = 1; gap < used; gap *= 2)
    for (std::int64_t l = 0; l + gap < used; l += 2 * gap)
      for (std::int64_t i = 0; i < count; ++i) at(l)[i] += at(l + gap)[i];
  std::memcpy(out, lanes, std::size_t(count) * sizeof(T));
}

}  // namespace

void JoinLanes::run(const Frame& f) const {
  const std::int64_t used = lanes_used(streamed ? f.plate_rows : extent, tile, lanes);
  std::byte* from = f.bases[kArena] + offset;
  std::byte* to = resolve(out, f);
  if (dtype == DType::f32) {
    join<float>(from, used, lane_bytes, count, to);
  } else {
    join<double>(from, used, lane_bytes, count, to);
  }
  if (count == 1) fill_scalar(dense_view(to, dtype, {}));
}

void TransposeInstr::run(const Frame& f) const {
  const auto typed = [&]<class T>(T) {
    const auto* a = reinterpret_cast<const T*>(resolve(from, f));
    auto* b = reinterpret_cast<T*>(resolve(to, f));
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) b[j * rows + i] = a[i * columns + j];
  };
  if (dtype == DType::f32) return typed(float{});
  typed(double{});
}

void CopyInstr::run(const Frame& f) const {
  std::memcpy(resolve(to, f), resolve(from, f), std::size_t(bytes));
}

}  // namespace fathom
