#include "fathom/climb/coordinate.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "fathom/autodiff/gradient.h"
#include "fathom/elbo/check.h"
#include "fathom/elbo/separate.h"
#include "fathom/elbo/statistics.h"
#include "fathom/ops/narrow.h"
#include "fathom/ops/substitute.h"

namespace fathom {

namespace {

void join(Value& total, Value v) {
  if (v) total = total ? total + v : v;
}

// Where entropies weigh `temperature`, what is asked for is divided by it; with `rho` it is that
// part of what a factor becomes.
std::vector<Update> update_of(const Factor& f, Value expected, Value temperature, Value rho) {
  std::vector<Value> natural = f.asked(expected);
  std::vector<Update> all;
  for (std::size_t k = 0; k < f.slots.size(); ++k) {
    Value n = temperature ? natural[k] / temperature : natural[k];
    if (rho) n = n * rho + f.slots[k] * (1.0 - rho);
    all.push_back({f.slots[k], n});
  }
  return all;
}

// Factors in the order of the model; one joins the last block if it shares no term with any there.
std::vector<std::vector<std::size_t>> blocks_of(const std::vector<Factor>& factors,
                                                Value expected) {
  std::vector<std::vector<std::size_t>> blocks;
  for (std::size_t i = 0; i < factors.size(); ++i) {
    const std::vector<Value> slope = gradient(expected, factors[i].leaves);
    const bool apart = !blocks.empty() &&
                       std::none_of(blocks.back().begin(), blocks.back().end(), [&](std::size_t j) {
                         return depends(slope, factors[j].leaves);
                       });
    if (!apart) blocks.emplace_back();
    blocks.back().push_back(i);
  }
  return blocks;
}

// Factors in the order that is asked for. Throws ConfigError on a name that no factor has.
void sort_as(const std::vector<std::string>& order, std::vector<Factor>& factors) {
  auto next = factors.begin();
  for (const std::string& wanted : order) {
    const auto found =
        std::find_if(next, factors.end(), [&](const Factor& f) { return f.name == wanted; });
    if (found == factors.end()) raise<ConfigError>("[coordinate] order: no factor \"{}\"", wanted);
    std::rotate(next, found, found + 1);
    ++next;
  }
}

// Throws ConfigError where `f` reads a moment of the factor that is none of its leaves: its
// gradient would be lost.
void check_moments(Value f, const Factor& factor, const Face& face) {
  if (!f) return;
  face.mapped([&](Value v) {
    const auto same = [&](Value leaf) { return leaf.id() == v.id(); };
    const bool derived = face.covariance && face.variance && v && v.id() == face.variance.id();
    const bool known =
        !v || derived || std::any_of(factor.leaves.begin(), factor.leaves.end(), same);
    if (!known && depends(std::span(&f, 1), std::span(&v, 1)))
      raise<ConfigError>(
          "[coordinate] a term reads a moment of \"{}\" that is no statistic of {}: it is not "
          "conjugate",
          factor.name, factor.family->doc.name);
    return v;
  });
}

// Null: no latent of rows has this name.
const LatentInfo* latent_of_rows(const Model& model, const std::string& name) {
  for (const LatentInfo& z : model.latents())
    if (model.info(z.expr).name == name && model.streamed(model.info(z.expr))) return &z;
  return nullptr;
}

bool weighs_rows(const Model& model) {
  return std::any_of(model.plates().begin(), model.plates().end(),
                     [](const PlateInfo& p) { return p.weight >= 0; });
}

// Throws ConfigError where latents that `options` has apart are none of rows, or are in the way of
// what else it asks for.
void check_apart(const Model& model, const CoordinateOptions& options, bool all_rows) {
  for (const std::string& name : options.apart)
    if (!latent_of_rows(model, name))
      raise<ConfigError>("[coordinate] apart: no latent of rows \"{}\"", name);
  if (options.apart.empty()) return;
  const char* in_the_way = !all_rows         ? "rows are not served in batches"
                           : options.hard    ? "choices of rows are no points"
                           : options.narrow  ? "rows are not computed in f32"
                           : options.blended ? "factors do not go part of the way"
                                             : nullptr;
  if (weighs_rows(model)) in_the_way = "rows have no weights";
  if (in_the_way)
    raise<ConfigError>("[coordinate] where latents of rows are apart, {}", in_the_way);
}

// Throws ConfigError where what is to be rotated is none of rows, or in the way of what else
// `options` ask for.
void check_rotated(const Model& model, const CoordinateOptions& options, bool all_rows) {
  if (options.rotated.empty()) return;
  const LatentInfo* found = latent_of_rows(model, options.rotated);
  if (!found) raise<ConfigError>("[coordinate] rotated: no latent of rows \"{}\"", options.rotated);
  const FamilyInfo& family = *found->prior.family;
  if (family.doc.support != Support::vector || family.doc.relative || found->guide)
    raise<ConfigError>(
        "[coordinate] rotated: \"{}\" is {}, which is not gaussian in all directions",
        options.rotated, family.doc.name);
  const char* in_the_way = !all_rows                ? "rows are not served in batches"
                           : !options.apart.empty() ? "no latents are apart"
                           : options.tempered       ? "entropies weigh what they are"
                           : options.blended        ? "factors do not go part of the way"
                                                    : nullptr;
  if (weighs_rows(model)) in_the_way = "rows have no weights";
  if (in_the_way) raise<ConfigError>("[coordinate] where states are rotated, {}", in_the_way);
}

}  // namespace

CoordinateClimb::CoordinateClimb(const Model& model, const DataSet& data, State& state,
                                 const CoordinateOptions& options)
    : state_(&state), graph_(std::make_unique<Graph>(op_table())), rows_(data) {
  check_conjugate(model);
  check_data(model, data);
  const std::int64_t batch = options.batch > 0 ? std::min(options.batch, data.rows) : data.rows;
  check_apart(model, options, batch == data.rows);
  check_rotated(model, options, batch == data.rows);
  Graph& g = *graph_;
  LowerOptions lower;
  lower.capacity = batch;
  lower.factors = options.factors;
  lower.collapse = true;
  lower.points = options.points;
  lower.flat_points = options.flat_points;
  lower.hard = options.hard;
  lower.tempered = options.tempered;
  lower.apart = options.apart;
  if (options.warm) lower.warm = number_sequences(model);
  if (options.warm && options.narrow)
    raise<ConfigError>("[coordinate] where latents are warm, rows are not computed in f32");
  shown_rows_ = batch;
  if (batch < data.rows) rows_.show(0, batch);  // until others are
  Lowering lowering(model, g, lower);
  for (const ObservedInfo& o : model.observed()) {
    // What is warm rises in f64; in f32 this is room for rounding too.
    const bool rises = lower.warm.count(o.name) > 0 && model.dtype() == DType::f64;
    (rises ? error_anew_ : error_) += o.likelihood.error * double(data.rows);
  }
  const Value temperature = lowering.temperature();
  if (temperature) temperature_ = &state.slot("temperature", model.dtype(), Shape{});
  if (temperature) this->temperature(1);
  Value rho, scale;
  if (options.blended) {
    rho = g.slot("rho", model.dtype(), Shape{});
    scale = g.slot("scale", model.dtype(), Shape{});
    rho_ = &state.slot("rho", model.dtype(), Shape{});
    scale_ = &state.slot("scale", model.dtype(), Shape{});
    blend(1, 1);
  }
  // Parts of the bound: terms of rows with their latents integrated out or given, and the rest.
  Value rows, given, expected, entropies, sites;
  std::vector<Value> values;
  // Of terms with latents of their own inside: their statistics where these are given, what they
  // are at the optimum, and what the terms then are beyond their product with what they meet.
  std::vector<Value> inside, inside_best;
  Value beyond_inside;
  std::vector<Update> left_inside;
  for (const Term& t : lowering.terms()) {
    const Value v = sum(t.value);
    names_.push_back(t.name);
    values.push_back(v);
    if (t.kept) {
      left_inside.push_back({t.kept, t.left});
      inside_.push_back(&state.slot(g.input_of(t.kept.id()).name, model.dtype(), t.kept.shape()));
    }
    if (t.how == Estimate::sampled)
      raise<ConfigError>("[coordinate] term \"{}\" is not affine in its latents ({})", t.name,
                         t.note);
    if (!t.affine && t.local)
      raise<ConfigError>(
          "[coordinate] term \"{}\" is not affine in a factor and reads a latent of rows", t.name);
    if (t.local) continue;
    if (!t.met.empty()) {
      // With its latents given, rows enter by statistics alone.
      join(rows, v);
      for (std::size_t k = 0; k < t.met.size(); ++k) {
        const Value s =
            g.data(fmt::format("local.{}.{}", t.name, k), model.dtype(), t.met[k].shape());
        join(given, sum(s * t.met[k]));
        inside.push_back(s);
        inside_best.push_back(gradient(v, std::span(&t.met[k], 1))[0]);
        join(beyond_inside, sum(s * t.met[k]) * -1.0);
      }
      join(beyond_inside, v);
    } else if (!t.affine) {
      join(sites, v);
    } else if (t.plate >= 0) {
      join(rows, v);
      join(given, v);
    } else {
      join(t.kind == Term::Kind::entropy ? entropies : expected, v);
    }
  }
  const Lowering::Given locals = lowering.given_locals();
  if (locals.expected) {
    join(rows, sum(lowering.evidence()));
    join(given, locals.expected);
  }
  const auto make = [&](std::vector<Value> outputs, std::vector<Update> updates) {
    return LazyProgram(g, state, rows_, std::move(outputs), std::move(updates));
  };
  const auto plus = [](Value a, Value b) {
    join(a, b);
    return a;
  };
  const std::vector<Lowering::Apart> apart = lowering.apart();
  for (const Lowering::Apart& a : apart)
    if (sites && depends(std::span(&sites, 1), a.leaves))
      raise<ConfigError>(
          "[coordinate] \"{}\" is apart from the other latents of its row: no term may be curved "
          "in it",
          model.info(a.latent->expr).name);
  // Of a start, which gives the first statistics of latents of rows alone.
  const auto from_start = [&](std::vector<Value> given_first) {
    std::vector<Value> from = inside, to = inside_best;
    for (std::size_t k = 0; k < locals.leaves.size(); ++k)
      if (locals.leaves[k].id() != locals.completed[k].id()) {
        from.push_back(locals.leaves[k]);
        to.push_back(locals.completed[k]);
      }
    return from.empty() ? given_first : substitute(given_first, from, to);
  };

  std::vector<Factor> factors;
  std::vector<Value> leaves;
  std::vector<Update> reset;
  for (std::size_t z = 0; z < model.latents().size(); ++z) {
    const LatentInfo& latent = model.latents()[z];
    means_.push_back(make({lowering.moments(latent).mean}, {}));
    if (model.streamed(model.info(latent.expr))) continue;
    const Distribution q = lowering.guide(latent);
    Factor f{z, model.info(latent.expr).name, q.family, lowering.natural_slots(latent),
             q.family->leaves(lowering.moments(latent))};
    leaves.insert(leaves.end(), f.leaves.begin(), f.leaves.end());
    if (temperature && q.family->doc.relative)
      raise<ConfigError>("[coordinate] \"{}\": {} has no entropy to weigh by a temperature", f.name,
                         q.family->doc.name);
    const Distribution prior = lowering.prior(latent);  // where it starts
    Values natural = prior.family->natural(prior.parameters);
    if (lowering.is_point(latent) && q.family->inside) natural = q.family->inside(natural);
    if (!state.find(f.name + ".natural.0"))
      for (std::size_t k = 0; k < f.slots.size(); ++k)
        reset.push_back({f.slots[k], broadcast_to(natural[k], f.slots[k].shape())});
    factors.push_back(std::move(f));
  }
  for (const Value& v : {rows, given, expected, sites})
    for (const Factor& f : factors)
      check_moments(v, f, lowering.moments(model.latents()[f.latent]));
  sort_as(options.order, factors);
  find_choices(model, factors, state);
  // A prior may read another latent: each run settles one more level of them.
  Workers one(1);
  const bool fresh = !reset.empty();
  LazyProgram start = make({}, std::move(reset));
  for (std::size_t level = 0; fresh && level < factors.size(); ++level) start.run(one);
  bool fresh_rows = false;
  for (const Lowering::Apart& a : apart) {
    RowFactor f;
    f.name = model.info(a.latent->expr).name;
    f.best = make(lowering.best_apart(a, rows), {});
    if (const Value prior = lowering.alone(a)) f.first = make(lowering.best_apart(a, prior), {});
    if (locals.expected) f.best_given = make(from_start(lowering.best_apart(a, given)), {});
    std::vector<Value> inputs = a.leaves;
    inputs.push_back(a.entropy);
    for (const Value& v : inputs) {
      const std::string& name = g.input_of(v.id()).name;
      const Array* kept = state.find(name);
      const bool of_others = kept && kept->size() != v.shape().size();
      fresh_rows = fresh_rows || !kept || of_others;
      f.kept.push_back(of_others ? Array(model.dtype(), v.shape())
                                 : state.slot(name, model.dtype(), v.shape()));
      rows_.add(name, f.kept.back());
    }
    apart_.push_back(std::move(f));
  }
  for (const Factor& f : factors)
    for (std::size_t k = 0; k < f.slots.size(); ++k)
      naturals_.push_back(
          &state.slot(fmt::format("{}.natural.{}", f.name, k), model.dtype(), f.slots[k].shape()));

  // What rows meet of the factors, and the sums over rows that it is multiplied by: by their best
  // latents and by given ones.
  std::vector<Value> eta, best, by_given;
  RotatedRows rotated{given, {}, {}};
  if (!options.rotated.empty()) {
    std::vector<Value> own;
    for (std::size_t k = 0; k < locals.leaves.size(); ++k)
      if (model.info(locals.of[k]).name == options.rotated) own.push_back(locals.leaves[k]);
    rotated = rotate_rows(options.rotated, own, given);
    leaves.push_back(rotated.rotation);  // among the factors' quantities
  }
  if (const RowStatistics met =
          given && !rotated.rotation ? row_statistics(given, leaves) : RowStatistics{};
      met.linear) {
    eta = met.eta;
    best = gradient(rows, eta);
    by_given = gradient(given, eta);
  } else if (const auto parts = given ? separate(rotated.given, leaves) : std::nullopt) {
    eta = parts->eta;
    by_given = parts->sums;
    std::vector<Value> from = inside, to = inside_best;
    from.insert(from.end(), locals.leaves.begin(), locals.leaves.end());
    to.insert(to.end(), locals.optimum.begin(), locals.optimum.end());
    best = substitute(by_given, from, to);
  }
  std::vector<Value> rotated_eta;
  if (rotated.rotation) {
    if (eta.empty() || sites)
      raise<ConfigError>("[coordinate] states are rotated by statistics, which this model lacks");
    const std::vector<Value> plain =
        substitute(eta, std::span(&rotated.rotation, 1), std::span(&rotated.none, 1));
    rotated_eta = std::exchange(eta, plain);
  }
  Value target = plus(rows, expected), target_given = plus(given, expected);
  if (!eta.empty()) {
    std::vector<Value> kept;
    for (std::size_t k = 0; k < eta.size(); ++k) {
      const std::string name =
          fmt::format("statistics.{}{}", rotated.rotation ? "rotated." : "", k);
      kept.push_back(g.slot(name, model.dtype(), eta[k].shape()));
      statistics_.push_back(&state.slot(name, model.dtype(), eta[k].shape()));
    }
    const auto collect = [&](std::span<const Value> sums, Value constant,
                             std::vector<Update> updates = {}) {
      for (std::size_t k = 0; k < kept.size(); ++k) updates.push_back({kept[k], sums[k]});
      return make(constant ? std::vector<Value>{constant} : std::vector<Value>{}, updates);
    };
    // What rows add beyond <s, eta>: the entropy of their latents.
    const Value beyond = rows - inner(best, eta);
    collect_ = collect(best, beyond, left_inside);
    if (options.blended) collect_only_ = collect(best, {}, left_inside);
    if (is_warm()) collect_aside_ = collect(best, beyond);
    if (options.narrow) {
      std::vector<Value> all = best;
      all.push_back(beyond);
      all = narrowed(all);
      collect_narrow_ = collect(std::span(all).first(best.size()), all.back());
      const bool fresh_digits = !state.find("narrow");
      narrow_ = &state.slot("narrow", DType::f64, Shape{});
      if (fresh_digits) set_digits(Digits::f32);
    }
    if (locals.entropy) {
      std::vector<Value> sums = by_given;
      sums.push_back(locals.entropy);
      sums = from_start(sums);
      collect_given_ = collect(std::span(sums).first(kept.size()), sums.back());
    }
    std::vector<Value> counted = kept;
    if (scale)
      for (Value& s : counted) s = s * scale;
    target = target_given = plus(inner(counted, eta), expected);
    if (!sites) factors_ = make({plus(target, entropies)}, {});
    if (rotated.rotation)
      rotation_ = std::make_unique<RotationStep>(
          plus(inner(kept, rotated_eta), expected), entropies, rotated.rotation, double(data.rows),
          factors,
          [&](const Factor& f, std::vector<Value> natural) {
            return f.family->leaves(lowering.moments_at(model.latents()[f.latent], natural));
          },
          make);
  }
  sites_ = bool(sites);
  if (is_warm() && eta.empty())
    raise<ConfigError>("[coordinate] latents are warm where sums over rows are statistics");
  if (sites && temperature)
    raise<ConfigError>("[coordinate] terms that are not affine are not climbed at a temperature");
  if (batch < data.rows && (eta.empty() || sites))
    raise<ConfigError>("[coordinate] rows in batches need statistics, which this model lacks");
  const Value bound = plus(plus(plus(rows, expected), sites), entropies);
  for (const std::vector<std::size_t>& block : blocks_of(factors, plus(target_given, sites))) {
    std::vector<Update> updates, from_given;
    std::vector<Factor> curved;
    blocks_.emplace_back();
    for (const std::size_t i : block) {
      const Factor& f = factors[i];
      blocks_.back().push_back(f.latent);
      if (sites && depends(std::span(&sites, 1), f.leaves)) {
        curved.push_back(f);
        continue;
      }
      for (const Update& u : update_of(f, target, temperature, rho)) updates.push_back(u);
      if (locals.expected && eta.empty())
        for (const Update& u : update_of(f, target_given, temperature, {})) from_given.push_back(u);
    }
    steps_.emplace_back();
    for (const std::size_t i : block) steps_.back().latents.push_back(factors[i].name);
    if (!updates.empty()) steps_.back().exact = make({}, updates);
    if (!curved.empty())
      steps_.back().sites = std::make_unique<SiteStep>(g, curved, target, sites, bound, make);
    if (from_given.empty()) continue;
    std::vector<Value> natural;
    for (const Update& u : from_given) natural.push_back(u.value);
    natural = from_start(natural);
    for (std::size_t k = 0; k < natural.size(); ++k) from_given[k].value = natural[k];
    starts_.push_back(make({}, from_given));
  }
  elbo_ = make({bound}, {});
  if (locals.expected) {
    const Value of_rows = plus(plus(given, locals.entropy), beyond_inside);
    elbo_given_ = make(from_start({plus(plus(plus(of_rows, expected), sites), entropies)}), {});
  }
  terms_ = std::move(values);
  if (!fresh_rows) return;
  for (RowFactor& f : apart_)
    if (f.first) f.update(f.first, one);
  update_apart(one);
}

void CoordinateClimb::show(std::int64_t first, std::int64_t count) {
  if (has_apart() && count < rows_.all().rows)
    raise<ConfigError>("[coordinate] latents of rows are apart: all rows are shown");
  check_shown(first, count);
  if (first == shown_ && count == shown_rows_) return;
  rows_.show(first, count);
  shown_ = first;
  shown_rows_ = count;
}

double CoordinateClimb::elbo(Workers& workers) {
  elbo_.run(workers);
  return elbo_.scalar(0);
}

void CoordinateClimb::RowFactor::update(LazyProgram& by, Workers& workers) {
  by.run(workers);
  for (std::size_t k = 0; k < kept.size(); ++k)
    std::memcpy(kept[k].raw(), by.get().output(int(k)).raw, kept[k].bytes());
}

void CoordinateClimb::update_apart(Workers& workers) {
  for (RowFactor& f : apart_) f.update(f.best, workers);
}

double CoordinateClimb::collect(Workers& workers) {
  update_apart(workers);
  begin_inside();
  LazyProgram& pass = collecting();
  pass.run(workers);
  if (digits() == Digits::first_f64) set_digits(Digits::f64);
  return pass.scalar(0);
}

void CoordinateClimb::collect_only(Workers& workers) {
  if (!collect_only_ || digits() != Digits::f64) {
    collect(workers);
    return;
  }
  begin_inside();
  collect_only_.run(workers);
}

double CoordinateClimb::collect_aside(Workers& workers) {
  if (!collect_aside_) return collect(workers);
  collect_aside_.run(workers);
  return collect_aside_.scalar(0);
}

void CoordinateClimb::update(Workers& workers) {
  for (Step& s : steps_) update(s, workers);
}

double CoordinateClimb::statistics_bound(Workers& workers) {
  factors_.run(workers);
  return factors_.scalar(0);
}

void CoordinateClimb::update(Step& step, Workers& workers) {
  if (step.exact) step.exact.run(workers);
  if (step.sites) last_step_ = std::min(last_step_, step.sites->run(workers));
}

double CoordinateClimb::sweep(Workers& workers) {
  last_step_ = 1;
  if (!collect_) update_apart(workers);
  const double beyond = collect_ ? collect(workers) : 0;
  if (rotation_) return beyond + rotation_->run(workers);
  update(workers);
  return factors_ ? beyond + statistics_bound(workers) : elbo(workers);
}

double CoordinateClimb::start(const std::map<std::string, Array>& probabilities, Workers& workers) {
  if (!elbo_given_)
    raise<ConfigError>("[coordinate] no latent of rows that is integrated out to start from");
  for (const RowFactor& f : apart_)
    if (probabilities.count(f.name))
      raise<ConfigError>("[coordinate] \"{}\" is apart: a start makes its factor from the others'",
                         f.name);
  const auto run = [&](LazyProgram& p) {
    for (const auto& [name, array] : probabilities) p.get().bind("local." + name, array);
    p.run(workers);
  };
  for (RowFactor& f : apart_) {
    run(f.best_given);
    f.update(f.best_given, workers);
  }
  if (collect_given_) {
    run(collect_given_);
    update(workers);
  } else {
    for (LazyProgram& update : starts_) run(update);
  }
  run(elbo_given_);
  return elbo_given_.scalar(0);
}

Array CoordinateClimb::mean(std::size_t latent, Workers& workers) {
  means_[latent].run(workers);
  return means_[latent].get().output_array(0);
}

std::vector<std::pair<std::string, double>> CoordinateClimb::terms(Workers& workers) {
  if (!values_) {
    for (Value& v : terms_) v = rows_first(v);
    values_ = LazyProgram(*graph_, *state_, rows_, terms_, {});
  }
  values_.run(workers);
  std::vector<std::pair<std::string, double>> out;
  for (std::size_t i = 0; i < names_.size(); ++i)
    out.emplace_back(names_[i], values_.scalar(int(i)));
  return out;
}

}  // namespace fathom
