#include "fathom/zoo/rows.h"

#include <algorithm>

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
  KnownChoices out{Array(DType::f64, Shape{rows, components}), Array(DType::f64, Shape{rows})};
  std::fill_n(out.choice.data<double>(), out.choice.size(), kNever);
  std::fill_n(out.known.data<double>(), rows, 1.0);
  for (std::size_t i = 0; i < known.size(); ++i)
    for (std::int64_t k = 0; known[i] >= 0 && k < components; ++k)
      if (k != known[i]) out.choice.data<double>()[std::int64_t(i) * components + k] = -kNever;
  return out;
}

}  // namespace fathom
