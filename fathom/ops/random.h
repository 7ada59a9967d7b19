// Draws by key: element j of row r is a function of (key, r, j) alone. The rows of a plate carry
// ids (their places in the data set), so that a draw belongs to its datum whatever the batch.
#pragma once

#include "fathom/kernels/rng.h"
#include "fathom/ops/linalg.h"

namespace fathom {

namespace detail {
void draw_shape(ShapeCall& c);
// Rows, columns and ids of a draw: ids from the second input, else 0, 1, 2, ...
struct DrawGrid {
  Key key;
  const std::int64_t* ids;
  std::int64_t rows, columns;
};
DrawGrid draw_grid(const KernelCall& c);
}  // namespace detail

struct Uniform {
  static constexpr OpDoc doc{.name = "uniform", .brief = "uniform on the open interval (0, 1)"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = -1;
  static void shape(ShapeCall& c) { detail::draw_shape(c); }
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall& c) { return c.in.size() > 1 ? 2 : -1; }
};

struct StandardNormal {
  static constexpr OpDoc doc{.name = "standard_normal", .brief = "normal with mean 0 and sd 1"};
  static constexpr OpKind kind = OpKind::rows;
  static constexpr int arity = -1;
  static void shape(ShapeCall& c) { detail::draw_shape(c); }
  static void forward(const KernelCall& c);
  static int aligned(const ShapeCall& c) { return c.in.size() > 1 ? 2 : -1; }
};

// Draws of `shape`; `rows` (i64, over the outermost axis of `shape`) gives the ids of its rows.
Value uniform(Value key, DType dtype, const Shape& shape, Value rows = {});
Value standard_normal(Value key, DType dtype, const Shape& shape, Value rows = {});
// 1 with probability p, else 0, in the dtype and shape of p.
Value bernoulli(Value key, Value p, Value rows = {});
// The key of purpose `n` under `key`.
Value fold_key(Value key, std::int64_t n);

struct FoldKey {
  struct Attrs {
    std::int64_t n;
  };
  static constexpr OpDoc doc{.name = "fold_key", .brief = "an independent key for one purpose"};
  static constexpr OpKind kind = OpKind::whole;
  static constexpr int arity = 1;
  static void shape(ShapeCall& c) {
    if (c.in[0].dtype != DType::key) raise<ShapeError>("[fold_key] wants a key");
    c.out[0] = c.in[0];
  }
  static void forward(const KernelCall& c) {
    *c.out[0].data<Key>() = fold(*c.in[0].data<Key>(), std::uint64_t(c.attrs.as<Attrs>().n));
  }
};

}  // namespace fathom
