#include "fathom/jobs/fit_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include "fathom/base/clock.h"
#include "fathom/climb/start.h"
#include "fathom/jobs/report_table.h"
#include "fathom/jobs/sequences.h"
#include "fathom/jobs/start_file.h"
#include "fathom/jobs/table_progress.h"
#include "fathom/jobs/version.h"
#include "fathom/kernels/isa.h"
#include "fathom/kernels/room.h"
#include "fathom/report/climb_verdict.h"

namespace fathom {

namespace {

namespace fs = std::filesystem;

constexpr double kTie = 1e-9;  // nats per row: the first of restarts that agree is kept

// Rows of a small file are done before a second thread has woken; the bits are the same.
int threads_for(const FitTableConfig& c) {
  constexpr std::uintmax_t kSmallFile = 1 << 16;
  std::error_code ignored;
  const auto size = fs::file_size(c.data, ignored);
  return c.threads == 0 && !ignored && size < kSmallFile ? 1 : c.threads;
}

// All climbs of one size of the model.
struct Fitted {
  State best;
  std::vector<Climbed> climbs;  // one for each restart
  Climbed kept;
  int best_restart = 0;  // restart that is kept
  std::int64_t start_rows = 0;
  std::vector<std::pair<std::string, double>> terms;
  double bound = 0;
};

class FitTableJob {
 public:
  FitTableJob(const FitTableConfig& config, const FitTableHooks& hooks)
      : config_(config),
        hooks_(hooks),
        model_(*config.model),
        workers_(kernels::threads_that_fit(threads_for(config))) {
    if (config_.resume) reopen();
    model_.prepare(config_.settings.table);
    config_.settings.climb.accelerate |= model_.crawls();
  }

  FitTableResult run() {
    check_settings();
    const std::string path =
        config_.run.empty() ? run_named_after(config_.data, model_.task()) : config_.run;
    if (!config_.resume) {
      check_place(path);
      folder_.emplace(RunFolder::create(path, config_.force));
    }
    data_ = load_table(config_.data, config_.settings.table, model_.needs(), workers_, hooks_.note,
                       folder_->file("table"));
    if (config_.resume) check_same_data(*folder_, data_.fingerprint, config_.data, "table");
    check_sequences();
    sizes_ = model_.sizes();
    read_start();
    for (const std::int64_t size : sizes_) set_size(size);
    if (sizes_.size() > 1) set_size(sizes_.front());
    note_fit();
    begin_ = now() - (progress_ ? progress_->seconds : 0);
    climb_sizes();
    return close(fitted_.best);
  }

 private:
  void note(const std::string& text) const {
    if (hooks_.note) hooks_.note(text);
  }

  // A run that goes on keeps its settings; those that were asked for must agree.
  void reopen() {
    nlohmann::json asked = to_json(config_.settings);
    asked.update(model_.settings());
    TakenUp run = fathom::take_up(config_.run, model_.task(), config_.force, asked, config_.given,
                                  hooks_.note);
    folder_.emplace(std::move(run.folder));
    progress_ = std::move(run.progress);
    const std::string file = folder_->file("config.json");
    from_json(run.settings, config_.settings, file);
    model_.set(run.settings, file);
  }

  // Sequences of one row say nothing of how rows follow each other.
  void check_sequences() const {
    if (data_.rows.begins.size() == 0) return;
    const std::vector<RowRange> all = sequences_of(data_.rows);
    const auto alone = [](const RowRange& r) { return r.last == r.first + 1; };
    const auto single = std::count_if(all.begin(), all.end(), alone);
    if (single == std::ptrdiff_t(all.size()))
      raise<DataError>(
          "{}: every sequence of column \"{}\" is a single row: rows of a sequence share its name",
          config_.data, data_.format.sequence);
    if (single > 0)
      note(fmt::format("{} of {} sequences are a single row, the first is row {}", single,
                       all.size(), std::find_if(all.begin(), all.end(), alone)->first + 1));
  }

