#include "fathom/kernels/layout.h"

#include <algorithm>
#include <cstring>

namespace fathom::kernels {

namespace {

// Calls row(in pointer, out pointer) for every run along the last axis.
template <class F>
void each_run(const View& in, const View& out, F&& row) {
  const int r = out.rank;
  const std::size_t bi = size_of(in.dtype), bo = size_of(out.dtype);
  if (out.size() == 0) return;
  if (r == 0) return row(in.raw, out.raw);
  std::int64_t at[Shape::kMaxRank] = {};
  const std::byte* p = in.raw;
  std::byte* q = out.raw;
  for (;;) {
    row(p, q);
    int axis = r - 2;
    for (; axis >= 0; --axis) {
      p += in.stride[axis] * std::int64_t(bi);
      q += out.stride[axis] * std::int64_t(bo);
      if (++at[axis] < out.extent[axis]) break;
      p -= in.stride[axis] * out.extent[axis] * std::int64_t(bi);
      q -= out.stride[axis] * out.extent[axis] * std::int64_t(bo);
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}

template <class T>
void copy_strided(const View& in, const View& out) {
  const int r = out.rank;
  const std::int64_t n = r ? out.extent[r - 1] : 1;
  const std::int64_t si = r ? in.stride[r - 1] : 1, so = r ? out.stride[r - 1] : 1;
  if (r == 2 && n <= 16) {  // short rows: a call for each would cost more than the copy
    const T* a = in.data<T>();
    T* b = out.data<T>();
    for (std::int64_t i = 0; i < out.extent[0]; ++i, a += in.stride[0], b += out.stride[0])
      for (std::int64_t j = 0; j < n; ++j) b[j * so] = a[j * si];
    return;
  }
  each_run(in, out, [&](const std::byte* p, std::byte* q) {
    const T* a = reinterpret_cast<const T*>(p);
    T* b = reinterpret_cast<T*>(q);
    if (si == 1 && so == 1) {
      std::memcpy(b, a, std::size_t(n) * sizeof(T));
    } else if (si == 0 && so == 1) {
      std::fill_n(b, n, *a);
    } else {
      for (std::int64_t i = 0; i < n; ++i) b[i * so] = a[i * si];
    }
  });
}

template <class F>
void with_number(DType t, F&& f) {
  switch (t) {
    case DType::f32: return f(float{});
    case DType::f64: return f(double{});
    case DType::u8: return f(std::uint8_t{});
    case DType::i32: return f(std::int32_t{});
    case DType::i64: return f(std::int64_t{});
    case DType::boolean: return f(bool{});
    case DType::key: return;
  }
}

std::int64_t index_at(const View& index, std::int64_t i) { return index.data<std::int64_t>()[i]; }

}  // namespace

void copy(const View& in, const View& out) {
  View from = in;
  from.rank = out.rank;
  if (in.rank != out.rank || !std::equal(in.extent, in.extent + in.rank, out.extent)) {
    // the same elements under another shape: both dense
    std::memcpy(out.raw, in.raw, std::size_t(out.size()) * size_of(out.dtype));
    return;
  }
  switch (size_of(out.dtype)) {
    case 1: return copy_strided<std::uint8_t>(from, out);
    case 4: return copy_strided<std::uint32_t>(from, out);
    case 8: return copy_strided<std::uint64_t>(from, out);
    default: return copy_strided<Key>(from, out);
  }
}

void transpose(const View& in, const std::int8_t* from, const View& out) {
  View v = in;
  for (int i = 0; i < out.rank; ++i) {
    v.extent[i] = in.extent[int(from[i])];
    v.stride[i] = in.stride[int(from[i])];
  }
  copy(v, out);
}

void broadcast(const View& in, const int* axis, const View& out) {
  View v = out;
  v.raw = in.raw;
  std::fill_n(v.stride, Shape::kMaxRank, 0);
  for (int i = 0; i < in.rank; ++i)
    if (in.extent[i] != 1) v.stride[axis[i]] = in.stride[i];
  copy(v, out);
}

void cast(const View& in, const View& out) {
  with_number(in.dtype, [&](auto a) {
    with_number(out.dtype, [&](auto b) {
      using A = decltype(a);
      using B = decltype(b);
      const int r = out.rank;
      const std::int64_t n = r ? out.extent[r - 1] : 1;
      const std::int64_t si = r ? in.stride[r - 1] : 1, so = r ? out.stride[r - 1] : 1;
      each_run(in, out, [&](const std::byte* p, std::byte* q) {
        const A* x = reinterpret_cast<const A*>(p);
        B* y = reinterpret_cast<B*>(q);
        for (std::int64_t i = 0; i < n; ++i) y[i * so] = static_cast<B>(x[i * si]);
      });
    });
  });
}

void zero(const View& out) {
  std::memset(out.raw, 0, std::size_t(out.size()) * size_of(out.dtype));
}

void gather(const View& table, const View& index, const View& out) {
  const std::int64_t n = index.size();
  const std::size_t row = std::size_t(table.size(1, table.rank)) * size_of(table.dtype);
  for (std::int64_t i = 0; i < n; ++i)
    std::memcpy(out.raw + std::size_t(i) * row, table.raw + std::size_t(index_at(index, i)) * row,
                row);
}

void scatter_add(const View& rows, const View& index, const View& out) {
  zero(out);
  const std::int64_t n = index.size(), width = out.size(1, out.rank);
  with_number(out.dtype, [&](auto t) {
    using T = decltype(t);
    if constexpr (std::is_floating_point_v<T>) {
      for (std::int64_t i = 0; i < n; ++i) {
        T* q = out.data<T>() + index_at(index, i) * width;
        const T* p = rows.data<T>() + i * width;
        for (std::int64_t j = 0; j < width; ++j) q[j] += p[j];
      }
    }
  });
}

void pick(const View& x, const View& index, const View& out) {
  const std::int64_t n = index.size(), k = x.extent[x.rank - 1];
  with_number(out.dtype, [&](auto t) {
    using T = decltype(t);
    for (std::int64_t i = 0; i < n; ++i) out.data<T>()[i] = x.data<T>()[i * k + index_at(index, i)];
  });
}

void place(const View& x, const View& index, const View& out) {
  zero(out);
  const std::int64_t n = index.size(), k = out.extent[out.rank - 1];
  with_number(out.dtype, [&](auto t) {
    using T = decltype(t);
    for (std::int64_t i = 0; i < n; ++i) out.data<T>()[i * k + index_at(index, i)] = x.data<T>()[i];
  });
}

}  // namespace fathom::kernels
