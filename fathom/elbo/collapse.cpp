// Latents of rows, integrated out.
#include <algorithm>
#include <utility>

#include "fathom/autodiff/gradient.h"
#include "fathom/elbo/bound.h"
#include "fathom/elbo/statistics.h"
#include "fathom/ops/substitute.h"

namespace fathom {

bool Lowering::is_local(const LatentInfo& z) const {
  return options_.collapse && !z.guide && model_.streamed(model_.info(z.expr)) && !is_apart(z);
}

bool Lowering::is_apart(const LatentInfo& z) const {
  return options_.collapse && options_.apart.count(model_.info(z.expr).name) > 0;
}

std::vector<Gate> Lowering::outer_gate(int expr) const {
  const auto found = under_.find(expr);
  return found == under_.end() ? std::vector<Gate>() : std::vector<Gate>{found->second};
}

// Choices that a term waits for: its own gates, and those that latents in it, or `own`, lie under.
// Inner choices come first, since their probabilities lie on the outer one's plate.
std::vector<Gate> Lowering::open_gates(const Conditional& c, int own) const {
  std::vector<Gate> all = gates_of(c);
  const auto join = [&](int expr) {
    for (const Gate& g : outer_gate(expr))
      if (std::find(all.begin(), all.end(), g) == all.end()) all.push_back(g);
  };
  for (const int z : locals_of(c)) join(z);
  join(own);
  std::stable_partition(all.begin(), all.end(),
                        [&](const Gate& g) { return under_.count(g.which) > 0; });
  return all;
}

// Latents of rows, integrated out, that a conditional meets: by gates or among its arguments.
std::set<int> Lowering::locals_of(const Conditional& c) const {
  std::set<int> locals;
  for (const Gate& g : gates_of(c))
    if (is_local(*model_.latent_of(g.which))) locals.insert(g.which);
  for (const LatentInfo& z : model_.latents())
    for (const Arg& a : c.args)
      if (is_local(z) && a.expr() &&
          model_.degree(a.expr(), Expr(const_cast<Model&>(model_), z.expr)).depends)
        locals.insert(z.expr);
  return locals;
}

// Where a term couples two latents of each row and one of them chooses, the other is integrated
// out given each of its choices: p(z, s) = p(s) p(z | s), exactly. Deeper coupling is refused.
void Lowering::nest() {
  const auto place = [&](const std::string& term, const Conditional& c, std::set<int> locals) {
    if (locals.size() < 2) return;
    const auto refuse = [&](const char* why) {
      raise<ConfigError>(
          "[collapse] term \"{}\" couples two latents of each row{} (a factor of its own: "
          "CoordinateOptions::apart)",
          term, why);
    };
    if (locals.size() > 2) refuse(" and a third");
    std::vector<Gate> gates;
    for (const Gate& g : gates_of(c))
      if (locals.count(g.which)) gates.push_back(g);
    if (gates.empty()) refuse(", and neither chooses among elements of a plate");
    std::sort(gates.begin(), gates.end());  // the one that was declared first is the outer one
    const Gate outer = gates[0];
    locals.erase(outer.which);
    const int inner = *locals.begin();
    if (model_.latent_of(inner)->prior.family->doc.sequences)
      refuse(", of which one lies along sequences of rows and is not a choice's alone");
    const auto [at, fresh] = under_.try_emplace(inner, outer);
    if (!fresh && at->second != outer) refuse(" in two ways");
  };
  for (const ObservedInfo& o : model_.observed())
    place(o.name, o.likelihood, locals_of(o.likelihood));
  for (const LatentInfo& z : model_.latents()) {
    if (!is_local(z) && !is_apart(z)) continue;
    std::set<int> locals = locals_of(z.prior);
    if (is_local(z)) locals.insert(z.expr);
    place(model_.info(z.expr).name + ".prior", z.prior, std::move(locals));
  }
  for (const auto& [inner, gate] : under_)
    if (under_.count(gate.which))
      raise<ConfigError>("[collapse] \"{}\" lies under \"{}\", which lies under another choice",
                         model_.info(inner).name, model_.info(gate.which).name);
}

std::vector<Value> Lowering::local_leaves(const LatentInfo& z) {
  const ExprInfo& e = model_.info(z.expr);
  const FamilyInfo& f = *z.prior.family;
  if (!f.face_of_leaves || e.event.rank() != f.doc.event_axes)
    raise<ConfigError>("[collapse] \"{}\": {} latents of rows are not integrated out", e.name,
                       f.doc.name);
  // One leaf for each statistic: of gaussians a mean and a spread about it.
  const Values natural = f.doc.shaped_by_prior ? f.natural(prior(z).parameters) : Values();
  const std::size_t count = !natural.empty() ? natural.size()
                            : f.stat_axes.empty()
                                ? f.stats(graph_.constant(1.0, model_.dtype())).size()
                                : f.stat_axes.size();
  ExprInfo like = e;
  for (const Gate& g : outer_gate(z.expr))
    if (std::find(like.plates.begin(), like.plates.end(), g.plate) == like.plates.end()) {
      like.plates.push_back(g.plate);
      std::sort(like.plates.begin(), like.plates.end());
    }
  std::vector<Value> leaves;
  for (std::size_t k = 0; k < count; ++k) {
    const int axes = f.stat_axes.empty() ? e.event.rank() : f.stat_axes[k];
    like.event = !natural.empty() ? natural[k].shape().events() : axes == 0 ? Shape{} : e.event;
    for (int a = e.event.rank(); a < axes; ++a)
      like.event = like.event.with_back(e.event.extent(0));
    const std::string name = "local." + e.name;
    leaves.push_back(graph_.data(k == 0 ? name : fmt::format("{}.{}", name, k), model_.dtype(),
                                 full_shape(like, false)));
  }
  return leaves;
}

namespace {

// Whose statistics are moments: terms affine in these are not affine in the moments given as
// leaves, a mean and a spread about it. What is not affine in indicators is of no such family.
bool of_moments(const FamilyInfo& f) {
  return f.doc.support == Support::real || f.doc.support == Support::vector;
}

// sum_k <stats_k, natural_k>, event by event of the plates.
Value met(const Values& stats, const Values& natural) {
  Value total;
  for (std::size_t k = 0; k < stats.size(); ++k) {
    Value v = stats[k] * natural[k];
    if (v.shape().rank() > v.shape().labelled()) v = sum_events(v);
    total = total ? total + v : v;
  }
  return total;
}

// `v` where it is features of rows times a matrix, plus what all rows share: the first feature is 1
// and takes the latter. Any other as it is.
Value absorbed(Value v) {
  Graph& g = v.graph();
  if (g.op(v.id()).id != op_id<Add>) return v;
  const auto in = g.inputs(v.id());
  for (const int side : {0, 1}) {
    const Value same = g.value(in[std::size_t(1 - side)]), shared = without_rows(same);
    NodeId product = in[std::size_t(side)];
    if (g.op(product).id == op_id<Reshape>) product = g.inputs(product)[0];  // labels alone
    if (shared == same || g.op(product).id != op_id<MatMul>) continue;
    const auto a = g.node(product).attrs.as<MatMul::Attrs>();
    const Value features = g.value(g.inputs(product)[0]), matrix = g.value(g.inputs(product)[1]);
    const Shape& m = matrix.shape();
    if (g.op(features.id()).id != op_id<QuadraticFeatures> || a.nb != 0 || a.nk != 1 || a.ta ||
        !a.tb || m.rank() != 2 || shared.shape().rank() != 1 ||
        shared.shape().extent(0) != m.extent(0))
      continue;
    const Value first = embed(reshape(shared, m.without(1).with_back(1)), 1, 0, m.extent(1));
    return reshape(contract(features, matrix + first, 0, 1, false, true), v.shape());
  }
  return v;
}

}  // namespace

// Sums over events and over plates other than the gate's.
Value Lowering::summed_to(const Gate& gate, Value v) const {
  if (v.shape().rank() > v.shape().labelled()) v = sum_events(v);
  for (const auto& [plate, label] : plates_)
    if (plate != gate.plate && v.shape().find(label) >= 0) v = sum(v, label);
  return v;
}

bool Lowering::is_hard(const LatentInfo& z) const { return options_.hard && is_local(z); }

// The best of <natural, stats> and the entropy that a distribution of the latent has.
Value Lowering::log_norm_of(int local, const std::vector<Value>& natural) {
  const LatentInfo& z = *model_.latent_of(local);
  const FamilyInfo& family = *z.prior.family;
  if (is_hard(z)) {
    if (!family.best_norm)
      raise<ConfigError>("[collapse] \"{}\": only choices of rows can be points",
                         model_.info(local).name);
    return family.best_norm(natural);
  }
  const Value t = temperature();
  if (!t) return family.log_norm(natural);
  if (family.doc.relative)
    raise<ConfigError>("[collapse] \"{}\": {} has no entropy to weigh by a temperature",
                       model_.info(local).name, family.doc.name);
  Values cooled;
  for (const Value& n : natural) cooled.push_back(n / t);
  return family.log_norm(cooled) * t;
}

Distribution Lowering::cooled(const FamilyInfo& family, Values natural) {
  if (const Value t = temperature())
    for (Value& n : natural) n = n / t;
  return {&family, family.from_natural(natural)};
}

// The exact conditional of a latent of rows given the other factors. F = E log p is affine in its
// statistics: natural parameters are the gradient where these are zero, and what F is there is
// left over. Latents under a choice come first, for each choice apart.
void Lowering::collapse() {
  if (evidence_ || !leaves_.empty()) return;  // done, or on the way
  nest();
  std::vector<Value> leaves, zeros;
  for (const LatentInfo& z : model_.latents()) {
    if (!is_local(z)) continue;
    for (const Value& v : leaves_[z.expr] = local_leaves(z)) {
      leaves.push_back(v);
      zeros.push_back(broadcast_to(graph_.constant(0.0, v.dtype()), v.shape()));
    }
  }
  if (leaves_.empty()) return;
  const auto add = [](Value& f, Value v) { f = f ? f + v : v; };
  const auto at_zero = [&](Value v) { return substitute(std::span(&v, 1), leaves, zeros)[0]; };
  // Sets the natural parameters of z, with F as a function of its statistics.
  const auto integrate = [&](int expr, Value f) {
    const FamilyInfo& family = *model_.latent_of(expr)->prior.family;
    const std::vector<Value>& own = leaves_.at(expr);
    const std::vector<Value> slope = gradient(sum(f), own);
    for (const auto& [other, others] : leaves_)
      if ((other != expr || !of_moments(family)) && depends(slope, others))
        raise<ConfigError>(
            "[collapse] terms of a row are not affine in \"{}\" and \"{}\" apart: latents of "
            "rows that depend on each other are not integrated out",
            model_.info(expr).name, model_.info(other).name);
    Values natural = substitute(family.natural_from_gradient(own, slope), leaves, zeros);
    // A mean differs from row to row; a precision need not.
    for (std::size_t k = 1; k < natural.size(); ++k) natural[k] = without_rows(natural[k]);
    natural[0] = absorbed(natural[0]);
    naturals_[expr] = natural;
    return log_norm_of(expr, natural);
  };

  Value inner, inner_given;  // of rows, once latents under a choice are integrated out or given
  for (const auto& [expr, outer] : under_) {
    const Gate gate = outer;  // clang 14 captures no structured binding
    Value f;
    const auto join = [&](Value elements, std::vector<Gate> gates) {
      std::erase(gates, gate);
      add(f, summed_to(gate, chosen(elements, gates, {})));
    };
    for (const ObservedInfo& o : model_.observed())
      if (locals_of(o.likelihood).count(expr))
        join(elements_of(o, open_gates(o.likelihood, -1), {}), open_gates(o.likelihood, -1));
    const LatentInfo& z = *model_.latent_of(expr);
    const Distribution prior = distribution(z.prior, {}, model_.info(expr).event);
    join(prior.family->expected_log_prob(face(Expr(const_cast<Model&>(model_), expr), {}),
                                         prior.parameters),
         open_gates(z.prior, expr));
    const Value norm = summed_to(gate, integrate(expr, f)), rest = at_zero(f);
    add(inner, choose(rest + norm, {gate}, {}));
    const Values stats = z.prior.family->expected_stats(leaves_.at(expr));
    const Value given = summed_to(gate, met(stats, naturals_.at(expr)));
    add(inner_given, choose(rest + given, {gate}, {}));
  }
  Value f = inner;
  const auto has_inner = [&](const Conditional& c, int own) {
    const std::set<int> locals = locals_of(c);
    return under_.count(own) > 0 ||
           std::any_of(locals.begin(), locals.end(), [&](int z) { return under_.count(z) > 0; });
  };
  for (const ObservedInfo& o : model_.observed())
    if (!locals_of(o.likelihood).empty() && !has_inner(o.likelihood, -1))
      add(f, likelihood(o).value);
  for (const LatentInfo& z : model_.latents()) {
    const bool own = leaves_.count(z.expr) > 0 && !under_.count(z.expr);
    if (!own && !(is_apart(z) && !locals_of(z.prior).empty())) continue;
    Term prior;
    latent_terms(z, &prior, nullptr);
    add(f, prior.value);
  }
  constant_ = at_zero(f);
  evidence_ = constant_;
  for (const auto& [expr, own] : leaves_)
    if (!under_.count(expr)) evidence_ = evidence_ + to_plate(integrate(expr, f), 0, false);
  // What given latents under a choice change.
  if (inner) given_inner_ = inner_given - inner;
  given_ = std::exchange(leaves_, {});
  faces_.clear();  // those of the leaves
}

Lowering::Given Lowering::given_locals() {
  collapse();
  Given g;
  if (given_.empty()) return g;
  Value rows = constant_;
  if (given_inner_) rows = rows + given_inner_;
  g.expected = sum(weighed(rows));
  for (const auto& [expr, leaves] : given_) {
    const FamilyInfo& f = *model_.latent_of(expr)->prior.family;
    if (!under_.count(expr))
      g.expected = g.expected + sum(weighed(met(f.expected_stats(leaves), naturals_.at(expr))));
    const std::vector<Value> best = f.leaves(fathom::face(guide(*model_.latent_of(expr))));
    for (std::size_t k = 0; k < leaves.size(); ++k) {
      g.leaves.push_back(leaves[k]);
      g.of.push_back(expr);
      g.optimum.push_back(broadcast_to(best[k], leaves[k].shape()));
    }
    const std::vector<Value> all = f.completed ? f.completed(leaves, naturals_.at(expr)) : leaves;
    g.completed.insert(g.completed.end(), all.begin(), all.end());
    if (f.doc.support != Support::category) continue;
    Value h = sum_events(xlogy(leaves[0], leaves[0]));
    for (const Gate& outer : outer_gate(expr)) h = chosen_by(h, outer, given_.at(outer.which)[0]);
    h = -sum(weighed(to_plate(h, 0, false)));
    if (options_.hard) h = h * 0.0;
    if (const Value t = temperature()) h = h * t;
    g.entropy = g.entropy ? g.entropy + h : h;
  }
  return g;
}

const Lowering::Apart& Lowering::apart(const LatentInfo& z) {
  const auto [at, fresh] = apart_.try_emplace(z.expr);
  if (!fresh) return at->second;
  const ExprInfo& e = model_.info(z.expr);
  if (!model_.streamed(e) || z.guide)
    raise<ConfigError>("[collapse] \"{}\" {}: it cannot be apart", e.name,
                       z.guide ? "has a guide" : "is no latent of rows");
  if (temperature() && z.prior.family->doc.relative)
    raise<ConfigError>("[collapse] \"{}\": {} has no entropy to weigh by a temperature", e.name,
                       z.prior.family->doc.name);
  Apart a{&z, local_leaves(z), {}};
  const Axis rows{options_.capacity, row_};
  a.entropy = graph_.data(fmt::format("local.{}.entropy", e.name), model_.dtype(),
                          Shape(std::span(&rows, 1)));
  return at->second = a;
}

std::vector<Lowering::Apart> Lowering::apart() {
  std::vector<Apart> all;
  for (const LatentInfo& z : model_.latents())
    if (is_apart(z)) all.push_back(apart(z));
  return all;
}

Value Lowering::alone(const Apart& a) {
  if (!locals_of(a.latent->prior).empty()) return {};
  Term prior;
  latent_terms(*a.latent, &prior, nullptr);
  return sum(prior.value);
}

std::vector<Value> Lowering::best_apart(const Apart& a, Value rows) {
  const FamilyInfo& family = *a.latent->prior.family;
  Values natural = family.natural_from_gradient(a.leaves, gradient(rows, a.leaves));
  for (std::size_t k = 1; k < natural.size(); ++k) natural[k] = without_rows(natural[k]);
  const Distribution q = cooled(family, std::move(natural));
  Values best = family.leaves(fathom::face(q));
  best.push_back(to_plate(entropy(q), 0, false));
  for (std::size_t k = 0; k < best.size(); ++k)
    best[k] = broadcast_to(best[k], (k < a.leaves.size() ? a.leaves[k] : a.entropy).shape());
  return best;
}

Value Lowering::evidence() {
  collapse();
  return evidence_ ? weighed(evidence_) : evidence_;
}

}  // namespace fathom