  void check_settings() const {
    const TableSettings& s = config_.settings;
    if (s.restarts < 1) raise<ConfigError>("--restarts must be at least 1, got {}", s.restarts);
    if (s.ascent.sweeps < 1)
      raise<ConfigError>("--sweeps must be at least 1, got {}", s.ascent.sweeps);
    if (!(s.ascent.tolerance >= 0))
      raise<ConfigError>("--tolerance must not be negative, got {}", s.ascent.tolerance);
    if (model_.crawls() && s.climb.batch > 0)
      raise<ConfigError>("--batch {}: sweeps of {} are extrapolated, which takes all rows",
                         s.climb.batch, model_.task());
    s.climb.check(model_.stochastic());
  }

  void check_place(const std::string& path) const {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) return;
    if (fs::is_directory(path, ignored) && !fs::is_empty(path, ignored) && !config_.force)
      raise<DataError>(
          "{}: the folder exists and is not empty: choose another with -o, or --force "
          "to replace the run",
          path);
    RunFolder::create(path, config_.force);  // refuses what is no run
  }

  // The file that says where to begin, if one does; a fit that goes on has begun.
  void read_start() {
    const std::string file = model_.start_file();
    if (file.empty() || progress_) return;
    data_.rows.start = read_start_file(file, sizes_.front(), data_.rows.count(), workers_);
  }

  // Errors of the model know columns, not files.
  void set_size(std::int64_t size) {
    if (sizes_.size() > 1) model_.set_size(size);
    size_ = size;
    try {
      model_.build(data_.moments, data_.format);
      model_.check(data_.rows.x);
    } catch (const DataError& e) {
      raise<DataError>("{}: {}", config_.data, e.what());
    }
  }

  void note_fit() const {
    const auto& columns = data_.format.columns;
    const auto shown = std::min<std::ptrdiff_t>(data_.format.width(), 8);
    note(model_.describe() +
         (sizes_.size() > 1 ? fmt::format("; and so on up to {} components", sizes_.back()) : ""));
    note(fmt::format("{} rows of {}{}; {} thread{}, {}", data_.rows.count(),
                     fmt::join(columns.begin(), columns.begin() + shown, ", "),
                     shown < data_.format.width() ? ", ..." : "", workers_.size(),
                     workers_.size() == 1 ? "" : "s", kernels::name_of(kernels::isa())));
  }

  int restarts() const { return model_.start_has_chance() ? config_.settings.restarts : 1; }

  // One line of metrics for each step, and a call of the hook. Terms of large tables are worked
  // out where a step takes sweep 1, 8, 64, ...: they take a pass over the rows of their own, longer
  // than a sweep.
  bool record(TableClimb& climb, const SweepRecord& s, int restart, const TableRows& rows,
              double last) {
    constexpr std::int64_t kSmall = 20000;
    const double per = rows.total(), speed = double(rows.count()) / std::max(s.seconds, 1e-9);
    double bound = s.elbo;
    nlohmann::json line = {{"restart", restart}, {"sweep", s.sweep}};
    if (sizes_.size() > 1) line["size"] = size_;
    const auto eighths = [](int sweeps) { return (std::bit_width(unsigned(sweeps)) + 2) / 3; };
    const bool looked = eighths(s.sweep) > eighths(s.sweep - s.taken);
    if (rows.count() <= kSmall / 4 || looked) {
      bound = 0;
      for (const auto& [name, value] : climb.whole().terms(workers_)) {
        line["terms"][name] = value / per;
        bound += value;
      }
    }
    line[bound_key()] = bound / per;
    line["seconds"] = s.seconds;
    line["rows_per_second"] = speed;
    folder_->append_metrics(line);
    if (hooks_.sweep)
      hooks_.sweep({restart, restarts(), s.sweep, name_of(model_.objective()), s.elbo / per,
                    (s.elbo - last) / per, speed});
    interrupted_ = hooks_.interrupted && hooks_.interrupted();
    return !interrupted_;
  }

