#include "fathom/kernels/quantiles.h"

#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "fathom/kernels/special.h"

namespace fathom::kernels {

namespace {

// Errors of the domain give NaN, overflow infinity: nothing throws.
using Quiet = boost::math::policies::policy<
    boost::math::policies::domain_error<boost::math::policies::ignore_error>,
    boost::math::policies::pole_error<boost::math::policies::ignore_error>,
    boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
    boost::math::policies::evaluation_error<boost::math::policies::ignore_error>>;

}  // namespace

double gamma_quantile(double p, double shape, double rate) {
  return boost::math::gamma_p_inv(shape, p, Quiet()) / rate;
}

double beta_quantile(double p, double a, double b) {
  return boost::math::ibeta_inv(a, b, p, Quiet());
}

double student_quantile(double p, double dof) {
  if (!(dof < 1e8)) return double(normal_quantile(p));
  return boost::math::quantile(boost::math::students_t_distribution<double, Quiet>(dof), p);
}

double poisson_cdf(double count, double rate) {
  if (count < 0) return 0;
  return boost::math::gamma_q(std::floor(count) + 1, rate, Quiet());
}

}  // namespace fathom::kernels
