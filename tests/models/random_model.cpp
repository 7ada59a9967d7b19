#include "tests/models/random_model.h"

#include <cmath>
#include <limits>

namespace fathom::test {

double Stream::unit() {
  const Random4 r = philox(key_, at_++, 0);
  return (double(r.word[0]) + 0.5) * 0x1p-32;
}

double Stream::normal() {
  return std::sqrt(-2 * std::log(unit())) * std::cos(6.283185307179586 * unit());
}

RandomModel::RandomModel(std::uint64_t seed, Variant variant) : random_(seed), variant_(variant) {
  rows_ = 3 + random_.dice(random_.coin(0.2) ? 38 : 12);
  row_ = model.plate("row");
  columns_ = 2 + random_.dice(3);
  column_ = model.plate("column", columns_);
  repeats_.assign(std::size_t(rows_), 1);
  weighed = random_.coin(0.25);
  if (weighed) {
    count("weights of rows");
    for (std::int64_t& r : repeats_) r = random_.dice(4);
    repeats_[0] = 2;
    std::vector<double> w(repeats_.begin(), repeats_.end());
    if (variant_ != Variant::duplicated) model.weigh(row_, add({}, {row_}, w, false));
  }
  data.rows = rows_;
  if (variant_ == Variant::duplicated) {
    data.rows = 0;
    for (const std::int64_t r : repeats_) data.rows += r;
  }
  choices();
  const std::int64_t terms = 1 + random_.dice(3) + (random_.coin(0.6) ? 1 : 0);
  for (std::int64_t i = 0; i < terms; ++i) term();
  if (!scalars_.empty() && random_.coin()) {
    count("latent of several terms");
    const Expr y = observed({}, false, true, [](Stream& r) { return r.normal(); });
    model.observe(name("y"), normal(scalars_.front(), 1.0), y);
  }
  if (choices_.size() > 1) count("two independent choices of rows");
  for (const Choice& c : choices_)
    if (c.terms > 1) count("terms that share a choice");
  const double how = random_.unit();
  if (how < 0.15 && !global_choice) {
    for (const LatentInfo& z : model.latents())
      if (!model.streamed(model.info(z.expr)) && z.prior.family->mode && random_.coin(0.3))
        options.points.insert(model.info(z.expr).name);
    if (!options.points.empty()) count("point masses by name");
  } else if (how < 0.3 && !global_choice) {
    options.factors = Factors::mode;
    count("modes");
  }
}

void RandomModel::choices() {
  const double how = random_.unit();
  const int number = how < 0.4 ? 0 : how < 0.75 ? 1 : 2;
  for (int c = 0; c < number; ++c) {
    const std::int64_t k = 2 + random_.dice(3);
    Choice choice;
    choice.plate = model.plate(name("component"), k);
    Expr weights;
    if (random_.coin(0.7)) {
      weights = model.latent(name("weights"), dirichlet(random_.between(1.1, 3)), Shape{k});
    } else {
      weights =
          model.latent(name("sticks"), stick_breaking(1.5, random_.between(1.1, 3)), Shape{k});
    }
    flat = false;
    const std::string n = name("which");
    if (!weighed && random_.coin(0.2)) {
      choice.which = model.latent(n, chain_of(weights, choice.plate), row_, Shape{k});
      choice.nested = true;  // with no other latent of rows
    } else {
      choice.which = model.latent(n, categorical_of(weights), row_, Shape{k});
    }
    std::vector<double> p;
    for (std::int64_t i = 0; i < rows_; ++i) {
      std::vector<double> one;
      double total = 0;
      for (std::int64_t j = 0; j < k; ++j) total += one.emplace_back(random_.between(0.05, 1));
      for (const double v : one) p.push_back(v / total);
    }
    start[n] = expanded(p, Shape{k});
    choices_.push_back(choice);
  }
}

// States of rows, each given the one before; sequences begin where a coin says so.
Conditional RandomModel::chain_of(Expr first, Plate states) {
  const std::int64_t k = size_of(states);
  const Expr move =
      model.latent(name("move"), dirichlet(random_.between(1.1, 3)), states, Shape{k});
  return chain(first, move, begins());
}

Expr RandomModel::begins() {
  chained = true;
  count("sequences of rows");
  std::vector<double> marks;
  for (std::int64_t i = 0; i < rows_; ++i) marks.push_back(i == 0 || random_.coin(0.2));
  return add({}, {row_}, marks, false);
}

// ---- data

Array RandomModel::expanded(const std::vector<double>& values, const Shape& tail) const {
  const std::int64_t width = tail.size();
  std::vector<double> out;
  for (std::size_t i = 0; i < std::size_t(rows_); ++i)
    for (std::int64_t k = 0; k < (variant_ == Variant::duplicated ? repeats_[i] : 1); ++k)
      out.insert(out.end(), values.begin() + std::int64_t(i) * width,
                 values.begin() + std::int64_t(i + 1) * width);
  return Array::of<double>(tail.with_front({std::int64_t(out.size()) / width, kNoLabel}),
                           std::span<const double>(out));
}

Expr RandomModel::add(const Shape& event, std::vector<Plate> plates, std::vector<double> values,
                      bool gaps) {
  const std::string n = name("data");
  Shape tail = event;
  if (plates.size() > 1) tail = tail.with_front({columns_, kNoLabel});
  if (gaps)
    for (double& v : values)
      if (variant_ == Variant::gone || random_.coin(0.2))
        v = std::numeric_limits<double>::quiet_NaN();
  data.columns[n] = expanded(values, tail);
  const Expr e = model.data(n, std::move(plates), event, DType::f64);
  if (gaps) model.missing(e);
  return e;
}

Expr RandomModel::observed(const Shape& event, bool column, bool gaps, Cell cell) {
  std::vector<double> values;
  const std::int64_t n = rows_ * event.size() * (column ? columns_ : 1);
  for (std::int64_t i = 0; i < n; ++i) values.push_back(cell(random_));
  std::vector<Plate> plates = {row_};
  if (column) {
    plates.push_back(column_);
    count("two plates");
  }
  const bool some = random_.coin(0.3);
  if (!gaps) maskable = false;
  gaps = gaps && (some || variant_ == Variant::gone);
  if (gaps) count(event.rank() > 0 ? "missing in vectors" : "missing");
  return add(event, std::move(plates), std::move(values), gaps);
}

Expr RandomModel::covariates(std::int64_t d) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < rows_ * std::max<std::int64_t>(d, 1); ++i)
    values.push_back(random_.normal());
  return add(d > 0 ? Shape{d} : Shape{}, {row_}, values, false);
}

