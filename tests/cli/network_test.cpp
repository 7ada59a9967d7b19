// The program on a Bayesian network: fit, query and the verbs of tables, and mistakes.
#include <fstream>

#include "tests/cli/program.h"

namespace fathom {
namespace {

using testing::Outcome;

class NetworkCli : public testing::ProgramTest {
 protected:
  std::vector<std::string> fit(const std::string& structure,
                               const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"fit",     "network",   FATHOM_SOURCE_DIR "/data/asia.csv",
                                      "-o",      file("run"), "--structure",
                                      structure, "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

TEST_F(NetworkCli, FitQueryAndTheOtherVerbs) {
  write("clinic.net",
        "asia\ntub <- asia\nsmoke\nlung <- smoke\nbronc <- smoke\neither <- tub lung\n"
        "xray <- either\ndysp <- either bronc\n");
  const Outcome f = run(fit(file("clinic.net")));
  ASSERT_EQ(f.code, 0) << f.err;
  EXPECT_NE(f.out.find("456 cells are missing in 402 rows"), std::string::npos) << f.out;
  std::filesystem::remove(file("clinic.net"));  // the run holds the structure
  const Outcome q = run({"query", file("run"), "P(lung | smoke=yes, xray=yes)"});
  EXPECT_EQ(q.code, 0) << q.err;
  EXPECT_EQ(q.out.rfind("P(lung | smoke=yes, xray=yes), by posterior mean tables\n\nlung", 0), 0u)
      << q.out;
  EXPECT_NE(q.out.find("log evidence"), std::string::npos);
  const Outcome j = run({"query", file("run"), "P(lung, tub)", "--json"});
  EXPECT_EQ(nlohmann::json::parse(j.out).at("probabilities").size(), 4u) << j.out;
  const std::string data = FATHOM_SOURCE_DIR "/data/asia.csv";
  EXPECT_EQ(run({"predict", file("run"), data, "--target", "dysp"})
                .out.rfind("dysp,p.dysp=no,p.dysp=yes,log_density\n", 0),
            0u);
  EXPECT_EQ(run({"impute", file("run"), data}).code, 0);
  EXPECT_EQ(run({"evaluate", file("run"), data}).code, 0);
  EXPECT_EQ(run({"posterior", file("run")}).code, 0);
  EXPECT_EQ(run({"report", file("run")}).code, 0);
  const Outcome s = run({"sample", file("run"), "-n", "5"});
  EXPECT_EQ(s.out.rfind("asia,tub,smoke,lung,bronc,either,xray,dysp\n", 0), 0u) << s.out;
}

TEST_F(NetworkCli, MistakesAreOneLine) {
  refused(fit("tub <- asia; asia <- tub"), {"cycle: tub -> asia -> tub"});
  refused(fit("tub <- asio"), {"asia.csv", "\"asio\"", "did you mean asia?"});
  refused(fit("tub lung"), {"variable <- its parents"});
  refused(fit("tub <- asia", {"--drop", "tub"}), {"names the columns"});
  refused(fit("tub <- asia", {"--method", "bayes"}), {"--method", "em, map, vb"});
  refused(fit("tub <- asia", {"--inference", "loopy"}), {"--inference", "exact, meanfield"});
  refused(fit("tub <- asia", {"--concentration", "0"}), {"--concentration"});
  refused({"fit", "network", FATHOM_SOURCE_DIR "/data/asia.csv", "-o", file("run")},
          {"--structure says"});
  ASSERT_EQ(
      run({"fit", "gmm", FATHOM_SOURCE_DIR "/data/faithful.csv", "-o", file("other"), "--quiet"})
          .code,
      0);
  refused({"query", file("other"), "P(a)"}, {"a gmm answers no queries"});
  refused({"query", file("none"), "P(a)"}, {"no such run"});
  refused(
      {"predict", file("other"), FATHOM_SOURCE_DIR "/data/faithful.csv", "--target", "eruptions"},
      {"--target"});
}

}  // namespace
}  // namespace fathom
