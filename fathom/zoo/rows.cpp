#include "fathom/zoo/rows.h"

#include <algorithm>
#include <limits>

namespace fathom {

namespace {

// Below any log density of a row; times a weight, and summed over rows, it is still a number.
constexpr double kNever = 1e200;

}  // namespace

void weigh_rows(Model& m, Plate row) { m.weigh(row, m.data("weight", row, {}, DType::f64)); }

void know_choices(Model& m, Plate row, Plate component, Expr which) {
  const Expr choice = m.data("choice", std::vector<Plate>{row, component}, {}, DType::f64);
  m.observe("choice", bernoulli(gate(which, choice, component)),
            m.data("choice.known", row, {}, DType::f64));
}

KnownChoices known_choices(std::span<const int> known, std::int64_t rows, std::int64_t components) {
  Array of(DType::f32, Shape{rows, 1});  // NaN: not known
  std::fill_n(of.data<float>(), rows, std::numeric_limits<float>::quiet_NaN());
  for (std::size_t i = 0; i < known.size(); ++i)
    if (known[i] >= 0) of.data<float>()[i] = float(known[i]);
  return {of.indicators(0, components, kNever, -kNever, kNever), of.columns({RowRecipe::kOne})};
}

}  // namespace fathom
