// Terms of random models whose quantities come together: means with precisions, and rows with
// latents of their own.
#include <set>

#include "tests/models/random_model.h"

namespace fathom::test {

// ---- means and precisions in one factor

Conditional RandomModel::joint_prior(const FamilyInfo& f, std::int64_t d) {
  if (&f == &family<NormalGamma>()) return normal_gamma(constant_vector(d), 0.5, 2.0, 1.5);
  if (&f == &family<SphericalNormalGamma>())
    return spherical_normal_gamma(constant_vector(d), 0.5, 2.0, 1.5);
  return normal_wishart(constant_vector(d), 0.5, constant_matrix(d), double(d) + 1.5);
}

// What mvnormal_of() takes.
Expr RandomModel::joint_of(Place p, const FamilyInfo& f, std::int64_t d) {
  if (&f == &family<MatrixNormalWishart>()) {
    const std::int64_t k = 1 + random_.dice(3);
    Array mean(DType::f64, Shape{k, d});
    for (std::int64_t i = 0; i < k * d; ++i) mean.data<double>()[i] = random_.normal();
    const Conditional prior = matrix_normal_wishart(model.constant(mean), constant_matrix(k),
                                                    constant_matrix(d), double(d) + 1.5);
    return regressed(covariates(k), model.latent(name("m"), prior, Shape{k, d}));
  }
  if (&f == &family<TiedNormalWishart>()) {
    const Plate on = p.choice >= 0 ? choices_[std::size_t(p.choice)].plate : column_;
    const std::int64_t k = size_of(on);
    // One mean for all: the elements of a plate have the same prior.
    const Array one = model.info(constant_vector(d)).value;
    Array mean(DType::f64, Shape{k, d}), strength(DType::f64, Shape{k});
    for (std::int64_t i = 0; i < k * d; ++i) mean.data<double>()[i] = one.data<double>()[i % d];
    for (std::int64_t i = 0; i < k; ++i) strength.data<double>()[i] = 0.5;
    const Conditional prior = tied_normal_wishart(model.constant(mean), model.constant(strength),
                                                  constant_matrix(d), double(d) + 1.5);
    return gated(p, spread(model.latent(name("mus"), prior, Shape{k, d}), on));
  }
  const Conditional prior = joint_prior(f, d);
  const Plate plate = plate_of(p);
  return gated(p, model.latent(name("theta"), prior, plate, Shape{d}));
}

void RandomModel::joint_term(Place p) {
  const FamilyInfo* families[] = {&family<NormalWishart>(), &family<NormalGamma>(),
                                  &family<SphericalNormalGamma>(), &family<TiedNormalWishart>(),
                                  &family<MatrixNormalWishart>()};
  const FamilyInfo& f = *families[random_.dice(5)];
  const std::int64_t d = 1 + random_.dice(3);
  if (&f == &family<TiedNormalWishart>() && p.choice < 0) p.column = true;
  const Expr t = joint_of(p, f, d);
  const Expr y = observed(Shape{d}, p.column, true, [](Stream& r) { return r.normal(); });
  const bool apart = &f == &family<NormalGamma>() || &f == &family<SphericalNormalGamma>();
  if (model.info(y).partial && !apart) {
    hidden_cells = true;
    affine = false;
  }
  model.observe(name("y"), mvnormal_of(t), y);
}

// ---- rows with latents of their own

// Log odds that are quadratic given a latent of each row.
void RandomModel::augmented_term() {
  choices_alone = false;
  const bool one = random_.coin();
  const auto count_of = [](Stream& s) { return double(s.dice(5)); };
  const auto bit = [](Stream& s) { return double(s.dice(2)); };
  const Expr psi = random_.coin() ? scalar({}) : inner(covariates(2), vector({}, 2));
  std::vector<double> n(std::size_t(rows_), 4.0);
  const Arg trials = one ? Arg(1.0) : random_.coin() ? Arg(4.0) : Arg(add({}, {row_}, n, false));
  const Expr omega = model.latent(name("omega"), polya_gamma(trials, 0.0), row_);
  const Expr y = one ? observed({}, false, true, bit) : observed({}, false, true, count_of);
  model.observe(name("y"),
                one ? bernoulli_polya_gamma(psi, omega) : binomial_polya_gamma(trials, psi, omega),
                y);
}

// Student's t: each row scales its precision.
void RandomModel::scaled_term() {
  choices_alone = false;
  count("scale of rows");
  const Expr m = mean({}, false), tau = rate({}, {});
  const double half = random_.between(1, 4);
  const Expr u = model.latent(name("u"), fathom::gamma(half, half), row_);
  const Expr y = observed({}, false, true, [](Stream& r) { return 2 * r.normal(); });
  model.observe(name("y"), normal_precision(m, tau * u), y);
}

// Mixtures of factor analysers: the positions of rows along loadings that a choice chooses.
void RandomModel::analysers_term(Place p) {
  Choice& c = choices_[std::size_t(p.choice)];
  if (c.nested) return real_term(p);
  c.nested = nested = true;
  choices_alone = affine = false;
  count("latent of rows under a choice of rows");
  count("gate");
  std::vector<Plate> plates = {c.plate};
  if (p.column) plates.push_back(column_);
  const Expr w = model.latent(name("w"), mvnormal(random_.normal(), 1.0), plates, Shape{2});
  const Expr z = model.latent(name("z"), mvnormal(0.0, 1.0), row_, Shape{2});
  Expr m = inner(gate(c.which, w, c.plate), z);
  if (random_.coin())
    m = m + gate(c.which, model.latent(name("mu"), normal_precision(0.0, 0.5), plates), c.plate);
  const Expr y = observed({}, p.column, true, [](Stream& r) { return 1.5 * r.normal() + 0.5; });
  model.observe(name("y"), normal_precision(m, rate({}, {})), y);
}

// An element that two choices of each row choose together.
void RandomModel::double_choice_term() {
  if (choices_.size() < 2 || choices_[0].nested || choices_[1].nested)
    return real_term({.choice = 0});
  Choice &a = choices_[0], &b = choices_[1];
  a.nested = b.nested = nested = true;
  choices_alone = affine = false;
  count("two choices of rows in one term");
  count("gate");
  const Expr r =
      model.latent(name("r"), fathom::gamma(random_.between(1.2, 3), 1.0), {a.plate, b.plate});
  const Expr y = observed({}, false, true, [](Stream& s) { return double(s.dice(5)); });
  model.observe(name("y"), poisson_of(gate(b.which, gate(a.which, r, a.plate), b.plate)), y);
}

// Positions along sequences, linear in the one before: by a motion that is learned or known.
void RandomModel::states_term(Place p) {
  if (weighed) return real_term(p);
  choices_alone = false;
  nested = true;
  const std::int64_t d = 1 + random_.dice(2);
  const auto matrix = [&](std::int64_t rows, std::int64_t columns, double diagonal, double spread) {
    Array a(DType::f64, Shape{rows, columns});
    for (std::int64_t i = 0; i < a.size(); ++i)
      a.data<double>()[i] = spread * random_.normal() + (i / columns == i % columns ? diagonal : 0);
    return model.constant(a);
  };
  const auto precisions = [&](std::int64_t count) {
    flat = false;
    return model.latent(name("steps"), fathom::gamma(random_.between(1.2, 3), 1.0), Shape{count});
  };
  Expr x;
  if (random_.coin()) {
    Expr move;
    if (random_.coin(0.7)) {
      flat = false;
      const Plate element = model.plate(name("element"), d);
      move = model.latent(name("move"), mvnormal(0.0, random_.between(1, 3)), element, Shape{d});
    } else {
      move = matrix(d, d, 0.7, 0.2);
    }
    const Arg noise = random_.coin() ? Arg(precisions(d)) : Arg(random_.between(0.5, 2));
    const Arg first = random_.normal(), known = random_.between(0.3, 2);
    x = model.latent(name("x"), linked_chain(first, known, move, noise, begins()), row_, Shape{d});
  } else {
    const std::int64_t r = 1 + random_.dice(d);
    const Expr motion = matrix(d, d, 1, 0.2), reach = matrix(d, r, 1, 0.3), noise = precisions(r);
    const double known = random_.between(0.3, 2);
    x = model.latent(name("x"), driven_chain(motion, reach, noise, known, begins()), row_,
                     Shape{d});
  }
  const Expr m = inner(random_.coin() ? vector({}, d) : constant_vector(d), x);
  const Expr y = observed({}, p.column, true, [](Stream& s) { return 1.5 * s.normal() + 0.5; });
  model.observe(name("y"), normal_precision(m, rate({}, {})), y);
}

// Words of documents, under topics that they mix.
void RandomModel::documents_term(Place p) {
  if (weighed) return real_term(p);
  affine = maskable = false;  // the proportions of topics are inside the term
  choices_alone = false;
  const std::int64_t k = 2 + random_.dice(2), words = 3 + random_.dice(3);
  const Plate topic = model.plate(name("topic"), k);
  const Expr topics =
      model.latent(name("topics"), dirichlet(random_.between(1.1, 2)), topic, Shape{words});
  std::vector<double> word, count_of;
  for (std::int64_t i = 0; i < rows_; ++i) {
    word.push_back(double(random_.dice(words)));
    count_of.push_back(double(1 + random_.dice(4)));
  }
  const Expr many = add({}, {row_}, count_of, false);
  const Conditional mixed = documents(topics, random_.between(0.3, 1.5), begins(), many,
                                      {.tolerance = 1e-13, .iterations = 100000});
  model.observe(name("y"), mixed, add({}, {row_}, word, false));
}

// ---- what there is

std::set<std::string> RandomModel::contents() const {
  std::set<std::string> out;
  for (const LatentInfo& z : model.latents()) {
    out.insert(fmt::format("family {}", z.prior.family->doc.name));
    out.insert("prior " + z.prior.text);
  }
  for (const ObservedInfo& o : model.observed()) {
    out.insert(fmt::format("family {}", o.likelihood.family->doc.name));
    out.insert("likelihood " + o.likelihood.text);
  }
  for (int i = 0; i < int(model.size()); ++i) {
    const ExprInfo& e = model.info(i);
    if (e.kind == ExprKind::function) out.insert("node " + e.name);
    if (e.kind == ExprKind::spread) out.insert("node spread");
    if (e.kind == ExprKind::across) out.insert("node across");
    if (e.kind == ExprKind::stacked) out.insert("node stacked");
    if (e.kind != ExprKind::gate) continue;
    out.insert("node gate");
    const auto streamed = [&](const Gate& g) { return model.streamed(model.info(g.which)); };
    if (e.gates.size() > 1) out.insert("node gate of a gate");
    if (e.gates.size() > 1 && streamed(e.gates[0]) && streamed(e.gates[1]))
      out.insert("node gate of a gate, both of rows");
  }
  return out;
}

}  // namespace fathom::test
