// Arithmetic, comparison and selection, element by element, with broadcasting. A comparison gives
// its indicator, 1 or 0 in the dtype of its operands, so that it can weigh and be summed; `where`
// selects and never multiplies (0 x NaN).
#pragma once

#include "fathom/ops/op.h"

namespace fathom {

struct Add {
  static constexpr OpDoc doc{.name = "add", .brief = "a + b", .grad = "dy, dy", .ulp = 0.5};
  static constexpr auto points = at(-1e300, -1., -0., 0., 1e-300, 1., 3.);
  static auto forward(auto a, auto b) { return a + b; }
  static Grads vjp(const auto& c) { return {c.dy, c.dy}; }
};

struct Sub {
  static constexpr OpDoc doc{.name = "sub", .brief = "a - b", .grad = "dy, -dy", .ulp = 0.5};
  static constexpr auto points = at(-1e300, -1., -0., 0., 1e-300, 1., 3.);
  static auto forward(auto a, auto b) { return a - b; }
  static Grads vjp(const auto& c) { return {c.dy, -c.dy}; }
};

struct Mul {
  static constexpr OpDoc doc{.name = "mul", .brief = "a b", .grad = "dy b, dy a", .ulp = 0.5};
  static constexpr auto points = at(-1e100, -1., -0., 0., 1e-100, 1., 3.);
  static auto forward(auto a, auto b) { return a * b; }
  static Grads vjp(const auto& c) { return {c.dy * c.x[1], c.dy * c.x[0]}; }
};

struct Div {
  static constexpr OpDoc doc{
      .name = "div", .brief = "a / b", .domain = "b != 0", .grad = "dy / b, -dy y / b", .ulp = 0.5};
  static constexpr auto points = at(-1e100, -1., 1e-100, 1., 3., 7.);
  static auto forward(auto a, auto b) { return a / b; }
  static Grads vjp(const auto& c) { return {c.dy / c.x[1], -(c.dy * c.y / c.x[1])}; }
};

// The planner fuses a product and a sum that follow each other into this.
struct MulAdd {
  static constexpr OpDoc doc{.name = "mul_add",
                             .brief = "a b + c, rounded once where the machine can",
                             .grad = "dy b, dy a, dy",
                             .ulp = 1};
  static constexpr auto points = at(-1e100, -1., -0., 0., 1e-100, 1., 3.);
  static auto forward(auto a, auto b, auto c) { return fma(a, b, c); }
  static Grads vjp(const auto& c) { return {c.dy * c.x[1], c.dy * c.x[0], c.dy}; }
};

// Likewise, of a difference and the product that is taken away.
struct MulSub {
  static constexpr OpDoc doc{.name = "mul_sub",
                             .brief = "c - a b, rounded once where the machine can",
                             .grad = "-dy b, -dy a, dy",
                             .ulp = 1};
  static constexpr auto points = at(-1e100, -1., -0., 0., 1e-100, 1., 3.);
  static auto forward(auto a, auto b, auto c) { return fma(-a, b, c); }
  static Grads vjp(const auto& c) { return {-(c.dy * c.x[1]), -(c.dy * c.x[0]), c.dy}; }
};

struct Neg {
  static constexpr OpDoc doc{.name = "neg", .brief = "-x", .grad = "-dy", .ulp = 0};
  static constexpr auto points = at(-1., -0., 0., 2.);
  static auto forward(auto x) { return -x; }
  static Grads vjp(const auto& c) { return {-c.dy}; }
};

struct Square {
  static constexpr OpDoc doc{.name = "square", .brief = "x^2", .grad = "2 x dy", .ulp = 0.5};
  static constexpr auto points = at(-1e100, -3., 0., 1e-100, 2.);
  static auto forward(auto x) { return x * x; }
  static Grads vjp(const auto& c) { return {c.dy * c.x[0] * 2.0}; }
};

struct Reciprocal {
  static constexpr OpDoc doc{
      .name = "reciprocal", .brief = "1 / x", .domain = "x != 0", .grad = "-dy y^2", .ulp = 0.5};
  static constexpr auto points = at(-1e100, -3., 1e-100, 2.);
  static auto forward(auto x) { return decltype(x)(1.0) / x; }
  static Grads vjp(const auto& c) { return {-(c.dy * square(c.y))}; }
};

struct Sqrt {
  static constexpr OpDoc doc{
      .name = "sqrt", .brief = "square root", .domain = "x >= 0", .grad = "dy / (2 y)", .ulp = 0.5};
  static constexpr auto points = at(1e-300, 1e-8, 1., 2., 1e300);
  static auto forward(auto x) { return sqrt(x); }
  static Grads vjp(const auto& c) { return {c.dy * 0.5 / c.y}; }
};

struct Abs {
  static constexpr OpDoc doc{.name = "abs", .brief = "|x|", .grad = "dy sign(x), 0 at 0", .ulp = 0};
  static constexpr auto points = at(-2., -1e-300, 1e-300, 3.);
  static auto forward(auto x) { return abs(x); }
  static Grads vjp(const auto& c) { return {c.dy * sign(c.x[0])}; }
};

struct Sign {
  static constexpr OpDoc doc{.name = "sign", .brief = "-1, 0 or 1", .grad = "0", .ulp = 0};
  static constexpr auto points = at(-2., -1e-300, 1e-300, 3.);
  static auto forward(auto x) {
    using T = decltype(x);
    return select(x > T(0.0), T(1.0), select(x < T(0.0), T(-1.0), x));
  }
  static Grads vjp(const auto&) { return {Value()}; }
};

struct Min {
  static constexpr OpDoc doc{.name = "min",
                             .brief = "the smaller; NaN if either is",
                             .grad = "dy to the smaller, halves at a tie",
                             .ulp = 0};
  static constexpr auto points = at(-3., -1., 0.5, 2.);
  static auto forward(auto a, auto b) { return min(a, b); }
  static Grads vjp(const auto& c) {
    const auto first = less(c.x[0], c.x[1]) + equal(c.x[0], c.x[1]) * 0.5;
    return {c.dy * first, c.dy * (1.0 - first)};
  }
};

struct Max {
  static constexpr OpDoc doc{.name = "max",
                             .brief = "the larger; NaN if either is",
                             .grad = "dy to the larger, halves at a tie",
                             .ulp = 0};
  static constexpr auto points = at(-3., -1., 0.5, 2.);
  static auto forward(auto a, auto b) { return max(a, b); }
  static Grads vjp(const auto& c) {
    const auto first = less(c.x[1], c.x[0]) + equal(c.x[0], c.x[1]) * 0.5;
    return {c.dy * first, c.dy * (1.0 - first)};
  }
};

struct Clamp {
  static constexpr OpDoc doc{.name = "clamp",
                             .brief = "x kept within [low, high]",
                             .grad = "dy inside, 0 outside; none to the bounds",
                             .ulp = 0};
  static constexpr auto points = at(-3., -1., 0.5, 2.);
  static auto forward(auto x, auto low, auto high) { return min(max(x, low), high); }
  static Grads vjp(const auto& c) {
    const auto inside = less_equal(c.x[1], c.x[0]) * less_equal(c.x[0], c.x[2]);
    return {c.dy * inside, Value(), Value()};
  }
};

struct Less {
  static constexpr OpDoc doc{
      .name = "less", .brief = "1 where a < b, else 0", .grad = "0", .ulp = 0};
  static constexpr auto points = at(-1., 0., 2.);
  static auto forward(auto a, auto b) {
    using T = decltype(a);
    return select(a < b, T(1.0), T(0.0));
  }
  static Grads vjp(const auto&) { return {Value(), Value()}; }
};

struct LessEqual {
  static constexpr OpDoc doc{
      .name = "less_equal", .brief = "1 where a <= b, else 0", .grad = "0", .ulp = 0};
  static constexpr auto points = at(-1., 0., 2.);
  static auto forward(auto a, auto b) {
    using T = decltype(a);
    return select(a <= b, T(1.0), T(0.0));
  }
  static Grads vjp(const auto&) { return {Value(), Value()}; }
};

struct Equal {
  static constexpr OpDoc doc{
      .name = "equal", .brief = "1 where a == b, else 0", .grad = "0", .ulp = 0};
  static constexpr auto points = at(-1., 0., 2.);
  static auto forward(auto a, auto b) {
    using T = decltype(a);
    return select(a == b, T(1.0), T(0.0));
  }
  static Grads vjp(const auto&) { return {Value(), Value()}; }
};

struct Where {
  static constexpr OpDoc doc{.name = "where",
                             .brief = "a where the condition is not 0, else b",
                             .grad = "0, dy where it is not 0, dy where it is 0",
                             .ulp = 0};
  static constexpr auto points = at(-1., 0., 2.);
  static auto forward(auto condition, auto a, auto b) {
    using T = decltype(a);
    return select(condition == T(0.0), b, a);
  }
  static Grads vjp(const auto& c) {
    const auto zero = like(c.dy, 0.0);
    return {Value(), where(c.x[0], c.dy, zero), where(c.x[0], zero, c.dy)};
  }
};

Value add(Value a, Value b);  // x + 0 and x * 1 are folded; so are operations on constants
Value sub(Value a, Value b);
Value mul(Value a, Value b);
Value div(Value a, Value b);
inline Value mul_add(Value a, Value b, Value c) { return ternary<MulAdd>(a, b, c); }
inline Value neg(Value x) { return unary<Neg>(x); }
inline Value square(Value x) { return unary<Square>(x); }
inline Value reciprocal(Value x) { return unary<Reciprocal>(x); }
inline Value sqrt(Value x) { return unary<Sqrt>(x); }
inline Value abs(Value x) { return unary<Abs>(x); }
inline Value sign(Value x) { return unary<Sign>(x); }
inline Value min(Value a, Value b) { return binary<Min>(a, b); }
inline Value max(Value a, Value b) { return binary<Max>(a, b); }
inline Value clamp(Value x, Value low, Value high) { return ternary<Clamp>(x, low, high); }
inline Value clamp(Value x, double low, double high) {
  return clamp(x, like(x, low), like(x, high));
}
inline Value less(Value a, Value b) { return binary<Less>(a, b); }
inline Value less_equal(Value a, Value b) { return binary<LessEqual>(a, b); }
inline Value equal(Value a, Value b) { return binary<Equal>(a, b); }
inline Value where(Value condition, Value a, Value b) { return ternary<Where>(condition, a, b); }

inline Value operator+(Value a, Value b) { return add(a, b); }
inline Value operator-(Value a, Value b) { return sub(a, b); }
inline Value operator*(Value a, Value b) { return mul(a, b); }
inline Value operator/(Value a, Value b) { return div(a, b); }
inline Value operator-(Value x) { return neg(x); }
inline Value operator+(Value a, double b) { return add(a, like(a, b)); }
inline Value operator+(double a, Value b) { return add(like(b, a), b); }
inline Value operator-(Value a, double b) { return sub(a, like(a, b)); }
inline Value operator-(double a, Value b) { return sub(like(b, a), b); }
inline Value operator*(Value a, double b) { return mul(a, like(a, b)); }
inline Value operator*(double a, Value b) { return mul(like(b, a), b); }
inline Value operator/(Value a, double b) { return div(a, like(a, b)); }
inline Value operator/(double a, Value b) { return div(like(b, a), b); }

}  // namespace fathom
