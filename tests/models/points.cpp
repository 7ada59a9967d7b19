#include "tests/models/points.h"

#include <Eigen/Dense>
#include <cmath>
#include <set>

#include "fathom/exec/reference.h"
#include "tests/oracles/special.h"

namespace fathom::test {

namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// One point of a latent: the quantities that it is made of, and its weight.
struct Point {
  double weight = 1;
  std::vector<Array> values;
};

Array zip(const Array& a, const Array& b, double (*f)(double, double)) {
  Array out = a.copy();
  for (std::int64_t i = 0; i < a.size(); ++i)
    out.data<double>()[i] = f(a.data<double>()[i], b.data<double>()[i]);
  return out;
}

double gamma_point(double a, double b, double sign) {
  const double mean = a / b, log_mean = oracle::digamma(a) - std::log(b);
  return mean + sign * std::sqrt(std::max(0.0, mean * mean - std::exp(2 * log_mean)));
}
double beta_point(double a, double b, double sign) {
  const double all = oracle::digamma(a + b), p = std::exp(2 * (oracle::digamma(a) - all)),
               q = std::exp(2 * (oracle::digamma(b) - all)), s = 1 + p - q;
  return 0.5 * (s + sign * std::sqrt(std::max(0.0, s * s - 4 * p)));
}

// mean + scale times column `k` of a factor of the inverse of each precision.
Array along_column(const Array& mean, const Array& precision, std::int64_t k, double scale) {
  const std::int64_t d = mean.shape().extent(mean.shape().rank() - 1);
  Array out = mean.copy();
  for (std::int64_t i = 0; i < mean.size() / d; ++i) {
    const Eigen::Map<const Matrix> p(precision.data<double>() + i * d * d, d, d);
    const Matrix l = p.llt().matrixL();
    const Eigen::VectorXd c =
        l.transpose().triangularView<Eigen::Upper>().solve(Eigen::VectorXd::Unit(d, k));
    for (std::int64_t j = 0; j < d; ++j) out.data<double>()[i * d + j] += scale * c[j];
  }
  return out;
}

// c M for each matrix, c being the two numbers with mean 1 and the wanted mean logarithm.
Array scaled(const Array& mean, const Array& log_det, double sign, const Array* by = nullptr) {
  const std::int64_t d = mean.shape().extent(mean.shape().rank() - 1);
  Array out = mean.copy();
  for (std::int64_t i = 0; i < mean.size() / (d * d); ++i) {
    const Eigen::Map<const Matrix> m(mean.data<double>() + i * d * d, d, d);
    const double gap = log_det.data<double>()[i] - std::log(m.determinant()),
                 c = 1 + sign * std::sqrt(std::max(0.0, 1 - std::exp(2 * gap / double(d))));
    for (std::int64_t j = 0; j < d * d; ++j)
      out.data<double>()[i * d * d + j] = c * m.data()[j] * (by ? by->data<double>()[i] : 1.0);
  }
  return out;
}

std::vector<Point> points_of(const FamilyInfo* f, const std::vector<Array>& p, std::int64_t d) {
  std::vector<Point> out;
  const double root = std::sqrt(double(d));
  if (f == &family<Normal>() || f == &family<Gamma>() || f == &family<InverseGamma>() ||
      f == &family<Beta>()) {
    for (const double sign : {-1.0, 1.0}) {
      const auto value = [&]() -> Array {
        const bool low = sign < 0;
        if (f == &family<Normal>())
          return zip(
              p[0], p[1],
              low ? [](double m, double t) { return m - 1 / std::sqrt(t); }
                  : [](double m, double t) { return m + 1 / std::sqrt(t); });
        if (f == &family<Gamma>())
          return zip(
              p[0], p[1],
              low ? [](double a, double b) { return gamma_point(a, b, -1); }
                  : [](double a, double b) { return gamma_point(a, b, 1); });
        if (f == &family<Beta>())
          return zip(
              p[0], p[1],
              low ? [](double a, double b) { return beta_point(a, b, -1); }
                  : [](double a, double b) { return beta_point(a, b, 1); });
        return zip(
            p[0], p[1],
            low ? [](double a, double b) { return 1 / gamma_point(a, b, -1); }
                : [](double a, double b) { return 1 / gamma_point(a, b, 1); });
      }();
      out.push_back({0.5, {value}});
    }
  } else if (f == &family<MvNormal>()) {
    for (std::int64_t k = 0; k < d; ++k)
      for (const double sign : {-1.0, 1.0})
        out.push_back({0.5 / double(d), {along_column(p[0], p[1], k, sign * root)}});
  } else if (f == &family<Wishart>()) {  // E Lam, E log |Lam|
    for (const double sign : {-1.0, 1.0}) out.push_back({0.5, {scaled(p[0], p[1], sign)}});
  } else if (f == &family<NormalGamma>()) {
    for (const double a : {-1.0, 1.0})
      for (const double b : {-1.0, 1.0}) {
        Array tau = p[2].copy(), mu = p[0].copy();
        for (std::int64_t i = 0; i < tau.size(); ++i) {
          tau.data<double>()[i] = gamma_point(p[2].data<double>()[i], p[3].data<double>()[i], a);
          mu.data<double>()[i] += b / std::sqrt(p[1].data<double>()[i] * tau.data<double>()[i]);
        }
        out.push_back({0.25, {mu, tau}});
      }
  } else if (f == &family<NormalWishart>()) {  // mean, strength, E Lam, E log |Lam|
    for (const double sign : {-1.0, 1.0}) {
      const Array lam = scaled(p[2], p[3], sign), known = scaled(p[2], p[3], sign, &p[1]);
      for (std::int64_t k = 0; k < d; ++k)
        for (const double b : {-1.0, 1.0})
          out.push_back({0.25 / double(d), {along_column(p[0], known, k, b * root), lam}});
    }
  } else if (f == &family<SphericalNormalGamma>()) {  // mean, strength, shape, rate
    for (const double a : {-1.0, 1.0})
      for (const double b : {-1.0, 1.0}) {
        Array tau = p[2].copy(), mu = p[0].copy();
        for (std::int64_t i = 0; i < tau.size(); ++i)
          tau.data<double>()[i] = gamma_point(p[2].data<double>()[i], p[3].data<double>()[i], a);
        for (std::int64_t i = 0; i < mu.size(); ++i)
          mu.data<double>()[i] += b / std::sqrt(p[1].data<double>()[i] * tau.data<double>()[i / d]);
        out.push_back({0.25, {mu, tau}});
      }
  } else if (f == &family<TiedNormalWishart>()) {  // mean, strengths, E Lam, E log |Lam|
    for (const double sign : {-1.0, 1.0}) {
      const Array lam = scaled(p[2], p[3], sign);
      const std::int64_t count = p[0].size() / d;
      Array known(DType::f64, Shape{count, d, d});
      for (std::int64_t i = 0; i < known.size(); ++i)
        known.data<double>()[i] =
            p[1].data<double>()[i / (d * d)] * lam.data<double>()[i % (d * d)];
      for (std::int64_t k = 0; k < d; ++k)
        for (const double b : {-1.0, 1.0})
          out.push_back({0.25 / double(d), {along_column(p[0], known, k, b * root), lam}});
    }
  } else if (f == &family<MatrixNormalWishart>()) {  // mean, strength, E Lam, E log |Lam|
    const std::int64_t count = p[0].size() / d;
    for (const double sign : {-1.0, 1.0}) {
      const Array lam = scaled(p[2], p[3], sign);
      for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t j = 0; j < d; ++j)
          for (const double b : {-1.0, 1.0}) {
            const Array left = along_column(Array(DType::f64, Shape{count}), p[1], i, 1),
                        right = along_column(Array(DType::f64, Shape{d}), lam, j, 1);
            Array m = p[0].copy();
            for (std::int64_t k = 0; k < m.size(); ++k)
              m.data<double>()[k] += b * std::sqrt(double(count * d)) * left.data<double>()[k / d] *
                                     right.data<double>()[k % d];
            out.push_back({0.25 / double(count * d), {m, lam}});
          }
    }
  } else {  // of which terms see logarithms, or probabilities: one value has both
    out.push_back({1, {p[0]}});
  }
  return out;
}

