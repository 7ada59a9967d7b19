// Ways to climb a table: extrapolated, in batches, stochastic, and over numbers of components. The
// optima are those of whole sweeps; values with their source: tests/zoo/gaussian_mixture_test.cpp.
#include <gtest/gtest.h>

#include <cmath>

#include "fathom/climb/start.h"
#include "fathom/io/npy.h"
#include "fathom/jobs/look.h"
#include "fathom/jobs/rows_file.h"
#include "tests/jobs/small_tables.h"
#include "tests/oracles/gaussian.h"

namespace fathom {
namespace {

using testing::gmm_fit;
using testing::kFaithful;
using testing::TempFolder;

class TableClimbs : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  template <class F>
  nlohmann::json fit(F&& change, const std::string& data = kFaithful) const {
    FitTableConfig c = gmm_fit(data, path("run"), [&](GmmSettings& g, FitTableConfig& f) {
      g.components = 2;
      g.concentration = 1;
      f.settings.restarts = 2;
      f.settings.ascent.tolerance = 1e-13;
      change(g, f);
    });
    c.force = true;
    return fit_table(c, {}).summary;
  }
  TempFolder folder_;
};

constexpr double kBound = -1178.57183828, kLikelihood = -1130.26396018;

TEST_F(TableClimbs, ExtrapolatedSweepsReachTheSameOptimum) {
  for (const char* method : {"vb", "em"}) {
    int sweeps[2];
    for (const bool fast : {false, true}) {
      const auto s = fit([&](GmmSettings& g, FitTableConfig& c) {
        g.method = method;
        g.start = "blocks";
        c.settings.climb.accelerate = fast;
      });
      const bool vb = s.contains("elbo");
      EXPECT_NEAR(s[vb ? "elbo" : "objective"].get<double>(), vb ? kBound : kLikelihood, 1e-7);
      sweeps[fast] = s["sweeps"];
    }
    RecordProperty(fmt::format("plain_{}", method), sweeps[0]);
    RecordProperty(fmt::format("extrapolated_{}", method), sweeps[1]);
    EXPECT_LE(sweeps[1], sweeps[0]);
  }
}

// A step of three sweeps is one line: its sweep is the last it took, and terms of a table too large
// to work them out at each step are there where a step took sweep 1, 8, 64, ...
TEST_F(TableClimbs, LinesOfExtrapolatedSweepsCountThem) {
  write_npy(path("x.npy"), testing::two_clusters(20000, 2, 5));
  const auto s = fit(
      [](GmmSettings& g, FitTableConfig& c) {
        g.components = 5;
        c.settings.climb.accelerate = true;
        c.settings.restarts = 1;
      },
      path("x.npy"));
  int last = 0, with_terms = 0, sum = 0, threes = 0;
  for (const auto& line : RunFolder::open(path("run")).read_metrics()) {
    if (line["restart"] != 0) continue;  // of the rows that a start takes
    const int sweep = line["sweep"];
    EXPECT_GT(sweep, last);
    EXPECT_LE(sweep, last + 3);
    threes += sweep == last + 3;
    for (const int at : {1, 8, 64}) {
      if (at > last && at <= sweep) {
        EXPECT_TRUE(line.contains("terms")) << sweep;
        ++sum;
      }
    }
    with_terms += line.contains("terms");
    last = sweep;
  }
  EXPECT_EQ(with_terms, sum);
  EXPECT_GE(with_terms, 2);
  EXPECT_GE(threes, 3);
  EXPECT_EQ(last, s["sweeps"]);
  Workers workers(1);
  EXPECT_EQ(info(path("run"), workers)["sweeps"], s["sweeps"]);
}

TEST_F(TableClimbs, BatchesWithKeptSumsReachTheSameOptimum) {
  const auto s = fit([](auto&, FitTableConfig& c) { c.settings.climb.batch = 60; });
  EXPECT_NEAR(s["elbo"].get<double>(), kBound, 1e-7);
  EXPECT_EQ(s["agreeing_restarts"], 2);
}

TEST_F(TableClimbs, StochasticStepsComeClose) {
  const auto s = fit([](GmmSettings& g, FitTableConfig& c) {
    g.method = "svi";
    c.settings.climb.batch = 34;
    c.settings.climb.steps.delay = 10;
    c.settings.ascent.sweeps = 60;
  });
  EXPECT_NEAR(s["elbo"].get<double>(), kBound, 2.0);
  EXPECT_LE(s["elbo"].get<double>(), kBound + 1e-7);
  EXPECT_LE(s["sweeps"].get<int>(), 60);
}

// Each row wholly in its likeliest component: at the fixed point the objective is the
// classification log-likelihood of those groups at their own means and covariances,
// sum_k n_k (log(n_k / N) - log det(2 pi e S_k) / 2) (Celeux & Govaert 1992, section 2).
// What is left of annealing is the climb without it: the same optimum, in the same run.
TEST_F(TableClimbs, AnnealedFitsEndAtTheSameOptimum) {
  for (const char* method : {"vb", "em"}) {
    const auto s = fit([&](GmmSettings& g, FitTableConfig&) {
      g.method = method;
      g.anneal = 1.5;
    });
    const bool vb = s.contains("elbo");
    EXPECT_NEAR(s[vb ? "elbo" : "objective"].get<double>(), vb ? kBound : kLikelihood, 1e-7);
    EXPECT_NEAR(testing::sum_of_terms(s), vb ? kBound : kLikelihood, 1e-7);
  }
  for (const char* method : {"svi", "hard"})
    EXPECT_THROW(fit([&](GmmSettings& g, FitTableConfig&) {
                   g.method = method;
                   g.anneal = 2;
                 }),
                 ConfigError)
        << method;
  EXPECT_THROW(fit([&](GmmSettings& g, FitTableConfig&) { g.anneal = 1; }), ConfigError);
}

TEST_F(TableClimbs, HardStepsEndAtTheClassificationLikelihood) {
  const auto s = fit([](GmmSettings& g, auto&) { g.method = "hard"; });
  EXPECT_EQ(s["objective_kind"], "classification log-likelihood");
  EXPECT_FALSE(s.contains("bic"));
  const Array x = read_csv(kFaithful).values;
  const TablePrediction p = predict_table({path("run"), kFaithful, {}, 1});
  const std::size_t columns = p.table.names.size();
  double want = 0;
  for (const double component : {1.0, 2.0}) {
    std::vector<double> group;
    for (std::size_t i = 0; i < 272; ++i)
      if (p.table.values.data<double>()[i * columns] == component)
        group.insert(group.end(), {x.data<double>()[2 * i], x.data<double>()[2 * i + 1]});
    const double n = double(group.size()) / 2;
    ASSERT_GT(n, 50);
    const oracle::Moments m = oracle::moments(group, 2);
    const double det = m.covariance[0] * m.covariance[3] - m.covariance[1] * m.covariance[2];
    want += n * (std::log(n / 272) - 0.5 * std::log(det) - std::log(2 * M_PI) - 1);
  }
  EXPECT_NEAR(s["objective"].get<double>(), want - 272 * s.value("log_scale_per_row", 0.0), 1e-6);
  EXPECT_LT(s["objective"].get<double>(), kLikelihood);
}

TEST_F(TableClimbs, StartsFromAFile) {
  const auto blocks = fit([](GmmSettings& g, auto&) { g.start = "blocks"; });
  write_csv(path("start.csv"), {"a", "b"}, block_start(read_csv(kFaithful).values, 2));
  const auto from_file = [&](GmmSettings& g, auto&) { g.start = path("start.csv"); };
  const auto s = fit(from_file);
  EXPECT_EQ(s["elbo"], blocks["elbo"]);
  EXPECT_EQ(s["sweeps"], blocks["sweeps"]);
  // What a run says of its rows is a start as well, and has nowhere to go.
  write_rows(path("start.csv"), predict_table({path("run"), kFaithful, {}, 1}).table.values,
             {"component", "p1", "p2", "log_density"}, {});
  const auto again = fit(from_file);
  EXPECT_NEAR(again["elbo"].get<double>(), kBound, 1e-7);
  EXPECT_LT(again["sweeps"].get<int>(), blocks["sweeps"].get<int>());
}

TEST_F(TableClimbs, StartsThatMeanNothingAreRefused) {
  const auto refused = [&](const Array& start) {
    write_npy(path("start.npy"), start);
    try {
      fit([&](GmmSettings& g, auto&) { g.start = path("start.npy"); });
    } catch (const DataError& e) {
      return std::string(e.what());
    }
    return std::string("taken");
  };
  const std::string file = path("start.npy");
  Array start(DType::f64, Shape{272, 2});
  EXPECT_EQ(refused(start), file + ": row 1 belongs to no component: one share above 0 at least");
  std::fill_n(start.data<double>(), start.size(), 0.5);
  start.data<double>()[7] = -1;
  EXPECT_EQ(refused(start), file + ": row 4, column 2: -1 is no share of a row: 0 or above");
  EXPECT_EQ(refused(Array(DType::f64, Shape{10, 2})), file + ": 10 rows, the table has 272");
  EXPECT_EQ(refused(Array(DType::f64, Shape{272, 4})),
            file + ": 4 columns for 2 components: one for each, or p1 to p2 of a header");
}

// Of AIC and BIC, the sign by which lower is better; scikit-learn's of this fit is 2322.19174310.
TEST_F(TableClimbs, CriteriaOfMaximumLikelihood) {
  const auto s = fit([](GmmSettings& g, auto&) { g.method = "em"; });
  EXPECT_EQ(s["parameters"], 11);
  EXPECT_NEAR(s["bic"].get<double>(), 2322.19174310, 1e-6);
  EXPECT_NEAR(s["aic"].get<double>(), 2 * 11 - 2 * kLikelihood, 1e-6);
  EXPECT_FALSE(fit([](auto&, auto&) {}).contains("bic"));
}

TEST_F(TableClimbs, OfARangeTheBestIsKept) {
  for (const char* method : {"vb", "em"}) {
    const auto range = [&](GmmSettings& g, auto&) {
      g.method = method;
      g.components = ComponentCount::parse("1:3");
    };
    const auto s = fit(range);
    ASSERT_EQ(s["choices"].size(), 3u);
    const bool vb = s.contains("elbo");
    double best = -INFINITY;
    std::int64_t at = 0;
    for (const auto& c : s["choices"]) {
      const double score = vb ? c["elbo"].get<double>() : -c["bic"].get<double>();
      if (score > best) {
        best = score;
        at = c["size"];
      }
    }
    EXPECT_EQ(s["chosen"], at);
    EXPECT_EQ(std::int64_t(s["components"].size()), at);
    EXPECT_NEAR(vb ? s["elbo"].get<double>() : -s["bic"].get<double>(), best, 1e-9);
    if (vb) {
      EXPECT_NEAR(s["choices"][0]["elbo"].get<double>(), -1303.89751779, 1e-7);
    }
    const TableRun run = open_table_run(path("run"));
    EXPECT_EQ(run.config["settings"]["components"], at);
    // Each size is climbed as if it were asked for alone.
    const auto alone = fit([&](GmmSettings& g, auto&) {
      g.method = method;
      g.components = 3;
    });
    const char* key = vb ? "elbo" : "objective";
    EXPECT_EQ(alone[key], s["choices"][2][key]);
  }
}

}  // namespace
}  // namespace fathom
