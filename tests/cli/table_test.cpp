// The program on tables: fit, predict, evaluate, sample, compare, report, info.
#include <csignal>

#include "fathom/io/csv.h"
#include "tests/cli/program.h"

namespace fathom {
namespace {

using testing::Outcome;
using testing::slurp;

class TableCli : public testing::ProgramTest {
 protected:
  std::string faithful() const { return FATHOM_SOURCE_DIR "/data/faithful.csv"; }
  std::vector<std::string> fit(const std::string& data,
                               const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"fit", "gmm", data, "-o", file("run"), "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
};

TEST_F(TableCli, FitPredictEvaluateSampleRoundTrip) {
  const Outcome f = run(fit(faithful(), {"--components", "2"}));
  ASSERT_EQ(f.code, 0) << f.err;
  EXPECT_TRUE(has(f.out, "2 gaussian components of 2 columns")) << f.out;
  EXPECT_TRUE(has(f.out, "The ELBO is")) << f.out;
  EXPECT_TRUE(has(f.out, "restarts")) << f.out;
  EXPECT_TRUE(has(f.out, "report: " + file("run") + "/report.html")) << f.out;
  EXPECT_FALSE(has(f.out, "\r")) << "no live line in a file";

  const Outcome p = run({"predict", file("run"), faithful()});
  ASSERT_EQ(p.code, 0) << p.err;
  EXPECT_EQ(p.out.rfind("component,p1,p2,log_density\n", 0), 0u);
  EXPECT_EQ(std::count(p.out.begin(), p.out.end(), '\n'), 273);
  EXPECT_EQ(run({"predict", file("run"), faithful(), "-o", file("p.csv")}).code, 0);
  EXPECT_EQ(slurp(file("p.csv")), p.out);
  const auto figures =
      nlohmann::json::parse(run({"predict", file("run"), faithful(), "--json"}).out);
  EXPECT_EQ(figures["n"], 272);

  const Outcome e = run({"evaluate", file("run"), faithful(), "--json"});
  ASSERT_EQ(e.code, 0) << e.err;
  EXPECT_EQ(nlohmann::json::parse(e.out)["log_predictive"], figures["log_predictive"]);
  EXPECT_TRUE(has(run({"evaluate", file("run"), faithful()}).out, "log predictive density"));

  const Outcome s = run({"sample", file("run"), "-n", "5"});
  EXPECT_EQ(s.out.rfind("eruptions,waiting\n", 0), 0u) << s.out;
  EXPECT_EQ(std::count(s.out.begin(), s.out.end(), '\n'), 6);
  EXPECT_EQ(run({"sample", file("run"), "-n", "5", "-o", file("s.csv")}).code, 0);
  EXPECT_EQ(slurp(file("s.csv")), s.out);
  EXPECT_EQ(run({"report", file("run")}).code, 0);
  EXPECT_TRUE(has(run({"info", file("run")}).out, "a gmm fitted to"));
  EXPECT_EQ(run({"encode", file("run"), faithful(), "-o", file("z.csv")}).code, 2);
}

TEST_F(TableCli, JsonAndQuiet) {
  const Outcome j = run(fit(faithful(), {"--json"}));
  ASSERT_EQ(j.code, 0) << j.err;
  EXPECT_EQ(nlohmann::json::parse(j.out), nlohmann::json::parse(slurp(file("run/summary.json"))));
  const Outcome q = run(fit(faithful(), {"--quiet", "--force"}));
  EXPECT_EQ(q.code, 0);
  EXPECT_EQ(q.out + q.err, "");
  const Outcome again = run(fit(faithful()));
  EXPECT_EQ(again.code, 2);
  EXPECT_TRUE(has(again.err, "--force")) << again.err;
  EXPECT_FALSE(has(again.err, "--resume")) << again.err;
}

TEST_F(TableCli, ComparesWhatMayBeCompared) {
  ASSERT_EQ(run({"fit", "gmm", faithful(), "-o", file("a"), "--components", "2"}).code, 0);
  ASSERT_EQ(run({"fit", "gmm", faithful(), "-o", file("b"), "--components", "4"}).code, 0);
  ASSERT_EQ(run({"fit", "gmm", faithful(), "-o", file("c"), "--method", "em"}).code, 0);
  const Outcome o = run({"compare", file("a"), file("b"), file("c")});
  ASSERT_EQ(o.code, 0) << o.err;
  EXPECT_TRUE(has(o.out, "not to be compared with those above")) << o.out;
  const auto all =
      nlohmann::json::parse(run({"compare", file("a"), file("b"), file("c"), "--json"}).out);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_GE(all[0]["bound"].get<double>(), all[1]["bound"].get<double>());
  EXPECT_EQ(all[2]["group"], 1);
}

TEST_F(TableCli, MistakesAreRefusedWithARemedy) {
  refused(fit(faithful(), {"--components", "0"}), {"--components", "at least 1"});
  refused(fit(faithful(), {"--components", "some"}), {"--components \"some\"", "1:10"});
  refused(fit(faithful(), {"--components", "3:1"}), {"--components 3:1", "upwards"});
  refused(fit(faithful(), {"--components", "1:4", "--method", "map"}), {"BIC"});
  refused(fit(faithful(), {"--accelerate", "--batch", "50"}), {"--accelerate", "--batch"});
  refused(fit(faithful(), {"--forgetting", "0.4"}), {"--forgetting", "above 0.5"});
  refused(fit(faithful(), {"--components", "300"}), {"faithful.csv", "272 rows"});
  refused(fit(faithful(), {"--columns", "eruption"}), {"eruption", "did you mean eruptions?"});
  refused(fit(faithful(), {"--columns", "3"}), {"from 1 to 2"});
  refused(fit(faithful(), {"--method", "mcmc"}), {"em, hard, map, vb, svi"});
  refused(fit(faithful(), {"--covariance", "round"}), {"full, tied, diag, spherical"});
  refused(fit(faithful(), {"--start", "far"}), {"kmeans, random, blocks"});
  refused(fit(faithful(), {"--method", "em", "--process"}), {"--process", "vb"});
  refused(fit(faithful(), {"--method", "map", "--concentration", "0.5"}), {"--concentration"});
  refused(fit(faithful(), {"--restarts", "0"}), {"--restarts"});
  refused(fit(faithful(), {"--sweeps", "0"}), {"--sweeps"});
  refused(fit(faithful(), {"--tolerance", "-1"}), {"--tolerance"});
  refused(fit(faithful(), {"--array", "x"}), {"NPZ"});
  refused(fit(faithful(), {"--componets", "2"}), {"did you mean --components?"});
  refused(fit(file("nowhere.csv")), {"nowhere.csv"});
  write("holes.csv", "a,b\n1,\n2,\n5,NA\n");
  refused(fit(file("holes.csv")), {"holes.csv", "all cells of column \"b\"", "--drop b"});
  write("weights.csv", "a,w,k\n1,2,x\n2,-1,\n5,0,y\n4,1,z\n");
  refused(fit(file("weights.csv"), {"--weights", "w", "--drop", "k"}),
          {"weights.csv", "row 2", "-1", "\"w\""});
  refused(fit(file("weights.csv"), {"--weights", "v"}), {"--weights", "\"v\""});
  refused(fit(file("weights.csv"), {"--weights", "w", "--columns", "w"}), {"\"w\"", "modelled"});
  refused(fit(file("weights.csv"), {"--labels", "k", "--components", "2"}),
          {"weights.csv", "row 4", "\"z\" in column \"k\"", "--components 3"});
  write("zeros.csv", "a,w\n1,0\n2,0\n5,0\n");
  refused(fit(file("zeros.csv"), {"--weights", "w"}), {"\"w\" are zero"});
  write("infinite.csv", "a,b\n1,2\n3,inf\n");
  refused(fit(file("infinite.csv")), {"infinite.csv", "line 3", "column b"});
  write("constant.csv", "a,b\n1,2\n1,3\n1,5\n");
  refused(fit(file("constant.csv"), {"--components", "1"}), {"\"a\" is constant", "--drop a"});
  write("twice.csv", "a,b,c\n1,2,1\n2,3,2\n3,5,3\n");
  refused(fit(file("twice.csv"), {"--components", "1"}), {"\"a\" and \"c\" are the same"});
  write("words.csv", "a,b\nx,2\ny,3\n");
  refused(fit(file("words.csv"), {"--label", "none"}), {"words.csv", "line 2", "\"a\""});
}

TEST_F(TableCli, ControlCKeepsWhatWasReached) {
  write_npy(file("x.npy"), testing::stripes(3000));
  const pid_t child = start(fit(file("x.npy"), {"--covariance", "diag", "--components", "20",
                                                "--restarts", "100000", "--tolerance", "0"}));
  for (int i = 0; i < 600 && slurp(file("out")).find("restart 1/") == std::string::npos; ++i)
    ::usleep(20000);
  ASSERT_EQ(::kill(child, SIGINT), 0);
  const Outcome o = finish(child);
  EXPECT_EQ(o.code, 130) << o.err;
  EXPECT_TRUE(has(o.out, "interrupted after")) << o.out;
  EXPECT_EQ(nlohmann::json::parse(slurp(file("run/summary.json")))["stopped"], "interrupted");
}

}  // namespace
}  // namespace fathom