// Values of a model's quantities on a graph, latents being inputs.
class Values_ {
 public:
  Values_(const RandomModel& r, Graph& g) : m_(r.model), g_(g), rows_(r.data.rows) {
    row_ = g.label("row", true);
    for (std::size_t p = 0; p < m_.plates().size(); ++p)
      if (!m_.plates()[p].streamed()) labels_[int(p)] = g.label(m_.plates()[p].name);
  }
  Shape full(const ExprInfo& e, Shape event) const {
    for (const int p : e.plates)
      event = event.with_front(m_.plates()[std::size_t(p)].streamed()
                                   ? Axis{rows_, row_}
                                   : Axis{m_.plates()[std::size_t(p)].size, labels_.at(p)});
    return event;
  }
  Value input(const std::string& name, const Shape& s) {
    const auto [it, fresh] = inputs_.try_emplace(name);
    if (fresh) it->second = g_.data(name, DType::f64, s);
    return it->second;
  }
  // Part `k` of a latent's point.
  Value part(const ExprInfo& e, int k) {
    const std::int64_t d = e.event.rank() > 0 ? e.event.extent(e.event.rank() - 1) : 1;
    const FamilyInfo* f = m_.latent_of(index(e))->prior.family;
    const Shape event = k == 0                                 ? e.event
                        : f == &family<NormalGamma>()          ? e.event
                        : f == &family<SphericalNormalGamma>() ? Shape{1}
                                                               : Shape{d, d};
    return input("point." + e.name + std::to_string(k), full(e, event));
  }
  // What mvnormal_of() takes, as a mean and a precision; whether that is a matrix.
  struct Joint {
    Value mean, precision;
    bool matrix = false;
  };
  Joint joint(Expr e) {
    const ExprInfo& i = m_.info(e);
    if (i.kind == ExprKind::gate) return joint(i.inputs[1]);
    if (i.kind == ExprKind::spread) {
      Joint j = joint(i.inputs[0]);
      const Axis axis{j.mean.shape().extent(0), labels_.at(i.plates.front())};
      j.mean = reshape(j.mean, Shape{j.mean.shape().extent(1)}.with_front(axis));
      return j;
    }
    if (i.kind == ExprKind::function) {  // regressed
      Joint j = joint(i.inputs[1]);
      j.mean = matmul(at(i.inputs[0]), j.mean);
      return j;
    }
    const FamilyInfo* f = m_.latent_of(e.index())->prior.family;
    const bool apart = f == &family<NormalGamma>() || f == &family<SphericalNormalGamma>();
    return {part(i, 0), part(i, 1), !apart};
  }
  Value at(Expr e) {
    const ExprInfo& i = m_.info(e);
    switch (i.kind) {
      case ExprKind::data: return input("data." + i.name, full(i, i.event));
      case ExprKind::constant: return g_.constant(i.value);
      case ExprKind::latent: return part(i, 0);
      case ExprKind::gate: return at(i.inputs[1]);
      default: break;
    }
    std::vector<Value> v;
    for (const Expr& in : i.inputs) v.push_back(at(in));
    return i.apply(v);
  }
  int index(const ExprInfo& e) const {
    for (const LatentInfo& z : m_.latents())
      if (m_.info(z.expr).name == e.name) return z.expr;
    return -1;
  }

