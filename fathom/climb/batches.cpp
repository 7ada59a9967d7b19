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

std::vector<RowBatch> even_batches(std::int64_t rows, std::int64_t batch) {
  batch = batch > 0 ? std::min(batch, rows) : rows;
  std::vector<RowBatch> all;
  for (std::int64_t first = 0; first < rows; first += batch) {
    const std::int64_t n = std::min(batch, rows - first);
    all.push_back({first, n, double(n) / double(rows)});
  }
  return all;
}

CoordinateOptions for_batches(CoordinateOptions options, const std::vector<RowBatch>& batches) {
  options.batch = 0;
  options.blended = true;
  for (const RowBatch& b : batches) options.batch = std::max(options.batch, b.rows);
  return options;
}

}  // namespace

std::vector<RowBatch> batches_of_sequences(std::span<const std::int64_t> firsts,
                                           std::int64_t parts) {
  const std::int64_t n = std::int64_t(firsts.size()) - 1;
  std::vector<RowBatch> all;
  for (std::int64_t p = 0; p < parts; ++p) {
    const std::int64_t from = n * p / parts, to = n * (p + 1) / parts,
                       row = firsts[std::size_t(from)];
    all.push_back({row, firsts[std::size_t(to)] - row, double(to - from) / double(n)});
  }
  return all;
}

BatchClimb::BatchClimb(const Model& model, const DataSet& data, State& state,
                       const CoordinateOptions& options)
    : BatchClimb(model, data, state, options, even_batches(data.rows, options.batch)) {}

BatchClimb::BatchClimb(const Model& model, const DataSet& data, State& state,
                       const CoordinateOptions& options, std::vector<RowBatch> batches)
    : batches_(std::move(batches)),
      climb_(model, data, state, for_batches(options, batches_)),
      kept_(batches_.size()),
      beyond_(batches_.size()) {
  if (!climb_.keeps_statistics() || climb_.has_sites())
    raise<ConfigError>("[batches] this model's sums over rows are not statistics");
}

void BatchClimb::show(std::int64_t batch) {
  const RowBatch& b = batches_[std::size_t(batch)];
  climb_.show(b.first, b.rows);
}

double BatchClimb::memoised(std::int64_t batch, Workers& workers) {
  const auto b = std::size_t(batch);
  const std::vector<Array*> sums = climb_.statistics();
  show(batch);
  beyond_[b] = climb_.collect(workers);
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
  climb_.blend(1, 1);
  climb_.update(workers);
  const double bound = beyond + climb_.statistics_bound(workers);
  return visited_ == batches() ? bound : std::numeric_limits<double>::quiet_NaN();
}

double BatchClimb::stochastic(std::int64_t batch, double rho, Workers& workers, bool estimate) {
  const double scale = 1 / batches_[std::size_t(batch)].share;
  climb_.blend(rho, scale);
  double bound = std::numeric_limits<double>::quiet_NaN();
  show(batch);
  if (estimate) {
    const double beyond = climb_.collect(workers);
    bound = scale * beyond + climb_.statistics_bound(workers);
  } else {
    climb_.collect_only(workers);
  }
  climb_.update(workers);
  return bound;
}

void BatchClimb::forget() {
  for (std::vector<Array>& kept : kept_) kept.clear();
  visited_ = 0;
  climb_.forget();
}

double BatchClimb::elbo(Workers& workers, std::int64_t most) {
  const std::int64_t n = most > 0 ? std::min(most, batches()) : batches();
  double beyond = 0, share = 0;
  std::vector<Array> total;
  for (std::int64_t b = 0; b < n; ++b) {
    show(b);
    beyond += climb_.collect_aside(workers);
    share += batches_[std::size_t(b)].share;
    for (std::size_t k = 0; k < climb_.statistics().size(); ++k) {
      const Array& s = *climb_.statistics()[k];
      if (b == 0) {
        total.push_back(s.copy());
      } else {
        combine(total[k], s, [](double x, double y) { return x + y; });
      }
    }
  }
  const double scale = n < batches() ? 1 / share : 1;
  for (std::size_t k = 0; k < total.size(); ++k)
    combine(*climb_.statistics()[k], total[k], [](double, double y) { return y; });
  climb_.blend(1, scale);
  return scale * beyond + climb_.statistics_bound(workers);
}

double step_size(const StochasticConfig& config, std::int64_t t) {
  return std::min(1.0, std::pow(double(t) + config.delay, -config.forgetting));
}

}  // namespace fathom
