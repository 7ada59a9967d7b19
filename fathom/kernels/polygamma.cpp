#include "fathom/kernels/polygamma.h"

#include <cmath>
#include <limits>

namespace fathom::kernels {

double polygamma(int n, double x) {
  if (!(x > 0)) return std::numeric_limits<double>::quiet_NaN();
  // Bernoulli numbers B_2 .. B_20.
  constexpr double bernoulli[] = {1. / 6,        -1. / 30,      1. / 42, -1. / 30,
                                  5. / 66,       -691. / 2730,  7. / 6,  -3617. / 510.0,
                                  43867. / 798., -174611. / 330};
  const double factorial = std::tgamma(n + 1.0);
  double zeta = 0;  // sum over the recurrence of x^-(n+1)
  const double far = 20.0 + n;
  while (x < far) {
    zeta += std::pow(x, -(n + 1));
    x += 1;
  }
  // (n-1)!/x^n + n!/(2 x^(n+1)) + sum B_2k (2k+n-1)! / ((2k)! x^(2k+n)), over n!.
  double series = std::pow(x, -n) / n + 0.5 * std::pow(x, -(n + 1));
  double ratio = 0.5 * (n + 1);  // (2k+n-1)! / ((2k)! n!) at k = 1
  double power = std::pow(x, -(n + 2));
  for (int k = 1; k <= 10; ++k) {
    series += bernoulli[k - 1] * ratio * power;
    ratio *= double(2 * k + n) * double(2 * k + n + 1) / (double(2 * k + 1) * double(2 * k + 2));
    power /= x * x;
  }
  return (n % 2 ? 1 : -1) * factorial * (zeta + series);
}

void polygamma(int n, const View& in, const View& out) {
  const std::int64_t count = out.size();
  for (std::int64_t i = 0; i < count; ++i) {
    if (out.dtype == DType::f32) {
      out.data<float>()[i] = float(polygamma(n, double(in.data<float>()[i])));
    } else {
      out.data<double>()[i] = polygamma(n, in.data<double>()[i]);
    }
  }
}

}  // namespace fathom::kernels