  // log p of a quantity summed over everything.
  Value log_density(const Conditional& c, Value x, const ExprInfo& of) {
    Value seen;
    if (of.partial) {
      seen = equal(x, x);
      x = where(seen, x, like(x, 0.25));
    }
    Value elements;
    if (c.args.size() == 1 && c.family == &family<MvNormal>()) {
      const Joint j = joint(c.args[0].expr());
      const Face mean = Face::at(j.mean), precision = Face::at(j.precision);
      const FamilyInfo& f = j.matrix ? family<MvNormal>() : family<Normal>();
      elements = f.expected_log_prob(Face::at(x), std::vector<Face>{mean, precision});
    } else {
      std::vector<Face> faces;
      for (const Arg& a : c.args)
        faces.push_back(Face::at(a.expr() ? at(a.expr()) : g_.constant(a.value(), DType::f64)));
      faces = c.form(faces);
      for (std::size_t k = 0; k < faces.size() && c.family->doc.event_axes > 0; ++k)
        faces[k] = whole(faces[k], c.family, k, of.event.extent(0));
      elements = c.family->expected_log_prob(Face::at(x), faces);
    }
    if (seen) elements = elements * seen;
    if (elements.shape().rank() > elements.shape().labelled()) elements = sum_events(elements);
    std::set<Gate> gates;
    for (const Arg& a : c.args)
      if (a.expr())
        for (const Gate& g : m_.info(a.expr()).gates) gates.insert(g);
    for (const Gate& g : gates) {
      const Value p = part(m_.info(g.which), 0);
      const Label label = labels_.at(g.plate);
      const Axis axis{p.shape().extent(p.shape().rank() - 1), label};
      elements = sum(elements * reshape(p, Shape(p.shape().plates()).with_front(axis)), label);
    }
    if (m_.streamed(of))
      for (const PlateInfo& p : m_.plates())
        if (p.weight >= 0) elements = elements * at(Expr(const_cast<Model&>(m_), p.weight));
    return sum(elements);
  }

