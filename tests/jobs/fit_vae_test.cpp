// A fit leaves a run that others can use; it is the same run however often it was interrupted and
// whatever the threads; what goes wrong while saving leaves the run before it.
#include "fathom/jobs/fit_vae.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <fstream>

#include "tests/jobs/small_data.h"

namespace fathom {
namespace {

using testing::small_fit;
using testing::stripes;
using testing::TempFolder;

bool same_tensors(const std::string& a, const std::string& b, const std::string& name) {
  const Tensors x = read_safetensors(a + "/" + name), y = read_safetensors(b + "/" + name);
  if (x.arrays.size() != y.arrays.size() || x.metadata != y.metadata) return false;
  for (const auto& [key, array] : x.arrays) {
    const auto found = y.arrays.find(key);
    if (found == y.arrays.end() || found->second.bytes() != array.bytes()) return false;
    if (std::memcmp(array.raw(), found->second.raw(), array.bytes()) != 0) return false;
  }
  return true;
}

bool same_run(const std::string& a, const std::string& b) {
  return same_tensors(a, b, "model.safetensors") && same_tensors(a, b, "checkpoint.safetensors");
}

// The figures of each epoch, without times.
std::vector<nlohmann::json> figures(const std::string& run) {
  std::vector<nlohmann::json> lines = RunFolder::open(run).read_metrics();
  for (auto& line : lines) {
    line.erase("seconds");
    line.erase("rows_per_second");
  }
  return lines;
}

class FitVae : public ::testing::Test {
 protected:
  void SetUp() override { write_npy(data(), stripes(300)); }
  std::string data() const { return folder_.file("stripes.npy"); }
  std::string path(const std::string& name) const { return folder_.file(name); }
  FitVaeConfig config(const std::string& run) const { return small_fit(data(), path(run)); }
  TempFolder folder_;
};

TEST_F(FitVae, LeavesARunWhoseFiguresAddUp) {
  const FitVaeResult r = fit_vae(config("run"), {});
  const RunFolder run = RunFolder::open(path("run"));
  const nlohmann::json s = run.read_json("summary.json");
  EXPECT_EQ(s, r.summary);
  for (const char* key :
       {"task", "unit", "n", "dims", "elbo", "elbo_per_row", "elbo_se", "terms", "seconds",
        "rows_per_second", "stopped", "verdict", "seed", "threads", "version"})
    EXPECT_TRUE(s.contains(key)) << key;
  EXPECT_FALSE(s.contains("log_px")) << "it was not computed for these rows";
  double total = 0;
  for (const auto& term : s["terms"]) total += term.get<double>();
  EXPECT_NEAR(total, s["elbo"].get<double>(), 1e-9 * std::abs(total));
  EXPECT_EQ(s["n"], 270);
  EXPECT_EQ(s["train_rows"], 270);
  EXPECT_EQ(s["validation"]["n"], 30);
  EXPECT_EQ(run.read_metrics().size(), 6u);
  EXPECT_EQ(run.read_json("config.json")["settings"]["latent"], 2);
  for (const char* name : {"report.html", "reconstructions.png", "samples.png", "manifold.png"})
    EXPECT_TRUE(run.has(name)) << name;
}

TEST_F(FitVae, InterruptedAndResumedIsTheSameRun) {
  fit_vae(config("straight"), {});
  int pieces = 0;
  for (FitVaeConfig c = config("pieces"); pieces < 40; ++pieces, c.resume = true) {
    int steps = 0;
    FitVaeHooks hooks;
    hooks.interrupted = [&] { return ++steps >= 7; };  // in the middle of epochs and at their ends
    if (fit_vae(c, hooks).stopped == Stopped::epochs) break;
    open_vae_run(c.run);  // loads
  }
  EXPECT_GT(pieces, 4);
  EXPECT_TRUE(same_run(path("straight"), path("pieces")));
  EXPECT_EQ(figures(path("straight")), figures(path("pieces")));
}

TEST_F(FitVae, MoreEpochsGoOnFromTheLastState) {
  fit_vae(config("straight"), {});
  FitVaeConfig c = config("longer");
  c.settings.fit.epochs = 3;
  fit_vae(c, {});
  c.resume = true;
  EXPECT_THROW(fit_vae(c, {}), ConfigError);  // complete
  std::filesystem::remove(path("longer/summary.json"));
  EXPECT_EQ(fit_vae(c, {}).summary["epochs"], 3);  // what was left is the verdict
  c.settings.fit.epochs = 6;
  c.given = {"epochs"};
  fit_vae(c, {});
  EXPECT_TRUE(same_run(path("straight"), path("longer")));
}

TEST_F(FitVae, SameBitsForAnyNumberOfThreads) {
  fit_vae(config("one"), {});
  for (int threads : {2, 3}) {
    FitVaeConfig c = config("more");
    c.threads = threads;
    c.force = true;
    const FitVaeResult r = fit_vae(c, {});
    EXPECT_TRUE(same_run(path("one"), path("more"))) << threads << " threads";
    EXPECT_EQ(r.summary["elbo"], RunFolder::open(path("one")).read_json("summary.json")["elbo"]);
  }
}

TEST_F(FitVae, ResumeRefusesOtherSettingsAndOtherData) {
  fit_vae(config("run"), {});
  FitVaeConfig c = config("run");
  c.resume = true;
  c.settings.fit.epochs = 8;
  c.settings.model.latent = 3;
  c.given = {"epochs", "latent"};
  EXPECT_THROW(fit_vae(c, {}), ConfigError);
  c.given = {"epochs"};
  write_npy(path("other.npy"), stripes(200));
  c.data = path("other.npy");
  EXPECT_THROW(fit_vae(c, {}), DataError);
}

TEST_F(FitVae, AFullDiskKeepsThePreviousCheckpoint) {
  FitVaeConfig c = config("run");
  c.settings.model.hidden = "64";
  fit_vae(c, {});
  std::filesystem::copy(path("run"), path("before"));
  c.resume = true;
  c.settings.fit.epochs = 12;
  c.given = {"epochs"};
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit usual{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &usual), 0);
  const rlimit tight{4096, usual.rlim_max};  // configuration and metrics fit, parameters do not
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  EXPECT_THROW(fit_vae(c, {}), DataError);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &usual), 0);
  EXPECT_TRUE(same_run(path("run"), path("before")));
  VaeRun run = open_vae_run(path("run"));
  EXPECT_EQ(read_checkpoint(run).epoch, 6);
}

