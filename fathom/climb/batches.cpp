#include "fathom/climb/batches.h"

#include <cmath>
#include <limits>

namespace fathom {

namespace {

// a[i] = f(a[i], b[i]) of real arrays of one dtype.
template <class F>
void combine(Array& a, const Array& b, F&& f) {
  const auto each = [&](auto* x, const auto* y) {
    for (std::int64_t i = 0; i < a.size(); ++i)
      x[i] = std::remove_reference_t<decltype(*x)>(f(double(x[i]), double(y[i])));
  };
  if (a.dtype() == DType::f32) {
    each(a.data<float>(), b.data<float>());
  } else {
    each(a.data<double>(), b.data<double>());
  }
}

}  // namespace

BatchClimb::BatchClimb(const Model& model, const DataSet& data, State& state,
                       const CoordinateOptions& options)
    : data_(data),
      batch_(options.batch > 0 ? std::min(options.batch, data.rows) : data.rows),
      climb_(model, data, state, options) {
  if (!climb_.keeps_statistics() || climb_.has_sites())
    raise<ConfigError>("[batches] this model's sums over rows are not statistics");
  kept_.resize(std::size_t(batches()));
  beyond_.resize(kept_.size());
}

double BatchClimb::collect(std::int64_t batch, Workers& workers) {
  const std::int64_t first = batch * batch_;
  climb_.show(first, std::min(batch_, data_.rows - first));
  return climb_.collect(workers);
}

double BatchClimb::memoised(std::int64_t batch, Workers& workers) {
  const auto b = std::size_t(batch);
  const std::vector<Array*> sums = climb_.statistics();
  beyond_[b] = collect(batch, workers);
  visited_ += kept_[b].empty();
  kept_[b].clear();
  for (const Array* s : sums) kept_[b].push_back(s->copy());
  // The sum is formed anew, in order, so that nothing of an earlier visit is left over.
  double beyond = 0;
  for (Array* s : sums) combine(*s, *s, [](double, double) { return 0.0; });
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    if (kept_[i].empty()) continue;
    beyond += beyond_[i];
    for (std::size_t k = 0; k < sums.size(); ++k)
      combine(*sums[k], kept_[i][k], [](double x, double y) { return x + y; });
  }
  climb_.update(workers);
  const double bound = beyond + climb_.statistics_bound(workers);
  return visited_ == batches() ? bound : std::numeric_limits<double>::quiet_NaN();
}

double BatchClimb::stochastic(std::int64_t batch, double rho, Workers& workers) {
  if (!(rho > 0 && rho <= 1)) raise<ConfigError>("[batches] a step of {}: above 0, at most 1", rho);
  const double rows = double(std::min(batch_, data_.rows - batch * batch_));
  const double scale = double(data_.rows) / rows;
  const double beyond = collect(batch, workers);
  if (scale != 1)
    for (Array* s : climb_.statistics())
      combine(*s, *s, [scale](double x, double) { return scale * x; });
  const double bound = scale * beyond + climb_.statistics_bound(workers);
  std::vector<Array> old;
  if (rho < 1)
    for (const Array* n : climb_.naturals()) old.push_back(n->copy());
  climb_.update(workers);
  for (std::size_t k = 0; k < old.size(); ++k)
    combine(*climb_.naturals()[k], old[k],
            [rho](double now, double before) { return before + rho * (now - before); });
  return bound;
}

void BatchClimb::forget() {
  for (std::vector<Array>& kept : kept_) kept.clear();
  visited_ = 0;
}

double BatchClimb::elbo(Workers& workers) {
  double beyond = 0;
  std::vector<Array> total;
  for (std::int64_t b = 0; b < batches(); ++b) {
    beyond += collect(b, workers);
    for (std::size_t k = 0; k < climb_.statistics().size(); ++k) {
      const Array& s = *climb_.statistics()[k];
      if (b == 0) {
        total.push_back(s.copy());
      } else {
        combine(total[k], s, [](double x, double y) { return x + y; });
      }
    }
  }
  for (std::size_t k = 0; k < total.size(); ++k)
    combine(*climb_.statistics()[k], total[k], [](double, double y) { return y; });
  return beyond + climb_.statistics_bound(workers);
}

double step_size(const StochasticConfig& config, std::int64_t t) {
  return std::min(1.0, std::pow(double(t) + config.delay, -config.forgetting));
}

}  // namespace fathom
