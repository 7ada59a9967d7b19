#include "fathom/model/model.h"

#include <algorithm>

namespace fathom {

const Shape& Expr::event() const { return model_->info(index_).event; }

namespace {

// The union of sets kept as sorted vectors.
template <class T>
void join(std::vector<T>& set, const std::vector<T>& more) {
  set.insert(set.end(), more.begin(), more.end());
  std::sort(set.begin(), set.end());
  set.erase(std::unique(set.begin(), set.end()), set.end());
}

using Needs = ParameterDoc::Needs;
using Form = std::function<std::vector<Face>(std::span<const Face>)>;

// Arguments that `form` leaves as they are may be random as far as the family allows.
Conditional make(const FamilyInfo& family, std::string text, std::vector<Arg> args, Form form = {},
                 std::vector<Needs> needs = {}) {
  if (!form) form = [](std::span<const Face> f) { return std::vector<Face>(f.begin(), f.end()); };
  if (needs.empty())
    for (const ParameterDoc& p : family.parameters) needs.push_back(p.needs);
  return {&family, std::move(text), std::move(args), std::move(form), std::move(needs)};
}

}  // namespace

Conditional normal(Arg mean, Arg sd) {
  return make(family<Normal>(), "normal(mean, sd)", {mean, sd},
              [](std::span<const Face> f) {
                return std::vector<Face>{f[0], Normal::from_sd(f[1].mean)};
              },
              {Needs::mean_variance, Needs::fixed});
}
Conditional normal_log_sd(Arg mean, Arg log_sd) {
  return make(family<Normal>(), "normal(mean, log_sd)", {mean, log_sd},
              [](std::span<const Face> f) {
                return std::vector<Face>{f[0], Normal::from_log_sd(f[1].mean)};
              },
              {Needs::mean_variance, Needs::fixed});
}
Conditional normal_precision(Arg mean, Arg precision) {
  return make(family<Normal>(), "normal(mean, precision)", {mean, precision});
}
Conditional normal_variance(Arg mean, Arg variance) {
  return make(family<Normal>(), "normal(mean, variance)", {mean, variance},
              [](std::span<const Face> f) {
                Face precision = Face::at(f[1].expected_inverse(), -f[1].expected_log());
                precision.random = f[1].random;
                return std::vector<Face>{f[0], precision};
              },
              {Needs::mean_variance, Needs::statistics});
}
Conditional mvnormal(Arg mean, Arg precision) {
  return make(family<MvNormal>(), "mvnormal(mean, precision)", {mean, precision});
}
Conditional mvnormal_diagonal(Arg mean, Arg precisions) {
  return make(family<MvNormal>(), "mvnormal_diagonal(mean, precisions)", {mean, precisions},
              [](std::span<const Face> f) {
                Face p = Face::at(diagonal_matrix(f[1].mean));
                const Value logs = f[1].expected_log();
                p.log = sum(logs, logs.shape().rank() - 1, 1);
                p.random = f[1].random;
                return std::vector<Face>{f[0], p};
              },
              {Needs::mean_variance, Needs::mean_log});
}
Conditional mvnormal_of(Arg mean_and_precision) {
  return make(family<MvNormal>(), "mvnormal(mean and precision)", {mean_and_precision}, {},
              {Needs::statistics});
}
Conditional normal_wishart(Arg mean, Arg strength, Arg inverse_scale, Arg dof) {
  return make(family<NormalWishart>(), "normal_wishart(mean, strength, inverse_scale, dof)",
              {mean, strength, inverse_scale, dof});
}
Conditional normal_gamma(Arg mean, Arg strength, Arg shape, Arg rate) {
  return make(family<NormalGamma>(), "normal_gamma(mean, strength, shape, rate)",
              {mean, strength, shape, rate});
}
Conditional stick_breaking(Arg taken, Arg left) {
  return make(family<StickBreaking>(), "stick_breaking(taken, left)", {taken, left});
}
Conditional bernoulli(Arg logits) {
  return make(family<Bernoulli>(), "bernoulli(logits)", {logits});
}
Conditional categorical(Arg logits) {
  return make(family<Categorical>(), "categorical(logits)", {logits},
              [](std::span<const Face> f) {
                return std::vector<Face>{Categorical::from_logits(f[0].mean)};
              },
              {Needs::fixed});
}
Conditional categorical_of(Arg probabilities) {
  return make(family<Categorical>(), "categorical(probabilities)", {probabilities});
}
Conditional uniform_between(Arg low, Arg high) {
  return make(family<UniformFamily>(), "uniform(low, high)", {low, high});
}
Conditional gamma(Arg shape, Arg rate) {
  return make(family<Gamma>(), "gamma(shape, rate)", {shape, rate});
}
Conditional dirichlet(Arg concentration) {
  return make(family<Dirichlet>(), "dirichlet(concentration)", {concentration});
}

Conditional beta(Arg a, Arg b) { return make(family<Beta>(), "beta(a, b)", {a, b}); }
Conditional inverse_gamma(Arg shape, Arg scale) {
  return make(family<InverseGamma>(), "inverse_gamma(shape, scale)", {shape, scale});
}
Conditional wishart(Arg inverse_scale, Arg dof) {
  return make(family<Wishart>(), "wishart(inverse_scale, dof)", {inverse_scale, dof});
}
Conditional bernoulli_of(Arg probability) {
  return make(family<Binomial>(), "bernoulli(probability)", {probability},
              [](std::span<const Face> f) {
                return std::vector<Face>{Face::at(like(f[0].mean, 1.0)), f[0]};
              },
              {Needs::statistics});
}
Conditional binomial_of(Arg count, Arg probability) {
  return make(family<Binomial>(), "binomial(count, probability)", {count, probability});
}
Conditional multinomial_of(Arg count, Arg probabilities) {
  return make(family<Multinomial>(), "multinomial(count, probabilities)", {count, probabilities});
}
Conditional poisson_of(Arg rate) { return make(family<Poisson>(), "poisson(rate)", {rate}); }
Conditional exponential_of(Arg rate) {
  return make(family<Exponential>(), "exponential(rate)", {rate});
}
Conditional polya_gamma(Arg shape, Arg tilt) {
  return make(family<PolyaGamma>(), "polya_gamma(shape, tilt)", {shape, tilt});
}
Conditional bernoulli_polya_gamma(Arg logits, Arg omega) {
  return make(family<Binomial>(), "bernoulli(logits, omega)", {logits, omega},
              [](std::span<const Face> f) {
                return std::vector<Face>{Face::at(like(f[0].mean, 1.0)), f[0], f[1]};
              },
              {Needs::mean_variance, Needs::statistics});
}
Conditional binomial_polya_gamma(Arg count, Arg logits, Arg omega) {
  return make(family<Binomial>(), "binomial(count, logits, omega)", {count, logits, omega}, {},
              {Needs::fixed, Needs::mean_variance, Needs::statistics});
}

void Model::check_name(const std::string& name) const {
  if (name.empty()) raise<ConfigError>("[model] a quantity needs a name");
  for (const ExprInfo& e : exprs_)
    if (e.name == name && e.kind != ExprKind::function && e.kind != ExprKind::constant)
      raise<ConfigError>("[model] the name \"{}\" is taken", name);
}

Expr Model::add(ExprInfo info) {
  exprs_.push_back(std::move(info));
  return {*this, int(exprs_.size()) - 1};
}

Plate Model::plate(std::string name, std::int64_t size) {
  for (const PlateInfo& p : plates_)
    if (p.name == name) raise<ConfigError>("[model] there is a plate \"{}\" already", name);
  if (size < 0) raise<ConfigError>("[model] plate \"{}\" cannot have {} elements", name, size);
  plates_.push_back({std::move(name), size});
  return {this, int(plates_.size()) - 1};
}

bool Model::streamed(const ExprInfo& e) const {
  return std::any_of(e.plates.begin(), e.plates.end(),
                     [&](int p) { return plates_[std::size_t(p)].streamed(); });
}

Expr Model::data(std::string name, std::vector<Plate> plates, const Shape& event, DType stored) {
  check_name(name);
  ExprInfo e;
  e.kind = ExprKind::data;
  e.name = std::move(name);
  for (const Plate& plate : plates) e.plates.push_back(plate.index);
  std::sort(e.plates.begin(), e.plates.end());
  e.event = event;
  e.stored = stored;
  return add(std::move(e));
}

Expr Model::data(std::string name, Plate plate, const Shape& event, DType stored) {
  return data(std::move(name), std::vector<Plate>{plate}, event, stored);
}

void Model::missing(Expr data) {
  ExprInfo& e = exprs_[std::size_t(data.index())];
  if (e.kind != ExprKind::data || !is_real(e.stored))
    raise<ConfigError>("[model] \"{}\" is no data of real numbers: cells of it cannot be missing",
                       e.name);
  e.partial = true;
}

void Model::weigh(Plate rows, Expr weights) {
  PlateInfo& p = plates_[std::size_t(rows.index)];
  const ExprInfo& w = info(weights);
  if (!p.streamed() || w.kind != ExprKind::data || w.event.rank() > 0 ||
      w.plates != std::vector<int>{rows.index})
    raise<ConfigError>("[model] weights of \"{}\" must be data, one number a row", p.name);
  p.weight = weights.index();
}

Expr Model::constant(double value) {
  ExprInfo e;
  e.kind = ExprKind::constant;
  e.name = fmt::format("{}", value);
  e.value = Array::scalar(value);
  return add(std::move(e));
}

Expr Model::constant(const Array& value) {
  ExprInfo e;
  e.kind = ExprKind::constant;
  e.name = fmt::format("constant {}", value.shape().text());
  e.event = value.shape();
  e.value = value;
  return add(std::move(e));
}

Expr Model::parameter(std::string name, const Shape& event, nn::Init init, double value) {
  check_name(name);
  ExprInfo e;
  e.kind = ExprKind::parameter;
  e.name = name;
  e.event = event;
  e.init = {name, event, init, value};
  return add(std::move(e));
}

Expr Model::latent(std::string name, Conditional prior, Plate plate, const Shape& event) {
  check_name(name);
  ExprInfo e;
  e.kind = ExprKind::latent;
  e.name = std::move(name);
  if (plate.model) e.plates = {plate.index};
  e.event = event;
  const Expr z = add(std::move(e));
  latents_.push_back({z.index(), std::move(prior), {}});
  return z;
}

Expr Model::latent(std::string name, Conditional prior, const Shape& event) {
  return latent(std::move(name), std::move(prior), Plate{}, event);
}

Expr Model::binarised(std::string name, Expr p) {
  check_name(name);
  ExprInfo e;
  e.kind = ExprKind::draw;
  e.name = std::move(name);
  e.plates = info(p).plates;
  e.gates = info(p).gates;
  e.event = info(p).event;
  e.inputs = {p};
  return add(std::move(e));
}

Network Model::network(std::string name, nn::Network net) {
  Network n;
  n.name_ = name;
  for (const nn::Parameter& p : net.parameters) {
    const Expr e = parameter(name + "." + p.name, p.shape, p.init, p.value);
    n.parameters_.push_back(e);
  }
  n.net_ = std::move(net);
  return n;
}

void Model::observe(std::string name, Conditional likelihood, Expr value) {
  for (const ObservedInfo& o : observed_)
    if (o.name == name) raise<ConfigError>("[model] \"{}\" is observed already", name);
  observed_.push_back({std::move(name), std::move(likelihood), value});
}

void Model::guide(Expr latent, Conditional q) {
  for (LatentInfo& l : latents_) {
    if (l.expr != latent.index()) continue;
    l.guide = std::move(q);
    return;
  }
  raise<ConfigError>("[model] \"{}\" is no latent: only latents have guides", info(latent).name);
}

const LatentInfo* Model::latent_of(int expr) const {
  for (const LatentInfo& l : latents_)
    if (l.expr == expr) return &l;
  return nullptr;
}

Expr Model::function(std::string name, std::vector<Expr> inputs, const Shape& event,
                     std::function<Value(std::span<const Value>)> apply,
                     std::function<Face(std::span<const Face>)> moments) {
  ExprInfo e;
  e.kind = ExprKind::function;
  e.name = std::move(name);
  for (const Expr& in : inputs) {
    if (info(in).partial)
      raise<ConfigError>("[model] {} reads \"{}\", which has missing cells", e.name, info(in).name);
    join(e.plates, info(in).plates);
    join(e.gates, info(in).gates);
  }
  e.event = event;
  e.inputs = std::move(inputs);
  e.apply = std::move(apply);
  e.moments = std::move(moments);
  return add(std::move(e));
}

Degree Model::degree(Expr e, Expr z) const {
  if (e.index() == z.index()) return {true, true, {}};
  const ExprInfo& i = info(e);
  if (i.kind == ExprKind::gate) return degree(i.inputs[1], z);  // which is summed over
  Degree d;
  int inputs = 0;
  for (const Expr& in : i.inputs) {
    const Degree x = degree(in, z);
    if (!x.depends) continue;
    ++inputs;
    d.depends = true;
    if (!x.affine && d.affine) {
      d.affine = false;
      d.culprit = x.culprit;
    }
  }
  // A function without moments is not affine; one that reads the latent by two ways takes them for
  // independent, which they are not.
  if (d.depends && d.affine && i.kind == ExprKind::function && (!i.moments || inputs > 1)) {
    d.affine = false;
    d.culprit = i.name;
  }
  return d;
}

Expr Network::operator()(Expr x) const {
  std::vector<Expr> inputs = {x};
  inputs.insert(inputs.end(), parameters_.begin(), parameters_.end());
  const std::int64_t out =
      net_.parameters.back().shape.extent(net_.parameters.back().shape.rank() - 1);
  return x.model().function(
      name_, inputs, Shape{out},
      [apply = net_.apply](std::span<const Value> v) { return apply(v.subspan(1), v[0]); });
}

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

namespace {

bool share_plates(const Shape& a, const Shape& b) {
  for (int i = 0; i < a.labelled(); ++i)
    if (b.find(a[i].label) >= 0) return true;
  return false;
}

// sum_i a[i] b[i] over the last axis; plates of one side alone are rows and columns of one product.
Value inner_product(Value a, Value b) {
  const Shape &s = a.shape(), &t = b.shape();
  if (!share_plates(s, t) && s.labelled() > 0 && t.labelled() > 0)
    return s[0].label < t[0].label ? contract(a, b, 0, 1, false, true)
                                   : contract(b, a, 0, 1, false, true);
  const Value p = a * b;
  return sum(p, p.shape().rank() - 1, 1);
}

// x x' of the last axis.
Value outer_product(Value x) {
  const Shape& s = x.shape();
  std::vector<Axis> row(s.axes().begin(), s.axes().end());
  row.insert(row.end() - 1, Axis{1, kNoLabel});
  return reshape(x, s.with_back(1)) * reshape(x, Shape(std::span<const Axis>(row)));
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
  const auto packed = [](Value m) {
    const Shape& s = m.shape();
    const std::int64_t n = s.extent(s.rank() - 1);
    return reshape(m, Shape(s.plates()).with_back(n * n));
  };
  const Value second = covariance(a) + outer_product(a.mean);
  return inner_product(packed(second), packed(covariance(b))) + spread_along(b.mean, a);
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

Expr gate(Expr which, Expr e) {
  Model& m = which.model();
  const ExprInfo &w = m.info(which), &i = m.info(e);
  if (w.kind != ExprKind::latent ||
      m.latent_of(which.index())->prior.family != &family<Categorical>())
    raise<ConfigError>("[gate] \"{}\" is no categorical latent", w.name);
  int plate = -1;
  for (int p : i.plates)
    if (m.plates()[std::size_t(p)].size == w.event.extent(0) &&
        std::find(w.plates.begin(), w.plates.end(), p) == w.plates.end())
      plate = p;
  if (plate < 0)
    raise<ConfigError>("[gate] \"{}\" has {} categories; \"{}\" lies on no plate of as many",
                       w.name, w.event.extent(0), i.name);
  ExprInfo g;
  g.kind = ExprKind::gate;
  g.name = fmt::format("{}[{}]", i.name, w.name);
  g.plates = i.plates;
  std::erase(g.plates, plate);
  join(g.plates, w.plates);
  g.gates = i.gates;
  join(g.gates, {Gate{which.index(), plate}});
  g.event = i.event;
  g.inputs = {which, e};
  return m.add(std::move(g));
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

}  // namespace fathom