// ---- terms

void RandomModel::term() {
  Place p;
  if (!choices_.empty() && random_.coin(0.75))
    p.choice = int(random_.dice(std::int64_t(choices_.size())));
  p.column = random_.coin(0.3);
  const int gates = counts["gate"];
  switch (random_.dice(22)) {
    case 0:
    case 1:
    case 2: real_term(p); break;
    case 3:
    case 21: positive_term(p); break;
    case 4:
    case 13: count_term(p); break;
    case 5: category_term(p); break;
    case 6:
    case 11: vector_term(p); break;
    case 7:
    case 8: joint_term(p); break;
    case 9: p.choice < 0 ? scaled_term() : analysers_term(p); break;
    case 10:
    case 12: p.choice < 0 ? augmented_term() : double_choice_term(); break;
    case 18:
    case 19: states_term(p); break;
    case 20: documents_term(p); break;
    default:
      if (p.choice < 0) {
        site_term();
      } else {
        real_term(p);
      }
  }
  const int more = counts["gate"] - gates;
  if (more > 0) ++choices_[std::size_t(p.choice)].terms;
  if (more > 1) count("several gates in one term");
}

void RandomModel::real_term(Place p) {
  const bool use_local = p.choice < 0 && random_.coin(0.4);
  const Expr m = mean(p, use_local);
  bool variance = false;
  const Arg noise = precision(p, &variance);
  const Expr y = observed({}, p.column, true, [](Stream& r) { return 1.5 * r.normal() + 0.5; });
  model.observe(name("y"), variance ? normal_variance(m, noise) : normal_precision(m, noise), y);
}

void RandomModel::positive_term(Place p) {
  const auto positive = [](Stream& s) { return -std::log(s.unit()); };
  if (random_.coin(0.25)) {
    const Expr a = shape(p);
    model.observe(name("y"), gamma_mean_one(a), observed({}, p.column, true, positive));
    return;
  }
  const Expr r = rate(p, {});
  const bool known = random_.coin();
  const Arg a = known && random_.coin(0.6) ? Arg(shape(p)) : Arg(random_.between(0.5, 3));
  const Expr y = observed({}, p.column, true, positive);
  model.observe(name("y"), known ? gamma(a, r) : exponential_of(r), y);
}

