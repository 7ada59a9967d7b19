#include "fathom/jobs/table_climb.h"

#include <algorithm>
#include <numeric>

#include "fathom/jobs/sequences.h"
#include "fathom/jobs/table_run.h"
#include "fathom/kernels/rng.h"

namespace fathom {

namespace {

constexpr std::int64_t kStochasticBatch = 256;

// The batches of a lap in an order of its own.
std::vector<std::int64_t> shuffled(std::int64_t count, Key key) {
  std::vector<std::int64_t> order(std::size_t(count), 0);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[philox(key, i, 0).word[0] % i]);
  return order;
}

// At most `most` rows in a batch, all batches of nearly one size: a short one would count too much.
std::int64_t equal_batch(std::int64_t rows, std::int64_t most) {
  if (most <= 0) return 0;
  const std::int64_t batches = (rows + most - 1) / most;
  return (rows + batches - 1) / batches;
}

// Whole sequences, about `most` rows of them at a time, nearly equally many in each batch.
std::vector<RowBatch> sequence_batches(const TableRows& rows, std::int64_t most,
                                       const char* asked) {
  std::vector<std::int64_t> firsts;
  for (const RowRange& r : sequences_of(rows)) firsts.push_back(r.first);
  const auto n = std::int64_t(firsts.size());
  if (n < 2)
    raise<ConfigError>(
        "{} takes whole sequences, and rows are one sequence, which is not cut: name the column of "
        "sequences by --sequence, or leave it out",
        asked);
  const std::int64_t parts = std::clamp<std::int64_t>((rows.count() + most - 1) / most, 1, n);
  firsts.push_back(rows.count());
  return batches_of_sequences(firsts, parts);
}

// Sweeps over all rows of f32 compute in f32 as long as that serves, and may rotate states.
CoordinateOptions options_of_whole(const TableModel& model, const TableRows& rows, bool batches) {
  CoordinateOptions options = model.options();
  options.narrow = rows.single && !batches;
  if (!batches) options.rotated = model.rotated();
  return options;
}

}  // namespace

void TableClimbSettings::check(bool stochastic) const {
  if (batch < 0) raise<ConfigError>("--batch must not be negative, got {}", batch);
  if (accelerate && (stochastic || batch > 0))
    raise<ConfigError>("--accelerate extrapolates sweeps over all rows: leave out {}",
                       stochastic ? "--method svi" : "--batch");
  if (!(steps.delay >= 0)) raise<ConfigError>("--delay must not be negative, got {}", steps.delay);
  if (!(steps.forgetting > 0.5 && steps.forgetting <= 1))
    raise<ConfigError>("--forgetting must be above 0.5 and at most 1, got {}", steps.forgetting);
}

TableClimb::TableClimb(const TableModel& model, const TableRows& rows, State& state,
                       const TableClimbSettings& settings, Key key)
    : settings_(settings),
      stochastic_(model.stochastic()),
      rows_(rows.count()),
      key_(key),
      whole_(model.model(), model.data(rows), state,
             options_of_whole(model, rows, settings.batch > 0 || model.stochastic())),
      annealed_from_(model.annealed_from()) {
  CoordinateOptions options = model.options();
  if (annealed_from_ > 0) {
    options.tempered = true;
    tempered_.emplace(model.model(), model.data(rows), warm_, options);
    options.tempered = false;
  }
  options.batch =
      equal_batch(rows_, settings.batch > 0 ? settings.batch
                         : stochastic_ ? std::clamp<std::int64_t>(rows_ / 10, 1, kStochasticBatch)
                                       : 0);
  if (settings.accelerate) fast_.emplace(whole_);
  if (options.batch == 0) return;
  const char* asked = settings.batch > 0 ? "--batch" : "--method svi";
  if (!whole_.keeps_statistics())
    raise<ConfigError>(
        "{} takes rows in batches, which needs sums over rows, and this model has none where cells "
        "of vectors are missing: leave it out, or say --covariance diag",
        asked);
  if (model.sequential()) {
    batches_.emplace(model.model(), model.data(rows), state, options,
                     sequence_batches(rows, options.batch, asked));
    return;
  }
  // A table is often sorted, and a batch of one kind of rows is a poor stand-in for all. One that
  // is read from its file stays in its order.
  const bool shuffle = stochastic_ && !rows.streamed;
  batches_.emplace(model.model(),
                   model.data(shuffle ? chosen_rows(rows, shuffled(rows_, fold(key, 1))) : rows),
                   state, options);
}

int TableClimb::anneal(Workers& workers) {
  if (!tempered_) return 0;
  assign_factors(whole_.state(), warm_);
  const int sweeps = fathom::anneal(*tempered_, {.start = annealed_from_}, workers);
  assign_factors(warm_, whole_.state());
  return sweeps;
}

AscentStep TableClimb::lap(Workers& workers) {
  double bound = 0;
  const std::vector<std::int64_t> order =
      shuffled(batches_->batches(), fold(key_, std::uint64_t(steps_)));
  for (const std::int64_t b : order) {
    ++steps_;
    bound = stochastic_ ? batches_->stochastic(b, step_size(settings_.steps, steps_), workers)
                        : batches_->memoised(b, workers);
  }
  return {stochastic_ ? batches_->elbo(workers) : bound, 1};
}

Ascent TableClimb::ascend(AscentConfig config, Workers& workers,
                          const std::function<bool(const SweepRecord&)>& each, Ascent before) {
  steps_ = batches_ ? before.sweeps * batches_->batches() : 0;
  if (batches_) batches_->forget();
  if (stochastic_) config.tolerance = std::max(config.tolerance, kStochasticTolerance);
  Stepper step = [&](Workers& w) { return AscentStep{whole_.sweep(w), 1}; };
  if (batches_) step = [&](Workers& w) { return lap(w); };
  if (fast_)
    step = [&](Workers& w) {
      const SquaremStep s = fast_->step(w);
      return AscentStep{s.elbo, s.sweeps};
    };
  return ascend_by(step, !stochastic_, whole_, rows_, config, workers, each, std::move(before));
}

}  // namespace fathom
