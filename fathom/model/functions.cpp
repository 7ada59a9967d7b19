// Functions of quantities: what they are at values, and the moments they have of moments.
#include <set>

#include "fathom/model/model.h"

namespace fathom {

namespace {

Shape joined_event(std::string_view op, Expr a, Expr b) {
  return broadcast_shapes(op, a.event(), b.event());
}

Value sum_of(Value a, Value b) { return a && b ? a + b : a ? a : b; }

// Moments of a + b or a - b, whose mean is given.
Face added(Value mean, const Face& a, const Face& b) {
  Face f{mean, sum_of(a.variance, b.variance), {}, a.random || b.random, {}, {}};
  if (!a.covariance && !b.covariance) return f;
  const auto spread = [](const Face& x) {
    return x.covariance ? x.covariance : x.variance ? diagonal_matrix(x.variance) : Value();
  };
  f.covariance = sum_of(spread(a), spread(b));
  return f;
}

// Functions of elements that are independent given q.
void refuse_covariance(std::string_view name, std::span<const Face> faces) {
  for (const Face& f : faces)
    if (f.covariance)
      raise<ConfigError>("[{}] covariances of a vector are not carried through; see inner()", name);
}

}  // namespace

Expr operator+(Expr a, Expr b) {
  return a.model().function(
      "add", {a, b}, joined_event("add", a, b),
      [](std::span<const Value> v) { return v[0] + v[1]; },
      [](std::span<const Face> f) { return added(f[0].mean + f[1].mean, f[0], f[1]); });
}

Expr operator+(Expr a, double b) { return a + a.model().constant(b); }

Expr operator-(Expr a, Expr b) {
  return a.model().function(
      "sub", {a, b}, joined_event("sub", a, b),
      [](std::span<const Value> v) { return v[0] - v[1]; },
      [](std::span<const Face> f) { return added(f[0].mean - f[1].mean, f[0], f[1]); });
}

namespace {

// E log ab of independent positive a and b, elements of scalars and vectors: rates and exposures.
Value log_of_product(std::span<const Face> f) {
  for (const Face& x : f)
    if ((x.random && !x.log) || x.mean.shape().rank() - x.mean.shape().labelled() > 1) return {};
  return f[0].log || f[1].log ? f[0].expected_log() + f[1].expected_log() : Value();
}

}  // namespace

// E ab and Var ab of independent a and b; either may be fixed.
Expr operator*(Expr a, Expr b) {
  return a.model().function(
      "mul", {a, b}, joined_event("mul", a, b),
      [](std::span<const Value> v) { return v[0] * v[1]; },
      [](std::span<const Face> f) {
        refuse_covariance("mul", f);
        Value v;
        if (f[0].variance) v = f[0].variance * square(f[1].mean);
        if (f[1].variance) v = sum_of(v, f[1].variance * square(f[0].mean));
        if (f[0].variance && f[1].variance) v = v + f[0].variance * f[1].variance;
        return Face{f[0].mean * f[1].mean,      v,  log_of_product(f),
                    f[0].random || f[1].random, {}, {}};
      });
}

Expr operator*(Expr a, double b) { return a * a.model().constant(b); }

Expr exp(Expr x) {
  return x.model().function("exp", {x}, x.event(),
                            [](std::span<const Value> v) { return exp(v[0]); });
}

Expr sigmoid(Expr x) {
  return x.model().function("sigmoid", {x}, x.event(),
                            [](std::span<const Value> v) { return sigmoid(v[0]); });
}

Expr dot(Expr x, Expr w) {
  if (x.event().rank() != 1 || w.event().rank() != 2 || x.event().extent(0) != w.event().extent(0))
    raise<ShapeError>("[dot] {} does not meet {}", x.event().text(), w.event().text());
  // Elements of x and of W are independent given q: variances add up.
  return x.model().function(
      "dot", {x, w}, Shape{w.event().extent(1)},
      [](std::span<const Value> v) { return matmul(v[0], v[1]); },
      [](std::span<const Face> f) {
        refuse_covariance("dot", f);
        Value v;
        if (f[0].variance) v = matmul(f[0].variance, square(f[1].mean));
        if (f[1].variance) v = sum_of(v, matmul(square(f[0].mean), f[1].variance));
        if (f[0].variance && f[1].variance) v = v + matmul(f[0].variance, f[1].variance);
        return Face{matmul(f[0].mean, f[1].mean), v, {}, f[0].random || f[1].random, {}, {}};
      });
}

Expr regressed(Expr x, Expr coefficients) {
  const Shape &k = x.event(), &m = coefficients.event();
  if (k.rank() != 1 || m.rank() != 2 || k.extent(0) != m.extent(0))
    raise<ShapeError>("[regressed] {} does not meet {}", k.text(), m.text());
  return x.model().function(
      "regressed", {x, coefficients}, Shape{m.extent(1)},
      [](std::span<const Value> v) { return matmul(v[0], v[1]); },
      [](std::span<const Face> f) {
        const std::vector<Value>& t = f[1].statistics;
        if (f[0].random || t.size() != 4 || t[2].shape().rank() != 2)
          raise<ConfigError>(
              "[regressed] wants a fixed x and a latent with a matrix_normal_wishart prior");
        const Value at = f[0].mean, square = at * matmul(at, t[2]);
        const int last = square.shape().rank() - 1;
        Face seen{matmul(at, f[1].mean), {}, {}, true, {}, {}};
        seen.statistics = {reshape(t[0], t[0].shape().without(0)), matmul(at, t[1]),
                           sum(square, last, 1), reshape(t[3], Shape{})};
        return seen;
      });
}

namespace {

bool share_plates(const Shape& a, const Shape& b) {
  for (int i = 0; i < a.labelled(); ++i)
    if (b.find(a[i].label) >= 0) return true;
  return false;
}

// sum_i a[i] b[i] over the last axes; plates of one side alone are rows and columns of one product.
Value inner_product(Value a, Value b, int axes = 1) {
  const Shape &s = a.shape(), &t = b.shape();
  if (!share_plates(s, t) && s.labelled() > 0 && t.labelled() > 0)
    return s[0].label < t[0].label ? contract(a, b, 0, axes, false, true)
                                   : contract(b, a, 0, axes, false, true);
  const Value p = a * b;
  return sum(p, p.shape().rank() - axes, axes);
}

// The variance of sum_i a[i] b[i] that b's spread gives where a is fixed.
Value spread_along(Value a, const Face& b) {
  if (!b.covariance) return b.variance ? inner_product(square(a), b.variance) : Value();
  const Shape &s = a.shape(), &t = b.covariance.shape();
  const bool rows = s.labelled() == 0 || t.labelled() == 0 ||
                    s[s.labelled() - 1].label < t[0].label;  // of one product
  if (!rows) return quadratic_form(b.covariance, a);
  return inner_product(a, contract(a, b.covariance, 0, 1, false, true));
}

// Var a'b of two random vectors: <E aa', Cov b> + b' Cov a b, the first one product of matrices
// spread out where the plates differ. What lies on rows, whose labels come first, is b.
Value spread_of_both(const Face& f, const Face& g) {
  const auto first = [](const Face& x) {
    return x.mean.shape().labelled() > 0 ? x.mean.shape()[0].label : Label(0xffff);
  };
  const bool swap = first(f) < first(g);
  const Face &a = swap ? g : f, &b = swap ? f : g;
  const auto covariance = [](const Face& x) {
    return x.covariance ? x.covariance : diagonal_matrix(x.variance);
  };
  const Value second = covariance(a) + outer_product(a.mean, a.mean);
  return inner_product(second, covariance(b), 2) + spread_along(b.mean, a);
}

}  // namespace

Expr inner(Expr a, Expr b) {
  if (a.event().rank() != 1 || a.event() != b.event())
    raise<ShapeError>("[inner] {} does not meet {}", a.event().text(), b.event().text());
  return a.model().function(
      "inner", {a, b}, Shape{}, [](std::span<const Value> v) { return inner_product(v[0], v[1]); },
      [](std::span<const Face> f) {
        const bool both = f[0].random && f[1].random;
        const Value v = both ? spread_of_both(f[0], f[1])
                             : sum_of(spread_along(f[1].mean, f[0]), spread_along(f[0].mean, f[1]));
        return Face{inner_product(f[0].mean, f[1].mean), v, {}, f[0].random || f[1].random, {}, {}};
      });
}

Expr concat(Expr a, Expr b) {
  if (a.event().rank() != 1 || b.event().rank() != 1)
    raise<ShapeError>("[concat] {} and {} are not two vectors", a.event().text(), b.event().text());
  const std::int64_t na = a.event().extent(0), nb = b.event().extent(0);
  const auto join_values = [na, nb](Value x, Value y) {
    const Shape plates =
        broadcast_shapes("concat", Shape(x.shape().plates()), Shape(y.shape().plates()));
    return concat(std::vector<Value>{broadcast_to(x, plates.with_back(na)),
                                     broadcast_to(y, plates.with_back(nb))},
                  plates.rank());
  };
  return a.model().function(
      "concat", {a, b}, Shape{na + nb},
      [join_values](std::span<const Value> v) { return join_values(v[0], v[1]); },
      [join_values, na, nb](std::span<const Face> f) {
        Face out{join_values(f[0].mean, f[1].mean), {}, {}, f[0].random || f[1].random, {}, {}};
        const auto spread = [](const Face& x) {
          return x.covariance ? x.covariance
                 : x.variance ? diagonal_matrix(x.variance)
                              : diagonal_matrix(broadcast_to(like(x.mean, 0.0), x.mean.shape()));
        };
        const Value u = spread(f[0]), v = spread(f[1]);
        const Shape plates =
            broadcast_shapes("concat", Shape(u.shape().plates()), Shape(v.shape().plates()));
        const auto block = [&](Value x, std::int64_t rows, std::int64_t columns) {
          return broadcast_to(x ? x : like(u, 0.0), plates.with_back(rows).with_back(columns));
        };
        const int row = plates.rank(), column = row + 1;
        const Value top = concat(std::vector<Value>{block(u, na, na), block({}, na, nb)}, column);
        const Value low = concat(std::vector<Value>{block({}, nb, na), block(v, nb, nb)}, column);
        out.covariance = concat(std::vector<Value>{top, low}, row);
        out.variance = diagonal(out.covariance);
        if (f[0].log || f[1].log) out.log = join_values(f[0].expected_log(), f[1].expected_log());
        return out;
      });
}

Expr repeat(Expr x, std::int64_t count) {
  if (x.event().rank() != 0 || count < 1)
    raise<ShapeError>("[repeat] {} is no number", x.event().text());
  const auto all = [count](Value v) { return v ? broadcast_to(v, v.shape().with_back(count)) : v; };
  return x.model().function(
      "repeat", {x}, Shape{count}, [all](std::span<const Value> v) { return all(v[0]); },
      [all](std::span<const Face> f) {
        const Value spread = all(f[0].variance);
        return Face{all(f[0].mean), spread, all(f[0].log), f[0].random, all(spread), {}};
      });
}

Expr slice(Expr x, std::int64_t first, std::int64_t count) {
  if (x.event().rank() != 1) raise<ShapeError>("[slice] wants a vector, got {}", x.event().text());
  const auto cut = [first, count](Value v) {
    return v ? slice(v, v.shape().rank() - 1, first, count) : v;
  };
  return x.model().function(
      "slice", {x}, Shape{count}, [cut](std::span<const Value> v) { return cut(v[0]); },
      [cut](std::span<const Face> f) {
        refuse_covariance("slice", f);
        Face part{cut(f[0].mean), cut(f[0].variance), cut(f[0].log), f[0].random, {}, {}};
        part.log_complement = cut(f[0].log_complement);
        part.inverse = cut(f[0].inverse);
        return part;
      });
}

namespace {

// The elements at `places` of axis `axis`, counted from the end; runs of neighbours in one piece.
Value taken(Value v, const std::vector<std::int64_t>& places, int axis) {
  if (!v) return v;
  const int at = v.shape().rank() - axis;
  std::vector<Value> parts;
  for (std::size_t i = 0; i < places.size();) {
    std::size_t run = 1;
    while (i + run < places.size() && places[i + run] == places[i] + std::int64_t(run)) ++run;
    parts.push_back(slice(v, at, places[i], std::int64_t(run)));
    i += run;
  }
  return concat(parts, at);
}

}  // namespace

Expr take(Expr x, std::vector<std::int64_t> places) {
  if (x.event().rank() != 1 || places.empty())
    raise<ShapeError>("[take] wants a vector and places, got {}", x.event().text());
  for (const std::int64_t p : places)
    if (p < 0 || p >= x.event().extent(0))
      raise<ShapeError>("[take] place {} of {}", p, x.event().text());
  const std::int64_t count = std::int64_t(places.size());
  const std::set<std::int64_t> different(places.begin(), places.end());
  const bool again = different.size() < places.size();
  const auto pick = [places](Value v) { return taken(v, places, 1); };
  return x.model().function(
      "take", {x}, Shape{count}, [pick](std::span<const Value> v) { return pick(v[0]); },
      [pick, places, again](std::span<const Face> f) {
        Face part{pick(f[0].mean), pick(f[0].variance), pick(f[0].log), f[0].random, {}, {}};
        part.log_complement = pick(f[0].log_complement);
        part.inverse = pick(f[0].inverse);
        // An element that is taken twice varies with itself.
        const Value spread = f[0].covariance          ? f[0].covariance
                             : again && f[0].variance ? diagonal_matrix(f[0].variance)
                                                      : Value();
        part.covariance = taken(taken(spread, places, 1), places, 2);
        return part;
      });
}

Expr only(Expr probabilities, const Array& allowed) {
  const Shape& s = probabilities.event();
  if (allowed.shape() != s)
    raise<ShapeError>("[only] {} of probabilities {}", allowed.shape().text(), s.text());
  constexpr double log_zero = -690.7755278982137;  // of 1e-300, see dist/face.h
  const auto kept = [allowed](Value v, double otherwise) {
    const Value mask = v.graph().constant(allowed.cast(v.dtype()));
    return where(broadcast_to(mask, v.shape()) > 0.0, v, like(v, otherwise));
  };
  return probabilities.model().function(
      "only", {probabilities}, s, [kept](std::span<const Value> v) { return kept(v[0], 0); },
      [kept](std::span<const Face> f) {
        Face g = Face::at(kept(f[0].mean, 0), kept(f[0].expected_log(), log_zero));
        g.random = f[0].random;
        return g;
      });
}

Expr reshape(Expr x, const Shape& event) {
  if (x.event().size() != event.size() || event.labelled() > 0)
    raise<ShapeError>("[reshape] {} has not as many elements as {}", x.event().text(),
                      event.text());
  const auto under = [event, rank = x.event().rank()](Value v) {
    if (!v) return v;
    Shape s = Shape(v.shape().plates());
    for (const Axis& a : event.axes()) s = s.with_back(a.extent);
    return reshape(v, s);
  };
  return x.model().function(
      "reshape", {x}, event, [under](std::span<const Value> v) { return under(v[0]); },
      [under](std::span<const Face> f) {
        refuse_covariance("reshape", f);
        return f[0].mapped(under);
      });
}

Expr sum(Expr x) {
  if (x.event().rank() != 1) raise<ShapeError>("[sum] wants a vector, got {}", x.event().text());
  const auto all = [](Value v, int axes) { return v ? sum(v, v.shape().rank() - axes, axes) : v; };
  return x.model().function(
      "sum", {x}, Shape{}, [all](std::span<const Value> v) { return all(v[0], 1); },
      [all](std::span<const Face> f) {
        const Value v = f[0].covariance ? all(f[0].covariance, 2) : all(f[0].variance, 1);
        return Face{all(f[0].mean, 1), v, {}, f[0].random, {}, {}};
      });
}

}  // namespace fathom
