// The program on documents: fit lda, topics, predict, evaluate, and mistakes.
#include "tests/cli/program.h"

namespace fathom {
namespace {

using testing::Outcome;

class TopicsCli : public testing::ProgramTest {
 protected:
  TopicsCli() {
    write("d.mtx",
          "%%MatrixMarket matrix coordinate integer general\n4 5 8\n"
          "1 1 4\n1 2 3\n2 1 5\n2 2 2\n3 3 4\n3 4 4\n4 4 5\n4 5 3\n");
    write("w.txt", "sun\nmoon\ncat\ndog\nbird\n");
  }
  std::vector<std::string> fit(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"fit",      "lda", file("d.mtx"), "-o", file("run"),
                                      "--topics", "2",   "--threads",   "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  bool says(const std::string& text, const std::string& part) const {
    return text.find(part) != std::string::npos;
  }
};

TEST_F(TopicsCli, FromFitToTopics) {
  const Outcome f = run(fit({"--vocabulary", file("w.txt"), "--restarts", "4"}));
  ASSERT_EQ(f.code, 0) << f.err;
  EXPECT_TRUE(says(f.out, "Perplexity")) << f.out;
  const Outcome t = run({"topics", file("run"), "--words", "2", "--json"});
  ASSERT_EQ(t.code, 0) << t.err;
  std::set<std::string> first;
  const nlohmann::json topics = nlohmann::json::parse(t.out);
  for (const auto& one : topics.at("topics"))
    first.insert(one.at("words").at(0).at("word").get<std::string>());
  EXPECT_EQ(first, (std::set<std::string>{"dog", "sun"}));
  EXPECT_TRUE(says(run({"topics", file("run")}).out, "sun 0."));
  const Outcome p = run({"predict", file("run"), file("d.mtx")});
  EXPECT_EQ(p.out.rfind("topic1,topic2\n", 0), 0u) << p.out << p.err;
  const Outcome e = run({"evaluate", file("run"), file("d.mtx")});
  EXPECT_TRUE(says(e.out, "perplexity")) << e.out << e.err;
  EXPECT_EQ(run({"report", file("run")}).code, 0);
  EXPECT_TRUE(says(run({"info", file("run")}).out, "over 4 documents of 5 words"));
  EXPECT_TRUE(says(run({"compare", file("run")}).out, "lda: topics 2"));
  const Outcome s = run({"sample", file("run"), "-o", file("x.csv")});
  EXPECT_EQ(s.code, 2) << s.out;
}

TEST_F(TopicsCli, WarmDocuments) {
  refused(fit({"--warm", "2", "--method", "svi"}), {"--warm", "--method vb"});
  const Outcome f = run(fit({"--warm", "2"}));
  ASSERT_EQ(f.code, 0) << f.err;
  EXPECT_TRUE(
      says(f.out + f.err, "after 2 sweeps documents begin with the proportions of the last one"))
      << f.out << f.err;
  EXPECT_TRUE(says(run({"fit", "lda", "--help"}).out, "--warm"));
  EXPECT_EQ(run({"evaluate", file("run"), file("d.mtx")}).code, 0);
}

TEST_F(TopicsCli, Mistakes) {
  refused({"fit", "lda", file("d.mtx"), "-o", file("run"), "--topics", "0"},
          {"--topics must be at least 1"});
  refused(fit({"--alpha", "0"}), {"--alpha must be above 0"});
  refused(fit({"--method", "em"}), {"--method \"em\"", "vb, svi"});
  refused(fit({"--inner-tolerance", "0"}), {"--inner-tolerance"});
  write("short.txt", "sun\nmoon\n");
  refused(fit({"--vocabulary", file("short.txt")}), {"short.txt", "2 words", "has 5"});
  write("d.mtx", "%%MatrixMarket matrix coordinate integer general\n1 5 1\n1 6 1\n");
  refused(fit(), {"d.mtx", "line 3", "word 6 of 5"});
  write("d.mtx", "%%MatrixMarket matrix coordinate integer general\n1 5 1\n1 1 -1\n");
  refused(fit(), {"d.mtx", "line 3", "negative"});
  refused({"topics", file("run")}, {"run"});
}

TEST_F(TopicsCli, EmptyDocumentsAreToldAndCountNothing) {
  write("d.mtx", "%%MatrixMarket matrix coordinate integer general\n4 3 2\n1 1 4\n4 2 3\n");
  const Outcome f = run(fit());
  ASSERT_EQ(f.code, 0) << f.err;
  EXPECT_TRUE(says(f.out + f.err,
                   "2 documents have no words and count nothing: the first is "
                   "document 2"))
      << f.out << f.err;
  const Outcome p = run({"predict", file("run"), file("d.mtx")});
  EXPECT_TRUE(says(p.out, "\n0.5,0.5\n0.5,0.5\n")) << p.out;
}

}  // namespace
}  // namespace fathom
