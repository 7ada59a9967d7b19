#include "fathom/jobs/fit_vae.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "fathom/base/clock.h"
#include "fathom/jobs/closing.h"
#include "fathom/jobs/fields_json.h"
#include "fathom/jobs/report_vae.h"
#include "fathom/jobs/version.h"
#include "fathom/kernels/isa.h"

namespace fathom {

namespace {

// Keeps the newest and the best state and writes them, not more often than every few seconds: an
// epoch of a small model takes less than a save.
class Saver {
 public:
  Saver(RunFolder& folder, const Model& model) : folder_(folder), model_(model) {}

  void offer(const State& state, const FitPosition& position, bool best) {
    state_ = &state;
    position_ = position;
    pending_ = true;
    if (best) {
      best_ = state.copy();
      best_pending_ = true;
    }
    if (!saved_ || now() - last_ > kSeconds) flush();
  }

  void flush() {
    if (!pending_) return;
    if (best_pending_) {
      write_model(folder_, model_, best_);
    } else if (!folder_.has("model.safetensors")) {
      write_model(folder_, model_, *state_);
    }
    write_checkpoint(folder_, *state_, position_);
    folder_.publish();
    pending_ = best_pending_ = false;
    saved_ = true;
    last_ = now();
  }

 private:
  static constexpr double kSeconds = 5;
  RunFolder& folder_;
  const Model& model_;
  const State* state_ = nullptr;
  State best_;
  FitPosition position_;
  bool pending_ = false, best_pending_ = false, saved_ = false;
  double last_ = 0;
};

nlohmann::json metrics_line(const EpochRecord& r) {
  nlohmann::json line = {{"epoch", r.epoch},
                         {"elbo", r.elbo},
                         {"rate", r.rate},
                         {"seconds", r.seconds},
                         {"rows_per_second", r.rows_per_second}};
  for (const NamedValue& t : r.terms) line["terms"][t.name] = t.value;
  if (r.has_validation) {
    line["validation"] = r.validation;
    line["best"] = r.best;
  }
  return line;
}

// A run that goes on keeps its settings; those that were asked for must agree, or be ones that may
// change.
void merge_settings(const FitVaeConfig& config, VaeRun& run) {
  const nlohmann::json asked = to_json(config.settings), had = to_json(run.settings);
  for (const std::string& name : config.given) {
    if (!asked.contains(name) || asked[name] == had[name]) continue;
    if (name == "epochs") {
      run.settings.fit.epochs = config.settings.fit.epochs;
    } else if (name == "patience") {
      run.settings.fit.patience = config.settings.fit.patience;
    } else if (name == "lr") {
      run.settings.fit.rate = config.settings.fit.rate;
    } else if (name == "clip") {
      run.settings.fit.clip = config.settings.fit.clip;
    } else {
      raise<ConfigError>(
          "--{} {} differs from the run's {}: a resumed run keeps its settings, except epochs, lr, "
          "clip, patience and threads",
          name, asked[name].dump(), had[name].dump());
    }
  }
}

void check_settings(const VaeSettings& s) {
  if (s.model.latent < 1) raise<ConfigError>("--latent must be at least 1, got {}", s.model.latent);
  if (s.fit.epochs < 1) raise<ConfigError>("--epochs must be at least 1, got {}", s.fit.epochs);
  if (s.fit.batch < 1) raise<ConfigError>("--batch must be at least 1, got {}", s.fit.batch);
  if (s.fit.samples < 1) raise<ConfigError>("--samples must be at least 1, got {}", s.fit.samples);
  if (!(s.fit.rate > 0) || !std::isfinite(s.fit.rate))
    raise<ConfigError>("--lr must be positive, got {}", s.fit.rate);
  if (!(s.fit.clip >= 0)) raise<ConfigError>("--clip must not be negative, got {}", s.fit.clip);
  if (s.fit.patience < 0)
    raise<ConfigError>("--patience must not be negative, got {}", s.fit.patience);
  if (s.model.likelihood != "bernoulli" && s.model.likelihood != "gaussian")
    raise<ConfigError>("--likelihood \"{}\": bernoulli or gaussian", s.model.likelihood);
  parse_widths(s.model.hidden);
  nn::activation(s.model.activation);
  s.fit.schedule.factor(0, 1);
  const Optimiser& o = s.fit.optimiser;
  for (const auto& [name, v] : {std::pair("beta1", o.beta1), std::pair("beta2", o.beta2),
                                std::pair("momentum", o.momentum)})
    if (!(v >= 0 && v < 1)) raise<ConfigError>("--{} must lie in [0, 1), got {}", name, v);
  if (!(o.epsilon > 0)) raise<ConfigError>("--epsilon must be positive, got {}", o.epsilon);
  if (!(s.fit.schedule.warmup >= 0))
    raise<ConfigError>("--warmup must not be negative, got {}", s.fit.schedule.warmup);
  if (!(s.fit.schedule.end > 0 && s.fit.schedule.end <= 1))
    raise<ConfigError>("--end-rate must lie in (0, 1], got {}", s.fit.schedule.end);
  if (s.model.likelihood == "bernoulli" && s.model.sigma2 != "learned")
    raise<ConfigError>("--sigma2 {} goes with --likelihood gaussian", s.model.sigma2);
  if (s.fit.optimiser.kind != "adam" && s.fit.optimiser.kind != "sgd")
    raise<ConfigError>("--optimiser \"{}\": adam or sgd", s.fit.optimiser.kind);
}

class FitVaeJob {
 public:
  FitVaeJob(const FitVaeConfig& config, const FitVaeHooks& hooks)
      : config_(config), hooks_(hooks), start_(now()), workers_(config.threads) {
    if (config.resume && config.force)
      raise<ConfigError>("--resume goes on, --force starts anew: choose one");
    if (config.run.empty()) raise<ConfigError>("-o names the run folder to write");
  }