TEST_F(FitVae, ANewerFormatAndDamageAreRefused) {
  fit_vae(config("run"), {});
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(path("run/" + name)) << text;
  };
  nlohmann::json c = RunFolder::open(path("run")).read_json("config.json");
  const std::string whole = c.dump();
  c["format"] = RunFolder::kFormat + 1;
  write("config.json", c.dump());
  EXPECT_THROW(open_vae_run(path("run")), DataError);
  write("config.json", whole.substr(0, whole.size() / 2));
  EXPECT_THROW(open_vae_run(path("run")), DataError);
  c = nlohmann::json::parse(whole);
  c["settings"]["latent"] = 3;  // the tensors are of another shape
  write("config.json", c.dump());
  EXPECT_THROW(open_vae_run(path("run")), DataError);
  write("config.json", whole);
  write("model.safetensors", "cut");
  EXPECT_THROW(open_vae_run(path("run")), DataError);
}

// With a rate of almost nothing the decoder stays where it starts: at the mean picture.
TEST_F(FitVae, AGaussianDecoderStartsAtTheMeanRow) {
  FitVaeConfig c = config("mean");
  c.settings.model.likelihood = "gaussian";
  c.settings.model.binarize = "none";
  c.settings.data.validation = "0";
  c.settings.fit.epochs = 1;
  c.settings.fit.rate = 1e-12;
  fit_vae(c, {});
  const Tensors t = read_safetensors(c.run + "/model.safetensors");
  const Array& bias = t.arrays.at("decoder.1.bias");
  const Array x = read_npy(c.data);
  const std::int64_t n = x.shape().extent(0);
  for (std::int64_t j = 0; j < 16; ++j) {
    double mean = 0;
    for (std::int64_t i = 0; i < n; ++i) mean += x.data<std::uint8_t>()[i * 16 + j] / 255.0;
    EXPECT_NEAR(bias.data<float>()[j], mean / double(n), 1e-6);
  }
}

TEST_F(FitVae, GaussianLinearReachesNoMoreThanItsEvidence) {
  FitVaeConfig c = config("run");
  c.settings.model.likelihood = "gaussian";
  c.settings.model.binarize = "none";
  c.settings.model.hidden = "none";
  c.settings.fit.epochs = 30;
  const nlohmann::json s = fit_vae(c, {}).summary;
  EXPECT_GT(s["sigma2"].get<double>(), 0);
  EXPECT_GT(s["lambda1"].get<double>(), 0);
  // Kingma & Welling 2013, eq. 1: the ELBO is below log p(x).
  EXPECT_GT(s["gap"]["log_px_per_row"].get<double>() - s["gap"]["elbo_per_row"].get<double>(),
            -3 * s["gap"]["gap_se"].get<double>());
  EXPECT_EQ(s["estimators"]["x"], "closed");
}

}  // namespace
}  // namespace fathom
