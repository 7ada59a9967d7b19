#include "fathom/elbo/bound.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "fathom/elbo/check.h"
#include "fathom/elbo/separate.h"

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