void RandomModel::count_term(Place p) {
  const auto few = [](Stream& s) { return double(s.dice(5)); };
  const auto bit = [](Stream& s) { return double(s.dice(2)); };
  const bool wide = random_.coin(0.6);
  const Shape event = wide ? Shape{2} : Shape{};
  const std::int64_t how = random_.dice(4);
  if (how > 1) {
    const bool column = wide && random_.coin(0.9);
    Expr r = column ? reshape(rate(p, Shape{2, 1}), event) : rate(p, event);
    if (!wide && random_.coin(0.85)) {
      count("exposures");
      std::vector<double> e;
      for (std::int64_t i = 0; i < rows_; ++i) e.push_back(random_.between(0.3, 3));
      r = r * add({}, {row_}, e, false);
    }
    model.observe(name("y"), poisson_of(r), observed(event, p.column, true, few));
    return;
  }
  const Plate plate = plate_of(p);
  const Expr q =
      gated(p, model.latent(name("p"), beta(random_.between(1.1, 3), 1.5), plate, event));
  if (how == 0) {
    model.observe(name("y"), bernoulli_of(q), observed(event, p.column, true, bit));
  } else {
    std::vector<double> n(std::size_t(rows_), 4.0);
    const Arg trials = random_.coin() && !wide ? Arg(add({}, {row_}, n, false)) : Arg(4.0);
    model.observe(name("y"), binomial_of(trials, q), observed(event, p.column, true, few));
  }
}

void RandomModel::category_term(Place p) {
  const std::int64_t k = 2 + random_.dice(3);
  const Plate plate = plate_of(p);
  Arg alpha = random_.between(1.1, 3);
  if (random_.coin(0.4)) {
    flat = false;
    alpha = model.latent(name("alpha"), concentration(k, 2.0, 0.7));
  }
  const Expr q = gated(p, model.latent(name("p"), dirichlet(alpha), plate, Shape{k}));
  const bool one = random_.coin();
  maskable = false;
  const std::int64_t cells = p.column ? columns_ : 1;
  if (p.column) count("two plates");
  std::vector<double> x(std::size_t(rows_ * cells * k), 0.0);
  for (std::int64_t i = 0; i < rows_ * cells; ++i)
    for (int t = 0; t < (one ? 1 : 5); ++t) x[std::size_t(i * k + random_.dice(k))] += 1;
  std::vector<Plate> plates = {row_};
  if (p.column) plates.push_back(column_);
  const Expr y = add(Shape{k}, plates, x, false);
  model.observe(name("y"), one ? categorical_of(q) : multinomial_of(5.0, q), y);
}

void RandomModel::vector_term(Place p) {
  const std::int64_t d = 2 + random_.dice(2);
  const auto real = [](Stream& r) { return r.normal(); };
  const std::int64_t how = random_.dice(4);
  Expr m;
  switch (random_.dice(4)) {
    case 0: m = constant_vector(d); break;
    case 1: m = how % 2 == 0 ? elements(p, d) : vector(p, d); break;  // elements meet in matrices
    case 2: m = p.choice < 0 && random_.coin() ? local_vector(d) : vector(p, d); break;
    default: m = vector(p, d);
  }
  switch (how) {
    case 0: {
      model.observe(name("y"), normal_precision(m, rate(p, {})),
                    observed(Shape{d}, p.column, true, real));
      return;
    }
    case 1: {
      model.observe(name("y"), mvnormal(m, wishart_of(p, d)),
                    observed(Shape{d}, p.column, false, real));
      return;
    }
    case 2: {
      model.observe(name("y"), mvnormal_diagonal(m, rate(p, Shape{d})),
                    observed(Shape{d}, p.column, false, real));
      return;
    }
    default:
      model.observe(name("y"), mvnormal(m, random_.coin() ? Arg(rate(p, {})) : constant_matrix(d)),
                    observed(Shape{d}, p.column, false, real));
  }
}

void RandomModel::site_term() {
  sites = true;
  affine = false;
  if (random_.coin(0.55)) return softmax_term();
  const bool bits = random_.coin();
  const Expr f = random_.coin() ? scalar({}) : inner(covariates(2), vector({}, 2));
  const Expr y = bits ? observed({}, false, true, [](Stream& s) { return double(s.dice(2)); })
                      : observed({}, false, true, [](Stream& s) { return double(s.dice(4)); });
  model.observe(name("y"), bits ? bernoulli(f) : poisson_log(f), y);
}

void RandomModel::softmax_term() {
  const std::int64_t k = 2 + random_.dice(3);
  const bool tilted = random_.coin();
  maskable = false;
  const Plate classes = model.plate(name("class"), k);
  const Expr w = model.latent(name("w"), mvnormal(0.0, random_.between(0.3, 2)), classes, Shape{2});
  const Expr f = across(inner(covariates(2), w), classes);
  std::vector<double> x(std::size_t(rows_ * k), 0.0);
  for (std::int64_t i = 0; i < rows_; ++i) x[std::size_t(i * k + random_.dice(k))] = 1;
  const Expr y = add(Shape{k}, {row_}, x, false);
  model.observe(name("y"), tilted ? categorical_tilted(f) : categorical_bohning(f), y);
}

}  // namespace fathom::test
