// The program as a person or a script meets it: what it prints, its exit codes, and that a mistake
// costs one line and leaves nothing behind.
#include <csignal>

#include "tests/cli/program.h"

namespace fathom {
namespace {

using testing::Outcome;
using testing::slurp;
using testing::stripes;

class Cli : public testing::ProgramTest {
 protected:
  void SetUp() override { write_npy(file("stripes.npy"), stripes(200)); }

  // A small fit of `data` to `run`, with more words.
  std::vector<std::string> fit(const std::string& data,
                               const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"fit",      "vae",       file(data), "-o", file("run"),
                                      "--latent", "2",         "--hidden", "8",  "--epochs",
                                      "3",        "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

TEST_F(Cli, FitEvaluateSampleRoundTrip) {
  const Outcome f = run(fit("stripes.npy", {"--binarize", "dynamic"}));
  ASSERT_EQ(f.code, 0) << f.err;
  EXPECT_NE(f.out.find("8-bit pixels scaled to [0, 1]; densities are of the scaled values"),
            std::string::npos);
  EXPECT_NE(f.out.find("first step after"), std::string::npos);
  EXPECT_NE(f.out.find("report: " + file("run") + "/report.html"), std::string::npos);
  EXPECT_EQ(f.out.find('\r'), std::string::npos) << "no live line in a file";

  const Outcome e =
      run({"evaluate", file("run"), file("stripes.npy"), "--samples", "10", "--json"});
  ASSERT_EQ(e.code, 0) << e.err;
  const auto figures = nlohmann::json::parse(e.out);
  EXPECT_EQ(figures["n"], 200);
  EXPECT_TRUE(figures.contains("log_px"));

  EXPECT_EQ(run({"sample", file("run"), "-o", file("s.png"), "--count", "5"}).code, 0);
  EXPECT_EQ(slurp(file("s.png")).substr(1, 3), "PNG");
  EXPECT_EQ(run({"encode", file("run"), file("stripes.npy"), "-o", file("z.csv")}).code, 0);
  EXPECT_EQ(run({"decode", file("run"), file("z.csv"), "-o", file("x.npy")}).code, 0);
  EXPECT_EQ(run({"reconstruct", file("run"), file("stripes.npy"), "-o", file("x.png")}).code, 0);
  EXPECT_EQ(run({"report", file("run")}).code, 0);
  EXPECT_EQ(run({"info", file("run")}).code, 0);
  EXPECT_EQ(nlohmann::json::parse(run({"info", file("stripes.npy"), "--json"}).out)["rows"], 200);
  EXPECT_NE(run({"plan", file("run")}).out.find("stage 0"), std::string::npos);
  EXPECT_EQ(run({"plan", file("run"), "--dot"}).out.rfind("digraph", 0), 0u);
}

TEST_F(Cli, JsonStandsAloneOnStdout) {
  const Outcome o = run(fit("stripes.npy", {"--binarize", "threshold", "--json"}));
  ASSERT_EQ(o.code, 0) << o.err;
  EXPECT_EQ(nlohmann::json::parse(o.out), nlohmann::json::parse(slurp(file("run/summary.json"))));
  EXPECT_NE(o.err.find("epoch"), std::string::npos);
}

TEST_F(Cli, EveryVerbHelpsWithAnExample) {
  for (const std::vector<std::string>& verb : std::vector<std::vector<std::string>>{{},
                                                                                    {"fit"},
                                                                                    {"fit", "vae"},
                                                                                    {"evaluate"},
                                                                                    {"sample"},
                                                                                    {"encode"},
                                                                                    {"decode"},
                                                                                    {"reconstruct"},
                                                                                    {"report"},
                                                                                    {"fit", "gmm"},
                                                                                    {"predict"},
                                                                                    {"compare"},
                                                                                    {"info"},
                                                                                    {"plan"}}) {
    std::vector<std::string> words = verb;
    words.push_back("--help");
    const Outcome o = run(words);
    EXPECT_EQ(o.code, 0);
    EXPECT_NE(o.out.find("Example: fathom"), std::string::npos) << o.out;
  }
}

TEST_F(Cli, UnknownNamesSuggestTheNearest) {
  refused({"evalute", "x"}, {"\"evalute\"", "did you mean evaluate?"});
  refused({"fit", "vea"}, {"\"vea\"", "did you mean vae?"});
  refused(fit("stripes.npy", {"--latnet", "3"}), {"--latnet", "did you mean --latent?"});
  refused({"sample", "r", "--cuont=3"}, {"--cuont", "did you mean --count?"});
  refused({}, {"subcommand"});
  refused(fit("stripes.npy", {"--epochs", "many"}), {"--epochs"});
}

TEST_F(Cli, BadFilesAreNamedWithPlaceAndRemedy) {
  refused(fit("nowhere.csv"), {"nowhere.csv"});
  write("empty.csv", "");
  refused(fit("empty.csv"), {"empty.csv", "empty"});
  write("ragged.csv", "a,b\n1,2\n3\n");
  refused(fit("ragged.csv"), {"ragged.csv", "line 3"});
  write("text.csv", "a,b\n1,2\n3,apple\n");
  refused(fit("text.csv"), {"text.csv", "line 3", "apple"});
  write("nan.csv", "a,b\n1,0\n,1\n0,\n");
  refused(fit("nan.csv"), {"nan.csv", "2 missing cells", "row 2", "\"a\""});
  write("cut.npy", slurp(file("stripes.npy")).substr(0, 500));
  refused(fit("cut.npy"), {"cut.npy"});
  write("cut.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\3abc", 13));
  refused(fit("cut.gz"), {"cut.gz"});
}

TEST_F(Cli, ValuesThatDoNotFitTheLikelihoodAreRefused) {
  refused(fit("stripes.npy"),
          {"stripes.npy", "grey", "dynamic", "threshold", "fixed:SEED", "--likelihood gaussian"});
  write("wide.csv", "a,b\n0,16\n3,1\n");
  refused(fit("wide.csv"), {"[0, 16]", "row 1, column \"b\"", "--scale 16"});
  write("negative.csv", "a,b\n0,1\n-3,1\n");
  refused(fit("negative.csv"), {"row 2", "--likelihood gaussian"});
  refused(fit("stripes.npy", {"--binarize", "often"}), {"often", "dynamic"});
  refused(fit("stripes.npy", {"--binarize", "dynamic", "--likelihood", "gaussian"}), {"bernoulli"});
}

TEST_F(Cli, SettingsOutsideTheirRangeAreRefused) {
  const auto with = [&](const std::string& flag, const std::string& value) {
    std::vector<std::string> words = {
        "fit", "vae", file("stripes.npy"), "-o", file("run"), "--binarize", "dynamic"};
    words.push_back(flag);
    words.push_back(value);
    return words;
  };
  refused(with("--latent", "0"), {"latent", "at least 1"});
  refused(with("--batch", "0"), {"batch"});
  refused(with("--epochs", "0"), {"epochs"});
  refused(with("--lr", "-1"), {"lr"});
  refused(with("--hidden", "5,,x"), {"5,,x"});
  refused(with("--activation", "tahn"), {"tahn"});
  refused(with("--likelihood", "poisson"), {"poisson", "gaussian"});
  refused(with("--optimiser", "newton"), {"newton", "adam"});
  refused(with("--validation", "1.5"), {"1.5"});
  refused(with("--hidden", "5,6,"), {"--hidden", "5,6,"});
  refused(with("--beta1", "1"), {"beta1", "[0, 1)"});
  refused(with("--momentum", "2"), {"momentum", "[0, 1)"});
  refused(with("--epsilon", "0"), {"epsilon", "positive"});
  refused(with("--warmup", "-1"), {"warmup"});
  refused(with("--end-rate", "0"), {"end-rate"});
  refused(with("--sigma2", "0"), {"sigma2", "gaussian"});
  refused(with("--seed", "-1"), {"seed", "negative"});
  refused(with("--threads", "100000"), {"100000 threads"});
  refused(with("--threads", "-1"), {"-1 threads"});
}

TEST_F(Cli, ABatchLargerThanTheDataIsTheWholeOfThem) {
  const Outcome o = run(fit("stripes.npy", {"--binarize", "dynamic", "--batch", "1000"}));
  EXPECT_EQ(o.code, 0) << o.err;
  EXPECT_NE(o.out.find("--batch 1000 is larger than the data: each step takes all 180 rows"),
            std::string::npos);
}

TEST_F(Cli, AnExistingRunIsKept) {
  ASSERT_EQ(run(fit("stripes.npy", {"--binarize", "dynamic"})).code, 0);
  const std::string before = slurp(file("run/summary.json"));
  const Outcome again = run(fit("stripes.npy", {"--binarize", "dynamic"}));
  EXPECT_EQ(again.code, 2);
  EXPECT_NE(again.err.find("--force"), std::string::npos);
  EXPECT_NE(again.err.find("--resume"), std::string::npos);
  EXPECT_EQ(slurp(file("run/summary.json")), before);
  EXPECT_EQ(run(fit("stripes.npy", {"--binarize", "bad", "--force"})).code, 2);
  EXPECT_EQ(slurp(file("run/summary.json")), before) << "a mistake replaces nothing";
  EXPECT_EQ(run(fit("stripes.npy", {"--binarize", "dynamic", "--force"})).code, 0);

  write_npy(file("narrow.npy"), Array(DType::u8, Shape{10, 3, 3}));
  const Outcome other = run({"evaluate", file("run"), file("narrow.npy")});
  EXPECT_EQ(other.code, 2);
  EXPECT_NE(other.err.find("9 numbers, the model's have 16 (4 x 4)"), std::string::npos)
      << other.err;

  nlohmann::json config = nlohmann::json::parse(slurp(file("run/config.json")));
  config["format"] = 1000;
  write("run/config.json", config.dump());
  const Outcome newer = run({"evaluate", file("run"), file("stripes.npy")});
  EXPECT_EQ(newer.code, 2);
  EXPECT_NE(newer.err.find("newer"), std::string::npos) << newer.err;
}

// What a script would take for the whole answer must not be lost in silence.
TEST_F(Cli, OutputThatIsLostIsAnError) {
  const std::string err = file("err");
  for (const std::string& verb : {"info " + file("stripes.npy"), std::string("--help")}) {
    const int status =
        std::system(fmt::format("{} {} > /dev/full 2> {}", FATHOM_PROGRAM, verb, err).c_str());
    EXPECT_EQ(WEXITSTATUS(status), 2) << verb;
    EXPECT_NE(slurp(err).find("standard output cannot be written"), std::string::npos)
        << slurp(err);
  }
}

TEST_F(Cli, ControlCStopsAnEvaluationBetweenDraws) {
  ASSERT_EQ(run(fit("stripes.npy", {"--binarize", "dynamic"})).code, 0);
  const pid_t child =
      start({"evaluate", file("run"), file("stripes.npy"), "--samples", "100000000"});
  ::usleep(500000);
  ASSERT_EQ(::kill(child, SIGTERM), 0);
  const Outcome o = finish(child);
  EXPECT_EQ(o.code, 130) << o.err;
}

TEST_F(Cli, AResumedRunMayTakeSmallerSteps) {
  ASSERT_EQ(run(fit("stripes.npy", {"--binarize", "dynamic"})).code, 0);
  const auto on = [&](const std::string& flag, const std::string& value) {
    return run({"fit", "vae", file("stripes.npy"), "-o", file("run"), "--resume", "--epochs", "5",
                flag, value});
  };
  EXPECT_EQ(on("--batch", "7").code, 2);
  EXPECT_EQ(on("--lr", "1e-4").code, 0);
  const auto j = nlohmann::json::parse(run({"info", file("run"), "--json"}).out);
  EXPECT_EQ(j["config"]["settings"]["lr"].get<double>(), 1e-4);
}

TEST_F(Cli, ControlCSavesAndResumeGoesOn) {
  const auto words = fit("stripes.npy", {"--binarize", "dynamic", "--epochs", "1000000"});
  std::vector<std::string> endless;
  for (std::size_t i = 0; i < words.size(); ++i)
    if (words[i] == "--epochs" && words[i + 1] == "3")
      ++i;
    else
      endless.push_back(words[i]);
  const pid_t child = start(endless);
  for (int i = 0; i < 600 && slurp(file("out")).find("epoch   2") == std::string::npos; ++i)
    ::usleep(50000);
  ASSERT_EQ(::kill(child, SIGINT), 0);
  const Outcome o = finish(child);
  EXPECT_EQ(o.code, 130) << o.err;
  EXPECT_NE(o.out.find("--resume"), std::string::npos);
  const auto j = nlohmann::json::parse(run({"info", file("run"), "--json"}).out);
  const int done = j["epochs"].get<int>();
  EXPECT_GE(done, 2);
  EXPECT_EQ(run({"sample", file("run"), "-o", file("s.npy")}).code, 0);
  const Outcome on = run({"fit", "vae", file("stripes.npy"), "-o", file("run"), "--resume",
                          "--epochs", std::to_string(done + 2)});
  EXPECT_EQ(on.code, 0) << on.err;
  EXPECT_NE(on.out.find("going on after epoch"), std::string::npos);
}

}  // namespace
}  // namespace fathom
