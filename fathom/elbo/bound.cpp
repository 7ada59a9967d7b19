#include "fathom/elbo/bound.h"

#include <algorithm>

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
    if (!e.plates.empty())
      raise<ConfigError>(
          "[guide] latent \"{}\" lies on a plate and needs a guide that reads its data", e.name);
    all.push_back({e.name + ".mean", e.event, nn::Init::zeros});
    all.push_back({e.name + ".log_sd", e.event, nn::Init::zeros});
  }
  return all;
}

Lowering::Lowering(const Model& model, Graph& graph, LowerOptions options)
    : model_(model), graph_(graph), options_(std::move(options)) {
  if (model.plates().size() > 1)
    raise<ConfigError>("[elbo] {} plates: data on one plate are supported", model.plates().size());
  row_ = graph.label(model.plates().empty() ? "row" : model.plates()[0], true);
  if (options_.samples > 1 || options_.weights) draw_ = graph.label("draw");
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
  if (draws && draw_ != kNoLabel) s = s.with_front({options_.samples, draw_});
  if (!e.plates.empty()) s = s.with_front({options_.capacity, row_});
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
               e.plates.empty() ? Value() : ids()};
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
    case ExprKind::constant: f = Face::at(graph_.constant(i.number, model_.dtype())); break;
    case ExprKind::parameter: f = Face::at(slot(i.name, i.event)); break;
    case ExprKind::latent: {
      const LatentInfo& z = *model_.latent_of(e.index());
      f = drawn.count(e.index()) ? Face::at(draw_of(z)) : fathom::face(guide(z));
      break;
    }
    case ExprKind::draw: {
      const Value p = face(i.inputs[0], drawn).mean;
      f = Face::at(less(uniform(fold_key(key(), e.index()), model_.dtype(), p.shape(), ids()), p));
      break;
    }
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

Value Lowering::value(Expr e) {
  Drawn all;
  for (const LatentInfo& z : model_.latents()) all.insert(z.expr);
  return face(e, all).mean;
}

Face Lowering::face_of_arg(const Arg& a, const Drawn& drawn) {
  if (a.expr()) return face(a.expr(), drawn);
  return Face::at(graph_.constant(a.value(), model_.dtype()));
}

Distribution Lowering::distribution(const Conditional& c, const Drawn& drawn) {
  std::vector<Face> faces;
  for (const Arg& a : c.args) faces.push_back(face_of_arg(a, drawn));
  return {c.family, c.form(faces)};
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
    if (options_.bind_guides && !e.plates.empty()) {
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
  if (options_.factors && !z.guide) {
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
  if (!f.exponential() || !f.leaves || !e.plates.empty())
    raise<ConfigError>("[elbo] \"{}\" cannot have a factor of its own: {}", e.name,
                       e.plates.empty() ? "its prior offers no moments" : "it lies on a plate");
  const std::vector<Face> prior = distribution(z.prior, {}).parameters;
  std::vector<Value> slots;
  for (std::size_t k = 0; k < f.natural(prior).size(); ++k)
    slots.push_back(slot(fmt::format("{}.natural.{}", e.name, k), e.event));
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
      // Forms that change a parameter (sd to precision) need it fixed, as the families say.
      const bool first = k == 0 && c.family->parameters[0].needs != ParameterDoc::Needs::fixed;
      const bool moments_taken = first || (c.text.find("precision") != std::string::npos);
      if (forced || !d.affine || !moments_taken || uses > 1) {
        drawn.insert(z.expr);
        if (why->empty())
          *why = forced ? "asked for" : !d.affine ? d.culprit : std::string(c.family->doc.name);
      }
    }
  }
  return drawn;
}

// Averages over draws and sums over what is neither plate nor draw.
Value Lowering::to_plate(Value v, int plate, bool average) {
  const int draws = draw_ == kNoLabel ? -1 : v.shape().find(draw_);
  Value s = v.shape().rank() > v.shape().labelled() ? sum_events(v) : v;
  if (draws >= 0 && average) s = sum(s, draw_) * (1.0 / options_.samples);
  if (plate >= 0 && s.shape().find(row_) < 0)
    s = broadcast_to(s, s.shape().with_front({options_.capacity, row_}));
  return s;
}

std::vector<Term> Lowering::terms() {
  std::vector<Term> out;
  const auto plate_of = [&](Expr e) {
    return model_.info(e).plates.empty() ? -1 : model_.info(e).plates[0];
  };
  for (const ObservedInfo& o : model_.observed()) {
    Term t;
    t.name = o.name;
    t.plate = plate_of(o.value);
    const Drawn drawn = must_draw(o.likelihood, o.name, &t.note);
    bool random = false;
    for (const LatentInfo& z : model_.latents())
      for (const Arg& a : o.likelihood.args)
        random =
            random ||
            (a.expr() && model_.degree(a.expr(), Expr(const_cast<Model&>(model_), z.expr)).depends);
    t.how = !drawn.empty() ? Estimate::sampled : random ? Estimate::closed : Estimate::exact;
    const Distribution p = distribution(o.likelihood, drawn);
    t.value =
        to_plate(p.family->expected_log_prob(face(o.value, drawn), p.parameters), t.plate, true);
    out.push_back(std::move(t));
  }
  for (const LatentInfo& z : model_.latents()) {
    const ExprInfo& e = model_.info(z.expr);
    const Distribution q = guide(z);
    Term prior, h;
    prior.name = e.name + ".prior";
    h.name = e.name + ".entropy";
    prior.plate = h.plate = e.plates.empty() ? -1 : e.plates[0];
    prior.kind = Term::prior;
    h.kind = Term::entropy;
    Drawn drawn = must_draw(z.prior, prior.name, &prior.note);
    // The prior meets the guide's moments where both speak of the same statistics.
    const bool same = q.family == z.prior.family || (z.prior.family == &family<Normal>());
    if (!same || options_.sampled.count(prior.name)) drawn.insert(z.expr);
    prior.how = drawn.empty() ? Estimate::closed : Estimate::sampled;
    const Distribution p = distribution(z.prior, drawn);
    const Face x = drawn.count(z.expr) ? Face::at(draw_of(z)) : fathom::face(q);
    prior.elements = p.family->expected_log_prob(x, p.parameters);
    prior.value = to_plate(prior.elements, prior.plate, true);
    h.how = Estimate::closed;
    h.elements = entropy(q);
    h.value = to_plate(h.elements, h.plate, true);
    out.push_back(std::move(prior));
    out.push_back(std::move(h));
  }
  return out;
}

Value Lowering::log_weights() {
  if (!options_.weights) raise<ConfigError>("[elbo] log weights need LowerOptions::weights");
  Drawn all;
  for (const LatentInfo& z : model_.latents()) all.insert(z.expr);
  Value total;
  const auto add = [&](Value v) { total = total ? total + v : v; };
  for (const ObservedInfo& o : model_.observed()) {
    const Distribution p = distribution(o.likelihood, all);
    add(to_plate(p.family->expected_log_prob(face(o.value, all), p.parameters), 0, false));
  }
  for (const LatentInfo& z : model_.latents()) {
    const Value draw = draw_of(z);
    add(to_plate(log_prob(distribution(z.prior, all), draw), 0, false));
    add(-to_plate(log_prob(guide(z), draw), 0, false));
  }
  return total;
}

}  // namespace fathom
