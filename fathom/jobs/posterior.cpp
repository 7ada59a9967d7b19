#include "fathom/jobs/posterior.h"

#include <cmath>
#include <eigen3/Eigen/Cholesky>

#include "fathom/kernels/quantiles.h"
#include "fathom/kernels/special.h"

namespace fathom {

namespace {

constexpr double kLow = 0.025, kHigh = 0.975;

double log_gamma(double x) { return double(kernels::lgamma(x)); }

// Moments of x^-power, x ~ gamma(shape, rate).
double inverse_moment(double shape, double rate, double power) {
  if (!(shape > power)) return NAN;
  return std::exp(power * std::log(rate) + log_gamma(shape - power) - log_gamma(shape));
}

// A latent with its natural parameters, one element after another.
struct Latent {
  std::string name;
  bool point = false;
  std::vector<const Array*> natural;
  const double* at(int k) const { return natural[std::size_t(k)]->data<double>(); }

  // "2" or "3.1" from the place of an element of its first natural parameter.
  std::string element(std::int64_t i) const {
    const Shape& s = natural[0]->shape();
    std::string text;
    for (int axis = s.rank() - 1; axis >= 0; --axis) {
      text = fmt::format("{}{}{}", i % s.extent(axis) + 1, text.empty() ? "" : ".", text);
      i /= s.extent(axis);
    }
    return text;
  }
};

void add_gamma(const Latent& z, std::vector<PosteriorRow>& out) {
  for (std::int64_t i = 0; i < z.natural[0]->size(); ++i) {
    const double shape = z.at(0)[i] + 1, rate = -z.at(1)[i];
    out.push_back(z.point ? point_row(z.name, z.element(i), std::max(shape - 1, 0.0) / rate)
                          : gamma_row(z.name, z.element(i), shape, rate));
  }
}

void add_normal(const Latent& z, std::vector<PosteriorRow>& out) {
  for (std::int64_t i = 0; i < z.natural[0]->size(); ++i) {
    const double precision = -2 * z.at(1)[i], mean = z.at(0)[i] / precision;
    out.push_back(z.point ? point_row(z.name, z.element(i), mean)
                          : normal_row(z.name, z.element(i), mean, 1 / std::sqrt(precision)));
  }
}

void add_mvnormal(const Latent& z, std::vector<PosteriorRow>& out) {
  const Shape& s = z.natural[0]->shape();
  const std::int64_t d = s.extent(s.rank() - 1), n = s.size() / d;
  for (std::int64_t i = 0; i < n; ++i) {
    const Eigen::Map<const Eigen::MatrixXd> half(z.at(1) + i * d * d, d, d);
    const Eigen::LLT<Eigen::MatrixXd> precision(-2 * half);
    const Eigen::VectorXd mean =
        precision.solve(Eigen::Map<const Eigen::VectorXd>(z.at(0) + i * d, d));
    const Eigen::MatrixXd covariance = precision.solve(Eigen::MatrixXd::Identity(d, d));
    for (std::int64_t j = 0; j < d; ++j) {
      const std::string element = z.element(i * d + j);
      out.push_back(z.point ? point_row(z.name, element, mean[j])
                            : normal_row(z.name, element, mean[j], std::sqrt(covariance(j, j))));
    }
  }
}

// Statistics log x about the base measure 1: natural concentration - 1.
void add_dirichlet(const Latent& z, std::vector<PosteriorRow>& out) {
  const Shape& s = z.natural[0]->shape();
  const std::int64_t d = s.extent(s.rank() - 1);
  for (std::int64_t first = 0; first < s.size(); first += d) {
    double total = 0;
    for (std::int64_t j = 0; j < d; ++j)
      total += z.point ? std::max(z.at(0)[first + j], 0.0) : z.at(0)[first + j] + 1;
    for (std::int64_t j = first; j < first + d; ++j) {
      const double a = z.at(0)[j] + 1;
      out.push_back(z.point ? point_row(z.name, z.element(j), std::max(a - 1, 0.0) / total)
                            : beta_row(z.name, z.element(j), a, total - a));
    }
  }
}

void add_beta(const Latent& z, std::vector<PosteriorRow>& out) {
  for (std::int64_t i = 0; i < z.natural[0]->size(); ++i) {
    const double a = z.at(0)[i] + 1, b = z.at(1)[i] + 1;
    out.push_back(z.point ? point_row(z.name, z.element(i),
                                      std::max(a - 1, 0.0) / std::max(a + b - 2, 1e-300))
                          : beta_row(z.name, z.element(i), a, b));
  }
}

struct Writer {
  std::string_view family;
  void (*add)(const Latent&, std::vector<PosteriorRow>&);
};
constexpr Writer kWriters[] = {{"gamma", add_gamma},       {"normal", add_normal},
                               {"mvnormal", add_mvnormal}, {"dirichlet", add_dirichlet},
                               {"beta", add_beta},         {"stick_breaking", add_beta}};

}  // namespace

PosteriorRow point_row(const std::string& factor, const std::string& element, double mean) {
  return {factor, element, mean, NAN, NAN, NAN};
}

PosteriorRow normal_row(const std::string& factor, const std::string& element, double mean,
                        double sd) {
  return student_row(factor, element, mean, sd, INFINITY);
}

PosteriorRow student_row(const std::string& factor, const std::string& element, double mean,
                         double scale, double dof) {
  const double side = scale * kernels::student_quantile(kHigh, dof);
  const double sd = std::isinf(dof) ? scale : dof > 2 ? scale * std::sqrt(dof / (dof - 2)) : NAN;
  return {factor, element, mean, sd, mean - side, mean + side};
}

PosteriorRow gamma_row(const std::string& factor, const std::string& element, double shape,
                       double rate) {
  return {factor,
          element,
          shape / rate,
          std::sqrt(shape) / rate,
          kernels::gamma_quantile(kLow, shape, rate),
          kernels::gamma_quantile(kHigh, shape, rate)};
}

PosteriorRow beta_row(const std::string& factor, const std::string& element, double a, double b) {
  const double n = a + b;
  return {factor,
          element,
          a / n,
          std::sqrt(a * b / (n + 1)) / n,
          kernels::beta_quantile(kLow, a, b),
          kernels::beta_quantile(kHigh, a, b)};
}

PosteriorRow inverse_gamma_row(const std::string& factor, const std::string& element, double shape,
                               double rate) {
  const double mean = inverse_moment(shape, rate, 1);
  return {factor,
          element,
          mean,
          std::sqrt(inverse_moment(shape, rate, 2) - mean * mean),
          1 / kernels::gamma_quantile(kHigh, shape, rate),
          1 / kernels::gamma_quantile(kLow, shape, rate)};
}

PosteriorRow root_inverse_gamma_row(const std::string& factor, const std::string& element,
                                    double shape, double rate) {
  const double mean = inverse_moment(shape, rate, 0.5);
  return {factor,
          element,
          mean,
          std::sqrt(inverse_moment(shape, rate, 1) - mean * mean),
          1 / std::sqrt(kernels::gamma_quantile(kHigh, shape, rate)),
          1 / std::sqrt(kernels::gamma_quantile(kLow, shape, rate))};
}

PosteriorRow scaled(PosteriorRow row, double scale, double shift) {
  row.mean = row.mean * scale + shift;
  row.sd *= scale;
  row.low = row.low * scale + shift;
  row.high = row.high * scale + shift;
  return row;
}

std::vector<PosteriorRow> posterior_of(const Model& model, const State& state,
                                       const CoordinateOptions& options) {
  std::vector<PosteriorRow> out;
  for (const LatentInfo& latent : model.latents()) {
    const ExprInfo& e = model.info(latent.expr);
    if (model.streamed(e)) continue;
    Latent z;
    z.name = e.name;
    z.point = options.factors != Factors::mean_field || options.points.count(e.name) > 0;
    for (int k = 0; const Array* a = state.find(fmt::format("{}.natural.{}", e.name, k)); ++k)
      z.natural.push_back(a);
    const std::string_view family = latent.prior.family->doc.name;
    const auto* writer = std::find_if(std::begin(kWriters), std::end(kWriters),
                                      [&](const Writer& w) { return w.family == family; });
    if (writer == std::end(kWriters))
      raise<ConfigError>("the posterior of \"{}\", a {}, is not written as numbers yet", e.name,
                         family);
    writer->add(z, out);
  }
  return out;
}

}  // namespace fathom
