// Members of every family at drawn parameters, and rules of quadrature over their supports.
#pragma once

#include "fathom/dist/all_dists.h"
#include "fathom/dist/expfam.h"
#include "tests/laws/support.h"

namespace fathom::test {

// Places of a support with weights: E f = sum_i weight_i p(x_i) f(x_i).
struct Rule {
  Array x;  // [n] or [n, k]
  std::vector<double> weight;
};

inline constexpr std::int64_t kCategories = 3, kMostTrials = 12;

// Parameters of a family, drawn by their supports; vectors where the family has an event axis.
inline std::vector<Array> draw_parameters(const FamilyInfo& family, Random& random) {
  const Shape s = family.doc.event_axes ? Shape{kCategories} : Shape{};
  std::vector<Array> p;
  for (const ParameterDoc& doc : family.parameters) {
    if (doc.support == Support::matrix) {  // positive definite, standard deviations of 0.6 to 0.7
      Array a(DType::f64, Shape{kCategories, kCategories});
      const Array r = random_array(random, DType::f64, a.shape(), -0.5, 0.5);
      for (std::int64_t i = 0; i < kCategories; ++i)
        for (std::int64_t j = 0; j < kCategories; ++j) {
          double sum = i == j ? 2 : 0;
          for (std::int64_t k = 0; k < kCategories; ++k)
            sum += r.data<double>()[i * kCategories + k] * r.data<double>()[j * kCategories + k];
          a.data<double>()[i * kCategories + j] = sum;
        }
      p.push_back(a);
      continue;
    }
    if (doc.support == Support::simplex) {
      Array a = random_array(random, DType::f64, s, 0.2, 2);
      const double total = a.data<double>()[0] + a.data<double>()[1] + a.data<double>()[2];
      for (std::int64_t i = 0; i < kCategories; ++i) a.data<double>()[i] /= total;
      p.push_back(a);
      continue;
    }
    if (doc.support == Support::count) {
      p.push_back(Array::scalar(double(integer_in(random, 1, kMostTrials))));
      continue;
    }
    double low = -2, high = 2;
    if (doc.support == Support::positive) low = 0.5, high = 4;
    if (doc.support == Support::unit) low = 0.02, high = 0.98;
    // A variance exists; 1 - x of a double tells the density near 1.
    if (family.doc.name == "inverse_gamma" && doc.name == "shape") low = 2.5;
    if (family.doc.name == "beta" && doc.name == "b") low = 1;
    p.push_back(random_array(random, DType::f64, s, low, high));
    if (doc.name == "high") *p.back().data<double>() += *p[0].data<double>() + 2.5;  // above low
  }
  return p;
}

// A member of a family on a graph of its own, its parameters constants.
struct Member {
  Distribution d;
  std::vector<Array> parameters;
  Values natural;

  Member(Graph& g, const FamilyInfo& family, const std::vector<Array>& p) : parameters(p) {
    d.family = &family;
    for (const Array& a : p) d.parameters.push_back(Face::at(g.constant(a)));
    if (family.exponential()) natural = family.natural(d.parameters);
  }
};

inline std::vector<double> evaluate(Graph& g, Value v, const Bindings& b = {}) {
  return numbers(evaluate_reference(g, std::vector{v}, b)[0]);
}

// `mean` and `spread` place the rule where the density is.
Rule rule_for(Support support, double mean, double spread);

}  // namespace fathom::test
