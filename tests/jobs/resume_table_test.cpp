// A fit of a table that was interrupted and goes on is the fit that was not, bit for bit.
#include <gtest/gtest.h>

#include "fathom/io/npy.h"
#include "fathom/jobs/lds.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using testing::gmm_fit;
using testing::kFaithful;
using testing::TempFolder;
using testing::two_clusters;

class ResumeTable : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }

  FitTableConfig config(const std::string& data, const std::string& run, int threads = 1) const {
    return gmm_fit(data, path(run), [&](GmmSettings& g, FitTableConfig& f) {
      g.components = 3;
      f.settings.restarts = 3;
      f.settings.ascent.sweeps = 12;
      f.settings.ascent.tolerance = 1e-4;
      f.threads = threads;
    });
  }

  // Stops after so many sweeps; 0: never.
  FitTableResult fit(const FitTableConfig& c, int sweeps) const {
    FitTableHooks hooks;
    int done = 0;
    hooks.sweep = [&](const TableSweep&) { ++done; };
    hooks.interrupted = [&] { return done == sweeps; };
    return fit_table(c, hooks);
  }

  static nlohmann::json figures(nlohmann::json s) {
    for (const char* key : {"seconds", "rows_per_second", "threads"}) s.erase(key);
    return s;
  }
  std::vector<nlohmann::json> bounds_of(const std::string& run) const {
    std::vector<nlohmann::json> lines = RunFolder::open(path(run)).read_metrics();
    for (nlohmann::json& line : lines)
      for (const char* key : {"seconds", "rows_per_second"}) line.erase(key);
    return lines;
  }
  std::string model_of(const std::string& run) const {
    const Bytes b = map_file(path(run + "/model.safetensors"));
    return {reinterpret_cast<const char*>(b.data.get()), b.size};
  }

  // Interrupts after every one of `stops`, each counted from where the last fit went on.
  void expect_same(const std::string& data, const std::vector<int>& stops) {
    expect_same([&](const char* run, int threads) { return config(data, run, threads); }, stops);
  }
  void expect_same(const std::function<FitTableConfig(const char* run, int threads)>& config,
                   const std::vector<int>& stops) {
    const FitTableResult whole = fit(config("whole", 1), 0);
    FitTableConfig c = config("parts", 1);
    for (const int stop : stops) {
      const FitTableResult part = fit(c, stop);
      ASSERT_TRUE(part.interrupted);
      EXPECT_TRUE(part.goes_on);
      EXPECT_EQ(part.summary["stopped"], "interrupted");
      c = config("parts", c.threads == 1 ? 2 : 1);
      c.resume = true;
    }
    const FitTableResult rest = fit(c, 0);
    EXPECT_EQ(figures(whole.summary), figures(rest.summary));
    EXPECT_EQ(bounds_of("whole"), bounds_of("parts"));
    EXPECT_EQ(model_of("whole"), model_of("parts"));
    EXPECT_FALSE(RunFolder::open(path("parts")).has("progress.json"));
  }

  void expect_refused(const FitTableConfig& c, const std::string& part) const {
    try {
      fit(c, 0);
      ADD_FAILURE() << "not refused";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  }

  TempFolder folder_;
};

TEST_F(ResumeTable, InTheFirstRestart) { expect_same(kFaithful, {3}); }
TEST_F(ResumeTable, InSeveralRestarts) { expect_same(kFaithful, {1, 12, 5}); }

TEST_F(ResumeTable, InStartsAndInTheClimbOverAllRows) {
  write_npy(path("x.npy"), two_clusters(9001, 2, 4));
  const int starts = int(fit(config(path("x.npy"), "starts"), 0).summary["restarts"].size());
  ASSERT_EQ(starts, 3);
  int before = 0;  // sweeps on some of the rows
  for (const nlohmann::json& line : RunFolder::open(path("starts")).read_metrics())
    before += line["restart"] != 0;
  expect_same(path("x.npy"), {4, before - 3, 1});
}

