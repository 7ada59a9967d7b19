#include "fathom/climb/fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fathom/base/clock.h"

namespace fathom {

std::string_view name_of(Stopped s) {
  constexpr std::string_view names[] = {"epochs", "patience", "interrupted"};
  return names[std::size_t(s)];
}

namespace {

// Purposes of keys under the seed of a fit.
enum Purpose : std::uint64_t { kInit = 1, kOrder = 2, kNoise = 3, kValidation = 4 };

Key purpose(std::uint64_t seed, Purpose p) { return fold(Key{seed, 0}, p); }

}  // namespace

void init_fit(const Model& model, const FitConfig& config, State& state) {
  GradientClimb::init(model, purpose(config.seed, kInit), state);
}

std::vector<std::int64_t> epoch_order(std::uint64_t seed, std::int64_t epoch, std::int64_t rows) {
  std::vector<std::int64_t> order(std::size_t(std::max<std::int64_t>(rows, 0)));
  std::iota(order.begin(), order.end(), std::int64_t(0));
  const Key key = fold(purpose(seed, kOrder), std::uint64_t(epoch));
  for (std::size_t i = order.size(); i > 1; --i) {  // Fisher & Yates 1938
    const Random4 r = philox(key, i, 0);
    // floor(u i) of a uniform with 53 bits: its bias is below 2^-20 for any table that fits here.
    const double u = double(std::uint64_t(r.word[0]) << 21 | r.word[1] >> 11) * 0x1p-53;
    std::swap(order[i - 1], order[std::size_t(u * double(i))]);
  }
  return order;
}

namespace {

class FitLoop {
 public:
  FitLoop(const Model& model, const DataSet& train, const DataSet& validation,
          const FitConfig& config, State& state, const FitPosition& position, Workers& workers,
          const FitCallbacks& callbacks)
      : train_(train),
        validation_(validation),
        config_(config),
        state_(state),
        workers_(workers),
        callbacks_(callbacks),
        climb_(model, options(config, train), state) {
    check_data(model, train);
    climb_.bind(train);
    result_.position = position;
    if (validation.rows > 0) {
      check_data(model, validation);
      evaluator_ = std::make_unique<Evaluator>(model, EvaluateOptions{1, 1024}, state);
    }
  }

  FitResult run() {
    FitPosition& at = result_.position;
    while (at.epoch < config_.epochs) {
      if (!epoch()) {
        result_.stopped = Stopped::interrupted;
        save(false);
        return result_;
      }
      if (config_.patience > 0 && evaluator_ && at.epoch - at.best_epoch >= config_.patience) {
        result_.stopped = Stopped::patience;
        break;
      }
    }
    return result_;
  }

 private:
  static ClimbOptions options(const FitConfig& c, const DataSet& train) {
    if (c.batch < 1) raise<ConfigError>("batch must be at least 1, got {}", c.batch);
    if (c.epochs < 0) raise<ConfigError>("epochs must not be negative, got {}", c.epochs);
    if (c.samples < 1) raise<ConfigError>("samples must be at least 1, got {}", c.samples);
    if (!(c.rate > 0)) raise<ConfigError>("the learning rate must be positive, got {}", c.rate);
    return {std::min(c.batch, train.rows), c.samples, c.optimiser, c.clip};
  }

  void save(bool best) {
    if (callbacks_.checkpoint) callbacks_.checkpoint(state_, result_.position, best);
  }

  std::span<const std::int64_t> batch_rows(std::int64_t b) const {
    const std::int64_t size = std::min(config_.batch, train_.rows), first = b * size;
    return {order_.data() + first, std::size_t(std::min(size, train_.rows - first))};
  }

  double rate_at(std::int64_t epoch, std::int64_t batch, std::int64_t batches) const {
    return config_.rate *
           config_.schedule.factor(double(epoch) + double(batch) / double(batches), config_.epochs);
  }

  StepInfo step(std::int64_t b, std::int64_t batches) {
    const FitPosition& at = result_.position;
    const Key noise = fold(purpose(config_.seed, kNoise), std::uint64_t(at.epoch));
    return climb_.step(batch_rows(b), noise, rate_at(at.epoch, b, batches), at.step + 1, workers_);
  }