  const char* bound_key() const {
    return model_.objective() == Objective::elbo ? "elbo" : "objective";
  }

  // Whether this climb was under way when the fit was interrupted.
  bool goes_on(int restart) const { return progress_ && progress_->restart == restart; }

  Climbed ascend_from(TableClimb& climb, const State& state, int restart, const TableRows& rows) {
    const Ascent before = goes_on(restart) ? progress_->ascent : Ascent();
    const double total = rows.total();
    double last = before.bounds.empty() ? NAN : before.elbo();
    const Ascent a = climb.ascend(
        config_.settings.ascent, workers_,
        [&](const SweepRecord& s) {
          const bool on = record(climb, s, restart, rows, last);
          last = s.elbo;
          return on;
        },
        before);
    if (interrupted_ && climb.goes_on() && sizes_.size() == 1)
      left_ = TableProgress{restart, a, state.copy(), {}, 0, {}, {}, 0};
    if (a.narrow_sweeps > 0 && !std::exchange(told_digits_, true))
      note(fmt::format(
          "the table is f32: the first {} sweeps computed rows in f32 and their sums in "
          "f64, the others all in f64",
          a.narrow_sweeps));
    Climbed c = climbed(a, total);
    c.fault = model_.fault(state);
    return c;
  }

  // A restart on `rows`; a start that cannot be, or a climb that comes to no number, is its fault.
  Climbed restart(TableClimb& climb, const State& state, const TableRows& rows, int number) {
    Climbed c;
    try {
      if (!goes_on(number)) {
        model_.start(climb.whole(), rows, fold(key(), std::uint64_t(number)), workers_);
        annealing_sweeps_ += climb.anneal(workers_);
      }
      c = ascend_from(climb, state, number, rows);
    } catch (const NumericError& e) {
      c.fault = model_.fault(state);
      if (c.fault.empty()) c.fault = fmt::format("its bound came to no number: {}", e.what());
    } catch (const DataError& e) {
      raise<DataError>("{}: {}", config_.data, e.what());
    }
    if (hooks_.climbed)
      hooks_.climbed(
          c.fault.empty()
              ? fmt::format("restart {}/{}  {} {:.6f} per row after {} sweeps{}", number,
                            restarts(), name_of(model_.objective()), c.per_row, c.sweeps,
                            c.converged ? "" : ", not converged")
              : fmt::format("restart {}/{}  set aside: {}", number, restarts(), c.fault));
    return c;
  }

  Key key() const { return fold(Key{config_.settings.seed, 0}, 21); }

  // Every size that is asked for; the best by its bound, or of maximum likelihood by BIC, stays.
  void climb_sizes() {
    Fitted best;
    std::int64_t best_size = 0;
    double most = -INFINITY;
    std::string failure;
    for (const std::int64_t size : sizes_) {
      if (sizes_.size() > 1) set_size(size);
      fitted_ = {};
      try {
        fitted_.best = climb_all();
      } catch (const NumericError& e) {
        if (sizes_.size() == 1) throw;
        failure = e.what();
        choices_.push_back({{"size", size}, {"set_aside", fitted_.climbs.front().fault}});
        continue;
      }
      complete();
      if (sizes_.size() == 1) return;
      const bool elbo = model_.objective() == Objective::elbo;
      const double score = elbo ? fitted_.bound : -0.5 * bic();
      choices_.push_back({{"size", size}, {elbo ? "elbo" : "objective", fitted_.bound}});
      if (!elbo) choices_.back()["bic"] = bic();
      if (!fitted_.kept.fault.empty()) choices_.back()["set_aside"] = fitted_.kept.fault;
      if (hooks_.climbed)
        hooks_.climbed(fmt::format("{} component{}: {} {:.4f}{}{}", size, size == 1 ? "" : "s",
                                   name_of(model_.objective()), fitted_.bound,
                                   elbo ? "" : fmt::format(", BIC {:.4f}", bic()),
                                   fitted_.kept.fault.empty() ? "" : ", set aside"));
      if (fitted_.kept.fault.empty() && score > most) {
        most = score;
        best_size = size;
        best = std::move(fitted_);
      }
      if (interrupted_) break;
    }
    if (best_size == 0) raise<NumericError>("{}", failure.empty() ? "no fit is sound" : failure);
    fitted_ = std::move(best);
    set_size(best_size);
  }

