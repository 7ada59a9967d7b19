// The verbs on a fitted run: they agree with one another and with the laws of the bound.
#include "fathom/jobs/use_vae.h"

#include <gtest/gtest.h>

#include "fathom/io/csv.h"
#include "fathom/jobs/look.h"
#include "fathom/jobs/report_vae.h"
#include "tests/jobs/small_data.h"

namespace fathom {
namespace {

using testing::small_fit;
using testing::stripes;
using testing::TempFolder;

// One run for all tests of the file.
class UseVae : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempFolder;
    write_npy(data(), stripes(300));
    FitVaeConfig c = small_fit(data(), run());
    c.settings.fit.epochs = 40;
    fit_vae(c, {});
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string path(const std::string& name) { return folder_->file(name); }
  static std::string data() { return path("stripes.npy"); }
  static std::string run() { return path("run"); }
  static MapVaeConfig map(const std::string& from, const std::string& to) {
    MapVaeConfig c;
    c.run = run();
    c.data = from;
    c.out = path(to);
    c.threads = 1;
    return c;
  }
  static TempFolder* folder_;
};
TempFolder* UseVae::folder_ = nullptr;

TEST_F(UseVae, ImportanceWeightsRiseWithTheirNumberAboveTheBound) {
  EvaluateVaeConfig c;
  c.run = run();
  c.data = data();
  c.threads = 1;
  c.samples = 1;
  const nlohmann::json one = evaluate_vae(c);
  c.samples = 300;
  const nlohmann::json many = evaluate_vae(c);
  EXPECT_EQ(one["elbo"], many["elbo"]);
  // Burda et al. 2016, theorem 1: the bound rises with K, and K = 1 is the ELBO. One draw per row
  // has a spread over rows that its standard error knows.
  EXPECT_GT(many["log_px"].get<double>(), one["elbo"].get<double>());
  EXPECT_GT(many["log_px"].get<double>(), one["log_px"].get<double>());
  EXPECT_NEAR(one["log_px"].get<double>(), one["elbo"].get<double>(),
              3 * one["elbo_se"].get<double>());
  EXPECT_NEAR(many["bits_per_dim"].get<double>(),
              -many["elbo_per_row"].get<double>() / 16 / std::log(2.0), 1e-12);
  EXPECT_EQ(many["samples"], 300);
  c.samples = 0;
  EXPECT_FALSE(evaluate_vae(c).contains("log_px"));
}

TEST_F(UseVae, ProgressMayStopAnEvaluation) {
  EvaluateVaeConfig c;
  c.run = run();
  c.data = data();
  EXPECT_THROW(evaluate_vae(c, [](std::int64_t, std::int64_t) { return false; }), Interrupted);
}

// Of bits, a draw with themselves as probabilities is themselves: as 0 and 1 or as 0 and 255.
TEST_F(UseVae, BytesOfOneAreBitsNotDarkPixels) {
  Array ones = stripes(50), whites = ones.copy();
  for (std::int64_t i = 0; i < ones.size(); ++i) {
    const bool on = ones.data<std::uint8_t>()[i] > 127;
    ones.data<std::uint8_t>()[i] = on ? 1 : 0;
    whites.data<std::uint8_t>()[i] = on ? 255 : 0;
  }
  write_npy(path("ones.npy"), ones);
  write_npy(path("whites.npy"), whites);
  EvaluateVaeConfig c;
  c.run = run();
  c.threads = 1;
  c.data = path("ones.npy");
  const nlohmann::json by_ones = evaluate_vae(c);
  c.data = path("whites.npy");
  EXPECT_EQ(by_ones["elbo"], evaluate_vae(c)["elbo"]);
}

// Columns are known by their names: another order is the same table, and one renamed is missed.
TEST_F(UseVae, ColumnsOfATableAreMatchedByName) {
  const Array x = stripes(60);
  Array forward(DType::f64, Shape{60, 16}), backward(DType::f64, Shape{60, 16});
  std::vector<std::string> names(16), reversed(16);
  for (std::int64_t j = 0; j < 16; ++j) {
    names[std::size_t(j)] = reversed[std::size_t(15 - j)] = fmt::format("p{}", j);
    for (std::int64_t i = 0; i < 60; ++i)
      forward.data<double>()[i * 16 + j] = backward.data<double>()[i * 16 + 15 - j] =
          x.data<std::uint8_t>()[i * 16 + j] / 255.0;
  }
  write_csv(path("forward.csv"), names, forward);
  write_csv(path("backward.csv"), reversed, backward);
  FitVaeConfig c = small_fit(path("forward.csv"), path("named"));
  fit_vae(c, {});
  EvaluateVaeConfig e;
  e.run = path("named");
  e.threads = 1;
  e.data = path("forward.csv");
  const nlohmann::json one = evaluate_vae(e);
  e.data = path("backward.csv");
  EXPECT_EQ(one["elbo"], evaluate_vae(e)["elbo"]);
  reversed[3] = "other";
  write_csv(path("renamed.csv"), reversed, backward);
  e.data = path("renamed.csv");
  EXPECT_THROW(evaluate_vae(e), DataError);
}

TEST_F(UseVae, ReconstructionIsTheDecodedCode) {
  const RowsFile codes = encode_vae(map(data(), "codes.csv"));
  EXPECT_EQ(codes.rows, 300);
  EXPECT_EQ(codes.width, 4);
  EXPECT_EQ(read_csv(codes.path).names,
            (std::vector<std::string>{"z1_mean", "z2_mean", "z1_sd", "z2_sd"}));
  decode_vae(map(codes.path, "decoded.npy"));
  reconstruct_vae(map(data(), "reconstructed.npy"));
  const Array a = read_npy(path("decoded.npy")), b = read_npy(path("reconstructed.npy"));
  ASSERT_EQ(a.shape(), (Shape{300, 16}));
  for (std::int64_t i = 0; i < a.size(); ++i) EXPECT_EQ(a.data<double>()[i], b.data<double>()[i]);
}

TEST_F(UseVae, SamplesAreAFunctionOfTheSeed) {
  SampleVaeConfig c;
  c.run = run();
  c.count = 20;
  c.threads = 1;
  const auto draw = [&](const char* name) {
    c.out = path(name);
    sample_vae(c);
    const Array x = read_npy(c.out);
    return std::vector<double>(x.data<double>(), x.data<double>() + x.size());
  };
  const auto a = draw("a.npy"), b = draw("b.npy");
  EXPECT_EQ(a, b);
  c.seed = 2;
  EXPECT_NE(a, draw("c.npy"));
  c.noise = true;
  for (double v : draw("d.npy")) EXPECT_TRUE(v == 0 || v == 1);
}

TEST_F(UseVae, OutputsFollowTheEndingOfTheName) {
  EXPECT_GT(reconstruct_vae(map(data(), "pairs.png")).rows, 0);
  EXPECT_TRUE(std::filesystem::exists(path("pairs.png")));
  EXPECT_THROW(reconstruct_vae(map(data(), "pairs.jpg")), ConfigError);
  EXPECT_THROW(encode_vae(map(data(), "codes.png")), ConfigError);
}

TEST_F(UseVae, AReportDoesWithoutTheData) {
  std::filesystem::copy(run(), path("moved"), std::filesystem::copy_options::recursive);
  ReportVaeConfig c;
  c.run = path("moved");
  std::filesystem::rename(data(), path("elsewhere.npy"));
  std::string said;
  report_vae(c, [&](const std::string& text) { said += text; });
  EXPECT_NE(said.find("stripes.npy"), std::string::npos);
  c.data = path("elsewhere.npy");
  said.clear();
  report_vae(c, [&](const std::string& text) { said += text; });
  EXPECT_EQ(said, "");
  std::filesystem::rename(path("elsewhere.npy"), data());
}

// Rows of another width are refused for that, whatever they hold.
TEST_F(UseVae, AnotherShapeIsSaidBeforeAnotherRange) {
  Array wrong(DType::f64, Shape{20, 9});
  for (std::int64_t i = 0; i < wrong.size(); ++i) wrong.data<double>()[i] = double(i) - 7;
  wrong.data<double>()[3] = NAN;
  write_npy(path("wrong.npy"), wrong);
  EvaluateVaeConfig e;
  e.run = run();
  e.data = path("wrong.npy");
  ReportVaeConfig r;
  r.run = run();
  r.data = path("wrong.npy");
  FitVaeConfig on = small_fit(path("wrong.npy"), run());
  on.resume = true;
  on.settings.fit.epochs = 50;
  on.given = {"epochs"};
  const std::vector<std::pair<const char*, std::function<void()>>> verbs = {
      {"evaluate", [&] { evaluate_vae(e); }},
      {"encode", [&] { encode_vae(map(path("wrong.npy"), "codes.csv")); }},
      {"reconstruct", [&] { reconstruct_vae(map(path("wrong.npy"), "x.npy")); }},
      {"report", [&] { report_vae(r, {}); }},
      {"resume", [&] { fit_vae(on, {}); }}};
  for (const auto& [verb, job] : verbs) {
    std::string said;
    try {
      job();
    } catch (const DataError& error) {
      said = error.what();
    }
    EXPECT_NE(said.find("rows have 9 numbers, the model's have 16 (4 x 4)"), std::string::npos)
        << verb << ": " << said;
  }
}

TEST_F(UseVae, InfoAndPlanTellWhatTheyLookAt) {
  Workers workers(1);
  EXPECT_EQ(info(run(), workers)["what"], "run");
  const nlohmann::json d = info(data(), workers);
  EXPECT_EQ(d["rows"], 300);
  EXPECT_EQ(d["item"], (std::vector<int>{4, 4}));
  PlanVaeConfig p;
  p.run = run();
  const PlanText text = plan_vae(p);
  EXPECT_EQ(text.parameters, (16 * 12 + 12) + (12 * 4 + 4) + (2 * 12 + 12) + (12 * 16 + 16));
  EXPECT_NE(text.plan.find("stage"), std::string::npos);
  EXPECT_NE(text.dot.find("digraph"), std::string::npos);
}

}  // namespace
}  // namespace fathom
