#include "fathom/dist/softmax.h"

#include "fathom/base/error.h"

namespace fathom {

namespace {

Face less_bound(const Face& logits, Value bound) {
  const Value m = logits.mean;
  const int last = m.shape().rank() - 1;
  const Value all = reshape(bound, bound.shape().with_back(1));
  Face f = Face::at(softmax(m, last), m - all);
  f.random = logits.random;
  return f;
}

Value log_sum_exp(Value m) { return logsumexp(m, m.shape().rank() - 1); }

}  // namespace

Face softmax_bohning(const Face& logits) {
  const int last = logits.mean.shape().rank() - 1;
  const auto k = double(logits.mean.shape().extent(last));
  Value bound = log_sum_exp(logits.mean);
  // tr(A Cov f): half the variances less the variance of the mean logit, K of these.
  if (const Value c = logits.covariance) {
    const int rank = c.shape().rank();
    const Value all = sum(c, rank - 2, 2), own = sum(diagonal(c), rank - 2, 1);
    bound = bound + (own - all * (1 / k)) * 0.25;
  } else if (logits.variance) {
    const Value v = broadcast_to(logits.variance, logits.mean.shape());
    bound = bound + sum(v, last, 1) * (0.25 * (1 - 1 / k));
  }
  return less_bound(logits, bound);
}

Face softmax_tilted(const Face& logits) {
  if (logits.covariance)
    raise<ConfigError>(
        "[softmax] the tilted bound takes logits that are independent, each by a latent of its "
        "own: see across(); with covariances write categorical_bohning");
  if (!logits.variance) return less_bound(logits, log_sum_exp(logits.mean));
  const Value m = logits.mean, v = broadcast_to(logits.variance, m.shape());
  const Value a = tilt(m, v);
  const Value spread = square(a) * v;
  const Value bound =
      sum(spread, spread.shape().rank() - 1, 1) * 0.5 + log_sum_exp(m + (1.0 - a * 2.0) * v * 0.5);
  return less_bound(logits, bound);
}

}  // namespace fathom