// Rows of f32 are computed in f32 at first: the run remembers when it went over to f64.
TEST_F(ResumeTable, OfSingles) {
  write_npy(path("x.npy"), two_clusters(600, 2, 2).cast(DType::f32));
  for (const int stop : {1, 4, 7, 10}) {
    SCOPED_TRACE(stop);
    std::filesystem::remove_all(path("whole"));
    std::filesystem::remove_all(path("parts"));
    expect_same(path("x.npy"), {stop});
  }
}

// Steps that take several sweeps, and batches that stand for all rows, go on too.
TEST_F(ResumeTable, OfExtrapolatedSweepsAndStochasticSteps) {
  for (const bool stochastic : {false, true}) {
    SCOPED_TRACE(stochastic);
    const auto make = [&](const char* run, int threads) {
      FitTableConfig c = config(kFaithful, run, threads);
      c.settings.ascent.tolerance = 0;
      c.settings.climb.accelerate = !stochastic;
      if (stochastic) dynamic_cast<Gmm&>(*c.model).settings_.method = "svi";
      return c;
    };
    std::filesystem::remove_all(path("whole"));
    std::filesystem::remove_all(path("parts"));
    expect_same(make, {2, 3, 4});
  }
}

TEST_F(ResumeTable, OfALinearStateSpaceWhichIsExtrapolatedUnasked) {
  for (const char* form : {"level", "full"}) {
    SCOPED_TRACE(form);
    const auto make = [&](const char* run, int threads) {
      auto model = std::make_shared<Lds>();
      model->settings_.form = form;
      FitTableConfig c;
      c.model = model;
      c.run = path(run);
      c.threads = threads;
      c.settings.restarts = 2;
      c.settings.ascent.sweeps = 30;
      c.data = FATHOM_SOURCE_DIR "/data/nile.csv";
      c.settings.table.columns = "flow";
      if (model->settings_.form == "full") {
        c.data = FATHOM_SOURCE_DIR "/data/iris.csv";
        c.settings.table.columns = "1,2,3,4";
      }
      return c;
    };
    std::filesystem::remove_all(path("whole"));
    std::filesystem::remove_all(path("parts"));
    expect_same(make, {2, 5});
  }
}

// Kept sums of batches are not written down, and the result says so.
TEST_F(ResumeTable, OfBatchesWithKeptSumsThereIsNone) {
  FitTableConfig c = config(kFaithful, "run");
  c.settings.climb.batch = 50;
  const FitTableResult part = fit(c, 3);
  EXPECT_TRUE(part.interrupted);
  EXPECT_FALSE(part.goes_on);
  c.resume = true;
  expect_refused(c, "has ended");
}

TEST_F(ResumeTable, SinglesAreToldOfTablesOfSinglesAlone) {
  for (const DType stored : {DType::f32, DType::f64}) {
    write_npy(path("x.npy"), two_clusters(600, 2, 2).cast(stored));
    FitTableHooks hooks;
    std::string told;
    hooks.note = [&](const std::string& text) { told += text + "\n"; };
    fit_table(config(path("x.npy"), stored == DType::f32 ? "f32" : "f64"), hooks);
    EXPECT_EQ(told.find("computed rows in f32") != std::string::npos, stored == DType::f32) << told;
  }
}

TEST_F(ResumeTable, SaysWhatItCannotGoOnWith) {
  FitTableConfig c = config(kFaithful, "run");
  fit(c, 4);
  FitTableConfig other = c;
  other.resume = true;
  other.data = FATHOM_SOURCE_DIR "/data/iris.csv";
  expect_refused(other, "not the table that");
  FitTableConfig more = c;
  more.resume = true;
  more.settings.restarts = 4;
  more.given = {"restarts"};
  expect_refused(more, "--restarts 4 differs from the run's 3");
  FitTableConfig anew = c;
  anew.resume = anew.force = true;
  expect_refused(anew, "choose one");
  c.resume = true;
  fit(c, 0);
  expect_refused(c, "has ended");
  FitTableConfig nothing = config(kFaithful, "none");
  nothing.resume = true;
  expect_refused(nothing, "none");
}

}  // namespace
}  // namespace fathom
