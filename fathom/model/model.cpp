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

}  // namespace

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

Expr Model::latent(std::string name, Conditional prior, std::vector<Plate> plates,
                   const Shape& event) {
  check_name(name);
  ExprInfo e;
  e.kind = ExprKind::latent;
  e.name = std::move(name);
  for (const Plate& plate : plates)
    if (plate.model) e.plates.push_back(plate.index);
  std::sort(e.plates.begin(), e.plates.end());
  e.event = event;
  const Expr z = add(std::move(e));
  latents_.push_back({z.index(), std::move(prior), {}});
  return z;
}

Expr Model::latent(std::string name, Conditional prior, Plate plate, const Shape& event) {
  return latent(std::move(name), std::move(prior), std::vector<Plate>{plate}, event);
}

Expr Model::latent(std::string name, Conditional prior, const Shape& event) {
  return latent(std::move(name), std::move(prior), std::vector<Plate>(), event);
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

Expr gate(Expr which, Expr e) {
  Model& m = which.model();
  const ExprInfo &w = m.info(which), &i = m.info(e);
  if (w.event.rank() != 1) raise<ConfigError>("[gate] \"{}\" is no categorical latent", w.name);
  int plate = -1;
  for (int p : i.plates) {
    if (m.plates()[std::size_t(p)].size != w.event.extent(0) ||
        std::find(w.plates.begin(), w.plates.end(), p) != w.plates.end())
      continue;
    if (plate >= 0)
      raise<ConfigError>(
          "[gate] \"{}\" may choose on plate \"{}\" or \"{}\": gate(which, e, plate)", w.name,
          m.plates()[std::size_t(plate)].name, m.plates()[std::size_t(p)].name);
    plate = p;
  }
  if (plate < 0)
    raise<ConfigError>("[gate] \"{}\" has {} categories; \"{}\" lies on no plate of as many",
                       w.name, w.event.extent(0), i.name);
  return gate(which, e, Plate{&m, plate});
}

Expr gate(Expr which, Expr e, Plate on) {
  Model& m = which.model();
  const ExprInfo &w = m.info(which), &i = m.info(e);
  const int plate = on.index;
  if (w.kind != ExprKind::latent ||
      m.latent_of(which.index())->prior.family->doc.support != Support::category)
    raise<ConfigError>("[gate] \"{}\" is no categorical latent", w.name);
  if (std::find(i.plates.begin(), i.plates.end(), plate) == i.plates.end() ||
      w.event != Shape{m.plates()[std::size_t(plate)].size})
    raise<ConfigError>("[gate] \"{}\" does not choose among the elements of plate \"{}\" in \"{}\"",
                       w.name, m.plates()[std::size_t(plate)].name, i.name);
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

Expr spread(Expr e, Plate plate) {
  Model& m = e.model();
  const ExprInfo& i = m.info(e);
  const PlateInfo& p = m.plates()[std::size_t(plate.index)];
  if (i.event.rank() == 0 || i.event.extent(0) != p.size)
    raise<ConfigError>("[spread] \"{}\" has elements {}, and the plate \"{}\" has {}", i.name,
                       i.event.text(), p.name, p.size);
  ExprInfo s;
  s.kind = ExprKind::spread;
  s.name = i.name;
  s.plates = i.plates;
  join(s.plates, {plate.index});
  s.gates = i.gates;
  s.event = i.event.without(0);
  s.inputs = {e};
  return m.add(std::move(s));
}

namespace {

// A latent below `e` that does not lie on the plate; -1: none.
int off_plate(const Model& m, Expr e, int plate) {
  const ExprInfo& i = m.info(e);
  if (i.kind == ExprKind::latent)
    return std::find(i.plates.begin(), i.plates.end(), plate) == i.plates.end() ? e.index() : -1;
  for (const Expr& in : i.inputs)
    if (const int found = off_plate(m, in, plate); found >= 0) return found;
  return -1;
}

}  // namespace

Expr stacked(Expr x, Plate plate) {
  Model& m = x.model();
  const ExprInfo& i = m.info(x);
  const PlateInfo& p = m.plates()[std::size_t(plate.index)];
  if (p.streamed() || std::find(i.plates.begin(), i.plates.end(), plate.index) == i.plates.end())
    raise<ConfigError>("[stacked] \"{}\" does not lie on plate \"{}\" of fixed size", i.name,
                       p.name);
  ExprInfo e;
  e.kind = ExprKind::stacked;
  e.name = i.name;
  e.plates = i.plates;
  std::erase(e.plates, plate.index);
  e.gates = i.gates;
  e.event = i.event.with_front({p.size, kNoLabel});
  e.inputs = {x};
  e.plate = plate.index;
  return m.add(std::move(e));
}

Expr across(Expr x, Plate plate) {
  Model& m = x.model();
  const ExprInfo& i = m.info(x);
  const PlateInfo& p = m.plates()[std::size_t(plate.index)];
  if (p.streamed() || i.event.rank() != 0 ||
      std::find(i.plates.begin(), i.plates.end(), plate.index) == i.plates.end())
    raise<ConfigError>("[across] \"{}\" is no number on plate \"{}\" of fixed size", i.name,
                       p.name);
  if (const int shared = off_plate(m, x, plate.index); shared >= 0)
    raise<ConfigError>(
        "[across] \"{}\" reads \"{}\", which does not lie on plate \"{}\": elements of the vector "
        "would depend on each other",
        i.name, m.info(shared).name, p.name);
  ExprInfo e;
  e.kind = ExprKind::across;
  e.name = fmt::format("across {}", p.name);
  e.plates = i.plates;
  std::erase(e.plates, plate.index);
  e.gates = i.gates;
  e.event = Shape{p.size};
  e.inputs = {x};
  e.plate = plate.index;
  return m.add(std::move(e));
}

}  // namespace fathom
