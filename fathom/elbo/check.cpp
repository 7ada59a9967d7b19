#include "fathom/elbo/check.h"

#include <algorithm>

namespace fathom {

namespace {

class Check {
 public:
  explicit Check(const Model& model) : model_(model) {}

  void observed(const ObservedInfo& o) const {
    const ExprInfo& value = model_.info(o.value);
    if (random(o.value))
      raise<ConfigError>(
          "[model] \"{}\" observes \"{}\", which depends on a latent: only data are "
          "observed",
          o.name, value.name);
    std::vector<Gate> gates;
    for (const Arg& a : o.likelihood.args)
      if (a.expr())
        for (const Gate& g : model_.info(a.expr()).gates)
          if (std::find(gates.begin(), gates.end(), g) == gates.end()) gates.push_back(g);
    for (const Gate& g : gates) {
      const std::string& plate = plate_name(g.plate);
      if (has(value.plates, g.plate))
        raise<ConfigError>(
            "[gate] \"{}\" is observed on the plate \"{}\", of which \"{}\" chooses "
            "an element",
            o.name, plate, model_.info(g.which).name);
      for (const Gate& h : gates)
        if (h.plate == g.plate && h.which != g.which)
          raise<ConfigError>(
              "[gate] term \"{}\": \"{}\" and \"{}\" choose from the one plate "
              "\"{}\"; each needs a plate of its own",
              o.name, model_.info(g.which).name, model_.info(h.which).name, plate);
    }
    arguments(o.name, o.likelihood, value);
    if (o.likelihood.family->doc.event_axes > 0 || o.likelihood.family->rows_meet) return;
    for (const Arg& a : o.likelihood.args)
      if (a.expr() && !fits(a.expr().event(), value.event))
        raise<ConfigError>("[model] term \"{}\": \"{}\" has elements {}, what is observed {}",
                           o.name, model_.info(a.expr()).name, a.expr().event().text(),
                           value.event.text());
  }

  void prior(const LatentInfo& z) const {
    const ExprInfo& e = model_.info(z.expr);
    for (const Arg& a : z.prior.args)  // latents of rows may lie under a choice of their row
      if (a.expr() && !model_.info(a.expr()).gates.empty() && !model_.streamed(e))
        raise<ConfigError>(
            "[gate] the prior of \"{}\" reads \"{}\": gates serve what is observed and latents of "
            "rows",
            e.name, model_.info(a.expr()).name);
    arguments(e.name + ".prior", z.prior, e);
  }

 private:
  static bool has(const std::vector<int>& all, int x) {
    return std::find(all.begin(), all.end(), x) != all.end();
  }
  const std::string& plate_name(int p) const { return model_.plates()[std::size_t(p)].name; }

  static bool fits(const Shape& from, const Shape& to) {
    if (from.rank() > to.rank()) return false;
    for (int i = 1; i <= from.rank(); ++i)
      if (from.extent(from.rank() - i) != 1 &&
          from.extent(from.rank() - i) != to.extent(to.rank() - i))
        return false;
    return true;
  }

  void arguments(const std::string& term, const Conditional& c, const ExprInfo& value) const {
    for (std::size_t k = 0; k < c.args.size(); ++k) {
      const Expr e = c.args[k].expr();
      if (!e) continue;
      for (const int p : model_.info(e).plates)
        if (!has(value.plates, p))
          raise<ConfigError>(
              "[model] term \"{}\": \"{}\" lies on the plate \"{}\", but \"{}\" does "
              "not; choose an element by a gate, or put both on it",
              term, model_.info(e).name, plate_name(p), value.name);
      walk(term, e);
      if (c.needs[k] == ParameterDoc::Needs::log_gamma && random(e)) shape(term, c, e, value);
    }
    // The precision matrix takes the elements of its mean together, unless it is diagonal.
    const bool matrix = c.family == &family<MvNormal>() && c.args.size() == 2 &&
                        c.text != "mvnormal_diagonal(mean, precisions)" && c.args[1].expr() &&
                        c.args[1].expr().event().rank() == 2 && value.event.size() > 1;
    if (!matrix || !c.args[0].expr()) return;
    const Expr mean = c.args[0].expr();
    if (random(mean) && mean.event().rank() == 0)
      raise<ConfigError>(
          "[model] term \"{}\": one random number is the mean of all elements of a "
          "vector; write repeat(\"{}\", {})",
          term, model_.info(mean).name, value.event.size());
    together(term, mean);
  }

