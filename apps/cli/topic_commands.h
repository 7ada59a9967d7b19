// The verbs on documents and on runs of topic models. They return the exit code.
#pragma once

#include "fathom/jobs/fit_topics.h"
#include "fathom/jobs/use_topics.h"

namespace fathom::cli {

// Whether a run is that of a topic model.
bool of_topics(const std::string& run);

int fit_topics_command(const FitTopicsConfig& config, bool json, bool quiet);
int topics_command(const TopicsConfig& config, bool json);
int predict_topics_command(const std::string& run, const std::string& data,
                           const std::string& vocabulary, const std::string& out, int threads,
                           bool json);
int evaluate_topics_command(const std::string& run, const std::string& data,
                            const std::string& vocabulary, int threads, bool json);

}  // namespace fathom::cli
