// Fits of Gaussian mixtures to tables: published values, figures that add up, the same bits for any
// threads, and runs that are whole or not there.
#include <gtest/gtest.h>

#include <cstring>

#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using testing::gmm_fit;
using testing::kFaithful;
using testing::sum_of_terms;
using testing::TempFolder;
using testing::two_clusters;

class FitGmm : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  // Fits `data` to "run" with other settings.
  template <class F>
  nlohmann::json fit(const std::string& data, F&& change) const {
    FitTableConfig c = gmm_fit(data, path("run"), change);
    c.force = true;
    return fit_table(c, {}).summary;
  }
  TempFolder folder_;
};

// Many more components than rows ask for: those that lose theirs stay at the mode of the prior.
TEST_F(FitGmm, PosteriorModesOfEmptyComponentsAreThere) {
  for (const char* covariance : {"full", "diag", "spherical", "tied"}) {
    SCOPED_TRACE(covariance);
    const nlohmann::json s = fit(testing::kFaithful, [&](GmmSettings& g, FitTableConfig& f) {
      g.components = 40;
      g.method = "map";
      g.start = "random";
      g.covariance = covariance;
      f.settings.restarts = 1;
      f.settings.ascent.sweeps = 30;
    });
    EXPECT_TRUE(std::isfinite(s["objective"].get<double>()));
  }
}

TEST_F(FitGmm, LeavesARunWhoseFiguresAddUp) {
  const nlohmann::json s = fit(kFaithful, [](GmmSettings& g, auto&) { g.components = 2; });
  const RunFolder run = RunFolder::open(path("run"));
  EXPECT_EQ(s, run.read_json("summary.json"));
  for (const char* key :
       {"task", "unit", "n", "dims", "elbo", "elbo_per_row", "terms", "seconds", "rows_per_second",
        "stopped", "verdict", "seed", "threads", "version", "components", "restarts"})
    EXPECT_TRUE(s.contains(key)) << key;
  const double elbo = s["elbo"];
  EXPECT_NEAR(sum_of_terms(s), elbo, 1e-12 * std::abs(elbo));
  EXPECT_NEAR(s["elbo_per_row"].get<double>(), elbo / 272, 1e-12);
  EXPECT_EQ(s["restarts"].size(), 5u);
  double weights = 0, rows = 0;
  for (const auto& c : s["components"]) {
    weights += c["weight"].get<double>();
    rows += c["rows"].get<double>();
  }
  EXPECT_NEAR(weights, 1, 1e-12);
  EXPECT_NEAR(rows, 272, 1e-9);
  for (const char* name : {"report.html", "components.svg", "config.json", "model.safetensors"})
    EXPECT_TRUE(run.has(name)) << name;
  // Each line of metrics adds up to its bound, and bounds of a restart rise.
  double last = 0;
  for (const auto& line : run.read_metrics()) {
    double total = 0;
    for (const auto& [name, value] : line.at("terms").items()) total += value.get<double>();
    EXPECT_NEAR(total, line["elbo"].get<double>(), 1e-12);
    if (line["sweep"].get<int>() > 1) {
      EXPECT_GE(line["elbo"].get<double>(), last - 1e-12);
    }
    last = line["elbo"];
  }
}

