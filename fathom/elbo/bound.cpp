#include "fathom/elbo/bound.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "fathom/autodiff/gradient.h"
#include "fathom/elbo/check.h"
#include "fathom/elbo/separate.h"
#include "fathom/elbo/statistics.h"
#include "fathom/ops/substitute.h"

namespace fathom {

std::string_view name_of(Estimate e) {
  constexpr std::string_view names[] = {"exact", "closed", "sampled"};
  return names[std::size_t(e)];
}

std::vector<nn::Parameter> parameters_of(const Model& model) {
  std::vector<nn::Parameter> all;
  for (std::size_t i = 0; i < model.size(); ++i)
    if (model.info(int(i)).kind == ExprKind::parameter) all.push_back(model.info(int(i)).init);
  for (const LatentInfo& z : model.latents()) {
    if (z.guide) continue;
    const ExprInfo& e = model.info(z.expr);
    if (!e.plates.empty())  // of a fixed size or of rows
      raise<ConfigError>(
          "[guide] latent \"{}\" lies on a plate and needs a guide that reads its data", e.name);
    all.push_back({e.name + ".mean", e.event, nn::Init::zeros});
    all.push_back({e.name + ".log_sd", e.event, nn::Init::zeros});
  }
  return all;
}

Lowering::Lowering(const Model& model, Graph& graph, LowerOptions options)
    : model_(model), graph_(graph), options_(std::move(options)) {
  std::string rows = "row";
  int streamed = 0;
  for (const PlateInfo& p : model.plates())
    if (p.streamed()) {
      rows = p.name;
      ++streamed;
    }
  if (streamed > 1)
    raise<ConfigError>("[elbo] {} plates of rows: data on one are supported", streamed);
  row_ = graph.label(rows, true);
  if (options_.samples > 1 || options_.weights) draw_ = graph.label("draw");
  for (std::size_t p = 0; p < model.plates().size(); ++p)
    if (!model.plates()[p].streamed()) plates_[int(p)] = graph.label(model.plates()[p].name);
  if (options_.gather) table_ = graph.label("table");
}

Value Lowering::slot(const std::string& name, const Shape& shape) {
  const auto found = inputs_.find(name);
  if (found != inputs_.end()) return found->second;
  const Value v = graph_.slot(name, model_.dtype(), shape);
  inputs_[name] = v;
  parameters_.push_back(v);
  return v;
}

std::vector<Value> Lowering::parameters() const {
  std::vector<Value> ordered;
  for (const nn::Parameter& p : parameters_of(model_)) {
    const auto found = inputs_.find(p.name);
    if (found != inputs_.end()) ordered.push_back(found->second);
  }
  return ordered;
}

Value Lowering::key() {
  if (!inputs_.count("key")) inputs_["key"] = graph_.key("key");
  return inputs_["key"];
}

Value Lowering::temperature() {
  if (!options_.tempered) return {};
  if (!inputs_.count("temperature"))
    inputs_["temperature"] = graph_.slot("temperature", model_.dtype(), Shape{});
  return inputs_["temperature"];
}

Value Lowering::ids() {
  const std::string name = options_.gather ? "index" : "ids";
  if (!inputs_.count(name)) {
    const Axis axis{options_.capacity, row_};
    inputs_[name] = graph_.data(name, DType::i64, Shape(std::span<const Axis>(&axis, 1)));
  }
  return inputs_[name];
}

Shape Lowering::full_shape(const ExprInfo& e, bool draws) const {
  Shape s = e.event;
  for (int p : e.plates)
    if (plates_.count(p)) s = s.with_front({model_.plates()[std::size_t(p)].size, plates_.at(p)});
  if (draws && draw_ != kNoLabel) s = s.with_front({options_.samples, draw_});
  if (model_.streamed(e)) s = s.with_front({options_.capacity, row_});
  return s;
}

Value Lowering::data(const ExprInfo& e) {
  const std::string name = "data." + e.name;
  if (inputs_.count(name)) return inputs_[name];
  Value v;
  if (options_.gather) {
    v = gather(graph_.data(name, e.stored, e.event.with_front({1, table_})), ids());
  } else {
    v = graph_.data(name, e.stored, full_shape(e, false));
  }
  return inputs_[name] = cast(v, model_.dtype());
}

Value Lowering::draw_of(const LatentInfo& z) {
  const auto found = draws_.find(z.expr);
  if (found != draws_.end()) return found->second;
  const ExprInfo& e = model_.info(z.expr);
  if (options_.bind_latents)
    return draws_[z.expr] = graph_.data("data." + e.name, model_.dtype(), full_shape(e, false));
  const Distribution q = guide(z);
  if (!q.family->doc.reparameterised)
    raise<ConfigError>("[elbo] \"{}\" must be drawn, but {} has no reparameterised draw", e.name,
                       q.family->doc.name);
  const Draw d{fold_key(key(), z.expr), model_.dtype(), full_shape(e, true),
               model_.streamed(e) ? ids() : Value()};
  return draws_[z.expr] = sample(q, d);
}

Face Lowering::face(Expr e, const Drawn& drawn) {
  const auto memo = std::make_pair(e.index(), drawn);
  const auto found = faces_.find(memo);
  if (found != faces_.end()) return found->second;
  const ExprInfo& i = model_.info(e);
  Face f;
  switch (i.kind) {
    case ExprKind::data: f = Face::at(data(i)); break;
    case ExprKind::constant: f = Face::at(graph_.constant(i.value.cast(model_.dtype()))); break;
    case ExprKind::parameter: f = Face::at(slot(i.name, i.event)); break;
    case ExprKind::latent: {
      const LatentInfo& z = *model_.latent_of(e.index());
      if (leaves_.count(e.index())) return z.prior.family->face_of_leaves(leaves_.at(e.index()));
      if (is_apart(z)) return moments(z);
      f = drawn.count(e.index()) ? Face::at(draw_of(z)) : moments(z);
      break;
    }
    case ExprKind::draw: {
      const Value p = face(i.inputs[0], drawn).mean;
      f = Face::at(less(uniform(fold_key(key(), e.index()), model_.dtype(), p.shape(), ids()), p));
      break;
    }
    case ExprKind::gate: f = face(i.inputs[1], drawn); break;
    case ExprKind::spread: f = spread(i, face(i.inputs[0], drawn)); break;
    case ExprKind::stacked:
      f = face(i.inputs[0], drawn).mapped([&](Value v) { return v ? stacked(v, i.plate) : v; });
      break;
    case ExprKind::across:
      f = face(i.inputs[0], drawn).mapped([&](Value v) { return v ? across(v, i.plate) : v; });
      break;
    case ExprKind::function: {
      std::vector<Face> faces;
      std::vector<Value> values;
      bool random = false;
      for (const Expr& in : i.inputs) {
        faces.push_back(face(in, drawn));
        values.push_back(faces.back().mean);
        random = random || faces.back().random;
      }
      if (!random) {
        f = Face::at(i.apply(values));
      } else if (i.moments) {
        f = i.moments(faces);
      } else {
        raise<ConfigError>("[elbo] \"{}\" is not affine: its inputs must be drawn", i.name);
      }
      break;
    }
  }
  return faces_[memo] = f;
}

// The first unlabelled axis as a plate; one element there is that of all.
Face Lowering::spread(const ExprInfo& e, const Face& f) const {
  const std::vector<int>& inner = model_.info(e.inputs[0]).plates;
  const auto plate = *std::find_if(e.plates.begin(), e.plates.end(), [&](int p) {
    return std::find(inner.begin(), inner.end(), p) == inner.end();
  });
  const std::int64_t size = model_.plates()[std::size_t(plate)].size;
  return f.mapped([&](Value v) {
    if (!v) return v;
    if (v.shape().labelled() > 0)
      raise<ConfigError>("[spread] \"{}\" lies on plates already", e.name);
    const Shape rest = v.shape().without(0);
    const bool shared = v.shape().extent(0) == 1 && size > 1;
    return reshape(v, shared ? rest : rest.with_front({size, plates_.at(plate)}));
  });
}

// A plate's axis as the first of the event, without its label.
Value Lowering::stacked(Value v, int plate) const {
  const std::int64_t size = model_.plates()[std::size_t(plate)].size;
  const int at = v.shape().find(plates_.at(plate));
  std::vector<Axis> axes(v.shape().axes().begin(), v.shape().axes().end());
  if (at < 0) {  // the same for all its elements
    axes.insert(axes.begin() + v.shape().labelled(), Axis{1, kNoLabel});
    Value one = reshape(v, Shape(std::span<const Axis>(axes)));
    axes[std::size_t(v.shape().labelled())].extent = size;
    return broadcast_to(one, Shape(std::span<const Axis>(axes)));
  }
  if (at + 1 != v.shape().labelled())
    raise<ConfigError>("[stacked] the plate \"{}\" is not the last one of a quantity",
                       model_.plates()[std::size_t(plate)].name);
  axes[std::size_t(at)].label = kNoLabel;
  return reshape(v, Shape(std::span<const Axis>(axes)));
}

// A plate's axis as the last one, without its label. What is the same for all its elements is
// repeated.
Value Lowering::across(Value v, int plate) const {
  const std::int64_t size = model_.plates()[std::size_t(plate)].size;
  const int at = v.shape().find(plates_.at(plate)), rank = v.shape().rank();
  if (at < 0) return broadcast_to(reshape(v, v.shape().with_back(1)), v.shape().with_back(size));
  // Labels from there on are put down for the move, since labelled axes come first.
  std::vector<Axis> bare(v.shape().axes().begin(), v.shape().axes().end());
  for (int k = at; k < rank; ++k) bare[std::size_t(k)].label = kNoLabel;
  std::vector<int> order;
  for (int k = 0; k < rank; ++k)
    if (k != at) order.push_back(k);
  order.push_back(at);
  const Value moved = transpose(reshape(v, Shape(std::span<const Axis>(bare))), order);
  return reshape(moved, v.shape().without(at).with_back(size));
}

Face Lowering::moments(const LatentInfo& z) {
  if (is_apart(z)) return z.prior.family->face_of_leaves(apart(z).leaves);
  const bool factor = options_.factors != Factors::none && !z.guide && !is_local(z);
  const Face f = factor ? moments_at(z, natural_slots(z)) : fathom::face(guide(z));
  if (!factor) return f;
  const auto [it, fresh] = moments_.try_emplace(z.expr);
  // Each its own node, although point masses have zeros in common.
  std::int64_t name = 64 * z.expr;
  const auto leaf = [&](Value v) { return v ? stop_gradient(v, ++name) : v; };
  if (fresh) {
    it->second = f.mapped(leaf);
    // One leaf for both, whichever a term reads.
    if (f.covariance) it->second.variance = diagonal(it->second.covariance);
  }
  return it->second;
}

Face Lowering::moments_at(const LatentInfo& z, const std::vector<Value>& natural) const {
  const FamilyInfo& f = *z.prior.family;
  return is_point(z) ? f.mode(natural) : fathom::face({&f, f.from_natural(natural)});
}

Value Lowering::value(Expr e) {
  Drawn all;
  for (const LatentInfo& z : model_.latents()) all.insert(z.expr);
  return face(e, all).mean;
}

// What a term sees of what it observes: cells that are missing are 0, and `observed` says which.
Face Lowering::observed(Expr e) {
  Face f = face(e, {});
  if (!model_.info(e).partial) return f;
  f.observed = equal(f.mean, f.mean);  // NaN is not itself
  f.mean = where(f.observed, f.mean, like(f.mean, 0.0));
  return f;
}

// A value of each row, as many times as the row counts.
Value Lowering::weighed(Value v) {
  for (const PlateInfo& p : model_.plates())
    if (p.weight >= 0) return v * data(model_.info(p.weight));
  return v;
}

Face Lowering::face_of_arg(const Arg& a, const Drawn& drawn) {
  if (a.expr()) return face(a.expr(), drawn);
  return Face::at(graph_.constant(a.value(), model_.dtype()));
}

namespace {

// A number given for a vector is all of its elements; for a matrix, that multiple of the identity.
Face whole(Face f, Support support, std::int64_t d) {
  const auto all = [d](Value v) { return v ? broadcast_to(v, v.shape().with_back(d)) : v; };
  if (f.mean.shape().rank() > f.mean.shape().labelled()) return f;
  const Value log_beta = f.log_beta;  // of all elements alike
  f = {all(f.mean), all(f.variance), all(f.log), f.random, {}, {}};
  f.log_beta = log_beta;
  if (support != Support::matrix) return f;
  f.mean = diagonal_matrix(f.mean);
  if (f.log) f.log = sum(f.log, f.log.shape().rank() - 1, 1);  // of the determinant
  return f;
}

}  // namespace

Distribution Lowering::distribution(const Conditional& c, const Drawn& drawn, const Shape& event) {
  std::vector<Face> faces;
  for (const Arg& a : c.args) faces.push_back(face_of_arg(a, drawn));
  faces = c.form(faces);
  const FamilyDoc& doc = c.family->doc;
  for (std::size_t k = 0; k < faces.size() && doc.event_axes > 0 && event.rank() == doc.event_axes;
       ++k) {
    const Support s = c.family->parameters[k].support;
    const bool number =
        s == Support::bit || (s == Support::positive &&
                              (doc.support == Support::joint || doc.support == Support::matrix));
    const int axis = c.family->parameters[k].axis;
    if (!number) faces[k] = whole(faces[k], s, event.extent(axis < 0 ? event.rank() - 1 : axis));
    if (!number && axis < 0 && faces[k].mean.shape().events().rank() < event.rank())
      faces[k].mean = broadcast_to(faces[k].mean, Shape(faces[k].mean.shape().plates())
                                                      .with_back(event.extent(0))
                                                      .with_back(event.extent(1)));
  }
  return {c.family, faces};
}

std::vector<std::pair<std::string, Value>> Lowering::guide_arguments(const LatentInfo& z) {
  const ExprInfo& e = model_.info(z.expr);
  std::vector<std::pair<std::string, Value>> out;
  if (!z.guide) {
    out.emplace_back(e.name + ".mean", slot(e.name + ".mean", e.event));
    out.emplace_back(e.name + ".log_sd", slot(e.name + ".log_sd", e.event));
    return out;
  }
  int k = 0;
  for (const Arg& a : z.guide->args) {
    const std::string name = fmt::format("{}.q{}", e.name, k++);
    if (options_.bind_guides && model_.streamed(e)) {
      if (!inputs_.count(name))
        inputs_[name] = graph_.data(name, model_.dtype(), full_shape(e, false));
      out.emplace_back(name, inputs_[name]);
    } else {
      out.emplace_back(name, broadcast_to(face_of_arg(a, {}).mean, full_shape(e, false)));
    }
  }
  return out;
}

Distribution Lowering::guide(const LatentInfo& z) {
  if (is_local(z)) {
    collapse();
    const std::vector<Value>& natural = naturals_.at(z.expr);
    if (is_hard(z)) return {z.prior.family, z.prior.family->best(natural)};
    return cooled(*z.prior.family, natural);
  }
  if (options_.factors != Factors::none && !z.guide) {
    const FamilyInfo& f = *z.prior.family;
    return {&f, f.from_natural(natural_slots(z))};
  }
  std::vector<Face> faces;
  for (const auto& [name, v] : guide_arguments(z)) faces.push_back(Face::at(v));
  if (z.guide) return {z.guide->family, z.guide->form(faces)};
  return {&family<Normal>(), {faces[0], Normal::from_log_sd(faces[1].mean)}};
}

std::vector<Value> Lowering::natural_slots(const LatentInfo& z) {
  const ExprInfo& e = model_.info(z.expr);
  const FamilyInfo& f = *z.prior.family;
  if (!f.exponential() || !f.leaves || model_.streamed(e) || (is_point(z) && !f.mode))
    raise<ConfigError>("[elbo] \"{}\" cannot have a factor of its own: {}", e.name,
                       model_.streamed(e)              ? "it lies on rows"
                       : !f.exponential() || !f.leaves ? "its prior offers no moments"
                                                       : "its prior offers no mode");
  const std::vector<Face> prior = this->prior(z).parameters;
  std::vector<Value> slots;
  const Values natural = f.natural(prior);
  for (std::size_t k = 0; k < natural.size(); ++k) {
    // An element of the event, or, of a vector, what the family's statistics have.
    Shape s = e.event;
    if (!f.stat_axes.empty()) {
      s = f.doc.event_axes > 1 ? natural[k].shape().events() : Shape{};
      for (int a = s.rank(); a < f.stat_axes[k]; ++a) s = s.with_back(e.event.extent(0));
    }
    ExprInfo like = e;
    like.event = s;
    slots.push_back(slot(fmt::format("{}.natural.{}", e.name, k), full_shape(like, false)));
  }
  return slots;
}

// Latents that a conditional does not take by moments: those that enter it through a function that
// is not affine, or where the family needs a fixed parameter.
Lowering::Drawn Lowering::must_draw(const Conditional& c, const std::string& term,
                                    std::string* why) {
  Drawn drawn;
  const bool forced = options_.weights || options_.sampled.count(term) > 0;
  for (const LatentInfo& z : model_.latents()) {
    const Expr latent(const_cast<Model&>(model_), z.expr);
    int uses = 0;
    for (std::size_t k = 0; k < c.args.size(); ++k) {
      if (!c.args[k].expr()) continue;
      const Degree d = model_.degree(c.args[k].expr(), latent);
      if (!d.depends) continue;
      ++uses;
      const bool moments_taken =
          c.needs[k] != ParameterDoc::Needs::fixed &&
          (c.needs[k] != ParameterDoc::Needs::log_gamma || is_shape(model_, c.args[k].expr()));
      const bool curved =
          c.needs[k] == ParameterDoc::Needs::normal && !is_gaussian(model_, c.args[k].expr());
      if (forced || !d.affine || !moments_taken || curved || uses > 1) {
        drawn.insert(z.expr);
        if (why->empty())
          *why = forced      ? "asked for"
                 : !d.affine ? d.culprit
                 : curved    ? model_.info(c.args[k].expr()).name + " is not normal"
                 : c.needs[k] == ParameterDoc::Needs::log_gamma
                     ? fmt::format(
                           "lgamma of \"{}\": a random shape has the prior gamma_shape, a "
                           "random concentration the prior concentration",
                           model_.info(c.args[k].expr()).name)
                     : std::string(c.family->doc.name);
      }
    }
  }
  return drawn;
}

// Averages over draws and sums over what is neither plate nor draw.
Value Lowering::to_plate(Value v, int plate, bool average) {
  const int draws = draw_ == kNoLabel ? -1 : v.shape().find(draw_);
  Value s = v.shape().rank() > v.shape().labelled() ? sum_events(v) : v;
  for (const auto& [p, label] : plates_)
    if (s.shape().find(label) >= 0) s = sum(s, label);
  if (draws >= 0 && average) s = sum(s, draw_) * (1.0 / options_.samples);
  if (plate >= 0 && s.shape().find(row_) < 0)
    s = broadcast_to(s, s.shape().with_front({options_.capacity, row_}));
  return s;
}

std::vector<Gate> Lowering::gates_of(const Conditional& c) const {
  std::set<Gate> all;
  for (const Arg& a : c.args)
    if (a.expr())
      for (const Gate& g : model_.info(a.expr()).gates) all.insert(g);
  return {all.begin(), all.end()};
}

// Elements of a gated term, weighted by the probabilities of the choices and summed over them.
Value Lowering::choose(Value elements, const std::vector<Gate>& gates, const Drawn& drawn) {
  for (const Gate& g : gates)
    elements = chosen_by(elements, g, face(Expr(const_cast<Model&>(model_), g.which), drawn).mean);
  return elements;
}

Value Lowering::chosen_by(Value elements, const Gate& gate, Value probabilities) const {
  const Label label = plates_.at(gate.plate);
  const Shape& s = probabilities.shape();
  const Axis axis{s.extent(s.rank() - 1), label};
  return sum(elements * reshape(probabilities, Shape(s.plates()).with_front(axis)), label);
}

// The same with events summed first, where anything is to be chosen.
Value Lowering::chosen(Value elements, const std::vector<Gate>& gates, const Drawn& drawn) {
  if (gates.empty()) return elements;
  if (elements.shape().rank() > elements.shape().labelled()) elements = sum_events(elements);
  return choose(elements, gates, drawn);
}

// log p of what is observed, element by element; where a latent chooses among elements of a plate,
// events are summed.
Value Lowering::elements_of(const ObservedInfo& o, const std::vector<Gate>& gates,
                            const Drawn& drawn) {
  const Distribution p = distribution(o.likelihood, drawn, model_.info(o.value).event);
  Face x = model_.info(o.value).kind == ExprKind::data ? observed(o.value) : face(o.value, drawn);
  if (x.observed && p.family->doc.event_axes > 0 && !p.family->doc.partial)
    raise<ConfigError>("[elbo] \"{}\": {} does not take vectors with missing cells", o.name,
                       p.family->doc.name);
  // What stands in for a missing cell is in the support, so that no infinity meets a zero.
  const Support support = p.family->doc.support;
  if (x.observed && (support == Support::positive || support == Support::unit))
    x.mean = where(x.observed, x.mean, like(x.mean, 0.5));
  const Value cells = p.family->doc.event_axes == 0 ? std::exchange(x.observed, {}) : Value();
  Value elements;
  if (const auto warm = options_.warm.find(o.name); warm != options_.warm.end()) {
    const Value kept =
        graph_.slot(fmt::format("inside.{}.{}", o.name, warm->second), model_.dtype(),
                    Shape{warm->second, p.family->warm_size(p.parameters)});
    const FamilyInfo::Warm from = p.family->warm_log_prob(x, p.parameters, kept);
    warm_[o.name] = {kept, from.kept};
    elements = from.elements;
  } else {
    elements = p.family->expected_log_prob(x, p.parameters);
  }
  if (cells) elements = elements * cells;
  if (!gates.empty()) {
    if (elements.shape().rank() > elements.shape().labelled()) elements = sum_events(elements);
    // Squares of residuals are not taken apart: digits would be lost.
    if (p.family->doc.support != Support::real && p.family->doc.support != Support::vector)
      elements = contracted(elements).value_or(elements);
  }
  return elements;
}

Term Lowering::likelihood(const ObservedInfo& o) {
  const auto expr = [&](int i) { return Expr(const_cast<Model&>(model_), i); };
  Term t;
  t.name = o.name;
  t.plate = model_.streamed(model_.info(o.value)) ? 0 : -1;
  const Drawn drawn = must_draw(o.likelihood, o.name, &t.note);
  const std::vector<Gate> gates = open_gates(o.likelihood, -1);
  bool random = !gates.empty();
  for (const LatentInfo& z : model_.latents())
    for (const Arg& a : o.likelihood.args)
      random = random || (a.expr() && model_.degree(a.expr(), expr(z.expr)).depends);
  t.how = !drawn.empty() ? Estimate::sampled : random ? Estimate::closed : Estimate::exact;
  t.local = !locals_of(o.likelihood).empty();
  for (const LatentInfo& z : model_.latents())
    for (std::size_t k = 0; k < o.likelihood.args.size(); ++k)
      if (const Arg& a = o.likelihood.args[k];
          a.expr() && o.likelihood.needs[k] == ParameterDoc::Needs::normal &&
          !drawn.count(z.expr) && model_.degree(a.expr(), expr(z.expr)).depends)
        t.affine = false;
  if (const auto met = o.likelihood.family->rows_meet) {
    if (!gates.empty())
      raise<ConfigError>("[elbo] \"{}\": {} reads no gates", o.name, o.likelihood.family->doc.name);
    t.met = met(distribution(o.likelihood, drawn, model_.info(o.value).event).parameters);
  }
  t.value = to_plate(choose(elements_of(o, gates, drawn), gates, drawn), t.plate, true);
  if (const auto warm = warm_.find(o.name); warm != warm_.end())
    std::tie(t.kept, t.left) = warm->second;
  return t;
}

bool Lowering::is_point(const LatentInfo& z) const {
  const bool asked = options_.factors == Factors::mode || options_.factors == Factors::likelihood ||
                     (options_.factors == Factors::mean_field &&
                      options_.points.count(model_.info(z.expr).name) > 0);
  return asked && !z.guide && !is_local(z) && !is_apart(z);
}

void Lowering::latent_terms(const LatentInfo& z, Term* prior, Term* entropy_of) {
  const ExprInfo& e = model_.info(z.expr);
  const bool forming = leaves_.count(z.expr) > 0 || is_apart(z);
  prior->name = e.name + ".prior";
  prior->plate = model_.streamed(e) ? 0 : -1;
  prior->kind = Term::Kind::prior;
  prior->local = is_local(z) || !locals_of(z.prior).empty();
  Drawn drawn = must_draw(z.prior, prior->name, &prior->note);
  Distribution q;
  if (!forming) {
    q = guide(z);
    // The prior meets the guide's moments where both speak of the same statistics.
    const bool same = q.family == z.prior.family || (z.prior.family == &family<Normal>());
    if (!same || options_.sampled.count(prior->name)) drawn.insert(z.expr);
  }
  prior->how = drawn.empty() ? Estimate::closed : Estimate::sampled;
  const Distribution p = distribution(z.prior, drawn, e.event);
  const Face x = face(Expr(const_cast<Model&>(model_), z.expr), drawn);
  const std::vector<Gate> gates = open_gates(z.prior, z.expr);
  prior->elements = chosen(p.family->expected_log_prob(x, p.parameters), gates, drawn);
  prior->value = to_plate(prior->elements, prior->plate, true);
  if (!entropy_of) return;
  Term& h = *entropy_of;
  h.name = e.name + ".entropy";
  h.plate = prior->plate;
  h.kind = Term::Kind::entropy;
  h.local = is_local(z);
  h.how = Estimate::closed;
  h.elements = is_apart(z) ? apart(z).entropy : chosen(entropy(q), outer_gate(z.expr), drawn);
  h.value = to_plate(h.elements, h.plate, true);
}

std::vector<Term> Lowering::terms() {
  collapse();
  std::vector<Term> out;
  for (const ObservedInfo& o : model_.observed()) out.push_back(likelihood(o));
  for (const LatentInfo& z : model_.latents()) {
    if (is_point(z) && (options_.factors == Factors::likelihood || options_.flat_points)) continue;
    Term prior, entropy;
    const bool point = is_point(z) || is_hard(z);
    latent_terms(z, &prior, point ? nullptr : &entropy);
    out.push_back(std::move(prior));
    if (point) continue;
    if (const Value t = temperature()) entropy.value = entropy.value * t;
    out.push_back(std::move(entropy));
  }
  for (Term& t : out)
    if (t.plate >= 0) t.value = weighed(t.value);
  return out;
}

Value Lowering::log_weights() {
  if (!options_.weights) raise<ConfigError>("[elbo] log weights need LowerOptions::weights");
  Drawn all;
  for (const LatentInfo& z : model_.latents()) all.insert(z.expr);
  Value total;
  const auto add = [&](Value v) { total = total ? total + v : v; };
  for (const ObservedInfo& o : model_.observed()) {
    const Distribution p = distribution(o.likelihood, all, model_.info(o.value).event);
    add(to_plate(p.family->expected_log_prob(face(o.value, all), p.parameters), 0, false));
  }
  for (const LatentInfo& z : model_.latents()) {
    const Value draw = draw_of(z);
    add(to_plate(log_prob(distribution(z.prior, all, model_.info(z.expr).event), draw), 0, false));
    add(-to_plate(log_prob(guide(z), draw), 0, false));
  }
  return total;
}

}  // namespace fathom
