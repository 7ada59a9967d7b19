// What can be done with a fitted topic model: its topics, proportions of documents, their bound.
#pragma once

#include "fathom/jobs/text_table.h"
#include "fathom/jobs/topics_run.h"

namespace fathom {

struct TopicsConfig {
  std::string run;
  std::int64_t words = 10;

  static void fields(auto& self, auto&& f) {
    f("words", self.words, "words of each topic, the likeliest first");
  }
};

// {"topics": [{"topic", "share", "tokens", "words": [{"word", "weight"}]}]}, the largest first.
nlohmann::json topics_of(const TopicsConfig& config);

// Proportions of topics, a row for each document: gamma over its sum; of a document without words
// those of the prior. `out` is written where it is not empty: .csv or .npy.
struct TopicPrediction {
  TextTable table;
  nlohmann::json figures;  // n, tokens, empty_documents, left_out, updates
};
TopicPrediction predict_topics(const std::string& run, const std::string& data,
                               const std::string& vocabulary, const std::string& out, int threads);

// The bound of documents under the topics of the fit, held as they are: what they add to the ELBO,
// and exp(-bound / words). What a fit pays for its topics is paid once, and not part of it.
nlohmann::json evaluate_topics(const std::string& run, const std::string& data,
                               const std::string& vocabulary, int threads);

// Writes report.html anew.
std::string report_topics(const std::string& run);

}  // namespace fathom
