// Quantities of random models: latents with their priors, and functions of them.
#include <algorithm>
#include <vector>

#include "tests/models/random_model.h"

namespace fathom::test {

Plate RandomModel::plate_of(Place p) {
  if (p.choice >= 0 && random_.coin(0.8)) return choices_[std::size_t(p.choice)].plate;
  if (p.column && random_.coin(0.7)) return column_;
  return Plate{};
}

Expr RandomModel::gated(Place p, Expr e) {
  if (p.choice < 0) return e;
  Choice& c = choices_[std::size_t(p.choice)];
  const std::vector<int>& on = model.info(e).plates;
  if (std::find(on.begin(), on.end(), c.plate.index) == on.end()) return e;
  count("gate");
  return gate(c.which, e);
}

Arg RandomModel::hyper_mean() {
  if (random_.coin(0.8)) return random_.normal();
  flat = false;
  count("random prior mean");
  return model.latent(name("hyper"), normal_precision(0.0, 0.5));
}

Arg RandomModel::hyper_precision() {
  if (random_.coin(0.75)) return random_.between(0.3, 2);
  flat = false;
  count("random prior precision");
  return model.latent(name("hyper"), gamma(2.0, 1.5));
}

Expr RandomModel::scalar(Place p) {
  if (!scalars_.empty() && random_.coin(0.9)) {
    count("latent of several terms");
    return scalars_[std::size_t(random_.dice(std::int64_t(scalars_.size())))];
  }
  const Arg m = hyper_mean();
  Conditional prior = normal(m, random_.between(0.5, 2));
  switch (random_.dice(3)) {
    case 0: break;
    case 1: prior = normal_precision(m, hyper_precision()); break;
    default: {
      flat = false;
      prior = normal_variance(m, model.latent(name("spread"), inverse_gamma(3.0, 2.0)));
    }
  }
  const Plate plate = plate_of(p);
  const Expr e = model.latent(name("m"), prior, plate);
  if (!plate.model) scalars_.push_back(e);
  count(plate.model ? "on a plate" : "off plates");
  return gated(p, e);
}

Expr RandomModel::constant_vector(std::int64_t d) {
  Array a(DType::f64, Shape{d});
  for (std::int64_t i = 0; i < d; ++i) a.data<double>()[i] = random_.normal();
  return model.constant(a);
}

// a a' + the identity.
Expr RandomModel::constant_matrix(std::int64_t d) {
  std::vector<double> a;
  for (std::int64_t i = 0; i < d; ++i) a.push_back(random_.normal());
  Array m(DType::f64, Shape{d, d});
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t j = 0; j < d; ++j)
      m.data<double>()[i * d + j] = a[std::size_t(i)] * a[std::size_t(j)] + (i == j ? 1.0 : 0.0);
  return model.constant(m);
}

Expr RandomModel::wishart_of(Place p, std::int64_t d) {
  const Arg v = random_.coin() ? Arg(random_.between(0.5, 2)) : Arg(constant_matrix(d));
  const Plate plate = plate_of(p);
  return gated(p, model.latent(name("lam"), wishart(v, double(d) + random_.between(1.5, 3)), plate,
                               Shape{d, d}));
}

Expr RandomModel::vector(Place p, std::int64_t d) {
  Conditional prior = mvnormal(random_.normal(), random_.between(0.3, 2));
  switch (random_.dice(5)) {
    case 0: break;
    case 1: prior = mvnormal(constant_vector(d), constant_matrix(d)); break;
    case 2: {
      count("ard");
      flat = false;
      const Plate plate = plate_of(p);
      const Expr alpha = model.latent(name("alpha"), gamma(2.0, 1.0), plate, Shape{d});
      const Expr w = model.latent(name("w"), mvnormal_diagonal(0.0, alpha), plate, Shape{d});
      return gated(p, w);
    }
    case 3: {
      flat = false;
      const Expr lam = wishart_of({}, d);
      prior = mvnormal(random_.coin() ? Arg(0.5) : Arg(vector({}, d)), lam);
      break;
    }
    default: {
      flat = false;
      prior = mvnormal(0.0, model.latent(name("alpha"), gamma(2.0, 1.0)));
    }
  }
  return gated(p, model.latent(name("w"), prior, plate_of(p), Shape{d}));
}

Expr RandomModel::elements(Place p, std::int64_t d) {
  return gated(p, model.latent(name("e"), normal_precision(hyper_mean(), hyper_precision()),
                               plate_of(p), Shape{d}));
}

Expr RandomModel::local_scalar() {
  for (const Expr& e : locals_)
    if (e.event().rank() == 0 && random_.coin()) {
      count("latent of several terms");
      return e;
    }
  count("scalar latent of rows");
  choices_alone = false;
  flat = false;
  const Arg m = hyper_mean(), p = hyper_precision();
  locals_.push_back(model.latent(name("z"), normal_precision(m, p), row_));
  return locals_.back();
}

