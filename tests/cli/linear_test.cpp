// The program on ppca, fa, bpca and regression: fit, predict, impute, posterior, and mistakes.
#include <fstream>

#include "tests/cli/program.h"

namespace fathom {
namespace {

using testing::Outcome;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class LinearCli : public testing::ProgramTest {
 protected:
  std::string data(const std::string& name) const {
    return std::string(FATHOM_SOURCE_DIR "/data/") + name;
  }
  std::vector<std::string> fit(const std::string& kind, const std::string& table,
                               const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"fit", kind, table, "-o", file("run"), "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

TEST_F(LinearCli, FactorsRoundTrip) {
  for (const char* kind : {"ppca", "fa", "bpca"}) {
    const Outcome f = run(fit(kind, data("iris.csv"), {"--latent", "2", "--force"}));
    ASSERT_EQ(f.code, 0) << f.err;
    EXPECT_TRUE(has(f.out, "Together they explain")) << f.out;
    const Outcome p = run({"predict", file("run"), data("iris.csv")});
    EXPECT_EQ(p.out.rfind("z1,z2,z1_sd,z2_sd,log_density\n", 0), 0u) << p.out;
    EXPECT_EQ(run({"evaluate", file("run"), data("iris.csv")}).code, 0);
    EXPECT_EQ(run({"sample", file("run"), "-n", "3"}).code, 0);
    EXPECT_EQ(run({"report", file("run")}).code, 0);
    EXPECT_TRUE(has(run({"info", file("run")}).out, std::string("a ") + kind + " fitted to"));
    const Outcome q = run({"posterior", file("run"), "-o", file("q.json")});
    EXPECT_TRUE(has(q.out, "parameters with their intervals")) << q.out << q.err;
  }
  const Outcome c = run({"predict", file("run"), data("iris.csv"), "--proba"});
  EXPECT_EQ(c.code, 2);
  EXPECT_TRUE(has(c.err, "predicts no probabilities")) << c.err;
}

TEST_F(LinearCli, ImputeFillsAndCarriesIds) {
  std::string text = "id,a,b,c\n";
  for (int i = 0; i < 40; ++i)
    text += fmt::format("r{},{},{},{}\n", i, i, i == 5 ? "" : std::to_string(2 * i + i % 3),
                        i == 7 ? "" : std::to_string(30 - i + i % 2));
  write("holes.csv", text);
  ASSERT_EQ(run(fit("ppca", file("holes.csv"), {"--latent", "1", "--ids", "id"})).code, 0);
  const Outcome o = run({"impute", file("run"), file("holes.csv"), "--sd"});
  ASSERT_EQ(o.code, 0) << o.err;
  EXPECT_EQ(o.out.rfind("id,a,b,c,a_sd,b_sd,c_sd\nr0,0,0,30,0,0,0\n", 0), 0u) << o.out;
  EXPECT_FALSE(has(o.out, "nan")) << o.out;
  const Outcome w = run({"impute", file("run"), file("holes.csv"), "-o", file("full.csv")});
  EXPECT_TRUE(has(w.out, "40 rows, 2 missing cells filled")) << w.out;
}

TEST_F(LinearCli, RegressionRoundTrip) {
  const Outcome f = run(fit("regression", data("diabetes.csv"), {"--target", "target"}));
  ASSERT_EQ(f.code, 0) << f.err;
  EXPECT_TRUE(has(f.out, "linear regression of target on 10 columns")) << f.out;
  EXPECT_TRUE(has(f.out, "coefficients have intervals of 95 %")) << f.out;
  const Outcome p = run({"predict", file("run"), data("diabetes.csv")});
  EXPECT_EQ(p.out.rfind("mean,sd,low,high,log_density\n", 0), 0u) << p.out;
  EXPECT_TRUE(has(run({"posterior", file("run")}).out, "\ncoefficients,bmi,")) << p.out;
  EXPECT_EQ(run({"report", file("run")}).code, 0);
  const Outcome s = run({"sample", file("run")});
  EXPECT_EQ(s.code, 2);
  EXPECT_TRUE(has(s.err, "fathom predict")) << s.err;
  const Outcome i = run({"impute", file("run"), data("diabetes.csv")});
  EXPECT_EQ(i.code, 2);
  EXPECT_TRUE(has(i.err, "gmm, ppca, fa, bpca")) << i.err;
}

TEST_F(LinearCli, MistakesAreRefusedWithARemedy) {
  const std::string iris = data("iris.csv");
  refused(fit("ppca", iris, {"--latent", "0"}), {"--latent 0 for 4 columns", "at least 1"});
  refused(fit("fa", iris, {"--latent", "4"}), {"fewer than columns"});
  refused(fit("bpca", iris, {"--method", "em"}), {"bpca", "--method vb", "fathom fit ppca"});
  refused(fit("ppca", iris, {"--method", "ml"}), {"em, map, vb"});
  refused(fit("ppca", iris, {"--start", "zero"}), {"pca, random"});
  refused(fit("ppca", iris, {"--columns", "1", "--latent", "1"}), {"1 column"});
  refused(fit("regression", iris), {"--target COLUMN"});
  refused(fit("regression", iris, {"--target", "petal"}), {"there is no column \"petal\""});
  refused(fit("regression", iris, {"--target", "target", "--likelihood", "bernoulli"}),
          {"iris.csv", "row 101", "is 2", "0 and 1"});
  refused(fit("regression", iris, {"--target", "petal_width_cm", "--likelihood", "poisson"}),
          {"row 1", "whole numbers from 0"});
  write("holes.csv", "a,b,y\n1,2,3\n,3,5\n5,1,7\n2,2,1\n");
  refused(fit("regression", file("holes.csv"), {"--target", "y"}),
          {"holes.csv", "row 2", "\"a\"", "fathom impute"});
  write("empty.csv", "a,b,c\n1,,3\n2,,5\n5,,7\n");
  refused(fit("ppca", file("empty.csv"), {"--latent", "1"}), {"\"b\" are missing", "--drop b"});
  write("constant.csv", "a,b,c\n1,2,3\n1,3,5\n1,5,7\n");
  refused(fit("fa", file("constant.csv"), {"--latent", "1"}), {"\"a\" is constant", "--drop a"});
  write("twice.csv", "a,b,c\n1,2,1\n2,3,2\n3,5,3\n");
  refused(fit("ppca", file("twice.csv"), {"--latent", "1"}), {"\"a\" and \"c\" are the same"});
  write("words.csv", "a,b,y\n1,red,3\n2,blue,5\n3,red,4\n");
  refused(fit("regression", file("words.csv"), {"--target", "b"}),
          {"words.csv", "\"b\"", "explains numbers"});
  write("same.csv", "a,b,y\n1,2,3\n2,1,3\n3,5,3\n");
  refused(fit("regression", file("same.csv"), {"--target", "y"}), {"\"y\" is constant"});
  write("few.csv", "a,b,c,d\n1,2,4,1\n2,1,3,5\n");
  refused(fit("ppca", file("few.csv"), {"--method", "em"}), {"few.csv", "2 rows", "--method vb"});
}

}  // namespace
}  // namespace fathom
