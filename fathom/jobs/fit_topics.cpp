#include "fathom/jobs/fit_topics.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <optional>

#include "fathom/base/clock.h"
#include "fathom/jobs/table_progress.h"
#include "fathom/jobs/version.h"
#include "fathom/kernels/isa.h"
#include "fathom/kernels/rng.h"
#include "fathom/kernels/room.h"
#include "fathom/report/climb_verdict.h"

namespace fathom {

namespace {

namespace fs = std::filesystem;

constexpr const char* kTopics = "topics.natural.0";
constexpr std::int64_t kSviBatch = 256, kShownWords = 12;
constexpr std::int64_t kProbe = 4096;  // documents by which laps of stochastic steps are judged
constexpr std::int64_t kSeeds = 10;    // documents of which a topic is made at first

std::vector<std::int64_t> shuffled_order(std::int64_t count, Key key) {
  std::vector<std::int64_t> order(std::size_t(count), 0);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[philox(key, i, 0).word[0] % i]);
  return order;
}

std::uint32_t fingerprint_of(const Corpus& c) {
  std::uint64_t h = mix64(std::uint64_t(c.documents()) ^ mix64(std::uint64_t(c.words)));
  for (std::size_t i = 0; i < c.word.size(); ++i)
    h = (h ^ (std::uint64_t(c.word[i]) << 32 | std::uint32_t(c.count[i]))) * 0x100000001b3ull;
  return std::uint32_t(h ^ h >> 32);
}

// Each topic begins as the words of a few documents beside as many of the whole collection.
Array seeded_topics(const Corpus& c, const TopicSettings& s, Key key) {
  const std::int64_t v = c.words, k = s.topics;
  Array natural(DType::f64, Shape{k, v});
  std::vector<double> all(std::size_t(v), 0.0);
  for (std::size_t i = 0; i < c.word.size(); ++i) all[std::size_t(c.word[i])] += c.count[i];
  const auto tokens = double(c.tokens());
  for (std::int64_t t = 0; t < k; ++t) {
    double* row = natural.data<double>() + t * v;
    double mass = 0;
    for (std::int64_t j = 0; j < kSeeds; ++j) {
      const Random4 r = philox(key, std::uint64_t(t), std::uint64_t(j));
      const auto d =
          std::size_t((std::uint64_t(r.word[0]) << 32 | r.word[1]) % std::uint64_t(c.documents()));
      for (std::int64_t i = c.begins[d]; i < c.begins[d + 1]; ++i) {
        row[c.word[std::size_t(i)]] += c.count[std::size_t(i)];
        mass += c.count[std::size_t(i)];
      }
    }
    for (std::int64_t w = 0; w < v; ++w)
      row[w] += s.eta - 1 + (mass + 1) * all[std::size_t(w)] / tokens;
  }
  return natural;
}

class FitTopicsJob {
 public:
  FitTopicsJob(const FitTopicsConfig& config, const FitTableHooks& hooks)
      : config_(config),
        settings_(config.settings),
        hooks_(hooks),
        workers_(kernels::threads_that_fit(config.threads)) {}

  FitTableResult run() {
    if (config_.resume) reopen();
    settings_.check();
    const std::string path =
        config_.run.empty() ? run_named_after(config_.data, kTopicsTask) : config_.run;
    if (!config_.resume) folder_.emplace(RunFolder::create(path, config_.force));
    load();
    begin_ = now() - (progress_ ? progress_->seconds : 0);
    climb_all();
    return close();
  }

 private:
  void note(const std::string& text) const {
    if (hooks_.note) hooks_.note(text);
  }

  void reopen() {
    TakenUp run = take_up(config_.run, kTopicsTask, config_.force, to_json(settings_),
                          config_.given, hooks_.note);
    folder_.emplace(std::move(run.folder));
    progress_ = std::move(run.progress);
    from_json(run.settings, settings_, folder_->file("config.json"));
  }