  // One epoch, or what is left of it. False when interrupted.
  bool epoch() {
    FitPosition& at = result_.position;
    order_ = epoch_order(config_.seed, at.epoch, train_.rows);
    const std::int64_t size = std::min(config_.batch, train_.rows);
    const std::int64_t batches = (train_.rows + size - 1) / size;
    if (at.batch == 0) at.sums.assign(climb_.terms().size(), 0);
    good_state_ = state_.copy();
    good_position_ = at;
    const double start = now();
    const std::int64_t first = at.batch;
    while (at.batch < batches) {
      const StepInfo info = step(at.batch, batches);
      if (!std::isfinite(info.elbo)) fail(batches);
      for (std::size_t i = 0; i < info.terms.size(); ++i) at.sums[i] += info.terms[i];
      ++at.step;
      ++at.batch;
      if (callbacks_.step)
        callbacks_.step(
            {at.step, at.epoch + 1, std::min(at.batch * size, train_.rows), train_.rows});
      if (at.batch < batches && callbacks_.interrupted && callbacks_.interrupted()) return false;
    }
    finish_epoch(now() - start, batches - first, size);
    return !(callbacks_.interrupted && at.epoch < config_.epochs && callbacks_.interrupted());
  }

  void finish_epoch(double seconds, std::int64_t batches, std::int64_t size) {
    FitPosition& at = result_.position;
    EpochRecord r;
    const auto n = double(train_.rows);
    for (std::size_t i = 0; i < at.sums.size(); ++i) {
      const Term& t = climb_.terms()[i];
      // Row terms were summed over the epoch; global ones were met once per step.
      const double steps = double((train_.rows + size - 1) / size);
      const double value = t.plate >= 0 ? at.sums[i] / n : at.sums[i] / steps / n;
      r.terms.push_back({t.name, value});
      r.elbo += value;
    }
    r.epoch = at.epoch + 1;
    r.rate = rate_at(at.epoch, 0, 1);
    r.seconds = seconds;
    r.rows_per_second = double(std::min(batches * size, train_.rows)) / std::max(seconds, 1e-9);
    result_.elbo = r.elbo;
    ++at.epoch;
    at.batch = 0;
    if (evaluator_) {
      const Key key = purpose(config_.seed, kValidation);
      r.validation = evaluator_->elbo(validation_, key, workers_).elbo_per_row;
      r.has_validation = true;
      if (!std::isfinite(r.validation))
        raise<NumericError>("the validation ELBO is {} after epoch {}", r.validation, r.epoch);
      if (r.validation > at.best) {
        at.best = r.validation;
        at.best_epoch = at.epoch;
        r.best = true;
      }
    }
    if (callbacks_.epoch) callbacks_.epoch(r);
    save(!evaluator_ || r.best);
  }

  // Goes back to the start of the epoch, replays it by key to just before the bad step and lets the
  // reference interpreter name the term.
  [[noreturn]] void fail(std::int64_t batches) {
    const std::int64_t bad_step = result_.position.step + 1, bad_batch = result_.position.batch;
    state_.assign(good_state_);
    FitPosition& at = result_.position;
    at = good_position_;
    for (; at.batch < bad_batch; ++at.batch, ++at.step) step(at.batch, batches);
    const Key noise = fold(purpose(config_.seed, kNoise), std::uint64_t(at.epoch));
    const std::string where = climb_.locate(batch_rows(bad_batch), noise, train_, state_);
    state_.assign(good_state_);
    at = good_position_;
    save(false);
    raise<NumericError>(
        "the bound is not finite at step {} (epoch {}): {}; the last good state, before "
        "the epoch, is kept. Try a smaller learning rate or --clip",
        bad_step, at.epoch + 1, where);
  }

  const DataSet &train_, &validation_;
  FitConfig config_;
  State& state_;
  Workers& workers_;
  const FitCallbacks& callbacks_;
  GradientClimb climb_;
  std::unique_ptr<Evaluator> evaluator_;
  std::vector<std::int64_t> order_;
  State good_state_;
  FitPosition good_position_;
  FitResult result_;
};

}  // namespace

FitResult fit(const Model& model, const DataSet& train, const DataSet& validation,
              const FitConfig& config, State& state, const FitPosition& position, Workers& workers,
              const FitCallbacks& callbacks) {
  return FitLoop(model, train, validation, config, state, position, workers, callbacks).run();
}

}  // namespace fathom
