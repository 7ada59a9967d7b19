#include "fathom/ops/symmetric.h"

#include <cmath>

#include "fathom/ops/all_ops.h"
#include "fathom/ops/wide.h"

namespace fathom {

namespace {

constexpr std::int64_t packed(std::int64_t n) { return n * (n + 1) / 2; }

// n with n (n + 1) / 2 = size, or -1.
std::int64_t side(std::int64_t size) {
  const auto n = std::int64_t(std::sqrt(2.0 * double(size)));
  return packed(n) == size ? n : -1;
}

const Shape& with_events(std::string_view op, const TypeOf& t, int axes) {
  if (t.shape.rank() - t.shape.labelled() < axes || !is_real(t.dtype))
    raise<ShapeError>("[{}] wants reals with {} axes of their own, got {} {}", op, axes,
                      name_of(t.dtype), t.shape.text());
  return t.shape;
}

template <class F>
void as_reals(DType t, F&& f) {
  if (t == DType::f32) return f(float{});
  f(double{});
}

}  // namespace

void Vech::shape(ShapeCall& c) {
  const Shape& s = with_events("vech", c.in[0], 2);
  const std::int64_t n = s.extent(s.rank() - 1);
  if (s.extent(s.rank() - 2) != n) raise<ShapeError>("[vech] {} is not square", s.text());
  c.out[0] = {s.without(s.rank() - 1).without(s.rank() - 2).with_back(packed(n)), c.in[0].dtype};
}

void Vech::forward(const KernelCall& c) {
  as_reals(c.out[0].dtype, [&](auto t) {
    using T = decltype(t);
    const View& a = c.in[0];
    const std::int64_t n = a.extent[a.rank - 1], count = a.size(0, a.rank - 2);
    for (std::int64_t m = 0; m < count; ++m) {
      const T* p = a.data<T>() + m * n * n;
      T* q = c.out[0].data<T>() + m * packed(n);
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = i; j < n; ++j)
          *q++ = i == j ? p[i * n + j] : p[i * n + j] + p[j * n + i];
    }
  });
}

void Unvech::shape(ShapeCall& c) {
  const Shape& s = with_events("unvech", c.in[0], 1);
  const std::int64_t n = side(s.extent(s.rank() - 1));
  if (n < 0) raise<ShapeError>("[unvech] {} holds no triangle", s.text());
  c.out[0] = {s.without(s.rank() - 1).with_back(n).with_back(n), c.in[0].dtype};
}

void Unvech::forward(const KernelCall& c) {
  as_reals(c.out[0].dtype, [&](auto t) {
    using T = decltype(t);
    const View& a = c.out[0];
    const std::int64_t n = a.extent[a.rank - 1], count = a.size(0, a.rank - 2);
    for (std::int64_t m = 0; m < count; ++m) {
      const T* p = c.in[0].data<T>() + m * packed(n);
      T* q = a.data<T>() + m * n * n;
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = i; j < n; ++j) q[i * n + j] = q[j * n + i] = *p++;
    }
  });
}

void QuadraticFeatures::shape(ShapeCall& c) {
  const Shape& s = with_events("quadratic_features", c.in[0], 1);
  const std::int64_t d = s.extent(s.rank() - 1);
  c.out[0] = {s.without(s.rank() - 1).with_back(1 + d + packed(d)), c.in[0].dtype};
}

void QuadraticFeatures::forward(const KernelCall& c) {
  as_reals(c.out[0].dtype, [&](auto t) {
    using T = decltype(t);
    const View& x = c.in[0];
    const std::int64_t d = x.extent[x.rank - 1], rows = x.size(0, x.rank - 1);
    T* q = c.out[0].data<T>();
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* p = x.data<T>() + r * d;
      *q++ = T(1);
      for (std::int64_t i = 0; i < d; ++i) *q++ = p[i];
      for (std::int64_t i = 0; i < d; ++i)
        for (std::int64_t j = i; j < d; ++j) *q++ = p[i] * p[j];
    }
  });
}

void QuadraticFeatures::planned(const KernelCall& c) {
  const View& x = c.in[0];
  const std::int64_t d = x.extent[x.rank - 1], rows = x.size(0, x.rank - 1);
  if (x.dtype == DType::f32) {
    wide_table().features_f32(rows, d, x.data<float>(), c.out[0].data<float>());
  } else {
    wide_table().features_f64(rows, d, x.data<double>(), c.out[0].data<double>());
  }
}

Value vech(Value a) { return apply<Vech>({a}); }
Value unvech(Value v) { return apply<Unvech>({v}); }
Value quadratic_features(Value x) { return apply<QuadraticFeatures>({x}); }

}  // namespace fathom