 private:
  // A number for all elements of a vector, or on the diagonal of a matrix.
  static Face whole(Face f, const FamilyInfo* of, std::size_t k, std::int64_t d) {
    const Support s = of->parameters[k].support;
    const bool stays = s == Support::positive && of->doc.support == Support::matrix;
    if (f.mean.shape().rank() > f.mean.shape().labelled() || stays) return f;
    const Value all = broadcast_to(f.mean, f.mean.shape().with_back(d));
    return Face::at(s == Support::matrix ? diagonal_matrix(all) : all);
  }

  const Model& m_;
  Graph& g_;
  std::int64_t rows_;
  Label row_{};
  std::map<int, Label> labels_;
  std::map<std::string, Value> inputs_;
};

void latents_below(const Model& m, Expr e, std::set<int>& out) {
  if (m.info(e).kind == ExprKind::latent) out.insert(e.index());
  for (const Expr& in : m.info(e).inputs) latents_below(m, in, out);
}

}  // namespace

std::map<std::string, TermPair> compare_terms(const RandomModel& r, const State& state) {
  std::map<std::string, TermPair> out;
  const Model& m = r.model;
  Bindings data;
  for (const auto& [name, array] : r.data.columns) data["data." + name] = array;
  Graph a(op_table()), b(op_table());
  LowerOptions options;
  options.capacity = r.data.rows;
  options.factors = Factors::mean_field;
  options.collapse = true;
  Lowering lowering(m, a, options);
  Values_ values(r, b);
  std::vector<Value> wanted;
  std::vector<std::string> names;
  for (const Term& t : lowering.terms())
    if (t.kind != Term::Kind::entropy) {
      wanted.push_back(sum(t.value));
      names.push_back(t.name);
    }
  std::map<int, std::pair<std::size_t, std::size_t>> places;
  for (const LatentInfo& z : m.latents()) {
    const ExprInfo& e = m.info(z.expr);
    const Distribution q = lowering.guide(z);
    const Face f = face(q);
    const Shape full = values.full(e, e.event), none = values.full(e, {});
    const std::int64_t d = e.event.rank() > 0 ? e.event.extent(e.event.rank() - 1) : 1;
    const Shape matrix = values.full(e, Shape{d, d});
    std::vector<std::pair<Value, Shape>> p;
    if (q.family == &family<Categorical>() || q.family == &family<Chain>()) {
      p = {{f.mean, full}};
    } else if (q.family == &family<Dirichlet>() || q.family == &family<StickBreaking>()) {
      p = {{exp(f.log), full}};
    } else if (q.family == &family<Wishart>()) {
      p = {{f.mean, matrix}, {f.log, none}};
    } else if (q.family == &family<NormalWishart>()) {
      p = {{q.parameters[0].mean, full},
           {q.parameters[1].mean, none},
           {f.statistics[0], matrix},
           {f.statistics[3], none}};
    } else if (q.family == &family<TiedNormalWishart>() ||
               q.family == &family<MatrixNormalWishart>()) {
      p = {{q.parameters[0].mean, e.event},
           {q.parameters[1].mean, q.parameters[1].mean.shape()},
           {reshape(f.statistics[0], Shape{d, d}), Shape{d, d}},
           {reshape(f.statistics[3], Shape{}), Shape{}}};
    } else if (q.family == &family<SphericalNormalGamma>()) {
      const Shape one = values.full(e, Shape{1});
      p = {{q.parameters[0].mean, full},
           {q.parameters[1].mean, full},
           {reshape(q.parameters[2].mean, one), one},
           {reshape(q.parameters[3].mean, one), one}};
    } else if (q.family == &family<PolyaGamma>()) {
      p = {{f.mean, full}};
    } else {
      for (const Face& x : q.parameters)
        p.emplace_back(x.mean, q.family == &family<MvNormal>() && !p.empty() ? matrix : full);
    }
    places[z.expr] = {wanted.size(), p.size()};
    for (const auto& [v, shape] : p) {  // labels of the two graphs are the same numbers
      wanted.push_back(broadcast_to(v, shape));
    }
  }
  Bindings in = data;
  for (const InputInfo& i : a.graph_inputs())
    if (i.kind == InputKind::slot) in[i.name] = *state.find(i.name);
  const std::vector<Array> found = evaluate_reference(a, wanted, in);
  std::map<int, std::vector<Point>> points;
  for (const LatentInfo& z : m.latents()) {
    const auto [at, n] = places[z.expr];
    const ExprInfo& e = m.info(z.expr);
    points[z.expr] = points_of(
        z.prior.family, {found.begin() + std::int64_t(at), found.begin() + std::int64_t(at + n)},
        e.event.rank() > 0 ? e.event.extent(e.event.rank() - 1) : 1);
  }

  const auto term = [&](const std::string& name, const Conditional& c, Expr x) {
    const ExprInfo& of = m.info(x);
    const Value density = values.log_density(c, values.at(x), of);
    std::set<int> latents;
    latents_below(m, x, latents);
    for (const Arg& arg : c.args)
      if (arg.expr()) latents_below(m, arg.expr(), latents);
    std::vector<int> all(latents.begin(), latents.end());
    std::vector<std::size_t> at(all.size(), 0);
    double total = 0;
    while (true) {
      Bindings bound = data;
      double weight = 1;
      for (std::size_t k = 0; k < all.size(); ++k) {
        const Point& p = points[all[k]][at[k]];
        weight *= p.weight;
        for (std::size_t j = 0; j < p.values.size(); ++j)
          bound["point." + m.info(all[k]).name + std::to_string(j)] = p.values[j];
      }
      total += weight * evaluate_reference(b, std::vector{density}, bound)[0].data<double>()[0];
      std::size_t k = 0;
      while (k < all.size() && ++at[k] == points[all[k]].size()) at[k++] = 0;
      if (k == all.size()) break;
    }
    const auto place = std::find(names.begin(), names.end(), name) - names.begin();
    out[name] = {found[std::size_t(place)].data<double>()[0], total};
  };
  // Shapes and concentrations have more statistics than two points.
  const auto by_quadrature = [&](const Conditional& c, int value) {
    std::set<int> latents;
    latents_below(m, Expr(const_cast<Model&>(m), value), latents);
    for (const Arg& arg : c.args)
      if (arg.expr()) latents_below(m, arg.expr(), latents);
    return std::any_of(latents.begin(), latents.end(), [&](int z) {
      const FamilyInfo* f = m.latent_of(z)->prior.family;
      return f == &family<GammaShape>() || f == &family<Concentration>();
    });
  };
  for (const ObservedInfo& o : m.observed()) {
    const bool vectors = m.info(o.value).partial && o.likelihood.family == &family<MvNormal>() &&
                         o.likelihood.args.size() == 1;
    bool curved = vectors || o.likelihood.family->doc.sequences;  // proportions are inside
    for (const auto needs : o.likelihood.needs)
      curved = curved || needs == ParameterDoc::Needs::normal;
    if (!curved && !by_quadrature(o.likelihood, o.value.index()))
      term(o.name, o.likelihood, o.value);
  }
  for (const LatentInfo& z : m.latents())
    if (z.prior.family->doc.support != Support::joint && !z.prior.family->doc.relative &&
        !z.prior.family->doc.sequences && !by_quadrature(z.prior, z.expr))
      term(m.info(z.expr).name + ".prior", z.prior, Expr(const_cast<Model&>(m), z.expr));
  return out;
}

}  // namespace fathom::test