// Values with their source: tests/zoo/gaussian_mixture_test.cpp.
TEST_F(FitGmm, OldFaithfulReachesPublishedValues) {
  const auto close = [](FitTableConfig& c) { c.settings.ascent.tolerance = 1e-13; };
  nlohmann::json s = fit(kFaithful, [&](GmmSettings& g, FitTableConfig& c) {
    g.components = 2;
    g.method = "em";
    close(c);
  });
  EXPECT_NEAR(s["objective"].get<double>(), -1130.26396018, 1e-7);
  EXPECT_EQ(s["objective_kind"], "log-likelihood");
  EXPECT_FALSE(s.contains("elbo"));
  const std::size_t small = s["components"][0]["rows"].get<double>() < 136 ? 0 : 1;
  const auto& c = s["components"][small];
  EXPECT_NEAR(c["weight"].get<double>(), 0.355872, 1e-5);
  EXPECT_NEAR(c["mean"][0].get<double>(), 2.03639, 1e-4);
  EXPECT_NEAR(c["mean"][1].get<double>(), 54.47852, 1e-3);
  EXPECT_NEAR(c["sd"][0].get<double>(), std::sqrt(0.069168), 1e-4);
  EXPECT_NEAR(c["sd"][1].get<double>(), std::sqrt(33.69728), 1e-3);

  s = fit(kFaithful, [&](GmmSettings& g, FitTableConfig& c2) {
    g.components = 2;
    g.concentration = 1;
    close(c2);
  });
  EXPECT_NEAR(s["elbo"].get<double>(), -1178.57183828, 1e-7);
  s = fit(kFaithful, [&](GmmSettings& g, FitTableConfig& c2) {
    g.components = 6;
    close(c2);
  });
  EXPECT_NEAR(s["elbo"].get<double>(), -1184.51293211, 1e-6);
  EXPECT_EQ(s["effective_components"], 2);
  // One component: the bound is the evidence.
  s = fit(kFaithful, [&](GmmSettings& g, auto&) { g.components = 1; });
  EXPECT_NEAR(s["elbo"].get<double>(), -1303.89751779, 1e-7);
  // One column: the optimum of the mixtools vignette, by full and by diagonal covariances.
  for (const char* covariance : {"full", "diag"}) {
    s = fit(kFaithful, [&](GmmSettings& g, FitTableConfig& c2) {
      g.components = 2;
      g.method = "em";
      g.covariance = covariance;
      c2.settings.table.columns = "waiting";
      close(c2);
    });
    EXPECT_NEAR(s["objective"].get<double>(), -1034.00174983, 1e-6) << covariance;
  }
}

// Priors are made of the table's own moments, so that the bound follows a change of units.
TEST_F(FitGmm, BoundsFollowUnitsAndShifts) {
  const nlohmann::json plain = fit(kFaithful, [](auto&, auto&) {});
  nlohmann::json s =
      fit(kFaithful, [](auto&, FitTableConfig& c) { c.settings.table.standardize = true; });
  const double log_scale = s["log_scale_per_row"], elbo = plain["elbo"];
  EXPECT_NEAR(s["elbo"].get<double>() - 272 * log_scale, elbo, 1e-4);
  for (std::size_t k = 0; k < 3; ++k)
    for (std::size_t j = 0; j < 2; ++j) {
      EXPECT_NEAR(s["components"][k]["mean"][j].get<double>(),
                  plain["components"][k]["mean"][j].get<double>(), 1e-2);
      EXPECT_NEAR(s["components"][k]["sd"][j].get<double>(),
                  plain["components"][k]["sd"][j].get<double>(), 1e-2);
    }
  Array far = testing::old_faithful();
  for (std::int64_t i = 0; i < far.size(); ++i) far.data<double>()[i] += 1e6;
  write_npy(path("far.npy"), far);
  s = fit(path("far.npy"), [](auto&, auto&) {});
  EXPECT_NEAR(s["elbo"].get<double>(), elbo, 1e-4);
  EXPECT_NEAR(s["components"][0]["mean"][0].get<double>() - 1e6,
              plain["components"][0]["mean"][0].get<double>(), 1e-2);
}

TEST_F(FitGmm, MethodsAndStartsAreAllClimbs) {
  for (const char* method : {"em", "map", "vb"})
    for (const char* covariance : {"full", "diag"})
      for (const char* start : {"kmeans", "random", "blocks"}) {
        const nlohmann::json s = fit(kFaithful, [&](GmmSettings& g, FitTableConfig& c) {
          g.components = 2;
          g.method = method;
          g.covariance = covariance;
          g.start = start;
          c.settings.restarts = 2;
        });
        EXPECT_EQ(s["converged"], true) << method << covariance << start;
        EXPECT_EQ(s["restarts"].size(), std::string(start) == "blocks" ? 1u : 2u);
        EXPECT_EQ(s.contains("elbo"), std::string(method) == "vb");
      }
  const nlohmann::json s = fit(kFaithful, [&](GmmSettings& g, auto&) {
    g.components = 8;
    g.process = true;
  });
  EXPECT_LT(s["effective_components"], 8);
}

TEST_F(FitGmm, SameBitsForAnyNumberOfThreads) {
  write_npy(path("x.npy"), two_clusters(20000, 3, 4));  // more than a start takes
  nlohmann::json first;
  for (int threads : {1, 2, 3}) {
    const nlohmann::json s = fit(path("x.npy"), [&](GmmSettings& g, FitTableConfig& c) {
      g.components = 2;
      c.threads = threads;
      c.settings.restarts = 2;
    });
    if (threads == 1) first = s;
    EXPECT_EQ(s["elbo"], first["elbo"]) << threads;
    EXPECT_EQ(s["components"], first["components"]) << threads;
  }
}