  // Schwarz 1978, the sign by which lower is better.
  double bic() const {
    return double(model_.free_parameters()) * std::log(data_.rows.total()) - 2 * fitted_.bound;
  }

  State climb_all() {
    const TableRows& all = data_.rows;
    const bool large = all.count() > kStartRows, started = goes_on(0);
    State best;
    if (!started) best = climb_starts(start_rows(large));
    if (!large || interrupted_) return best;
    State state;
    TableClimb climb(model_, all, state, config_.settings.climb, fold(key(), 1 << 20));
    if (started) {
      take_up(state, best);
      fitted_.start_rows = kStartRows;
    } else {
      assign_factors(best, state);
    }
    fitted_.kept = ascend_from(climb, state, 0, all);
    if (left_) leave(fitted_.climbs, fitted_.best_restart, fitted_.kept, {});
    finish(climb.whole());
    return state.copy();
  }

  // All rows, or of large tables a keyed choice of them in the order of the table; held.
  TableRows start_rows(bool large) const {
    const TableRows& all = data_.rows;
    if (!large) return held_rows(all);
    if (model_.sequential()) return some_sequences(all, kStartRows, fold(key(), 0));
    return chosen_rows(all, some_places(all.count(), kStartRows, fold(key(), 0)));
  }

  // What was done before the fit was interrupted, and the slots of the climb that was under way.
  void take_up(State& state, State& best) {
    state.assign(progress_->state);
    fitted_.climbs = progress_->ended;
    fitted_.best_restart = progress_->best;
    fitted_.kept = progress_->kept;
    best = progress_->factors.copy();
  }
  // The same for another fit to go on with.
  void leave(std::vector<Climbed> ended, int best, const Climbed& kept, const State& factors) {
    left_->ended = std::move(ended);
    left_->best = best;
    left_->kept = kept;
    left_->factors = factors.copy();
    left_->seconds = now() - begin_;
  }

  // All restarts on `rows`; the factors of the best. Faulty ones are kept only where all are.
  State climb_starts(const TableRows& rows) {
    State state, best;
    TableClimb climb(model_, rows, state, config_.settings.climb, fold(key(), 1 << 21));
    const State priors = state.copy();
    fitted_.start_rows = rows.count();
    for (int r = progress_ ? progress_->restart : 1; r <= restarts() && !interrupted_; ++r) {
      state.assign(priors);
      if (goes_on(r)) take_up(state, best);
      const Climbed ended = restart(climb, state, rows, r);
      if (left_) leave(fitted_.climbs, fitted_.best_restart, fitted_.kept, best);
      fitted_.climbs.push_back(ended);
      const Climbed& c = fitted_.climbs.back();
      if (std::isnan(c.per_row)) continue;
      const bool better =
          fitted_.best_restart == 0 ||
          (c.fault.empty() != fitted_.kept.fault.empty() ? c.fault.empty()
                                                         : c.per_row > fitted_.kept.per_row + kTie);
      if (!better) continue;
      fitted_.best_restart = r;
      fitted_.kept = c;
      best = state.copy();
    }
    if (fitted_.best_restart == 0)
      raise<NumericError>("{}: no restart came to an end: {}{}", config_.data,
                          fitted_.climbs.front().fault, remedy());
    if (fitted_.start_rows == data_.rows.count()) {
      assign_factors(best, state);
      finish(climb.whole());
    }
    return best;
  }