  void load() {
    corpus_ = read_corpus(config_.data);
    if (!settings_.vocabulary.empty()) {
      vocabulary_ = read_vocabulary(settings_.vocabulary);
      const auto n = std::int64_t(vocabulary_.size());
      if (n < corpus_.words)
        raise<DataError>("{}: {} words, but {} has {}", settings_.vocabulary, n, config_.data,
                         corpus_.words);
      if (n > corpus_.words && corpus_.kind != "lines of word:count")
        raise<DataError>("{}: {} words, but {} has {} of them", settings_.vocabulary, n,
                         config_.data, corpus_.words);
      corpus_.words = n;
    }
    documents_ = corpus_.documents();
    empty_ = corpus_.empty_documents();
    tokens_ = corpus_.tokens();
    fingerprint_ = fingerprint_of(corpus_);
    if (progress_) check_same_data(*folder_, fingerprint_, config_.data, "documents");
    note(fmt::format("{} topics, alpha {:g}, eta {:g}, {}", settings_.topics, settings_.alpha,
                     settings_.eta, settings_.stochastic() ? "stochastic steps" : "sweeps"));
    if (settings_.warm > 0)
      note(fmt::format("after {} sweep{} documents begin with the proportions of the last one",
                       settings_.warm, settings_.warm == 1 ? "" : "s"));
    note(fmt::format("{} documents of {} words, {} in all ({}); {} thread{}, {}, {}", documents_,
                     corpus_.words, tokens_, corpus_.kind, workers_.size(),
                     workers_.size() == 1 ? "" : "s", kernels::name_of(kernels::isa()),
                     settings_.precision));
    if (corpus_.added_up > 0)
      note(fmt::format("{} entries name a word of their document again: added up",
                       corpus_.added_up));
    if (empty_ > 0)
      note(fmt::format("{} document{} no words and count{} nothing: the first is document {}",
                       empty_, empty_ == 1 ? " has" : "s have", empty_ == 1 ? "s" : "",
                       corpus_.first_empty() + 1));
    // A collection is often sorted, and a batch of one kind of documents is a poor stand-in.
    if (settings_.stochastic())
      corpus_ = corpus_.reordered(shuffled_order(documents_, fold(key(), 1)));
  }

  Key key() const { return fold(Key{settings_.seed, 0}, 22); }

  struct Kept {
    State state;
    Climbed climbed;  // per document
    int restart = 0;
  };

  void climb_all() {
    TopicModel topics(settings_.model(corpus_.words), settings_.dtype());
    const DataSet data = rows_of_corpus(corpus_, settings_.dtype());
    State state;
    CoordinateOptions options;
    options.warm = settings_.warm > 0;
    CoordinateClimb whole(topics.model, data, state, options);
    std::optional<BatchClimb> batches;
    const std::int64_t batch = settings_.batch > 0      ? settings_.batch
                               : settings_.stochastic() ? kSviBatch
                                                        : 0;
    if (batch > 0)
      batches.emplace(topics.model, data, state, options, batches_of_corpus(corpus_, batch));
    for (int r = progress_ ? progress_->restart : 1; r <= settings_.restarts && !interrupted_;
         ++r) {
      if (goes_on(r)) {
        state.assign(progress_->state);
        climbs_ = progress_->ended;
        kept_ = {progress_->factors.copy(), progress_->kept, progress_->best};
      } else {
        const Array start = seeded_topics(corpus_, settings_, fold(key(), std::uint64_t(r) + 1));
        const Array as = start.cast(settings_.dtype());
        std::memcpy(whole.naturals()[0]->raw(), as.raw(), as.bytes());
        if (batches) batches->forget();
      }
      const Ascent a = ascend(whole, batches ? &*batches : nullptr, batch, r);
      if (interrupted_ && (!batches || settings_.stochastic()))
        left_ = TableProgress{r,
                              a,
                              state.copy(),
                              climbs_,
                              kept_.restart,
                              kept_.climbed,
                              factors_of(kept_.state),
                              now() - begin_};
      const Climbed c = climbed(a, double(documents_));
      climbs_.push_back(c);
      if (hooks_.climbed)
        hooks_.climbed(fmt::format("restart {}/{}  ELBO {:.4f} per document after {} sweeps{}", r,
                                   settings_.restarts, c.per_row, a.sweeps,
                                   a.converged ? "" : ", not converged"));
      if (kept_.restart > 0 && c.per_row <= kept_.climbed.per_row) continue;
      kept_ = {r < settings_.restarts ? state.copy() : state, c, r};
    }
    state.assign(kept_.state);
    terms_ = whole.terms(workers_);
    for (const auto& [name, value] : terms_) bound_ += value;
    seconds_ = now() - begin_;
  }

  // Whether this climb was under way when the fit was interrupted.
  bool goes_on(int restart) const { return progress_ && progress_->restart == restart; }
  // Topics, and proportions that are warm.
  static State factors_of(const State& state) {
    State factors;
    for (const auto& [name, a] : state.slots())
      if (name == kTopics || name.starts_with("inside."))
        std::memcpy(factors.slot(name, a.dtype(), a.shape()).raw(), a.raw(), a.bytes());
    return factors;
  }

