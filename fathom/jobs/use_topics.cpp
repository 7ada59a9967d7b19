#include "fathom/jobs/use_topics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fathom/jobs/fit_topics.h"
#include "fathom/kernels/documents.h"
#include "fathom/kernels/room.h"
#include "fathom/kernels/special.h"

namespace fathom {

namespace {

// E log of topics, [topic, word].
std::vector<double> log_topics(const Array& lambda, Workers& workers) {
  const std::int64_t k = lambda.shape().extent(0), v = lambda.shape().extent(1);
  std::vector<double> out(std::size_t(k * v), 0.0);
  workers.each(std::size_t(k), [&](std::size_t t, int) {
    const double* row = lambda.data<double>() + std::int64_t(t) * v;
    const auto total = double(kernels::digamma(std::accumulate(row, row + v, 0.0L)));
    for (std::int64_t w = 0; w < v; ++w)
      out[t * std::size_t(v) + std::size_t(w)] =
          double(kernels::digamma(static_cast<long double>(row[w]))) - total;
  });
  return out;
}

// Solves all documents, some at a time: bounds of rows, gamma of the documents that have words, and
// the updates that it took.
struct SolvedDocuments {
  std::vector<double> bound, gamma;
  std::vector<std::int64_t> documents;  // that have words
  std::int64_t updates = 0;
};

SolvedDocuments solve_documents(const TopicRun& run, const Corpus& c, Workers& workers) {
  const std::int64_t k = run.settings.topics;
  const std::vector<double> logs = log_topics(run.lambda, workers);
  const std::vector<double> alpha(std::size_t(k), run.settings.alpha);
  const DataSet rows = rows_of_corpus(c, DType::f64);
  const std::int64_t stride = kernels::topic_stride<double>(k);
  std::vector<double> room(std::size_t(stride * run.words), 0.0);
  const kernels::TopicTable<double> topics{run.words, k, stride, room.data()};
  kernels::fill_topics(logs.data(), run.words, topics);
  SolvedDocuments s;
  for (std::int64_t d = 0; d < c.documents(); ++d)
    if (c.begins[std::size_t(d)] < c.begins[std::size_t(d) + 1]) s.documents.push_back(d);
  s.bound.resize(std::size_t(c.entries()));
  s.gamma.resize(s.documents.size() * std::size_t(k));
  const std::size_t part = 64, parts = (s.documents.size() + part - 1) / part;
  std::vector<std::int64_t> updates(parts, 0);
  workers.each(parts, [&](std::size_t p, int) {
    const std::size_t from = p * part, to = std::min(from + part, s.documents.size());
    const std::int64_t first = c.begins[std::size_t(s.documents[from])],
                       last = c.begins[std::size_t(s.documents[to - 1]) + 1];
    kernels::Documents<double> d;
    d.rows = last - first;
    d.topics = topics;
    d.word = rows.columns.at("word").data<double>() + first;
    d.count = rows.columns.at("count").data<double>() + first;
    d.begins = rows.columns.at("begins").data<double>() + first;
    d.alpha = alpha.data();
    d.tolerance = run.settings.inner_tolerance;
    d.iterations = run.settings.inner_updates;
    d.bound = s.bound.data() + first;
    d.gamma = s.gamma.data() + from * std::size_t(k);
    d.updates = &updates[p];
    kernels::documents(d);
  });
  s.updates = std::accumulate(updates.begin(), updates.end(), std::int64_t(0));
  return s;
}

nlohmann::json figures_of(const Corpus& c, std::int64_t left_out) {
  nlohmann::json j = {
      {"task", kTopicsTask}, {"unit", "document"}, {"n", c.documents()}, {"tokens", c.tokens()}};
  if (const std::int64_t empty = c.empty_documents(); empty > 0) j["empty_documents"] = empty;
  if (left_out > 0) j["left_out"] = left_out;
  return j;
}

}  // namespace

nlohmann::json topics_of(const TopicsConfig& config) {
  if (config.words < 1) raise<ConfigError>("--words must be at least 1, got {}", config.words);
  const TopicRun run = open_topics_run(config.run);
  nlohmann::json out = {{"run", config.run}, {"topics", nlohmann::json::array()}};
  for (const TopicWords& t : top_words(run.lambda, run.settings.eta, config.words)) {
    nlohmann::json one = {{"topic", t.topic + 1}, {"share", t.share}, {"tokens", t.tokens}};
    for (std::size_t i = 0; i < t.words.size(); ++i)
      one["words"].push_back({{"word", run.word(t.words[i])}, {"weight", t.weights[i]}});
    out["topics"].push_back(std::move(one));
  }
  return out;
}

TopicPrediction predict_topics(const std::string& path, const std::string& data,
                               const std::string& vocabulary, const std::string& out, int threads) {
  Workers workers(kernels::threads_that_fit(threads));
  const TopicRun run = open_topics_run(path);
  std::int64_t left_out = 0;
  const Corpus c = corpus_for(run, data, vocabulary, &left_out);
  const SolvedDocuments s = solve_documents(run, c, workers);
  const std::int64_t k = run.settings.topics;
  TopicPrediction p;
  for (std::int64_t t = 0; t < k; ++t) p.table.names.push_back(fmt::format("topic{}", t + 1));
  p.table.values = Array(DType::f64, Shape{c.documents(), k});
  double* v = p.table.values.data<double>();
  std::fill_n(v, c.documents() * k, 1 / double(k));
  for (std::size_t i = 0; i < s.documents.size(); ++i) {
    const double* g = s.gamma.data() + std::int64_t(i) * k;
    const double total = std::accumulate(g, g + k, 0.0);
    for (std::int64_t t = 0; t < k; ++t) v[s.documents[i] * k + t] = g[t] / total;
  }
  p.figures = figures_of(c, left_out);
  p.figures["updates"] = s.updates;
  if (!out.empty()) {
    write_table(out, p.table);
    p.figures["file"] = out;
  }
  return p;
}

nlohmann::json evaluate_topics(const std::string& path, const std::string& data,
                               const std::string& vocabulary, int threads) {
  Workers workers(kernels::threads_that_fit(threads));
  const TopicRun run = open_topics_run(path);
  std::int64_t left_out = 0;
  const Corpus c = corpus_for(run, data, vocabulary, &left_out);
  const SolvedDocuments s = solve_documents(run, c, workers);
  const double bound = std::accumulate(s.bound.begin(), s.bound.end(), 0.0);
  nlohmann::json j = figures_of(c, left_out);
  j["elbo"] = bound;
  j["elbo_per_row"] = bound / double(c.documents());
  j["per_token"] = bound / double(c.tokens());
  j["perplexity"] = std::exp(-bound / double(c.tokens()));
  j["terms"] = {{"words", bound}};
  return j;
}

std::string report_topics(const std::string& path) {
  TopicRun run = open_topics_run(path);
  if (!run.folder.has("summary.json"))
    raise<DataError>("{}: the run has no summary.json: fit it anew with --force", path);
  write_topics_report(run);
  return run.folder.file("report.html");
}

}  // namespace fathom
