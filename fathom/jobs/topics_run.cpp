#include "fathom/jobs/topics_run.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

namespace fathom {

void TopicSettings::check() const {
  if (topics < 1) raise<ConfigError>("--topics must be at least 1, got {}", topics);
  for (const auto& [name, v] : {std::pair("alpha", alpha), std::pair("eta", eta)})
    if (!(v > 0) || !std::isfinite(v))
      raise<ConfigError>("--{} must be above 0, got {:g}", name, v);
  if (method != "vb" && method != "svi")
    raise<ConfigError>("--method \"{}\": one of vb, svi", method);
  if (precision != "f64" && precision != "f32")
    raise<ConfigError>("--precision \"{}\": one of f64, f32", precision);
  if (batch < 0) raise<ConfigError>("--batch must not be negative, got {}", batch);
  if (restarts < 1) raise<ConfigError>("--restarts must be at least 1, got {}", restarts);
  if (ascent.sweeps < 1) raise<ConfigError>("--sweeps must be at least 1, got {}", ascent.sweeps);
  if (!(ascent.tolerance >= 0))
    raise<ConfigError>("--tolerance must not be negative, got {:g}", ascent.tolerance);
  if (!(inner_tolerance > 0))
    raise<ConfigError>("--inner-tolerance must be above 0, got {:g}", inner_tolerance);
  if (inner_updates < 1)
    raise<ConfigError>("--inner-updates must be at least 1, got {}", inner_updates);
  if (warm < 0) raise<ConfigError>("--warm must not be negative, got {}", warm);
  if (warm > 0 && stochastic())
    raise<ConfigError>("--warm serves sweeps (--method vb): stochastic steps move topics too far");
  if (!(steps.delay >= 0))
    raise<ConfigError>("--delay must not be negative, got {:g}", steps.delay);
  if (!(steps.forgetting > 0.5 && steps.forgetting <= 1))
    raise<ConfigError>("--forgetting must be above 0.5 and at most 1, got {:g}", steps.forgetting);
}

DataSet rows_of_corpus(const Corpus& c, DType dtype) {
  DataSet data;
  data.rows = c.entries();
  const auto fill = [&](auto* word, auto* count, auto* begins) {
    using T = std::remove_pointer_t<decltype(word)>;
    for (std::size_t i = 0; i < c.word.size(); ++i) {
      word[i] = T(c.word[i]);
      count[i] = T(c.count[i]);
    }
    std::int64_t number = 0;
    for (std::size_t d = 0; d + 1 < c.begins.size(); ++d)
      if (c.begins[d] < c.begins[d + 1]) begins[c.begins[d]] = T(++number);
  };
  for (const char* name : {"word", "count", "begins"})
    data.columns[name] = Array(dtype, Shape{data.rows});
  Array &w = data.columns["word"], &n = data.columns["count"], &b = data.columns["begins"];
  if (dtype == DType::f32) {
    fill(w.data<float>(), n.data<float>(), b.data<float>());
  } else {
    fill(w.data<double>(), n.data<double>(), b.data<double>());
  }
  return data;
}

std::vector<RowBatch> batches_of_corpus(const Corpus& c, std::int64_t most) {
  std::vector<std::int64_t> first;  // rows of documents that have words
  for (std::size_t d = 0; d + 1 < c.begins.size(); ++d)
    if (c.begins[d] < c.begins[d + 1]) first.push_back(c.begins[d]);
  const auto n = std::int64_t(first.size()), parts = most > 0 ? (n + most - 1) / most : 1;
  first.push_back(c.entries());
  return batches_of_sequences(first, parts);
}

std::string TopicRun::word(std::int64_t w) const {
  return vocabulary.empty() ? fmt::format("word{}", w + 1) : vocabulary[std::size_t(w)];
}

TopicRun open_topics_run(const std::string& path) {
  TopicRun run{RunFolder::open(path), {}, {}, 0, {}, {}, {}};
  run.config = run.folder.read_json("config.json");
  const std::string file = run.folder.file("config.json");
  if (const std::string task = run.config.value("task", ""); task != kTopicsTask)
    raise<DataError>("{}: the run of fit {}, not of fit lda", path, task.empty() ? "?" : task);
  from_json(run.config.value("settings", nlohmann::json::object()), run.settings, file);
  const auto data = run.config.value("data", nlohmann::json::object());
  run.data = data.value("source", "");
  if (!run.folder.has("model.safetensors"))
    raise<DataError>("{}: has no model.safetensors: the fit left nothing", path);
  const Tensors tensors = run.folder.read_tensors("model.safetensors");
  const auto found = tensors.arrays.find("topics.natural.0");
  const std::string model = run.folder.file("model.safetensors");
  if (found == tensors.arrays.end() || found->second.shape().rank() != 2 ||
      !is_real(found->second.dtype()) || found->second.shape().extent(0) != run.settings.topics)
    raise<DataError>("{}: has no tensor \"topics.natural.0\" of {} topics", model,
                     run.settings.topics);
  run.lambda = found->second.cast(DType::f64);
  run.words = run.lambda.shape().extent(1);
  for (std::int64_t i = 0; i < run.lambda.size(); ++i) run.lambda.data<double>()[i] += 1;
  if (run.folder.has("vocabulary.txt")) {
    run.vocabulary = read_vocabulary(run.folder.file("vocabulary.txt"));
    if (std::int64_t(run.vocabulary.size()) != run.words)
      raise<DataError>("{}: {} words, the model has {}", run.folder.file("vocabulary.txt"),
                       run.vocabulary.size(), run.words);
  }
  return run;
}

Corpus corpus_for(const TopicRun& run, const std::string& data, const std::string& vocabulary,
                  std::int64_t* left_out) {
  Corpus c = read_corpus(data);
  *left_out = 0;
  if (vocabulary.empty()) {
    if (c.words > run.words || (c.kind != "lines of word:count" && c.words != run.words))
      raise<DataError>(
          "{}: {} words, where the run has {}: --vocabulary says which words these are", data,
          c.words, run.words);
    c.words = run.words;
    return c;
  }
  if (run.vocabulary.empty())
    raise<ConfigError>("--vocabulary: the run was fitted without one, its words are numbers");
  const std::vector<std::string> words = read_vocabulary(vocabulary);
  if (std::int64_t(words.size()) < c.words)
    raise<DataError>("{}: {} words, but {} has {}", vocabulary, words.size(), data, c.words);
  std::unordered_map<std::string, std::int32_t> known;
  for (const std::string& w : run.vocabulary) known.emplace(w, std::int32_t(known.size()));
  Corpus out;
  out.words = run.words;
  out.kind = c.kind;
  for (std::size_t d = 0; d + 1 < c.begins.size(); ++d) {
    for (std::int64_t i = c.begins[d]; i < c.begins[d + 1]; ++i) {
      const auto at = known.find(words[std::size_t(c.word[std::size_t(i)])]);
      if (at == known.end()) {
        *left_out += c.count[std::size_t(i)];
        continue;
      }
      out.word.push_back(at->second);
      out.count.push_back(c.count[std::size_t(i)]);
    }
    out.begins.push_back(std::int64_t(out.word.size()));
  }
  if (out.entries() == 0)
    raise<DataError>("{}: no word of it is in the vocabulary of the run", data);
  return out;
}

std::vector<TopicWords> top_words(const Array& lambda, double eta, std::int64_t count) {
  const std::int64_t k = lambda.shape().extent(0), v = lambda.shape().extent(1);
  count = std::clamp<std::int64_t>(count, 1, v);
  std::vector<TopicWords> all;
  double tokens = 0;
  std::vector<std::int64_t> order(std::size_t(v), 0);
  for (std::int64_t t = 0; t < k; ++t) {
    const double* row = lambda.data<double>() + t * v;
    const double total = std::accumulate(row, row + v, 0.0);
    TopicWords one;
    one.topic = t;
    one.tokens = std::max(0.0, total - eta * double(v));
    tokens += one.tokens;
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(
        order.begin(), order.begin() + count, order.end(),
        [&](std::int64_t a, std::int64_t b) { return row[a] != row[b] ? row[a] > row[b] : a < b; });
    for (std::int64_t i = 0; i < count; ++i) {
      one.words.push_back(order[std::size_t(i)]);
      one.weights.push_back(row[order[std::size_t(i)]] / total);
    }
    all.push_back(std::move(one));
  }
  for (TopicWords& t : all) t.share = tokens > 0 ? t.tokens / tokens : 1 / double(k);
  std::stable_sort(all.begin(), all.end(),
                   [](const TopicWords& a, const TopicWords& b) { return a.tokens > b.tokens; });
  return all;
}

}  // namespace fathom
