#include "apps/cli/topic_commands.h"

#include <fmt/format.h>

#include <cstdio>

#include "apps/cli/commands.h"
#include "apps/cli/table_commands.h"

namespace fathom::cli {

namespace {

// What a user should know of documents that were read.
void tell(const nlohmann::json& j) {
  if (const auto n = j.value("left_out", std::int64_t(0)); n > 0)
    fmt::print(stderr, "{} words are not in the vocabulary of the run and were left out\n", n);
  if (const auto n = j.value("empty_documents", std::int64_t(0)); n > 0)
    fmt::print(stderr, "{} document{} no words\n", n, n == 1 ? " has" : "s have");
}

}  // namespace

bool of_topics(const std::string& run) { return task_of_run(run) == kTopicsTask; }

int fit_topics_command(const FitTopicsConfig& config, bool json, bool quiet) {
  return show_fit(
      [&](const FitTableHooks& hooks) { return fit_topics(config, hooks); }, json, quiet,
      [](const FitTableResult& r) {
        return fmt::format("topics: fathom topics {}\nreport: {}", r.run, r.report);
      },
      [&](const FitTableResult& r) { return at_interruption(r, kTopicsTask, config.data); });
}

int topics_command(const TopicsConfig& config, bool json) {
  const nlohmann::json j = topics_of(config);
  if (json) {
    print_json(j);
    return 0;
  }
  for (const auto& t : j.at("topics")) {
    fmt::print("topic {:<4}{:5.1f} %", t.at("topic").get<int>(), 100 * number(t, "share"));
    for (const auto& w : t.at("words"))
      fmt::print("  {} {:.4f}", w.at("word").get<std::string>(), number(w, "weight"));
    fmt::print("\n");
  }
  return 0;
}

int predict_topics_command(const std::string& run, const std::string& data,
                           const std::string& vocabulary, const std::string& out, int threads,
                           bool json) {
  const TopicPrediction p = predict_topics(run, data, vocabulary, out, threads);
  tell(p.figures);
  if (json) {
    print_json(p.figures);
  } else if (out.empty()) {
    const std::string text = p.table.csv();
    std::fwrite(text.data(), 1, text.size(), stdout);
  } else {
    fmt::print("{}: proportions of {} topics in {} documents\n", out, p.table.names.size(),
               p.figures.at("n").get<std::int64_t>());
  }
  return 0;
}

int evaluate_topics_command(const std::string& run, const std::string& data,
                            const std::string& vocabulary, int threads, bool json) {
  const nlohmann::json j = evaluate_topics(run, data, vocabulary, threads);
  if (json) {
    print_json(j);
    return 0;
  }
  tell(j);
  fmt::print("{:<26} {:12.4f} nats per document; {:.2f} over {} documents\n",
             "bound of the documents", number(j, "elbo_per_row"), number(j, "elbo"),
             j.at("n").get<std::int64_t>());
  fmt::print("{:<26} {:12.4f} nats per word, {} words\n", "", number(j, "per_token"),
             j.at("tokens").get<std::int64_t>());
  fmt::print("{:<26} {:12.4f}\n", "perplexity", number(j, "perplexity"));
  return 0;
}

}  // namespace fathom::cli
