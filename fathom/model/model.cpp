#include "fathom/model/model.h"

#include <algorithm>

namespace fathom {

const Shape& Expr::event() const { return model_->info(index_).event; }

namespace {

std::vector<int> joined_plates(const std::vector<Expr>& inputs) {
  std::vector<int> plates;
  for (const Expr& e : inputs)
    for (int p : e.model().info(e).plates) plates.push_back(p);
  std::sort(plates.begin(), plates.end());
  plates.erase(std::unique(plates.begin(), plates.end()), plates.end());
  return plates;
}

Conditional make(const FamilyInfo& family, std::string text, std::vector<Arg> args,
                 std::function<std::vector<Face>(std::span<const Face>)> form = {}) {
  if (!form) form = [](std::span<const Face> f) { return std::vector<Face>(f.begin(), f.end()); };
  return {&family, std::move(text), std::move(args), std::move(form)};
}

}  // namespace

Conditional normal(Arg mean, Arg sd) {
  return make(family<Normal>(), "normal(mean, sd)", {mean, sd}, [](std::span<const Face> f) {
    return std::vector<Face>{f[0], Normal::from_sd(f[1].mean)};
  });
}
Conditional normal_log_sd(Arg mean, Arg log_sd) {
  return make(family<Normal>(), "normal(mean, log_sd)", {mean, log_sd},
              [](std::span<const Face> f) {
                return std::vector<Face>{f[0], Normal::from_log_sd(f[1].mean)};
              });
}
Conditional normal_precision(Arg mean, Arg precision) {
  return make(family<Normal>(), "normal(mean, precision)", {mean, precision});
}
Conditional bernoulli(Arg logits) {
  return make(family<Bernoulli>(), "bernoulli(logits)", {logits});
}
Conditional categorical(Arg logits) {
  return make(family<Categorical>(), "categorical(logits)", {logits});
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

Plate Model::plate(std::string name) {
  if (std::find(plates_.begin(), plates_.end(), name) != plates_.end())
    raise<ConfigError>("[model] there is a plate \"{}\" already", name);
  plates_.push_back(std::move(name));
  return {this, int(plates_.size()) - 1};
}

Expr Model::data(std::string name, Plate plate, const Shape& event, DType stored) {
  check_name(name);
  ExprInfo e;
  e.kind = ExprKind::data;
  e.name = std::move(name);
  e.plates = {plate.index};
  e.event = event;
  e.stored = stored;
  return add(std::move(e));
}

Expr Model::constant(double value) {
  ExprInfo e;
  e.kind = ExprKind::constant;
  e.name = fmt::format("{}", value);
  e.number = value;
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
  e.plates = joined_plates(inputs);
  e.event = event;
  e.inputs = std::move(inputs);
  e.apply = std::move(apply);
  e.moments = std::move(moments);
  return add(std::move(e));
}

Degree Model::degree(Expr e, Expr z) const {
  if (e.index() == z.index()) return {true, true, {}};
  const ExprInfo& i = info(e);
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
  // A function without moments is not affine; one that reads the latent twice multiplies it.
  const bool product = inputs > 1 && i.name == "mul";
  if (d.depends && d.affine && i.kind == ExprKind::function && (!i.moments || product)) {
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

}  // namespace

Expr operator+(Expr a, Expr b) {
  return a.model().function(
      "add", {a, b}, joined_event("add", a, b),
      [](std::span<const Value> v) { return v[0] + v[1]; },
      [](std::span<const Face> f) {
        return Face{f[0].mean + f[1].mean,
                    sum_of(f[0].variance, f[1].variance),
                    {},
                    f[0].random || f[1].random};
      });
}

Expr operator+(Expr a, double b) { return a + a.model().constant(b); }

Expr operator-(Expr a, Expr b) {
  return a.model().function(
      "sub", {a, b}, joined_event("sub", a, b),
      [](std::span<const Value> v) { return v[0] - v[1]; },
      [](std::span<const Face> f) {
        return Face{f[0].mean - f[1].mean,
                    sum_of(f[0].variance, f[1].variance),
                    {},
                    f[0].random || f[1].random};
      });
}

// E ab and Var ab of independent a and b; either may be fixed.
Expr operator*(Expr a, Expr b) {
  return a.model().function(
      "mul", {a, b}, joined_event("mul", a, b),
      [](std::span<const Value> v) { return v[0] * v[1]; },
      [](std::span<const Face> f) {
        Value v;
        if (f[0].variance) v = f[0].variance * square(f[1].mean);
        if (f[1].variance) v = sum_of(v, f[1].variance * square(f[0].mean));
        if (f[0].variance && f[1].variance) v = v + f[0].variance * f[1].variance;
        return Face{f[0].mean * f[1].mean, v, {}, f[0].random || f[1].random};
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
        Value v;
        if (f[0].variance) v = matmul(f[0].variance, square(f[1].mean));
        if (f[1].variance) v = sum_of(v, matmul(square(f[0].mean), f[1].variance));
        if (f[0].variance && f[1].variance) v = v + matmul(f[0].variance, f[1].variance);
        return Face{matmul(f[0].mean, f[1].mean), v, {}, f[0].random || f[1].random};
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
        return Face{cut(f[0].mean), cut(f[0].variance), cut(f[0].log), f[0].random};
      });
}

}  // namespace fathom
