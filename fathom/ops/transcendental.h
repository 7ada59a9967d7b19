// Exponentials, logarithms, activations and special functions, element by element.
#pragma once

#include "fathom/ops/arithmetic.h"

namespace fathom {

struct Exp {
  static constexpr OpDoc doc{.name = "exp", .brief = "e^x", .grad = "dy y", .ulp = 1};
  static constexpr auto points = at(-745., -87., -1e-9, 0., 1e-9, 1., 88., 700.);
  static auto forward(auto x) { return exp(x); }
  static Grads vjp(const auto& c) { return {c.dy * c.y}; }
};

struct Log {
  static constexpr OpDoc doc{
      .name = "log", .brief = "natural logarithm", .domain = "x > 0", .grad = "dy / x", .ulp = 1};
  static constexpr auto points = at(1e-300, 1e-30, 0.5, 0.999999, 1., 1.000001, 2., 1e30, 1e300);
  static auto forward(auto x) { return log(x); }
  static Grads vjp(const auto& c) { return {c.dy / c.x[0]}; }
};

struct Log1p {
  static constexpr OpDoc doc{.name = "log1p",
                             .brief = "log(1 + x), accurate near 0",
                             .domain = "x > -1",
                             .grad = "dy / (1 + x)",
                             .ulp = 2};
  static constexpr auto points = at(-0.999, -0.5, -1e-12, 0., 1e-12, 0.5, 1e10);
  static auto forward(auto x) { return log1p(x); }
  static Grads vjp(const auto& c) { return {c.dy / (c.x[0] + 1.0)}; }
};

struct Expm1 {
  static constexpr OpDoc doc{
      .name = "expm1", .brief = "e^x - 1, accurate near 0", .grad = "dy (y + 1)", .ulp = 2};
  static constexpr auto points = at(-50., -1., -1e-12, 0., 1e-12, 1., 50.);
  static auto forward(auto x) { return expm1(x); }
  static Grads vjp(const auto& c) { return {c.dy * (c.y + 1.0)}; }
};

struct Tanh {
  static constexpr OpDoc doc{
      .name = "tanh", .brief = "hyperbolic tangent", .grad = "dy (1 - y^2)", .ulp = 2.5};
  static constexpr auto points = at(-30., -1., -1e-9, 0., 1e-9, 0.3, 1., 30.);
  static auto forward(auto x) { return tanh(x); }
  static Grads vjp(const auto& c) { return {c.dy - c.dy * c.y * c.y}; }
};

struct Sigmoid {
  static constexpr OpDoc doc{.name = "sigmoid",
                             .brief = "1 / (1 + e^-x), without overflow",
                             .grad = "dy y (1 - y)",
                             .ulp = 3};
  static constexpr auto points = at(-700., -80., -1., 0., 1e-9, 1., 80.);
  static auto forward(auto x) {
    using T = decltype(x);
    const T e = exp(-abs(x));
    return select(x < T(0.0), e, T(1.0)) / (e + 1.0);
  }
  static Grads vjp(const auto& c) { return {c.dy * c.y * (1.0 - c.y)}; }
};

struct Softplus {
  static constexpr OpDoc doc{.name = "softplus",
                             .brief = "log(1 + e^x), without overflow",
                             .grad = "dy sigmoid(x)",
                             .ulp = 3};
  static constexpr auto points = at(-700., -80., -1., 0., 1e-9, 1., 37., 700.);
  static auto forward(auto x) { return max(x, decltype(x)(0.0)) + log1p(exp(-abs(x))); }
  static Grads vjp(const auto& c) { return {c.dy * sigmoid(c.x[0])}; }
};

struct LogSigmoid {
  static constexpr OpDoc doc{.name = "log_sigmoid",
                             .brief = "log of sigmoid, without underflow",
                             .grad = "dy sigmoid(-x)",
                             .ulp = 3};
  static constexpr auto points = at(-700., -80., -1., 0., 1e-9, 1., 37., 700.);
  static auto forward(auto x) { return min(x, decltype(x)(0.0)) - log1p(exp(-abs(x))); }
  static Grads vjp(const auto& c) { return {c.dy * sigmoid(-c.x[0])}; }
};

struct Relu {
  static constexpr OpDoc doc{
      .name = "relu", .brief = "max(x, 0)", .grad = "dy where x > 0", .ulp = 0};
  static constexpr auto points = at(-2., -1e-300, 1e-300, 3.);
  static auto forward(auto x) { return max(x, decltype(x)(0.0)); }
  static Grads vjp(const auto& c) { return {where(c.x[0] > 0.0, c.dy, like(c.dy, 0.0))}; }
};

struct Gelu {
  static constexpr OpDoc doc{.name = "gelu",
                             .brief = "x Phi(x), Phi the standard normal CDF",
                             .grad = "dy (Phi(x) + x phi(x))",
                             .ulp = 16,
                             .least = 1e-3};
  static constexpr auto points = at(-10., -3., -1., 0., 1e-9, 1., 6.);
  static auto forward(auto x) { return x * 0.5 * erfc(x * -0.70710678118654752440); }
  static Grads vjp(const auto& c) {
    const auto x = c.x[0];
    const auto cdf = erfc(x * -0.70710678118654752440) * 0.5;
    return {c.dy * (cdf + x * exp(square(x) * -0.5) * 0.39894228040143267794)};
  }
};

struct Logit {
  static constexpr OpDoc doc{.name = "logit",
                             .brief = "log(p / (1 - p))",
                             .domain = "0 < p < 1",
                             .grad = "dy / (p (1 - p))",
                             .ulp = 4};
  static constexpr auto points = at(1e-300, 1e-9, 0.25, 0.75, 0.999);
  // Near 1/2 the logarithms cancel: there log1p of the odds less one, whose numerator is exact.
  static auto forward(auto p) {
    using T = decltype(p);
    const T half = p - 0.5;
    return select(abs(half) < T(0.2), log1p((half + half) / (1.0 - p)), log(p) - log1p(-p));
  }
  static Grads vjp(const auto& c) { return {c.dy / (c.x[0] * (1.0 - c.x[0]))}; }
};

struct Xlogy {
  static constexpr OpDoc doc{.name = "xlogy",
                             .brief = "x log(y); 0 where x is 0, whatever y",
                             .domain = "y >= 0",
                             .grad = "dy log(y), dy x / y; 0 where x is 0",
                             .ulp = 2};
  static constexpr auto points = at(1e-9, 0.5, 1., 3., 1e9);
  static auto forward(auto x, auto y) {
    using T = decltype(x);
    return select(x == T(0.0), T(0.0), x * log(y));
  }
  static Grads vjp(const auto& c) {
    const auto zero = like(c.dy, 0.0);
    return {where(c.x[0], c.dy * log(c.x[1]), zero), where(c.x[0], c.dy * c.x[0] / c.x[1], zero)};
  }
};

struct Erf {
  static constexpr OpDoc doc{
      .name = "erf", .brief = "error function", .grad = "dy 2/sqrt(pi) e^-x^2", .ulp = 2};
  static constexpr auto points = at(-6., -1., -1e-9, 0., 0.5, 1., 6.);
  static auto forward(auto x) { return erf(x); }
  static Grads vjp(const auto& c) { return {c.dy * exp(-square(c.x[0])) * 1.12837916709551257390}; }
};

struct Erfc {
  static constexpr OpDoc doc{.name = "erfc",
                             .brief = "1 - erf(x), accurate in the tail",
                             .grad = "-dy 2/sqrt(pi) e^-x^2",
                             .ulp = 4};
  static constexpr auto points = at(-6., -1., 0., 0.5, 1., 6., 9., 26.);
  static auto forward(auto x) { return erfc(x); }
  static Grads vjp(const auto& c) {
    return {c.dy * exp(-square(c.x[0])) * -1.12837916709551257390};
  }
};

struct LogErfc {
  static constexpr OpDoc doc{.name = "log_erfc",
                             .brief = "log(erfc(x)), without underflow",
                             .grad = "-dy 2/sqrt(pi) e^(-x^2 - y)",
                             .ulp = 4};
  static constexpr auto points = at(-6., -1., 0., 0.5, 1., 6., 26., 100., 1e4);
  static auto forward(auto x) { return log_erfc(x); }
  static Grads vjp(const auto& c) {
    return {c.dy * exp(-square(c.x[0]) - c.y) * -1.12837916709551257390};
  }
};

struct Lgamma {
  static constexpr OpDoc doc{.name = "lgamma",
                             .brief = "log |Gamma(x)|",
                             .domain = "x > 0",
                             .grad = "dy digamma(x)",
                             .ulp = 4};
  static constexpr auto points = at(1e-9, 0.1, 0.5, 1., 1.5, 2., 3.7, 20., 1e5, 1e10);
  static auto forward(auto x) { return lgamma(x); }
  static Grads vjp(const auto& c) { return {c.dy * digamma(c.x[0])}; }
};

struct Digamma {
  static constexpr OpDoc doc{.name = "digamma",
                             .brief = "derivative of lgamma",
                             .domain = "x > 0",
                             .grad = "dy trigamma(x)",
                             .ulp = 8};
  static constexpr auto points = at(1e-6, 0.1, 0.5, 1., 1.5, 3.7, 20., 1e5, 1e10);
  static auto forward(auto x) { return digamma(x); }
  static Grads vjp(const auto& c) { return {c.dy * trigamma(c.x[0])}; }
};

struct Trigamma {
  static constexpr OpDoc doc{.name = "trigamma",
                             .brief = "second derivative of lgamma",
                             .domain = "x > 0",
                             .grad = "dy polygamma(2, x)",
                             .ulp = 8};
  static constexpr auto points = at(1e-6, 0.1, 0.5, 1., 1.5, 3.7, 20., 1e5);
  static auto forward(auto x) { return trigamma(x); }
  static Grads vjp(const auto& c) { return {c.dy * polygamma(2, c.x[0])}; }
};

struct NormalQuantile {
  static constexpr OpDoc doc{.name = "normal_quantile",
                             .brief = "inverse of the standard normal CDF",
                             .domain = "0 < p < 1",
                             .grad = "dy sqrt(2 pi) e^(y^2/2)",
                             .ulp = 8};
  static constexpr auto points = at(1e-300, 1e-9, 0.02, 0.4, 0.6, 0.98, 0.999);
  static auto forward(auto p) { return normal_quantile(p); }
  static Grads vjp(const auto& c) {
    return {c.dy * exp(square(c.y) * 0.5) * 2.50662827463100050242};
  }
};

inline Value exp(Value x) { return unary<Exp>(x); }
inline Value log(Value x) { return unary<Log>(x); }
inline Value log1p(Value x) { return unary<Log1p>(x); }
inline Value expm1(Value x) { return unary<Expm1>(x); }
inline Value tanh(Value x) { return unary<Tanh>(x); }
inline Value sigmoid(Value x) { return unary<Sigmoid>(x); }
inline Value softplus(Value x) { return unary<Softplus>(x); }
inline Value log_sigmoid(Value x) { return unary<LogSigmoid>(x); }
inline Value relu(Value x) { return unary<Relu>(x); }
inline Value gelu(Value x) { return unary<Gelu>(x); }
inline Value logit(Value p) { return unary<Logit>(p); }
inline Value xlogy(Value x, Value y) { return binary<Xlogy>(x, y); }
inline Value erf(Value x) { return unary<Erf>(x); }
inline Value erfc(Value x) { return unary<Erfc>(x); }
inline Value log_erfc(Value x) { return unary<LogErfc>(x); }
inline Value lgamma(Value x) { return unary<Lgamma>(x); }
inline Value digamma(Value x) { return unary<Digamma>(x); }
inline Value trigamma(Value x) { return unary<Trigamma>(x); }
inline Value normal_quantile(Value p) { return unary<NormalQuantile>(p); }

inline Value operator>(Value a, double b) { return less(like(a, b), a); }
inline Value operator<(Value a, double b) { return less(a, like(a, b)); }

}  // namespace fathom