  FitVaeResult run() {
    VaeRun run = config_.resume ? reopen() : begin();
    note_fit(run);
    Saver saver(run.folder, run.vae->model);
    FitVaeResult out = climb(run, saver);
    if (out.stopped != Stopped::interrupted) close(run, out);
    return out;
  }

 private:
  void note(const std::string& text) const {
    if (hooks_.note) hooks_.note(text);
  }

  void load(const VaeSettings& s, const PixelFormat* fitted = nullptr) {
    data_ = load_vae_data(
        config_.data, s.data, s.model, s.fit.seed, workers_,
        [this](const std::string& text) { note(text); }, fitted);
    if (data_.validation.set.rows == 0 && s.fit.patience > 0)
      raise<ConfigError>("--patience watches the validation ELBO: --validation must not be 0");
  }

  VaeRun begin() {
    std::error_code ignored;
    if (std::filesystem::exists(config_.run, ignored))
      RunFolder::create(config_.run, config_.force);
    const VaeSettings& s = config_.settings;
    check_settings(s);
    load(s);
    const bool learned = s.model.likelihood == "gaussian" && s.model.sigma2 == "learned";
    const double variance =
        learned ? std::max(mean_variance(data_.train, data_.format), 1e-6) : 0.1;
    std::unique_ptr<Vae> vae = make_vae(s.model, data_.format, variance);
    VaeRun run{RunFolder::create(config_.run, config_.force),
               {},
               s,
               data_.format,
               std::filesystem::absolute(config_.data, ignored).lexically_normal().string(),
               variance,
               std::move(vae),
               {}};
    init_fit(run.vae->model, s.fit, run.state);
    if (s.model.likelihood == "gaussian") start_at_mean(run);
    write_config(run);
    return run;
  }

  // The decoder's last bias starts at the mean row: otherwise some of z becomes that bias, far from
  // where the prior draws.
  void start_at_mean(VaeRun& run) const {
    const std::size_t layers = parse_widths(run.settings.model.hidden).size();
    Array& bias = *run.state.find(fmt::format("decoder.{}.bias", layers));
    const std::vector<float> mean = mean_row(data_.train, data_.format);
    std::copy(mean.begin(), mean.end(), bias.data<float>());
  }

