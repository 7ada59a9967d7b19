#include "tests/laws/random_graph.h"

#include <array>

namespace fathom::test {

namespace {

constexpr std::int64_t kMost = 60000;  // elements of a value

int events(const Value& v) { return v.shape().rank() - v.shape().labelled(); }

}  // namespace

RandomGraph::RandomGraph(std::uint64_t seed) : random_(seed * 7919 + 17) {
  constexpr std::array<std::int64_t, 8> capacities = {1, 2, 5, 17, 33, 64, 200, 700};
  capacity = capacities[std::size_t(dice(8))];
  main_ = coin(0.3) ? DType::f32 : DType::f64;
  single = main_ == DType::f32;
  row = graph.label("row", true);
  draw_ = graph.label("draw");
  make_leaves();
  const std::int64_t steps = 5 + dice(45);
  for (std::int64_t i = 0; i < steps; ++i) grow();
  finish();
}

std::int64_t RandomGraph::some_extent() {
  constexpr std::array<std::int64_t, 9> extents = {1, 2, 3, 4, 7, 16, 33, 64, 80};
  return extents[std::size_t(dice(9))];
}

void RandomGraph::put(Value v, double bound) {
  if (v.shape().size() > kMost || v.shape().rank() > 5) return;
  pool_.push_back({fit(v, bound, 3), std::min(bound, 3.0)});
}

Value RandomGraph::fit(Value v, double bound, double most) {
  if (bound <= most) return v;
  if (coin(0.3)) return tanh(v * (most / bound));
  return v * (most / bound);
}

// Recent values more often, so that chains grow deep.
Bounded RandomGraph::any() {
  const auto n = std::int64_t(pool_.size());
  const std::int64_t from = coin(0.6) ? std::max<std::int64_t>(0, n - 6) : 0;
  return pool_[std::size_t(integer_in(random_, from, n - 1))];
}

Bounded RandomGraph::any_like(DType dtype) {
  Bounded b = any();
  if (b.value.dtype() != dtype) b.value = cast(b.value, dtype);
  return b;
}

void RandomGraph::make_leaves() {
  const auto data = [&](const std::string& name, DType t, std::vector<Axis> axes) {
    const Value v = graph.data(name, t, shape_of(std::move(axes)));
    if (is_real(t)) {
      put(v, 2);
      exact_.push_back(v);
    }
    return v;
  };
  const Axis rows{capacity, row};
  const std::int64_t k = some_extent(), m = some_extent();
  data("x", main_, {rows, {k, kNoLabel}});
  data("y", main_, {rows});
  if (coin()) data("xdk", main_, {rows, {draws_, draw_}, {k, kNoLabel}});
  if (coin()) data("cube", main_, {rows, {3, kNoLabel}, {m, kNoLabel}});
  if (coin()) data("perdraw", main_, {{draws_, draw_}});
  if (coin()) data("column", main_, {rows, {1, kNoLabel}});
  data("rate", main_, {});
  const Value pixels = graph.data("pixels", DType::u8, shape_of({rows, {k, kNoLabel}}));
  if (coin()) put(cast(pixels, main_) * (1.0 / 128), 2);
  const Value other = graph.data("other", main_ == DType::f32 ? DType::f64 : DType::f32,
                                 shape_of({rows, {k, kNoLabel}}));
  if (coin(0.4)) {
    single = true;
    put(coin() ? other : cast(other, main_), 2);
  }
  ids_ = graph.data("ids", DType::i64, shape_of({rows}));
  index_ = graph.data("index", DType::i64, shape_of({rows}));
  small_index_ = graph.data("small", DType::i64, Shape{5});
  key_ = graph.key("key");
  const auto slot = [&](const std::string& name, const Shape& s) {
    slots_.push_back(graph.slot(name, main_, s));
    put(slots_.back(), 2);
  };
  slot("w", Shape{k, m});
  slot("b", Shape{m});
  slot("s", Shape{});
  slot("one", Shape{1});
  slot("t", Shape{table_rows_, k});
  if (coin(0.4)) slot("big", Shape{64, 80});
  if (coin(0.4)) slot("big2", Shape{64, 80});
  if (coin(0.2)) slot("huge", Shape{256, 80});
  if (coin(0.3)) slot("b2", Shape{m});
}

void RandomGraph::grow() {
  switch (dice(20)) {
    case 0:
    case 1:
    case 2:
    case 3: return unary_op();
    case 4:
    case 5:
    case 6:
    case 7:
    case 8: return binary_op();
    case 9: return ternary_op();
    case 10:
    case 11:
    case 12: return layout_op();
    case 13:
    case 14:
    case 15: return reduce_op();
    case 16: return index_op();
    case 17: return product_op();
    case 18: return matrix_op();
    default: return coin() ? draw_op() : product_op();
  }
}

void RandomGraph::unary_op() {
  const auto [x, b] = any();
  switch (dice(22)) {
    case 0: return put(exp(x), std::exp(b));
    case 1: return put(log(softplus(x) + 0.5), 2);
    case 2: return put(log1p(square(x)), 3);
    case 3: return put(expm1(x * 0.5), std::exp(b));
    case 4: return put(tanh(x), 1);
    case 5: return put(sigmoid(x), 1);
    case 6: return put(softplus(x), b + 1);
    case 7: return put(log_sigmoid(x), b + 1);
    case 8: return put(relu(x), b);
    case 9: return put(gelu(x), b);
    case 10: return put(logit(sigmoid(x) * 0.9 + 0.05), 4);
    case 11: return put(coin() ? erf(x) : erfc(x), 2);
    case 12: return put(log_erfc(x), b * b + 3);
    case 13: return put(lgamma(softplus(x) + 1.0), 4);
    case 14: return put(coin() ? digamma(softplus(x) + 1.0) : trigamma(softplus(x) + 1.0), 2);
    case 15: return put(normal_quantile(sigmoid(x) * 0.9 + 0.05), 2);
    case 16: return put(polygamma(2, softplus(x) + 1.0), 3);
    case 17: return put(sqrt(square(x) + 0.5), b + 1);
    case 18: return put(coin() ? -x : 1.0 - x, b + 1);
    case 19: return put(reciprocal(square(x) + 1.0), 1);
    case 20: return put(coin() ? stop_gradient(x) : keep(x), b);
    default: {
      const DType to = x.dtype() == DType::f32 ? DType::f64 : DType::f32;
      single = true;
      return put(cast(x, to), b);
    }
  }
}

void RandomGraph::binary_op() {
  const auto [x, bx] = any();
  const auto [y, by] = any_like(x.dtype());
  try {
    if (broadcast_shapes("law", x.shape(), y.shape()).size() > kMost) return;
  } catch (const ShapeError&) {
    return;
  }
  switch (dice(8)) {
    case 0:
    case 1: return put(x + y, bx + by);
    case 2: return put(x - y, bx + by);
    case 3:
    case 4: return put(x * y, bx * by);
    case 5: return put(x / (square(y) + 1.0), bx);
    case 6: return put(coin() ? min(x, y) : max(x, y), std::max(bx, by));
    default: return put(xlogy(square(x), softplus(y) + 0.1), bx * bx * (by + 2));
  }
}

void RandomGraph::ternary_op() {
  const auto [x, bx] = any();
  const Value c = exact_[std::size_t(dice(std::int64_t(exact_.size())))];
  const auto [y, by] = any_like(x.dtype());
  try {
    const Shape xy = broadcast_shapes("law", x.shape(), y.shape());
    if (broadcast_shapes("law", xy, c.shape()).size() > kMost) return;
  } catch (const ShapeError&) {
    return;
  }
  const Value condition = cast(coin() ? c > 0.25 : less_equal(c, like(c, -0.5)), x.dtype());
  switch (dice(4)) {
    case 0: return put(where(condition, x, y), std::max(bx, by));
    case 1: return put(clamp(x, -0.5, 1.25), 1.25);
    case 2: return put(mul_add(x, y, condition), bx * by + 1);
    default: return put(condition * x + sign(cast(c, x.dtype())) * y, bx + by);
  }
}

void RandomGraph::layout_op() {
  const auto [x, b] = any();
  const Shape s = x.shape();
  const int l = s.labelled(), e = s.rank() - l;
  switch (dice(8)) {
    case 0: {  // unlabelled axes under another cut
      Shape to(s.plates());
      const std::int64_t n = s.size(l, s.rank());
      const std::int64_t cut = n % 4 == 0 ? 4 : n % 3 == 0 ? 3 : 1;
      to = coin() ? to.with_back(n) : to.with_back(cut).with_back(n / cut);
      return put(reshape(x, to), b);
    }
    case 1: {
      if (e < 2) return;
      return put(transpose(x), b);
    }
    case 2: {
      if (e < 1) return;
      const int axis = l + int(dice(e));
      const std::int64_t n = s.extent(axis);
      const std::int64_t first = dice(n), count = 1 + dice(n - first);
      return put(slice(x, axis, first, count), b);
    }
    case 3: {
      if (e < 1) return;
      const int axis = l + int(dice(e));
      return put(embed(x, axis, 1, s.extent(axis) + 2), b);
    }
    case 4: {
      if (e < 1) return;
      std::vector<Value> parts(std::size_t(2 + dice(5)), x);
      for (Value& p : parts)
        if (coin()) p = tanh(p * uniform_in(random_, 0.1, 1));
      return put(concat(parts, l + int(dice(e))), b);
    }
    case 5: {  // a new axis at a random place among the unlabelled ones, then repeated
      Shape ones(s.plates());
      const int at = int(dice(e + 1));
      for (int i = 0; i < e; ++i) {
        if (i == at) ones = ones.with_back(1);
        ones = ones.with_back(s.extent(l + i));
      }
      if (at == e) ones = ones.with_back(1);
      std::vector<Axis> axes(ones.axes().begin(), ones.axes().end());
      axes[std::size_t(l + at)].extent = 1 + dice(4);
      return put(broadcast_to(reshape(x, ones), shape_of(axes)), b);
    }
    case 6: {  // over the rows, or over draws
      if (s.find(coin() ? row : draw_) >= 0) return;
      const Axis axis = coin() ? Axis{capacity, row} : Axis{draws_, draw_};
      if (s.find(axis.label) >= 0) return;
      return put(broadcast_to(x, s.with_front(axis)), b);
    }
    default: {
      if (e != 3) return;
      std::vector<int> from;
      for (int i = 0; i < l; ++i) from.push_back(i);
      for (int i : {2, 0, 1}) from.push_back(l + i);
      return put(transpose(x, from), b);
    }
  }
}

void RandomGraph::reduce_op() {
  const auto [x, b] = any();
  const int r = x.shape().rank();
  if (r == 0) return;
  const int first = int(dice(r)), count = 1 + int(dice(r - first));
  const auto n = double(x.shape().size(first, first + count));
  switch (dice(8)) {
    case 0: return put(sum(x), b * double(x.shape().size()));
    case 1: return put(sum(x, first, count), b * n);
    case 2:
      return put(x.shape().find(row) >= 0 ? sum(x, row) : sum(x, 0, 1),
                 b * double(x.shape().extent(0)));
    case 3: return put(sum_events(x), b * double(x.shape().size(x.shape().labelled(), r)));
    case 4: {
      const int at = x.shape().find(row);
      return at >= first && at < first + count ? put(sum(x, first, count), b * n)
                                               : put(mean(x, first, count), b);
    }
    case 5: {
      // The largest of none has no bound: rows may be none.
      if (first == 0 && x.shape().find(row) == 0) return;
      return put(reduce_max(x, first, count), b);
    }
    case 6: {
      if (x.shape()[first].label == row) return;
      return put(logsumexp(x, first), b + std::log(double(x.shape().extent(first))));
    }
    default: {
      if (x.shape()[first].label == row) return;
      return put(softmax(x, first), 1);
    }
  }
}

void RandomGraph::index_op() {
  const Value table = slots_[4];
  const auto [x, b] = any();
  switch (dice(6)) {
    case 0: return put(gather(table, coin() ? index_ : small_index_), 2);
    case 1: {
      if (x.shape().labelled() > 0 || x.shape().rank() == 0 || x.shape().extent(0) < 6) return;
      return put(gather(x, coin() ? index_ : small_index_), b);
    }
    case 2: {
      if (x.shape().rank() == 0 || x.shape().find(row) != 0 || x.shape().labelled() != 1) return;
      Shape to{table_rows_};
      for (int i = 1; i < x.shape().rank(); ++i) to = to.with_back(x.shape().extent(i));
      return put(scatter_add(x, index_, to), b * double(capacity));
    }
    case 3: {
      if (x.shape().rank() != 2 || x.shape().find(row) != 0 || x.shape().extent(1) < 6) return;
      return put(pick(x, index_), b);
    }
    case 4: {
      if (x.shape() != index_.shape()) return;
      return put(place(x, index_, table_rows_), b);
    }
    default: {
      const Value e = exact_[0];
      return put(cast(argmax(e), main_) * (2.0 / double(e.shape().extent(1))), 2);
    }
  }
}

void RandomGraph::product_op() {
  const auto [x, bx] = any();
  const int r = x.shape().rank();
  switch (dice(5)) {
    case 0: {  // with a matrix of the pool whose sizes fit
      for (int tries = 0; tries < 8; ++tries) {
        const auto [y, by] = any_like(x.dtype());
        if (events(y) != 2 || events(x) < 1) continue;
        const bool tb = coin();
        const std::int64_t k = x.shape().extent(r - 1), y0 = y.shape().extent(y.shape().rank() - 2),
                           y1 = y.shape().extent(y.shape().rank() - 1);
        if (k != (tb ? y1 : y0)) continue;
        const Value p = matmul(x, y, false, tb);
        return put(p, bx * by * double(k));
      }
      return;
    }
    case 1: {  // over the rows or the first axis: X' Y
      for (int tries = 0; tries < 8; ++tries) {
        const auto [y, by] = any_like(x.dtype());
        if (r == 0 || y.shape().rank() == 0 || x.shape()[0] != y.shape()[0]) continue;
        if (x.shape().labelled() + y.shape().labelled() > 2 * (x.shape()[0].label != kNoLabel))
          continue;
        const std::int64_t n = x.shape().extent(0);
        if (x.shape().size() / std::max<std::int64_t>(n, 1) * y.shape().size() /
                std::max<std::int64_t>(n, 1) >
            kMost)
          continue;
        return put(contract(x, y, 0, 1, true, false), bx * by * double(n));
      }
      return;
    }
    case 2: {  // batches on the first axis
      if (r < 2 || x.shape().labelled() > 1) return;
      const auto [y, by] = any_like(x.dtype());
      if (y.shape().rank() < 2 || y.shape()[0] != x.shape()[0] || y.shape()[1] != x.shape()[1])
        return;
      if (x.shape()[1].label != kNoLabel || y.shape().labelled() > 1) return;
      if (r + y.shape().rank() > 8) return;
      return put(contract(x, y, 1, 1, true, false), bx * by * double(x.shape().extent(1)));
    }
    case 3: {  // all axes but the last: two groups of K
      if (r < 3 || x.shape().labelled() > 2) return;
      return put(contract(x, tanh(x), 0, r - 1, true, false),
                 bx * double(x.shape().size(0, r - 1)));
    }
    default: {
      if (r < 1 || x.shape()[r - 1].label != kNoLabel) return;
      const std::int64_t k = x.shape().extent(r - 1);
      const Value w = graph.constant(random_array(random_, x.dtype(), Shape{k, some_extent()}));
      return put(contract(x, w, 0, 1, false, false), bx * 2 * double(k));
    }
  }
}

void RandomGraph::matrix_op() {
  const auto [x, b] = any();
  const int r = x.shape().rank();
  if (events(x) < 1 || x.shape().size() > 4000) return;
  const std::int64_t n = x.shape().extent(r - 1);
  if (n > 8) return;
  const Value d = diagonal_matrix(softplus(x) + 1.0);
  switch (dice(4)) {
    case 0: return put(diagonal(d + matmul(d, d, coin(), coin())), (b + 2) * (b + 2) * double(n));
    case 1: {
      const Value l = cholesky(d);
      return put(triangular_solve(l, tril(d + 0.25, 0.5), coin()), 4 * (b + 3));
    }
    case 2: return put(log_determinant(d), double(n) * (b + 2));
    default: {
      const Value a = d + 0.1;
      return put(diagonal(cholesky(a)), b + 2);
    }
  }
}

void RandomGraph::draw_op() {
  const Shape streamed = shape_of({{capacity, row}, {some_extent(), kNoLabel}});
  switch (dice(4)) {
    case 0: return put(standard_normal(key_, main_, streamed, ids_) * 0.25, 2);
    case 1: return put(uniform(fold_key(key_, 3), main_, streamed, ids_), 1);
    case 2:
      return put(standard_normal(fold_key(key_, 4), main_, Shape{some_extent(), 3}) * 0.25, 2);
    default: return put(uniform(key_, main_, Shape{}), 1);
  }
}

// A value for a slot: made from it, from others, after it was read elsewhere, or not made from it.
Value RandomGraph::expression_like(Value slot) {
  const Value half = slot * 0.5;
  switch (dice(7)) {
    case 0: return tanh(half + 0.1);
    case 1: {
      for (const Value& other : slots_)
        if (other != slot && other.shape() == slot.shape()) return half + other * 0.25;
      return half - tanh(slot);
    }
    case 2: return broadcast_to(tanh(sum(slot)), slot.shape());
    case 3: {
      const Value u = tanh(slot * 0.9 + 0.2);
      outputs.push_back(sum(u * slot));  // reads the old value beside the new one
      return u;
    }
    case 4: return reshape(tanh(reshape(half, Shape{slot.shape().size()})), slot.shape());
    case 5: return broadcast_to(graph.constant(0.75, slot.dtype()), slot.shape());
    default: {
      for (const Bounded& b : pool_)
        if (b.value.shape() == slot.shape() && b.value.dtype() == slot.dtype() && coin() &&
            (b.value == slot || graph.op(b.value.id()).kind != OpKind::leaf ||
             slot == slots_.back()))
          return b.value;  // the last slot may take another as it is; a circle is refused
      return half * half;
    }
  }
}

void RandomGraph::finish() {
  const std::int64_t n = 1 + dice(5);
  for (std::int64_t i = 0; i < n; ++i) outputs.push_back(any().value);
  std::vector<Value> g;
  if (coin(0.7)) {
    Value loss;
    for (int i = 0; i < 3; ++i) {
      const auto [x, b] = any_like(main_);
      const Value part = sum(tanh(x)) * (1.0 / double(std::max<std::int64_t>(1, x.shape().size())));
      loss = loss ? loss + part : part;
    }
    outputs.push_back(loss);
    g = gradient(loss, slots_);
    if (coin()) outputs.insert(outputs.end(), g.begin(), g.end());
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (coin(0.2)) continue;
    const Value s = slots_[i];
    Value v = !g.empty() && coin() ? s - g[i] * 0.1 : expression_like(s);
    updates.push_back({s, v});
    if (coin(0.2)) outputs.push_back(v);
  }
  // An output that is a slot, or a piece of one, shows it as the run leaves it: see Program.
  std::erase_if(outputs, [&](Value v) {
    while (graph.op(v.id()).kind == OpKind::alias || graph.op(v.id()).doc.name == "slice")
      v = graph.value(graph.inputs(v.id())[0]);
    return graph.op(v.id()).kind == OpKind::leaf && !graph.constant_value(v.id());
  });
  if (outputs.empty()) outputs.push_back(tanh(slots_[2]));
}

Bindings RandomGraph::bindings(std::int64_t rows, std::uint64_t seed) const {
  Random random(seed);
  Bindings out;
  for (const InputInfo& input : graph.graph_inputs()) {
    const DType t = graph.node(input.node).dtype;
    std::vector<Axis> axes(graph.shape(input.node).axes().begin(),
                           graph.shape(input.node).axes().end());
    if (!axes.empty() && axes[0].label == row) axes[0].extent = rows;
    const Shape s = shape_of(axes);
    if (t == DType::key) {
      out[input.name] = key_array({seed, 3});
    } else if (t == DType::u8) {
      out[input.name] = make_array(t, s, [&] { return double(integer_in(random, 0, 255)); });
    } else if (t == DType::i64) {
      out[input.name] = make_array(t, s, [&] { return double(integer_in(random, 0, 5)); });
    } else {
      out[input.name] = random_array(random, t, s);
    }
  }
  return out;
}

}  // namespace fathom::test
