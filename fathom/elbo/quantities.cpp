// Quantities of a model on the graph: inputs, faces of expressions, distributions and guides.
#include <algorithm>
#include <utility>

#include "fathom/elbo/bound.h"

namespace fathom {

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

}  // namespace fathom