  Ascent ascend(CoordinateClimb& whole, BatchClimb* batches, std::int64_t batch, int restart) {
    const Ascent before = goes_on(restart) ? progress_->ascent : Ascent();
    int passes = before.sweeps;
    std::int64_t steps = batches ? passes * batches->batches() : 0;
    const Stepper step = [&](Workers& w) {
      const bool anew = ++passes <= settings_.warm;
      whole.begin_anew(anew);
      if (batches) batches->climb().begin_anew(anew);
      if (!batches) return AscentStep{whole.sweep(w), 1};
      double bound = NAN;
      const Key order = fold(key(), (std::uint64_t(restart) << 32) + std::uint64_t(steps));
      for (const std::int64_t b : shuffled_order(batches->batches(), order)) {
        ++steps;
        if (settings_.stochastic()) {
          batches->stochastic(b, step_size(settings_.steps, steps), w, false);
        } else {
          bound = batches->memoised(b, w);
        }
      }
      const std::int64_t probe =
          std::max<std::int64_t>(1, kProbe / std::max<std::int64_t>(1, batch));
      return AscentStep{settings_.stochastic() ? batches->elbo(w, probe) : bound, 1};
    };
    double last = before.bounds.empty() ? NAN : before.elbo();
    return ascend_by(
        step, !settings_.stochastic(), whole, documents_, settings_.ascent, workers_,
        [&](const SweepRecord& s) {
          const bool on = record(whole, s, restart, last);
          last = s.elbo;
          return on;
        },
        before);
  }

  bool record(CoordinateClimb& whole, const SweepRecord& s, int restart, double last) {
    constexpr std::int64_t kSmall = 2000;
    const auto per = double(documents_);
    const double speed = per / std::max(s.seconds, 1e-9);
    nlohmann::json line = {{"restart", restart}, {"sweep", s.sweep}, {"elbo", s.elbo / per}};
    if (documents_ <= kSmall || std::has_single_bit(unsigned(s.sweep)))
      for (const auto& [name, value] : whole.terms(workers_)) line["terms"][name] = value / per;
    line["seconds"] = s.seconds;
    line["rows_per_second"] = speed;
    folder_->append_metrics(line);
    if (hooks_.sweep)
      hooks_.sweep({restart, settings_.restarts, s.sweep, "ELBO", s.elbo / per,
                    (s.elbo - last) / per, speed, "document"});
    interrupted_ = hooks_.interrupted && hooks_.interrupted();
    return !interrupted_;
  }

  FitTableResult close() {
    std::error_code ignored;
    nlohmann::json data = {
        {"source", fs::absolute(config_.data, ignored).lexically_normal().string()},
        {"kind", corpus_.kind},
        {"rows", documents_},
        {"words", corpus_.words},
        {"fingerprint", fingerprint_}};
    folder_->write_json("config.json", {{"format", RunFolder::kFormat},
                                        {"version", kVersion},
                                        {"compiler", __VERSION__},
                                        {"isa", kernels::name_of(kernels::isa())},
                                        {"task", kTopicsTask},
                                        {"seed", settings_.seed},
                                        {"threads", workers_.size()},
                                        {"settings", to_json(settings_)},
                                        {"data", data}});
    Tensors model;
    model.arrays[kTopics] = *kept_.state.find(kTopics);
    folder_->write_tensors("model.safetensors", model);
    if (!vocabulary_.empty())
      folder_->write_text("vocabulary.txt", fmt::format("{}\n", fmt::join(vocabulary_, "\n")));
    FitTableResult out;
    out.interrupted = interrupted_;
    out.summary = summary();
    folder_->write_json("summary.json", out.summary);
    write_progress(*folder_, left_);
    out.goes_on = left_.has_value();
    folder_->publish();
    TopicRun run = open_topics_run(folder_->path());
    write_topics_report(run);
    out.run = folder_->path();
    out.report = folder_->file("report.html");
    return out;
  }