  VaeRun reopen() {
    VaeRun run = open_vae_run(config_.run);
    position_ = read_checkpoint(run);
    merge_settings(config_, run);
    load(run.settings, &run.format);
    const auto had = run.config.at("data").value("fingerprint", std::uint32_t(0));
    if (had != fingerprint(data_.train))
      raise<DataError>("{}: not the data that {} was fitted to", config_.data, config_.run);
    if (position_.epoch >= run.settings.fit.epochs && run.folder.has("summary.json"))
      raise<ConfigError>(
          "{}: the run is complete, {} epochs; --epochs with a larger number goes on", config_.run,
          position_.epoch);
    run.folder.truncate_metrics(std::size_t(position_.epoch));
    if (run.config.value("isa", "") != kernels::name_of(kernels::isa()))
      note(fmt::format("the run was begun with instruction set {}; bits may differ with {}",
                       run.config.value("isa", ""), kernels::name_of(kernels::isa())));
    write_config(run);
    note(fmt::format("going on after epoch {}, step {}", position_.epoch, position_.step));
    return run;
  }

  void write_config(VaeRun& run) const {
    run.config = {{"format", RunFolder::kFormat},
                  {"version", kVersion},
                  {"compiler", __VERSION__},
                  {"isa", kernels::name_of(kernels::isa())},
                  {"task", "vae"},
                  {"seed", run.settings.fit.seed},
                  {"threads", workers_.size()},
                  {"settings", to_json(run.settings)},
                  {"pixels", to_json(run.format)},
                  {"initial_variance", run.initial_variance},
                  {"data",
                   {{"source", run.data},
                    {"kind", data_.kind},
                    {"rows", data_.train.set.rows},
                    {"validation_rows", data_.validation.set.rows},
                    {"fingerprint", fingerprint(data_.train)}}}};
    run.folder.write_json("config.json", run.config);
  }

  void note_fit(const VaeRun& run) const {
    const FitConfig& f = run.settings.fit;
    note(describe_vae(run.settings.model, run.format));
    note(fmt::format("{} rows to fit, {} for validation; {} at {:g}, batch {}, {} thread{}, {}",
                     data_.train.set.rows, data_.validation.set.rows, f.optimiser.kind, f.rate,
                     std::min(f.batch, data_.train.set.rows), workers_.size(),
                     workers_.size() == 1 ? "" : "s", kernels::name_of(kernels::isa())));
    if (f.batch > data_.train.set.rows)
      note(fmt::format("--batch {} is larger than the data: each step takes all {} rows", f.batch,
                       data_.train.set.rows));
  }

  FitVaeResult climb(VaeRun& run, Saver& saver) {
    FitCallbacks callbacks;
    bool first = true;
    callbacks.step = [&](const StepRecord& r) {
      if (std::exchange(first, false) && hooks_.first_step) hooks_.first_step(now() - start_);
      if (hooks_.step) hooks_.step(r);
    };
    callbacks.epoch = [&](const EpochRecord& r) {
      run.folder.append_metrics(metrics_line(r));
      if (hooks_.epoch) hooks_.epoch(r, run.settings.fit.epochs);
    };
    callbacks.interrupted = hooks_.interrupted;
    callbacks.checkpoint = [&](const State& s, const FitPosition& p, bool best) {
      saver.offer(s, p, best);
    };
    FitVaeResult out;
    try {
      const FitResult r = fit(run.vae->model, data_.train.set, data_.validation.set,
                              run.settings.fit, run.state, position_, workers_, callbacks);
      out.stopped = r.stopped;
      position_ = r.position;
    } catch (const NumericError&) {
      saver.flush();
      throw;
    }
    saver.flush();
    return out;
  }