  // What lgamma is taken of has a factor by quadrature.
  void shape(const std::string& term, const Conditional& c, Expr e, const ExprInfo& value) const {
    const bool dirichlet = c.family == &family<Dirichlet>();
    const FamilyInfo& wanted = dirichlet ? family<Concentration>() : family<GammaShape>();
    const Expr own = e;
    while (model_.info(e).kind == ExprKind::gate) e = model_.info(e).inputs[1];
    const LatentInfo* z = model_.latent_of(e.index());
    bool fits = z && z->prior.family == &wanted;
    const std::int64_t k = value.event.rank() > 0 ? value.event.extent(value.event.rank() - 1) : 1;
    if (fits && dirichlet) fits = z->prior.args[0].value() == double(k) && e.event().rank() == 0;
    if (fits) return;
    const std::string prior =
        dirichlet ? fmt::format("concentration({}, shape, rate)", k) : "gamma_shape(shape, rate)";
    raise<ConfigError>(
        "[model] term \"{}\" takes lgamma of \"{}\": it must be a latent with the prior {}", term,
        model_.info(own).name, prior);
  }

  // Functions that take elements of a vector together.
  void walk(const std::string& term, Expr e) const {
    const ExprInfo& i = model_.info(e);
    if (i.kind == ExprKind::function && i.moments &&
        (i.name == "inner" || i.name == "dot" || i.name == "sum"))
      for (const Expr& in : i.inputs)
        if (in.event().rank() > 0 && in.event().size() > 1 && random(in)) together(term, in);
    for (const Expr& in : i.inputs) walk(term, in);
  }

  void together(const std::string& term, Expr e) const {
    if (const std::string apart = elements_apart(e); !apart.empty())
      raise<ConfigError>(
          "[model] term \"{}\" takes the elements of \"{}\" together, which have a "
          "factor each: give it an mvnormal prior",
          term, apart);
    if (const std::string entangled = unknown_covariance(e); !entangled.empty())
      raise<ConfigError>(
          "[model] term \"{}\" needs covariances of the elements of {}(), which are "
          "not carried through; see repeat() and inner()",
          term, entangled);
  }

  bool random(Expr e) const {
    const ExprInfo& i = model_.info(e);
    return i.kind == ExprKind::latent ||
           std::any_of(i.inputs.begin(), i.inputs.end(), [&](Expr in) { return random(in); });
  }

  // A latent vector whose elements are factors of their own, that `e` shows; empty: none.
  std::string elements_apart(Expr e) const {
    const ExprInfo& i = model_.info(e);
    if (i.kind == ExprKind::latent) {
      const LatentInfo& z = *model_.latent_of(e.index());
      return z.prior.family->doc.event_axes == 0 && i.event.size() > 1 ? i.name : std::string();
    }
    for (const Expr& in : i.inputs) {
      if (i.kind == ExprKind::across && random(in)) return i.name;
      if (i.kind == ExprKind::gate && in.index() == i.inputs[0].index()) continue;
      if (std::string found = elements_apart(in); !found.empty()) return found;
    }
    return {};
  }

  // A function whose elements depend on each other in a way that its moments do not say.
  std::string unknown_covariance(Expr e) const {
    const ExprInfo& i = model_.info(e);
    if (i.kind == ExprKind::gate) return unknown_covariance(i.inputs[1]);
    if (i.kind != ExprKind::function || !i.moments) return {};
    const bool element_by_element = i.name == "add" || i.name == "sub" || i.name == "mul";
    for (const Expr& in : i.inputs) {
      const bool spreads = element_by_element && in.event().size() < i.event.size();
      if (random(in) && (spreads || (i.name == "dot" && in.index() == i.inputs[0].index())))
        return i.name;
      if (std::string found = unknown_covariance(in); !found.empty()) return found;
    }
    return {};
  }

  const Model& model_;
};

}  // namespace

void check_conjugate(const Model& model) {
  const Check check(model);
  for (const ObservedInfo& o : model.observed()) check.observed(o);
  for (const LatentInfo& z : model.latents()) check.prior(z);
}

bool is_shape(const Model& model, Expr e) {
  const ExprInfo& i = model.info(e);
  if (i.kind == ExprKind::gate) return is_shape(model, i.inputs[1]);
  if (i.kind != ExprKind::latent) return false;
  const FamilyInfo* f = model.latent_of(e.index())->prior.family;
  return f == &family<GammaShape>() || f == &family<Concentration>();
}

bool is_gaussian(const Model& model, Expr e) {
  const ExprInfo& i = model.info(e);
  if (i.kind == ExprKind::latent) {
    const FamilyInfo* f = model.latent_of(e.index())->prior.family;
    return f == &family<Normal>() || f == &family<MvNormal>();
  }
  if (i.kind == ExprKind::gate) return is_gaussian(model, i.inputs[1]);
  const auto depends = [&](auto&& self, Expr x) -> bool {
    const ExprInfo& k = model.info(x);
    return k.kind == ExprKind::latent ||
           std::any_of(k.inputs.begin(), k.inputs.end(), [&](Expr in) { return self(self, in); });
  };
  int inputs = 0;
  for (const Expr& in : i.inputs) {
    if (!depends(depends, in)) continue;
    ++inputs;
    if (!is_gaussian(model, in)) return false;
  }
  return inputs < 2 || i.name == "add" || i.name == "sub" || i.name == "concat";
}

}  // namespace fathom