  nlohmann::json summary() const {
    const auto n = double(documents_);
    nlohmann::json s = {{"task", kTopicsTask},       {"unit", "document"}, {"n", documents_},
                        {"dims", corpus_.words},     {"tokens", tokens_},  {"elbo", bound_},
                        {"elbo_per_row", bound_ / n}};
    const double perplexity = std::exp(-bound_ / double(tokens_));
    s["perplexity"] = perplexity;
    if (empty_ > 0) s["empty_documents"] = empty_;
    for (const auto& [name, value] : terms_) s["terms"][name] = value;
    s["sweeps"] = kept_.climbed.sweeps;
    s["converged"] = kept_.climbed.converged;
    double sweeps = 0;
    for (const Climbed& c : climbs_) {
      s["restarts"].push_back({{"per_row", c.per_row}, {"sweeps", c.sweeps}});
      sweeps += c.sweeps;
    }
    s["best_restart"] = kept_.restart;
    s["seconds"] = seconds_;
    s["rows_per_second"] = n * sweeps / std::max(seconds_, 1e-9);
    s["stopped"] = interrupted_ ? "interrupted" : kept_.climbed.converged ? "converged" : "sweeps";
    Array lambda = kept_.state.find(kTopics)->cast(DType::f64);
    for (std::int64_t i = 0; i < lambda.size(); ++i) lambda.data<double>()[i] += 1;
    std::int64_t holding = 0;
    const std::vector<TopicWords> topics = top_words(lambda, settings_.eta, kShownWords);
    for (const TopicWords& t : topics) {
      nlohmann::json one = {{"topic", t.topic + 1}, {"share", t.share}, {"tokens", t.tokens}};
      for (std::size_t i = 0; i < t.words.size(); ++i)
        one["words"].push_back({{"word", word(t.words[i])}, {"weight", t.weights[i]}});
      s["topics"].push_back(std::move(one));
      holding += t.share * double(settings_.topics) >= 0.01;
    }
    s["verdict"] = verdict(perplexity, topics, holding);
    s["seed"] = settings_.seed;
    s["threads"] = workers_.size();
    s["version"] = kVersion;
    return s;
  }

  std::string word(std::int64_t w) const {
    return vocabulary_.empty() ? fmt::format("word{}", w + 1) : vocabulary_[std::size_t(w)];
  }

  std::vector<std::string> verdict(double perplexity, const std::vector<TopicWords>& topics,
                                   std::int64_t holding) const {
    ClimbFigures f;
    f.unit = "document";
    f.rows = documents_;
    f.bound = bound_;
    f.sweeps = kept_.climbed.sweeps;
    f.tolerance = settings_.ascent.tolerance;
    f.last_rise = kept_.climbed.last_rise;
    f.converged = kept_.climbed.converged;
    f.interrupted = interrupted_;
    f.start_rows = documents_;
    for (const Climbed& c : climbs_) f.restarts.push_back(c.per_row);
    std::vector<std::string> all = climb_verdict(f);
    all.push_back(fmt::format(
        "Perplexity {:.1f}: a word is as uncertain as a choice among so many; without topics it "
        "would be {:.1f}.",
        perplexity, unigram_perplexity()));
    all.push_back(holding == settings_.topics
                      ? fmt::format("All {} topics hold words; the largest has {:.1f} % of them.",
                                    holding, 100 * topics.front().share)
                      : fmt::format("{} of {} topics hold words; the others are as the prior.",
                                    holding, settings_.topics));
    return all;
  }

  // Of words drawn from the frequencies of the whole collection.
  double unigram_perplexity() const {
    std::vector<double> all(std::size_t(corpus_.words), 0.0);
    for (std::size_t i = 0; i < corpus_.word.size(); ++i)
      all[std::size_t(corpus_.word[i])] += corpus_.count[i];
    double log_p = 0;
    for (const double n : all)
      if (n > 0) log_p += n * std::log(n / double(tokens_));
    return std::exp(-log_p / double(tokens_));
  }

  const FitTopicsConfig& config_;
  TopicSettings settings_;
  const FitTableHooks& hooks_;
  Workers workers_;
  std::optional<RunFolder> folder_;
  Corpus corpus_;
  std::vector<std::string> vocabulary_;
  std::int64_t documents_ = 0, empty_ = 0, tokens_ = 0;
  std::uint32_t fingerprint_ = 0;
  std::optional<TableProgress> progress_, left_;  // that this fit goes on from; that it leaves
  Kept kept_;
  std::vector<Climbed> climbs_;  // of each restart
  std::vector<std::pair<std::string, double>> terms_;
  double bound_ = 0, begin_ = 0, seconds_ = 0;
  bool interrupted_ = false;
};

}  // namespace

FitTableResult fit_topics(const FitTopicsConfig& config, const FitTableHooks& hooks) {
  return FitTopicsJob(config, hooks).run();
}

}  // namespace fathom