  // Of likelihoods that have no maximum.
  std::string remedy() const {
    const Objective o = model_.objective();
    if (o != Objective::likelihood && o != Objective::classification) return {};
    return "; a prior keeps it finite: --method map, or vb; or ask for a smaller model";
  }

  // The bound and its terms at the factors that are kept.
  void finish(CoordinateClimb& climb) {
    fitted_.terms = climb.terms(workers_);
    fitted_.bound = 0;
    for (const auto& [name, value] : fitted_.terms) fitted_.bound += value;
    seconds_ = now() - begin_;
  }

  // Where it was interrupted before it came to all rows.
  void complete() {
    if (!fitted_.terms.empty()) return;
    State state;
    CoordinateClimb climb(model_.model(), model_.data(data_.rows), state, model_.options());
    assign_factors(fitted_.best, state);
    finish(climb);
  }

  FitTableResult close(const State& best) {
    write_config();
    write_table_model(*folder_, best, data_.moments);
    FitTableResult out;
    out.interrupted = interrupted_;
    out.goes_on = left_.has_value();
    out.summary = summary(best);
    folder_->write_json("summary.json", out.summary);
    write_table_report(*folder_, model_, best, config_.data, data_.format, &data_.rows, workers_);
    write_progress(*folder_, left_);
    folder_->publish();
    out.run = folder_->path();
    out.report = folder_->file("report.html");
    return out;
  }

  void write_config() {
    std::error_code ignored;
    nlohmann::json settings = to_json(config_.settings);
    settings.update(model_.settings());
    folder_->write_json(
        "config.json",
        {{"format", RunFolder::kFormat},
         {"version", kVersion},
         {"compiler", __VERSION__},
         {"isa", kernels::name_of(kernels::isa())},
         {"task", model_.task()},
         {"seed", config_.settings.seed},
         {"threads", workers_.size()},
         {"settings", settings},
         {"table", to_json(data_.format)},
         {"data",
          {{"source", fs::absolute(config_.data, ignored).lexically_normal().string()},
           {"kind", data_.kind},
           {"rows", data_.rows.count()},
           {"fingerprint", data_.fingerprint}}}});
  }

  ClimbFigures figures() const {
    ClimbFigures f;
    f.objective = name_of(model_.objective());
    f.rows = data_.rows.count();
    f.total = data_.rows.total();
    f.bound = fitted_.bound;
    f.standardized = data_.format.standardized;
    f.log_scale = data_.format.log_scale(data_.rows);
    f.sweeps = fitted_.kept.sweeps;
    f.tolerance = model_.stochastic()
                      ? std::max(config_.settings.ascent.tolerance, kStochasticTolerance)
                      : config_.settings.ascent.tolerance;
    f.last_rise = fitted_.kept.last_rise;
    f.converged = fitted_.kept.converged;
    f.interrupted = interrupted_;
    f.start_rows = fitted_.start_rows;
    f.starts_differ = model_.start_has_chance();
    for (const Climbed& c : fitted_.climbs)
      c.fault.empty() ? f.restarts.push_back(c.per_row) : f.set_aside.push_back(c.fault);
    return f;
  }