  void close(VaeRun& run, FitVaeResult& out) {
    if (hooks_.closing) hooks_.closing("working out the verdict");
    const Tensors best = run.folder.read_tensors("model.safetensors");
    for (const auto& [name, a] : best.arrays)
      std::copy_n(a.raw(), a.bytes(), run.state.slot(name, a.dtype(), a.shape()).raw());
    VaeScorer scorer(run.settings.model, run.format, run.initial_variance, run.state,
                     run.settings.fit.seed, workers_);
    const Closing c =
        close_fit(scorer, run.settings, data_.train, data_.validation, run.format, run.state);
    out.summary = summary(run, c, out.stopped);
    run.folder.write_json("summary.json", out.summary);
    if (hooks_.closing) hooks_.closing("writing the report");
    out.report = write_vae_report(run, scorer, &data_, out.summary);
  }

  nlohmann::json summary(const VaeRun& run, const Closing& c, Stopped stopped) const {
    nlohmann::json s = elbo_summary(c.train, run.format, run.unit());
    VaeFigures f;
    double seconds = 0;
    for (const auto& line : run.folder.read_metrics()) {
      seconds += line.value("seconds", 0.0);
      f.train_curve.push_back(line.value("elbo", 0.0));
      if (line.contains("validation"))
        f.validation_curve.push_back(line["validation"].get<double>());
    }
    f.unit = run.unit();
    f.n = c.train.rows;
    f.train_rows = data_.train.set.rows;
    f.dims = run.format.width;
    f.likelihood = run.settings.model.likelihood;
    f.elbo = c.train.elbo_per_row;
    if (c.validation.rows > 0) f.validation = c.validation.elbo_per_row;
    f.epochs = position_.epoch;
    f.asked = run.settings.fit.epochs;
    f.best_epoch = c.validation.rows > 0 ? position_.best_epoch : position_.epoch;
    f.stopped = name_of(stopped);
    f.activity = c.units.activity;
    f.gap = c.gap;
    f.gap_lost = c.gap_lost;
    f.sigma2 = c.sigma2;
    f.sigma2_learned = run.settings.model.sigma2 == "learned";
    f.lambda1 = c.lambda1;

    if (const auto bits = bits_per_dim(c.train.elbo_per_row, run.settings.model, run.format))
      s["bits_per_dim"] = *bits;
    if (c.validation.rows > 0) {
      s["validation"] = elbo_summary(c.validation, run.format, run.unit());
      for (const char* same : {"task", "unit", "dims", "estimators"}) s["validation"].erase(same);
    }
    if (c.gap)
      s["gap"] = {{"rows", c.gap->rows},
                  {"samples", c.gap->draws},
                  {"elbo_per_row", c.gap->elbo},
                  {"log_px_per_row", c.gap->log_px},
                  {"gap_se", c.gap->gap_se}};
    s["units"] = {{"rows", c.units.rows}, {"kl", c.units.kl}, {"activity", c.units.activity}};
    if (c.sigma2) s["sigma2"] = *c.sigma2;
    if (c.lambda1) s["lambda1"] = *c.lambda1;
    s["train_rows"] = f.train_rows;
    s["epochs"] = f.epochs;
    s["best_epoch"] = f.best_epoch;
    s["seconds"] = seconds;
    s["rows_per_second"] = double(f.train_rows) * double(f.epochs) / std::max(seconds, 1e-9);
    s["stopped"] = f.stopped;
    s["verdict"] = vae_verdict(f);
    s["seed"] = run.settings.fit.seed;
    s["threads"] = workers_.size();
    s["version"] = kVersion;
    return s;
  }

  const FitVaeConfig& config_;
  const FitVaeHooks& hooks_;
  double start_;
  Workers workers_;
  VaeData data_;
  FitPosition position_;
};

}  // namespace

FitVaeResult fit_vae(const FitVaeConfig& config, const FitVaeHooks& hooks) {
  return FitVaeJob(config, hooks).run();
}

}  // namespace fathom
