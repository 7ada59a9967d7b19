#include "tests/laws/oracle.h"

#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/trigamma.hpp>
#include <map>
#include <numbers>
#include <set>

namespace fathom::test {

namespace {

using Wide = long double;

Wide softplus_of(Wide x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

Wide logit_of(Wide p) {
  return std::abs(p - 0.5L) < 0.25L ? 2 * std::atanh(2 * (p - 0.5L)) : std::log(p) - std::log1p(-p);
}

// Abramowitz & Stegun 7.1.23 where erfc itself is about to underflow.
Wide log_erfc_of(Wide x) {
  if (std::abs(x) < 0.5L) return std::log1p(-boost::math::erf(x));
  if (x < 50) return std::log(boost::math::erfc(x));
  const Wide z = 1 / (2 * x * x);
  const Wide series = 1 - z * (1 - 3 * z * (1 - 5 * z * (1 - 7 * z * (1 - 9 * z))));
  return -x * x - std::log(x) - std::log(std::numbers::pi_v<Wide>) / 2 + std::log(series);
}

Wide quantile_of(Wide p) {
  const Wide root = std::numbers::sqrt2_v<Wide>;
  return p < 0.5L ? -root * boost::math::erfc_inv(2 * p)
                  : root * boost::math::erfc_inv(2 * (1 - p));
}

const std::map<std::string_view, Oracle>& oracles() {
  static const std::map<std::string_view, Oracle> all = {
      {"add", [](const Wide* x) { return x[0] + x[1]; }},
      {"sub", [](const Wide* x) { return x[0] - x[1]; }},
      {"mul", [](const Wide* x) { return x[0] * x[1]; }},
      {"div", [](const Wide* x) { return x[0] / x[1]; }},
      {"mul_add", [](const Wide* x) { return std::fma(x[0], x[1], x[2]); }},
      {"mul_sub", [](const Wide* x) { return std::fma(-x[0], x[1], x[2]); }},
      {"neg", [](const Wide* x) { return -x[0]; }},
      {"square", [](const Wide* x) { return x[0] * x[0]; }},
      {"reciprocal", [](const Wide* x) { return 1 / x[0]; }},
      {"sqrt", [](const Wide* x) { return std::sqrt(x[0]); }},
      {"abs", [](const Wide* x) { return std::fabs(x[0]); }},
      {"sign", [](const Wide* x) { return Wide(x[0] > 0) - Wide(x[0] < 0); }},
      {"min", [](const Wide* x) { return std::fmin(x[0], x[1]); }},
      {"max", [](const Wide* x) { return std::fmax(x[0], x[1]); }},
      {"clamp", [](const Wide* x) { return std::fmin(std::fmax(x[0], x[1]), x[2]); }},
      {"less", [](const Wide* x) { return Wide(x[0] < x[1]); }},
      {"less_equal", [](const Wide* x) { return Wide(x[0] <= x[1]); }},
      {"equal", [](const Wide* x) { return Wide(x[0] == x[1]); }},
      {"where", [](const Wide* x) { return x[0] != 0 ? x[1] : x[2]; }},
      {"exp", [](const Wide* x) { return std::exp(x[0]); }},
      {"log", [](const Wide* x) { return std::log(x[0]); }},
      {"log1p", [](const Wide* x) { return std::log1p(x[0]); }},
      {"expm1", [](const Wide* x) { return std::expm1(x[0]); }},
      {"tanh", [](const Wide* x) { return std::tanh(x[0]); }},
      {"sigmoid", [](const Wide* x) { return 1 / (1 + std::exp(-x[0])); }},
      {"softplus", [](const Wide* x) { return softplus_of(x[0]); }},
      {"log_sigmoid", [](const Wide* x) { return -softplus_of(-x[0]); }},
      {"relu", [](const Wide* x) { return std::fmax(x[0], Wide(0)); }},
      {"gelu",
       [](const Wide* x) { return x[0] * std::erfc(-x[0] / std::numbers::sqrt2_v<Wide>) / 2; }},
      {"logit", [](const Wide* x) { return logit_of(x[0]); }},
      {"xlogy", [](const Wide* x) { return x[0] == 0 ? Wide(0) : x[0] * std::log(x[1]); }},
      {"erf", [](const Wide* x) { return std::erf(x[0]); }},
      {"erfc", [](const Wide* x) { return std::erfc(x[0]); }},
      {"log_erfc", [](const Wide* x) { return log_erfc_of(x[0]); }},
      {"lgamma", [](const Wide* x) { return boost::math::lgamma(x[0]); }},
      {"digamma", [](const Wide* x) { return boost::math::digamma(x[0]); }},
      {"trigamma", [](const Wide* x) { return boost::math::trigamma(x[0]); }},
      {"normal_quantile", [](const Wide* x) { return quantile_of(x[0]); }},
  };
  return all;
}

// Rounded to the dtype; false where that leaves its normal numbers.
bool fits(double x, DType dtype, double* rounded) {
  *rounded = dtype == DType::f32 ? double(float(x)) : x;
  if (x == 0) return true;
  const double least = dtype == DType::f32 ? 0x1p-126 : 0x1p-1022;
  return std::isfinite(*rounded) && std::abs(*rounded) >= least;
}

double draw_argument(const OpInfo& op, Random& random) {
  const std::string_view domain = op.doc.domain;
  const double magnitude = std::ldexp(uniform_in(random, 1, 2), int(integer_in(random, -25, 6)));
  if (domain == "0 < p < 1") {
    const double p =
        std::min(0.5, std::ldexp(uniform_in(random, 0.5, 1), -int(integer_in(random, 0, 30))));
    return integer_in(random, 0, 3) ? p : 1 - p * 0.9;
  }
  if (domain == "x > 0" || domain == "x >= 0" || domain == "y >= 0") return magnitude;
  if (domain == "x > -1") return integer_in(random, 0, 1) ? magnitude : -std::min(magnitude, 0.999);
  EXPECT_TRUE(domain == "all reals" || domain == "x != 0" || domain == "b != 0")
      << "the laws do not know the domain \"" << domain << "\" of " << op.doc.name;
  return integer_in(random, 0, 1) ? magnitude : -magnitude;
}

}  // namespace

Oracle oracle_of(std::string_view op) {
  const auto found = oracles().find(op);
  EXPECT_NE(found, oracles().end())
      << "no oracle for op " << op << ": add one to tests/laws/oracle.cpp";
  return found == oracles().end() ? Oracle() : found->second;
}

std::vector<std::vector<double>> arguments_of(const OpInfo& op, DType dtype, int random_count) {
  std::vector<double> points;
  double x = 0;
  for (const double p : op.points)
    if (fits(p, dtype, &x)) points.push_back(x);
  std::vector<std::vector<double>> out = {{}};
  for (int k = 0; k < op.arity; ++k) {  // all combinations
    std::vector<std::vector<double>> longer;
    for (const auto& head : out)
      for (const double p : points) {
        longer.push_back(head);
        longer.back().push_back(p);
      }
    out = std::move(longer);
  }
  Random random(std::hash<std::string_view>{}(op.doc.name));
  for (int i = 0; i < random_count; ++i) {
    std::vector<double> one;
    while (int(one.size()) < op.arity)
      if (fits(draw_argument(op, random), dtype, &x) && (op.doc.domain != "0 < p < 1" || x < 1))
        one.push_back(x);
    out.push_back(one);
  }
  return out;
}

double moderate_argument(const OpInfo& op, Random& random) {
  if (op.doc.domain == "0 < p < 1") return uniform_in(random, 0.1, 0.9);
  if (op.doc.domain == "all reals") {
    const double x = uniform_in(random, 0.1, 2.5);
    return integer_in(random, 0, 1) ? x : -x;
  }
  return uniform_in(random, 0.3, 3);
}

Value apply_op(const OpInfo& op, std::span<const Value> x) {
  return x[0].graph().apply(op.id(), x);
}

bool has_jump(std::string_view op) {
  static const std::set<std::string_view> jumps = {"abs",  "sign", "min",   "max",        "clamp",
                                                   "relu", "less", "equal", "less_equal", "where"};
  return jumps.count(op) > 0;
}

}  // namespace fathom::test
