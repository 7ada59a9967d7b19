// The run folder of a topic model:
//
//   config.json        what was asked: "task" lda, "settings", "data"
//   metrics.jsonl      one line per sweep: restart, sweep, elbo per document, terms
//   model.safetensors  topics.natural.0 [topic, word]: lambda - 1 of Hoffman et al. 2010
//   vocabulary.txt     one word a line, where there is a vocabulary
#pragma once

#include <memory>

#include "fathom/climb/batches.h"
#include "fathom/io/corpus.h"
#include "fathom/io/run_folder.h"
#include "fathom/jobs/fields_json.h"
#include "fathom/jobs/words.h"
#include "fathom/zoo/topics.h"

namespace fathom {

inline constexpr std::string_view kTopicsTask = "lda";

struct TopicSettings {
  std::int64_t topics = 10;
  double alpha = 0.1, eta = 0.05;
  std::string vocabulary = {};
  std::string method = "vb";
  std::int64_t batch = 0;
  StochasticConfig steps;
  AscentConfig ascent = {.sweeps = 200, .tolerance = 1e-3};
  double inner_tolerance = 1e-3;
  std::int64_t inner_updates = 100;
  int warm = 0;
  int restarts = 1;
  std::string precision = "f64";
  std::uint64_t seed = 1;

  static void fields(auto& self, auto&& f) {
    f("topics", self.topics, "number of topics, K");
    f("alpha", self.alpha, "concentration of each document's proportions of topics");
    f("eta", self.eta, "concentration of each topic's probabilities of words");
    f("vocabulary", self.vocabulary, "file of words, one a line, in the order of their numbers");
    f("method", self.method,
      "vb: sweeps over all documents; svi: stochastic steps, a batch of documents at a time");
    f("batch", self.batch,
      "documents at a time; with vb, statistics of each batch are kept and topics move after each; "
      "0: all, with svi 256");
    StochasticConfig::fields(self.steps, f);
    f("sweeps", self.ascent.sweeps, "most passes over the documents");
    f("tolerance", self.ascent.tolerance,
      "rise of the bound per document, in nats, below which a fit ends");
    f("inner-tolerance", self.inner_tolerance,
      "a document's proportions are kept when its gamma moves by less, on average over topics");
    f("inner-updates", self.inner_updates, "most updates of a document's proportions in a pass");
    f("warm", self.warm,
      "sweeps after which documents begin with the proportions that the one before left them: no "
      "sweep then lowers the bound, which ends lower where that is early; 0: never");
    f("restarts", self.restarts, "climbs from different starts; the best is kept");
    f("precision", self.precision, "f64, or f32: about twice as fast, with fewer digits");
    f("seed", self.seed, "seed of every draw");
  }
  // Throws ConfigError naming the flag that cannot be.
  void check() const;
  bool stochastic() const { return method == "svi"; }
  DType dtype() const { return precision == "f32" ? DType::f32 : DType::f64; }
  TopicConfig model(std::int64_t words) const {
    return {words, topics, alpha, eta, {inner_tolerance, inner_updates}};
  }
};

// Documents with words as rows of the model, numbered where they begin, and the batches they are
// taken in: at most `most` documents each, of nearly one size, 0: one batch.
DataSet rows_of_corpus(const Corpus& corpus, DType dtype);
std::vector<RowBatch> batches_of_corpus(const Corpus& corpus, std::int64_t most);

struct TopicRun {
  RunFolder folder;
  nlohmann::json config;
  TopicSettings settings;
  std::int64_t words = 0;
  std::vector<std::string> vocabulary;  // empty: words have numbers
  Array lambda;                         // [topic, word] f64
  std::string data;                     // path of what it was fitted to

  std::string word(std::int64_t w) const;  // from 0
};

// Throws DataError naming the file that is missing or damaged, or where it is another model's run.
TopicRun open_topics_run(const std::string& path);

// Documents for a run: with a vocabulary of their own, words are found by their names, and those
// that the run does not know are left out. Throws DataError where words do not fit.
Corpus corpus_for(const TopicRun& run, const std::string& data, const std::string& vocabulary,
                  std::int64_t* left_out);

// Topics by their sizes, the largest first.
struct TopicWords {
  std::int64_t topic = 0;  // from 0, as in the model
  double tokens = 0, share = 0;
  std::vector<std::int64_t> words;  // the likeliest first
  std::vector<double> weights;      // E topics_kw of these
};
std::vector<TopicWords> top_words(const Array& lambda, double eta, std::int64_t count);

}  // namespace fathom