TEST_F(FitGmm, ALargeTableIsStartedOnSomeRows) {
  write_npy(path("x.npy"), two_clusters(20000, 2, 5));
  const nlohmann::json s = fit(path("x.npy"), [](GmmSettings& g, FitTableConfig& c) {
    g.components = 2;
    c.settings.restarts = 2;
  });
  EXPECT_EQ(s["start_rows"], kStartRows);
  EXPECT_EQ(s["n"], 20000);
  EXPECT_NEAR(sum_of_terms(s), s["elbo"].get<double>(), 1e-12 * std::abs(sum_of_terms(s)));
  int all = 0;
  for (const auto& line : RunFolder::open(path("run")).read_metrics())
    all += line["restart"].get<int>() == 0;
  EXPECT_EQ(all, s["sweeps"]);
  // A third of the rows is drawn around (5, 5), the others around 0, with deviations of 1.
  const std::size_t away = s["components"][0]["mean"][0].get<double>() > 2.5 ? 0 : 1;
  EXPECT_NEAR(s["components"][away]["weight"].get<double>(), 1.0 / 3, 0.01);
  EXPECT_NEAR(s["components"][away]["mean"][1].get<double>(), 5, 0.06);
  EXPECT_NEAR(s["components"][1 - away]["sd"][0].get<double>(), 1, 0.04);
}

TEST_F(FitGmm, AnInterruptedFitLeavesWhatItReached) {
  int sweeps = 0;
  FitTableHooks hooks;
  hooks.interrupted = [&] { return ++sweeps == 3; };
  const FitTableResult r = fit_table(gmm_fit(kFaithful, path("run"), [](auto&, auto&) {}), hooks);
  EXPECT_TRUE(r.interrupted);
  EXPECT_EQ(r.summary["stopped"], "interrupted");
  EXPECT_EQ(r.summary["sweeps"], 3);
  EXPECT_EQ(open_table_run(path("run")).state.slots().size(), 5u);
}

// A row far from all others: its component is as narrow as the likelihood likes.
TEST_F(FitGmm, ComponentsOnTooFewRowsAreNamed) {
  Array x = two_clusters(30, 2, 0);
  x.data<double>()[0] = x.data<double>()[1] = 1000;
  write_npy(path("x.npy"), x);
  const auto two = [](const char* method) {
    return [method](GmmSettings& g, auto&) {
      g.components = 2;
      g.method = method;
    };
  };
  try {
    fit(path("x.npy"), two("em"));
    FAIL() << "a likelihood without bound";
  } catch (const NumericError& e) {
    EXPECT_NE(std::string(e.what()).find("fewer than the 3"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("--method map, or vb"), std::string::npos) << e.what();
  }
  EXPECT_FALSE(std::filesystem::exists(path("run")));
  const std::string verdict = fit(path("x.npy"), two("vb"))["verdict"].dump();
  EXPECT_NE(verdict.find("fewer than the 3 rows"), std::string::npos) << verdict;
}

TEST_F(FitGmm, RefusesWhatHasNoInverse) {
  Array x = two_clusters(50, 3, 3);
  for (std::int64_t i = 0; i < 50; ++i)
    x.data<double>()[3 * i + 2] = 2 * x.data<double>()[3 * i] - x.data<double>()[3 * i + 1];
  write_npy(path("x.npy"), x);
  EXPECT_THROW(fit(path("x.npy"), [](auto&, auto&) {}), DataError);
  EXPECT_NO_THROW(fit(path("x.npy"), [](GmmSettings& g, auto&) { g.covariance = "diag"; }));
  write_npy(path("wide.npy"), two_clusters(5, 6, 3));
  EXPECT_THROW(fit(path("wide.npy"), [](auto&, auto&) {}), DataError);
}

TEST_F(FitGmm, AnExistingRunIsKeptUnlessForced) {
  FitTableConfig c =
      gmm_fit(kFaithful, path("run"), [](GmmSettings& g, auto&) { g.components = 1; });
  fit_table(c, {});
  EXPECT_THROW(fit_table(c, {}), DataError);
  c.force = true;
  EXPECT_NO_THROW(fit_table(c, {}));
}

}  // namespace
}  // namespace fathom
