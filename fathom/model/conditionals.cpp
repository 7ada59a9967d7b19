// Families at parameters that are quantities of a model.
#include "fathom/dist/softmax.h"
#include "fathom/model/model.h"

namespace fathom {

namespace {

using Needs = ParameterDoc::Needs;
using Form = std::function<std::vector<Face>(std::span<const Face>)>;

// Arguments that `form` leaves as they are may be random as far as the family allows.
Conditional make(const FamilyInfo& family, std::string text, std::vector<Arg> args, Form form = {},
                 std::vector<Needs> needs = {}) {
  if (!form) form = [](std::span<const Face> f) { return std::vector<Face>(f.begin(), f.end()); };
  if (needs.empty())
    for (const ParameterDoc& p : family.parameters) needs.push_back(p.needs);
  return {&family, std::move(text), std::move(args), std::move(form), std::move(needs)};
}

// The elements of the one plate of a fixed size that `e` lies on, as rows of a matrix.
Expr rows_of(const char* reader, Expr e, const char* of = "probabilities") {
  Model& m = e.model();
  std::vector<int> plates = m.info(e).plates;
  std::erase_if(plates, [&](int p) { return m.plates()[std::size_t(p)].streamed(); });
  if (plates.size() != 1)
    raise<ConfigError>("[{}] \"{}\" must lie on one plate: a row of {} for each element", reader,
                       m.info(e).name, of);
  return stacked(e, Plate{&m, plates[0]});
}

// A move from state to state as a matrix: a row of what `of` names for each `row`, where it lies on
// a plate of as many elements as it has.
Arg move_of(const char* reader, Arg move, const char* of, const char* row) {
  const Expr e = move.expr();
  if (!e || e.event().rank() != 1) return move;
  const Expr rows = rows_of(reader, e, of);
  if (rows.event().extent(0) != e.event().extent(0))
    raise<ConfigError>(
        "[{}] \"{}\" must lie on one plate of as many elements as it has: a row of {} for each {}",
        reader, e.model().info(e).name, of, row);
  return rows;
}

void check_begins(const char* reader, const Arg& begins) {
  if (const Expr e = begins.expr();
      !e || e.model().info(e).kind != ExprKind::data || e.event().rank() != 0)
    raise<ConfigError>("[{}] where sequences begin must be data, a number for each row", reader);
}

// The value of a constant of the model.
const Array& constant_of(const char* reader, const char* name, const Arg& a) {
  const Expr e = a.expr();
  if (!e || e.model().info(e).kind != ExprKind::constant || e.event().rank() != 2)
    raise<ConfigError>("[{}] {} must be a constant, a matrix", reader, name);
  return e.model().info(e).value;
}

}  // namespace

Conditional normal(Arg mean, Arg sd) {
  return make(family<Normal>(), "normal(mean, sd)", {mean, sd},
              [](std::span<const Face> f) {
                return std::vector<Face>{f[0], Normal::from_sd(f[1].mean)};
              },
              {Needs::mean_variance, Needs::fixed});
}
Conditional normal_log_sd(Arg mean, Arg log_sd) {
  return make(family<Normal>(), "normal(mean, log_sd)", {mean, log_sd},
              [](std::span<const Face> f) {
                return std::vector<Face>{f[0], Normal::from_log_sd(f[1].mean)};
              },
              {Needs::mean_variance, Needs::fixed});
}
Conditional normal_precision(Arg mean, Arg precision) {
  return make(family<Normal>(), "normal(mean, precision)", {mean, precision});
}
Conditional normal_variance(Arg mean, Arg variance) {
  return make(family<Normal>(), "normal(mean, variance)", {mean, variance},
              [](std::span<const Face> f) {
                Face precision = Face::at(f[1].expected_inverse(), -f[1].expected_log());
                precision.random = f[1].random;
                return std::vector<Face>{f[0], precision};
              },
              {Needs::mean_variance, Needs::statistics});
}
Conditional mvnormal(Arg mean, Arg precision) {
  return make(family<MvNormal>(), "mvnormal(mean, precision)", {mean, precision});
}
Conditional mvnormal_diagonal(Arg mean, Arg precisions) {
  return make(family<MvNormal>(), "mvnormal_diagonal(mean, precisions)", {mean, precisions},
              [](std::span<const Face> f) {
                Face p = Face::at(diagonal_matrix(f[1].mean));
                const Value logs = f[1].expected_log();
                p.log = sum(logs, logs.shape().rank() - 1, 1);
                p.random = f[1].random;
                return std::vector<Face>{f[0], p};
              },
              {Needs::mean_variance, Needs::mean_log});
}
Conditional mvnormal_of(Arg mean_and_precision) {
  return make(family<MvNormal>(), "mvnormal(mean and precision)", {mean_and_precision}, {},
              {Needs::statistics});
}
Conditional normal_wishart(Arg mean, Arg strength, Arg inverse_scale, Arg dof) {
  return make(family<NormalWishart>(), "normal_wishart(mean, strength, inverse_scale, dof)",
              {mean, strength, inverse_scale, dof});
}
Conditional tied_normal_wishart(Arg mean, Arg strength, Arg inverse_scale, Arg dof) {
  return make(family<TiedNormalWishart>(),
              "tied_normal_wishart(mean, strength, inverse_scale, dof)",
              {mean, strength, inverse_scale, dof});
}
Conditional matrix_normal_wishart(Arg mean, Arg strength, Arg inverse_scale, Arg dof) {
  return make(family<MatrixNormalWishart>(),
              "matrix_normal_wishart(mean, strength, inverse_scale, dof)",
              {mean, strength, inverse_scale, dof});
}
Conditional spherical_normal_gamma(Arg mean, Arg strength, Arg shape, Arg rate) {
  return make(family<SphericalNormalGamma>(), "spherical_normal_gamma(mean, strength, shape, rate)",
              {mean, strength, shape, rate});
}
Conditional normal_gamma(Arg mean, Arg strength, Arg shape, Arg rate) {
  return make(family<NormalGamma>(), "normal_gamma(mean, strength, shape, rate)",
              {mean, strength, shape, rate});
}
Conditional stick_breaking(Arg taken, Arg left) {
  return make(family<StickBreaking>(), "stick_breaking(taken, left)", {taken, left});
}
Conditional bernoulli(Arg logits) {
  return make(family<Bernoulli>(), "bernoulli(logits)", {logits});
}
Conditional categorical(Arg logits) {
  return make(family<Categorical>(), "categorical(logits)", {logits},
              [](std::span<const Face> f) {
                return std::vector<Face>{Categorical::from_logits(f[0].mean)};
              },
              {Needs::fixed});
}
Conditional categorical_of(Arg probabilities) {
  return make(family<Categorical>(), "categorical(probabilities)", {probabilities});
}
Conditional chain(Arg start, Arg move, Arg begins) {
  move = move_of("chain", move, "probabilities", "state");
  check_begins("chain", begins);
  return make(family<Chain>(), "chain(start, move, begins)", {start, move, begins});
}
Conditional linked_chain(Arg first, Arg first_precision, Arg move, Arg noise, Arg begins,
                         Arg shift) {
  move = move_of("linked_chain", move, "coefficients", "element of the next state");
  check_begins("linked_chain", begins);
  if (const Expr s = shift.expr(), m = move.expr(); s && m && s.event() != m.event().without(1))
    raise<ConfigError>("[linked_chain] a shift has an element for each of the state, {}, got {}",
                       m.event().without(1).text(), s.event().text());
  return make(family<LinkedChain>(),
              "linked_chain(first, first_precision, move, noise, begins, shift)",
              {first, first_precision, move, noise, begins, shift});
}
Conditional linked_chain_of(Arg first, Arg first_precision, Arg motion_and_noise, Arg begins) {
  const Expr e = motion_and_noise.expr();
  const LatentInfo* z = e ? e.model().latent_of(e.index()) : nullptr;
  if (!z || z->prior.family != &family<MatrixNormalWishart>() ||
      e.event().extent(0) != e.event().extent(1))
    raise<ConfigError>(
        "[linked_chain_of] the motion and its noise are a latent with a square "
        "matrix_normal_wishart prior");
  check_begins("linked_chain_of", begins);
  return make(
      family<LinkedChain>(), "linked_chain(first, first_precision, motion and noise, begins)",
      {first, first_precision, motion_and_noise, begins},
      [](std::span<const Face> f) {
        return std::vector<Face>{f[0], f[1], f[2], f[2], f[3], Face::at(like(f[1].mean, 0.0))};
      },
      {Needs::fixed, Needs::fixed, Needs::statistics, Needs::fixed});
}
Conditional driven_chain(Arg motion, Arg reach, Arg noise, Arg first_precision, Arg begins) {
  const Array& a = constant_of("driven_chain", "the motion", motion);
  const Array& r = constant_of("driven_chain", "the reach of noise", reach);
  const std::int64_t n = a.shape().extent(0), drives = r.shape().extent(1);
  if (a.shape() != Shape{n, n} || r.shape().extent(0) != n || drives > n)
    raise<ConfigError>(
        "[driven_chain] a motion [n, n] and a reach [n, r] for r <= n, got {} and {}",
        a.shape().text(), r.shape().text());
  const Expr q = noise.expr();
  if (!q || q.event() != Shape{drives})
    raise<ConfigError>("[driven_chain] precisions of the noise are a vector of {}", drives);
  check_begins("driven_chain", begins);
  return make(family<DrivenChain>(), "driven_chain(motion, reach, noise, first_precision, begins)",
              {motion, reach, noise, first_precision, begins});
}
Conditional discrete_network(Arg tables, Arg structure) {
  return make(family<DiscreteNetwork>(), "discrete_network(tables, structure)", {tables, structure},
              [](std::span<const Face> f) {
                const Face none = Face::at(like(f[0].mean, 0.0));
                return std::vector<Face>{f[0], f[1], none, none};
              },
              {Needs::log, Needs::fixed});
}
Conditional documents(Arg topics, Arg concentration, Arg begins, Arg count, DocumentLoop loop) {
  if (const Expr e = topics.expr(); e && e.event().rank() == 1) topics = rows_of("documents", e);
  const Expr t = topics.expr();
  if (!t || t.event().rank() != 2)
    raise<ConfigError>("[documents] topics are probabilities of words on a plate, or a matrix");
  for (const Arg& a : {begins, count})
    if (const Expr e = a.expr();
        !e || e.model().info(e).kind != ExprKind::data || e.event().rank() != 0)
      raise<ConfigError>(
          "[documents] counts and where documents begin must be data, a number for each row");
  if (!(loop.tolerance > 0) || loop.iterations < 1)
    raise<ConfigError>("[documents] a tolerance above 0 and at least one update, got {:g} and {}",
                       loop.tolerance, loop.iterations);
  Conditional c =
      make(family<Documents>(), "documents(topics, concentration, begins, count)",
           {topics, concentration, begins, count, loop.tolerance, double(loop.iterations)});
  c.error = loop.tolerance;
  return c;
}
Conditional categorical_bohning(Arg logits) {
  return make(family<Categorical>(), "categorical_bohning(logits)", {logits},
              [](std::span<const Face> f) { return std::vector<Face>{softmax_bohning(f[0])}; },
              {Needs::normal});
}
Conditional categorical_tilted(Arg logits) {
  return make(family<Categorical>(), "categorical_tilted(logits)", {logits},
              [](std::span<const Face> f) { return std::vector<Face>{softmax_tilted(f[0])}; },
              {Needs::normal});
}
Conditional uniform_between(Arg low, Arg high) {
  return make(family<UniformFamily>(), "uniform(low, high)", {low, high});
}
Conditional gamma(Arg shape, Arg rate) {
  return make(family<Gamma>(), "gamma(shape, rate)", {shape, rate});
}
Conditional gamma_mean_one(Arg shape) {
  return make(family<Gamma>(), "gamma_mean_one(shape)", {shape}, {}, {Needs::log_gamma});
}
Conditional gamma_shape(Arg shape, Arg rate) {
  return make(family<GammaShape>(), "gamma_shape(shape, rate)", {shape, rate, 0.0, 0.0});
}
Conditional dirichlet(Arg concentration) {
  return make(family<Dirichlet>(), "dirichlet(concentration)", {concentration});
}
Conditional concentration(std::int64_t categories, Arg shape, Arg rate) {
  if (categories < 2)
    raise<ConfigError>("[model] concentration of {} categories: at least 2", categories);
  return make(family<Concentration>(), "concentration(categories, shape, rate)",
              {double(categories), shape, rate, 0.0});
}

Conditional beta(Arg a, Arg b) { return make(family<Beta>(), "beta(a, b)", {a, b}); }
Conditional inverse_gamma(Arg shape, Arg scale) {
  return make(family<InverseGamma>(), "inverse_gamma(shape, scale)", {shape, scale});
}
Conditional wishart(Arg inverse_scale, Arg dof) {
  return make(family<Wishart>(), "wishart(inverse_scale, dof)", {inverse_scale, dof});
}
Conditional bernoulli_of(Arg probability) {
  return make(family<Binomial>(), "bernoulli(probability)", {probability},
              [](std::span<const Face> f) {
                return std::vector<Face>{Face::at(like(f[0].mean, 1.0)), f[0]};
              },
              {Needs::statistics});
}
Conditional binomial_of(Arg count, Arg probability) {
  return make(family<Binomial>(), "binomial(count, probability)", {count, probability});
}
Conditional multinomial_of(Arg count, Arg probabilities) {
  return make(family<Multinomial>(), "multinomial(count, probabilities)", {count, probabilities});
}
Conditional poisson_of(Arg rate) { return make(family<Poisson>(), "poisson(rate)", {rate}); }
Conditional poisson_log(Arg log_rate) {
  return make(family<Poisson>(), "poisson_log(log_rate)", {log_rate},
              [](std::span<const Face> f) {
                const Value m = f[0].mean, half = f[0].variance ? f[0].variance * 0.5 : Value();
                Face rate = Face::at(exp(half ? m + half : m), m);
                rate.random = f[0].random;
                return std::vector<Face>{rate};
              },
              {Needs::normal});
}
Conditional exponential_of(Arg rate) {
  return make(family<Exponential>(), "exponential(rate)", {rate});
}
Conditional polya_gamma(Arg shape, Arg tilt) {
  return make(family<PolyaGamma>(), "polya_gamma(shape, tilt)", {shape, tilt});
}
Conditional bernoulli_polya_gamma(Arg logits, Arg omega) {
  return make(family<Binomial>(), "bernoulli(logits, omega)", {logits, omega},
              [](std::span<const Face> f) {
                return std::vector<Face>{Face::at(like(f[0].mean, 1.0)), f[0], f[1]};
              },
              {Needs::mean_variance, Needs::statistics});
}
Conditional binomial_polya_gamma(Arg count, Arg logits, Arg omega) {
  return make(family<Binomial>(), "binomial(count, logits, omega)", {count, logits, omega}, {},
              {Needs::fixed, Needs::mean_variance, Needs::statistics});
}

}  // namespace fathom