Expr RandomModel::local_vector(std::int64_t d) {
  for (const Expr& e : locals_)
    if (e.event() == Shape{d} && random_.coin()) {
      count("latent of several terms");
      return e;
    }
  count("vector latent of rows");
  choices_alone = false;
  flat = false;
  Conditional prior = mvnormal(0.0, 1.0);
  if (random_.coin(0.3)) prior = mvnormal(vector({}, d), random_.between(0.5, 2));
  if (random_.coin(0.2)) prior = mvnormal(0.0, wishart_of({}, d));
  locals_.push_back(model.latent(name("z"), prior, row_, Shape{d}));
  return locals_.back();
}

Arg RandomModel::precision(Place p, bool* variance) {
  *variance = random_.coin(0.25);
  if (random_.coin(0.25)) return random_.between(0.3, 3);
  if (*variance) {
    const Plate plate = plate_of(p);
    return gated(p, model.latent(name("v"), inverse_gamma(random_.between(2.5, 4), 1.0), plate));
  }
  return rate(p, {});
}

Expr RandomModel::rate(Place p, const Shape& event) {
  Arg inverse = random_.between(0.5, 2);
  if (random_.coin(0.15)) {
    count("gamma rate");
    flat = false;
    inverse = model.latent(name("hyper"), gamma(2.0, 2.0));
  }
  const Plate plate = plate_of(p);
  const Expr tau = model.latent(name("tau"), gamma(random_.between(1.2, 3), inverse), plate, event);
  count(plate.model ? "on a plate" : "off plates");
  return gated(p, tau);
}

Expr RandomModel::shape(Place p) {
  const Plate plate = plate_of(p);
  return gated(p, model.latent(name("a"), gamma_shape(random_.between(1.2, 3), 1.0), plate));
}

// Of quantities that are gaussian given everything else: functions of them that keep moments.
Expr RandomModel::deterministic(Place p) {
  switch (random_.dice(8)) {
    case 0: count("affine map"); return scalar(p) * random_.between(-2, 2) + random_.normal();
    case 1: count("affine map"); return scalar(p) * covariates(0);
    case 4: return sum(vector(p, 2 + random_.dice(2)));
    case 5: {
      return inner(covariates(3), take(vector(p, 2), {0, 1, random_.dice(2)}));
    }
    case 2: {
      return inner(repeat(scalar(p), 2), covariates(2));
    }
    case 3: {
      return inner(slice(elements(p, 3), random_.dice(3), 1), covariates(1));
    }
    case 6: {  // one number along a fixed row of a matrix
      Array row(DType::f64, Shape{1, 3});
      for (std::int64_t i = 0; i < 3; ++i) row.data<double>()[i] = random_.normal();
      const Expr along = dot(elements(p, 1), model.constant(row));
      return inner(slice(along, random_.dice(3), 1), covariates(1));
    }
    default: {
      const Expr w = concat(vector(p, 2), random_.coin() ? elements(p, 1) : repeat(scalar(p), 1));
      return inner(covariates(3), w);
    }
  }
}

Expr RandomModel::simple_mean(Place p, bool use_local) {
  if (use_local) {
    switch (random_.dice(3)) {
      case 0: return local_scalar();
      case 1: count("affine map"); return local_scalar() * random_.between(0.5, 2) + 0.3;
      default: {
        const std::int64_t d = 2 + random_.dice(2);
        if (random_.coin(0.3)) return inner(covariates(d), local_vector(d));
        count("inner of two latents");
        return inner(vector(p, d), local_vector(d));
      }
    }
  }
  switch (random_.dice(8)) {
    case 0: return scalar(p);
    case 1: {
      const std::int64_t d = 1 + random_.dice(3);
      return inner(covariates(d), vector(p, d));
    }
    case 2: {
      if (random_.coin(0.6)) return deterministic(p);
      count("inner of two latents");
      return inner(vector(p, 2), vector(p, 2));
    }
    default: return deterministic(p);
  }
}

// By a choice made once for all rows, beside that of each row where there is one.
Expr RandomModel::by_version(Place p) {
  global_choice = true;
  flat = false;
  if (!version_) {
    constexpr std::int64_t count_of = 5;  // no other plate has as many
    versions_ = model.plate("version", count_of);
    const Expr weights = model.latent(name("weights"), dirichlet(1.5), Shape{count_of});
    version_ = model.latent("version", categorical_of(weights), Shape{count_of});
  }
  const Expr nu = model.latent(name("nu"), normal_precision(0.0, 0.5), versions_);
  if (p.choice < 0) {
    count("gate by one choice for all rows");
    return gate(version_, nu);
  }
  count("gates by two choices");
  count("gate");
  const Choice& c = choices_[std::size_t(p.choice)];
  const Expr m = model.latent(name("m"), normal_precision(0.0, 0.5), c.plate);
  return random_.coin() ? gate(c.which, gate(version_, m + nu))
                        : gate(c.which, m) + gate(version_, nu);
}

Expr RandomModel::mean(Place p, bool use_local) {
  if (!use_local && random_.coin(0.2)) return by_version(p);
  const Expr a = simple_mean(p, use_local);
  if (random_.coin(0.7)) return a;
  // A sum takes its parts for independent; pooled latents may not be in both.
  const Expr b = random_.coin()
                     ? gated(p, model.latent(name("b"), normal_precision(0.0, 1.0), plate_of(p)))
                     : inner(covariates(2), vector(p, 2));
  return random_.coin() ? a + b : a - b;
}

}  // namespace fathom::test
