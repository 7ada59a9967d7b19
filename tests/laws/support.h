// What the laws share: random arrays, running a graph by the interpreter and by a plan, distances.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "fathom/autodiff/gradient.h"
#include "fathom/exec/program.h"
#include "fathom/exec/reference.h"
#include "fathom/ops/all_ops.h"

namespace fathom::test {

using Random = std::mt19937_64;

inline double uniform_in(Random& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}
inline std::int64_t integer_in(Random& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

// Reals made by `draw`, rounded to `dtype`.
inline Array make_array(DType dtype, const Shape& shape, const std::function<double()>& draw) {
  Array a(DType::f64, shape);
  for (std::int64_t i = 0; i < a.size(); ++i) a.data<double>()[i] = draw();
  return a.cast(dtype);
}

inline Array random_array(Random& random, DType dtype, const Shape& shape, double low = -2,
                          double high = 2) {
  return make_array(dtype, shape, [&] { return uniform_in(random, low, high); });
}

inline Array array_of(DType dtype, const Shape& shape, std::initializer_list<double> values) {
  return Array::of<double>(shape, std::span<const double>(values.begin(), values.size()))
      .cast(dtype);
}

inline std::vector<double> numbers(const Array& a) {
  const Array wide = a.cast(DType::f64);
  const auto v = wide.values<double>();
  return {v.begin(), v.end()};
}

inline Shape shape_of(std::vector<Axis> axes) { return Shape(std::span<const Axis>(axes)); }

// Distance in units of the last place of `dtype` at `expected`; 0 for two NaNs or equal infinities.
// Results below the least normal number may be flushed to zero; those below `least` are measured as
// if they were of that size.
inline double ulps(double got, long double expected, DType dtype, double least_result = 0) {
  const bool single = dtype == DType::f32;
  const long double least = single ? 0x1p-126L : 0x1p-1022L;
  const int digits = single ? 24 : 53;
  const long double greatest = single ? 0x1.ffffffp127L : 0x1.fffffffffffff8p1023L;
  if (std::isnan(expected)) return std::isnan(got) ? 0 : std::numeric_limits<double>::infinity();
  if (std::abs(expected) >= greatest) {  // beyond the dtype: the infinity or the greatest number
    const bool same = std::signbit(got) == std::signbit(expected);
    return same && std::abs(static_cast<long double>(got)) >= greatest * 0.9999999L
               ? 0
               : std::numeric_limits<double>::infinity();
  }
  if (!std::isfinite(got)) return std::numeric_limits<double>::infinity();
  if (std::abs(expected) < least && std::abs(static_cast<long double>(got)) <= least) return 0;
  int e = 0;
  std::frexp(std::max({std::abs(expected), least, static_cast<long double>(least_result)}), &e);
  return double(std::abs(static_cast<long double>(got) - expected) / std::ldexp(1.0L, e - digits));
}

// |got - want| <= relative (scale + |want|), element by element; NaN and infinities must agree.
// Returns the first failure as text, or nothing.
inline std::string first_difference(const Array& got, const Array& want, double relative,
                                    double scale = 1) {
  if (got.size() != want.size())
    return fmt::format("{} elements, wanted {}", got.size(), want.size());
  const std::vector<double> a = numbers(got), b = numbers(want);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    if (!(std::abs(a[i] - b[i]) <= relative * (scale + std::abs(b[i]))))
      return fmt::format("element {} of {}: {:.17g}, wanted {:.17g}", i, a.size(), a[i], b[i]);
  }
  return {};
}

inline bool same_bits(const Array& a, const Array& b) {
  return a.dtype() == b.dtype() && a.bytes() == b.bytes() &&
         (a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
}

// Binds everything that a graph reads: data, keys, and slots in a state made for it.
inline State state_of(const Graph& graph, const Bindings& bindings) {
  State state;
  for (const InputInfo& i : graph.graph_inputs()) {
    const auto found = bindings.find(i.name);
    if (i.kind != InputKind::slot || found == bindings.end()) continue;
    Array& slot = state.slot(i.name, found->second.dtype(), graph.shape(i.node));
    std::copy_n(found->second.raw(), found->second.bytes(), slot.raw());
  }
  return state;
}

inline void bind_all(Program& program, const Graph& graph, const Bindings& bindings) {
  for (const InputInfo& i : graph.graph_inputs()) {
    const auto found = bindings.find(i.name);
    if (found == bindings.end()) continue;
    if (i.kind == InputKind::data) program.bind(i.name, found->second);
    if (i.kind == InputKind::key) program.set_key(i.name, *found->second.data<Key>());
  }
}

inline Array key_array(Key key) {
  Array a(DType::key, Shape{});
  *a.data<Key>() = key;
  return a;
}

// Outputs of one planned run.
inline std::vector<Array> run_planned(Graph& graph, std::span<const Value> outputs,
                                      const Bindings& bindings, const PlanOptions& options = {},
                                      int threads = 1) {
  State state = state_of(graph, bindings);
  Program program(graph, outputs, {}, state, options);
  bind_all(program, graph, bindings);
  Workers workers(threads);
  program.run(workers);
  std::vector<Array> out;
  for (std::size_t k = 0; k < outputs.size(); ++k) out.push_back(program.output_array(int(k)));
  return out;
}

}  // namespace fathom::test
