#include "fathom/climb/rotation.h"

#include <fmt/format.h>

#include <cmath>
#include <deque>

#include "fathom/autodiff/gradient.h"
#include "fathom/ops/all_ops.h"
#include "fathom/ops/substitute.h"

namespace fathom {

namespace {

constexpr const char* kInput = "step of a rotation";

using Numbers = std::vector<double>;

double dot(const Numbers& a, const Numbers& b) {
  double s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += a[i] * b[i];
  return s;
}
void add(double f, const Numbers& a, Numbers& to) {
  for (std::size_t i = 0; i < a.size(); ++i) to[i] += f * a[i];
}

// Directions of ascent by the last few steps and how the gradient changed along them (Nocedal &
// Wright 2006, algorithm 7.4).
class LimitedMemory {
 public:
  explicit LimitedMemory(double scale) : scale_(scale) {}
  void add_pair(Numbers step, Numbers change) {
    const double curved = -dot(step, change);
    if (!(curved > 1e-12 * std::sqrt(dot(step, step) * dot(change, change)))) return;
    scale_ = curved / dot(change, change);
    pairs_.push_back({std::move(step), std::move(change), curved});
    if (pairs_.size() > 20) pairs_.pop_front();
  }
  Numbers direction(Numbers g) const {
    Numbers weight(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      weight[i] = dot(pairs_[i].step, g) / pairs_[i].curved;
      add(weight[i], pairs_[i].change, g);
    }
    for (double& v : g) v *= scale_;
    for (std::size_t i = 0; i < pairs_.size(); ++i)
      add(weight[i] + dot(pairs_[i].change, g) / pairs_[i].curved, pairs_[i].step, g);
    return g;
  }

 private:
  struct Pair {
    Numbers step, change;
    double curved;
  };
  double scale_;
  std::deque<Pair> pairs_;
};

Value one(Graph& graph, DType dtype, std::int64_t n) {
  return diagonal_matrix(broadcast_to(graph.constant(1.0, dtype), Shape{n}));
}

}  // namespace

RotatedRows rotate_rows(const std::string& latent, std::span<const Value> leaves, Value given) {
  Graph& g = given.graph();
  std::vector<Value> to;
  const Shape& means = leaves[0].shape();
  const std::int64_t n = means.extent(means.rank() - 1);
  const Value rotation = g.slot("rotation of " + latent, given.dtype(), Shape{n, n});
  const auto turned = [&](Value v) { return fathom::contract(v, rotation, 0, 1, false, true); };
  for (const Value& v : leaves) {
    const Shape events = v.shape().events();
    if (v.shape().labelled() == 1 && events.rank() == 0) {
      to.push_back(v);
    } else if (v.shape().labelled() == 1 && events == Shape{n}) {
      to.push_back(turned(v));
    } else if (v.shape().labelled() == 1 && events == Shape{n, n}) {
      to.push_back(transpose(turned(transpose(turned(v)))));
    } else {
      raise<ConfigError>(
          "[rotation] \"{}\" has moments of shape {}: only vectors of rows that lie on no other "
          "plate are rotated",
          latent, v.shape().text());
    }
  }
  return {substitute(std::span(&given, 1), leaves, to)[0], rotation, one(g, given.dtype(), n)};
}

// R = L U, L with ones on its diagonal and U with exponentials: all that is near 1, with a
// determinant at hand.
RotationStep::RotationStep(Value expected, Value entropies, Value rotation, double rows,
                           const std::vector<Factor>& factors, const Leaves& leaves,
                           const MakeProgram& make)
    : rows_(rows), step_(expected.dtype(), rotation.shape()) {
  Graph& g = expected.graph();
  const Value step = g.data(kInput, expected.dtype(), rotation.shape()),
              lower = one(g, expected.dtype(), rotation.shape().extent(0)) + tril(step, 0.0),
              upper = diagonal_matrix(exp(diagonal(step))) + transpose(tril(transpose(step), 0.0));
  std::vector<Value> from = {rotation}, to = {matmul(lower, upper)};
  std::vector<Update> updates;
  for (const Factor& f : factors) {
    std::vector<Value> natural = substitute(f.asked(expected), from, to);
    for (std::size_t k = 0; k < natural.size(); ++k) {
      natural[k] = broadcast_to(natural[k], f.slots[k].shape());
      updates.push_back({f.slots[k], natural[k]});
    }
    const std::vector<Value> moved = leaves(f, natural);
    from.insert(from.end(), f.leaves.begin(), f.leaves.end());
    to.insert(to.end(), moved.begin(), moved.end());
    from.insert(from.end(), f.slots.begin(), f.slots.end());
    to.insert(to.end(), natural.begin(), natural.end());
  }
  const Value all = entropies ? expected + entropies : expected;
  const Value bound = substitute(std::span(&all, 1), from, to)[0] + sum(diagonal(step)) * rows;
  bound_ = make({bound, gradient(bound, std::span(&step, 1))[0]}, {});
  update_ = make({}, updates);
}

double RotationStep::at(Numbers* gradient, Workers& workers) {
  bound_.get().bind(kInput, step_);
  bound_.run(workers);
  const Array slope = bound_.get().output_array(1).cast(DType::f64);
  gradient->assign(slope.data<double>(), slope.data<double>() + slope.size());
  return bound_.scalar(0);
}

double RotationStep::run(Workers& workers) {
  constexpr int kSteps = 20, kHalvings = 8;
  constexpr double kLongest = 1, kLittle = 1e-2;
  Numbers x(std::size_t(step_.size()), 0.0), slope;
  const auto write = [&](const Numbers& v) {
    Array all(DType::f64, step_.shape());
    std::copy(v.begin(), v.end(), all.data<double>());
    step_ = all.cast(step_.dtype());
  };
  write(x);
  const double plain = at(&slope, workers);
  double best = plain;
  LimitedMemory memory(1 / rows_);
  for (int k = 0; k < kSteps && std::isfinite(best); ++k) {
    Numbers way = memory.direction(slope);
    double rise = dot(way, slope), longest = 0;
    if (!(rise > 0)) break;
    for (const double v : way) longest = std::max(longest, std::abs(v));
    double length = std::min(1.0, kLongest / longest), reached = 0;
    Numbers there, slope_there;
    bool found = false;
    for (int h = 0; h < kHalvings && !found; ++h, length /= 2) {
      there = x;
      add(length, way, there);
      write(there);
      reached = at(&slope_there, workers);
      found = std::isfinite(reached) && reached > best + 1e-4 * length * rise;
    }
    if (!found) break;
    Numbers step = there, change = slope_there;
    add(-1, x, step);
    add(-1, slope, change);
    memory.add_pair(std::move(step), std::move(change));
    const double gained = reached - best;
    x = std::move(there);
    slope = std::move(slope_there);
    best = reached;
    if (gained < kLittle * (best - plain)) break;
  }
  write(x);
  update_.get().bind(kInput, step_);
  update_.run(workers);
  return best;
}

}  // namespace fathom