  nlohmann::json summary(const State& best) const {
    const ClimbFigures f = figures();
    const auto n = double(f.rows);
    nlohmann::json s = {
        {"task", model_.task()}, {"unit", "row"}, {"n", f.rows}, {"dims", data_.format.width()}};
    const bool elbo = model_.objective() == Objective::elbo;
    s[elbo ? "elbo" : "objective"] = fitted_.bound;
    s[elbo ? "elbo_per_row" : "objective_per_row"] = fitted_.bound / f.total;
    if (!elbo) s["objective_kind"] = f.objective;
    if (model_.objective() == Objective::likelihood && model_.free_parameters() > 0) {
      s["parameters"] = model_.free_parameters();
      s["aic"] = 2 * double(model_.free_parameters()) - 2 * fitted_.bound;
      s["bic"] = bic();
    }
    if (!choices_.is_null()) {
      s["choices"] = choices_;
      s["chosen"] = size_;
    }
    if (!data_.format.weights.empty()) s["weight"] = f.total;
    for (const auto& [name, value] : fitted_.terms) s["terms"][name] = value;
    s["standardized"] = f.standardized;
    if (f.standardized) s["log_scale_per_row"] = f.log_scale;
    s["sweeps"] = fitted_.kept.sweeps;
    s["converged"] = fitted_.kept.converged;
    for (const Climbed& c : fitted_.climbs) {
      nlohmann::json one = {{"sweeps", c.sweeps}, {"converged", c.converged}};
      if (std::isfinite(c.per_row)) one["per_row"] = c.per_row;
      if (!c.fault.empty()) one["set_aside"] = c.fault;
      s["restarts"].push_back(std::move(one));
    }
    s["best_restart"] = fitted_.best_restart;
    s["agreeing_restarts"] = agreeing(f.restarts);
    s["start_rows"] = fitted_.start_rows;
    s["seconds"] = seconds_;
    double swept = double(fitted_.kept.sweeps) * (fitted_.start_rows < f.rows ? n : 0);
    for (const Climbed& c : fitted_.climbs) swept += double(c.sweeps) * double(fitted_.start_rows);
    swept += double(annealing_sweeps_) * double(fitted_.start_rows);
    s["rows_per_second"] = swept / std::max(seconds_, 1e-9);
    s["stopped"] = interrupted_ ? "interrupted" : fitted_.kept.converged ? "converged" : "sweeps";
    std::vector<std::string> verdict = climb_verdict(f);
    if (s.contains("bic"))
      verdict.push_back(fmt::format("AIC {:.2f}, BIC {:.2f}, by {} parameters; lower is better.",
                                    s["aic"].get<double>(), s["bic"].get<double>(),
                                    model_.free_parameters()));
    if (!choices_.is_null())
      verdict.push_back(fmt::format("Of {} to {} components, {} are best by {}.", sizes_.front(),
                                    sizes_.back(), size_,
                                    elbo ? "the bound, which is not corrected for the ways to "
                                           "name components"
                                         : "BIC"));
    model_.summarise(best, data_.format, s, verdict);
    model_.judge(best, data_.rows, s, verdict);
    s["verdict"] = verdict;
    s["seed"] = config_.settings.seed;
    s["threads"] = workers_.size();
    s["version"] = kVersion;
    return s;
  }

  FitTableConfig config_;
  const FitTableHooks& hooks_;
  TableModel& model_;
  Workers workers_;
  TableData data_;
  std::optional<RunFolder> folder_;
  std::optional<TableProgress> progress_, left_;  // that this fit goes on from; that it leaves
  std::vector<std::int64_t> sizes_;
  std::int64_t size_ = 0;
  Fitted fitted_;
  nlohmann::json choices_;
  int annealing_sweeps_ = 0;
  double begin_ = 0, seconds_ = 0;
  bool interrupted_ = false, told_digits_ = false;
};

}  // namespace

std::string run_named_after(const std::string& data, std::string_view task) {
  fs::path file = fs::path(data).lexically_normal();
  if (file.extension() == ".gz") file = file.stem();
  const std::string name = fmt::format("{}-{}", file.stem().string(), task);
  std::error_code ignored;
  for (int i = 2; fs::exists(name, ignored); ++i)
    if (const std::string other = fmt::format("{}-{}", name, i); !fs::exists(other, ignored))
      return other;
  return name;
}

FitTableResult fit_table(const FitTableConfig& config, const FitTableHooks& hooks) {
  return FitTableJob(config, hooks).run();
}

}  // namespace fathom
