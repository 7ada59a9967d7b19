// What a topic model says of its topics, on the page.
#include <filesystem>

#include "fathom/jobs/climb_page.h"
#include "fathom/jobs/fit_topics.h"

namespace fathom {

namespace {

constexpr std::size_t kBarTopics = 60;

// Words of a topic, each as strong as it is likely beside the first.
std::string topic_words_html(const nlohmann::json& words) {
  std::string html;
  const double most = words.empty() ? 1 : words.front().value("weight", 1.0);
  for (const auto& w : words) {
    const double weight = w.value("weight", 0.0);
    html += fmt::format("<span style=\"opacity:{:.2f}\" title=\"{:.4f}\">{}</span> ",
                        0.45 + 0.55 * weight / most, weight, escape_html(w.value("word", "")));
  }
  return html;
}

}  // namespace

void write_topics_report(TopicRun& run) {
  const nlohmann::json s = run.folder.read_json("summary.json");
  const auto metrics = run.folder.read_metrics();
  const std::string name = std::filesystem::path(run.data).filename().string();
  const auto n = s.value("n", std::int64_t(0));
  Page page(fmt::format("{}: {}", name, kTopicsTask), "Topics of " + name,
            fmt::format("Latent Dirichlet allocation of {} documents over {} words: {} topics, "
                        "alpha {:g}, eta {:g}",
                        n, run.words, run.settings.topics, run.settings.alpha, run.settings.eta));
  page.verdict(s.value("verdict", std::vector<std::string>()));
  page.figure(fmt::format("{:.1f}", s.value("perplexity", 0.0)), "perplexity");
  page.figure(fmt::format("{:.4f}", s.value("elbo_per_row", 0.0)), "ELBO, nats per document");
  page.figure(fmt::format("{}", n), "documents");
  page.figure(fmt::format("{}", s.value("tokens", std::int64_t(0))), "words in them");
  page.figure(fmt::format("{:.0f}", s.value("rows_per_second", 0.0)), "documents per second");
  const auto topics = s.value("topics", nlohmann::json::array());
  std::vector<Bar> bars;
  std::string html =
      "<table><tr><th>topic</th><th>share</th><th style=\"text-align:left\">its "
      "likeliest words</th></tr>\n";
  for (const auto& t : topics) {
    const double share = t.value("share", 0.0);
    const std::string number = std::to_string(t.value("topic", 0));
    if (bars.size() < kBarTopics)
      bars.push_back({number, share, share * double(topics.size()) < 0.01});
    html += fmt::format(
        "<tr><td>{}</td><td style=\"white-space:nowrap\">{:.1f} %</td><td "
        "style=\"text-align:left;white-space:normal\">{}</td>"
        "</tr>\n",
        number, 100 * share, topic_words_html(t.value("words", nlohmann::json::array())));
  }
  page.section("Topics", html + "</table>",
               "By their share of all words. Words are the paler the less likely they are beside "
               "the first; fathom topics prints their probabilities.");
  page.section("Shares of the words", svg_bars(bars, "topic"));
  add_curves(metrics, s, "ELBO", "document", page);
  add_terms(s, "ELBO", "document", page);
  add_settings(run.folder.read_json("config.json"), page);
  for (const auto& [file, text] : page.files()) run.folder.write_text(file, text);
  run.folder.write_text("report.html", page.html());
}

}  // namespace fathom
