// What tables may say of their rows: weights, ids, known components, missing cells. Laws of the
// reference: a weight of two is the row twice (P6), a row without cells says nothing (P5).
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "fathom/jobs/use_table.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using testing::gmm_fit;
using testing::kFaithful;
using testing::old_faithful;
using testing::TempFolder;

class TableRowsOf : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  // Old Faithful, a line of text for each row by `cells(row index, eruptions, waiting)`.
  template <class F>
  std::string table(const std::string& name, const std::string& head, F&& cells) const {
    std::ofstream out(path(name));
    out << head << "\n";
    const Array x = old_faithful();
    for (std::int64_t i = 0; i < 272; ++i)
      out << cells(i, fmt::format("{}", x.data<double>()[2 * i]),
                   fmt::format("{}", x.data<double>()[2 * i + 1]));
    return path(name);
  }
  template <class F>
  nlohmann::json fit(const std::string& data, F&& change) const {
    FitTableConfig c = gmm_fit(data, path("run"), [&](GmmSettings& g, FitTableConfig& f) {
      g.components = 2;
      g.start = "blocks";  // one start, the same for rows in another order
      f.settings.ascent.tolerance = 1e-12;
      change(g, f);
    });
    c.force = true;
    return fit_table(c, {}).summary;
  }
  TempFolder folder_;
};

TEST_F(TableRowsOf, AWeightOfTwoIsTheRowTwice) {
  const std::string weighted =
      table("w.csv", "eruptions,w,waiting", [](std::int64_t i, const auto& a, const auto& b) {
        return fmt::format("{},{},{}\n", a, i % 3, b);
      });
  const std::string repeated =
      table("r.csv", "eruptions,waiting", [](std::int64_t i, const auto& a, const auto& b) {
        std::string lines;
        for (std::int64_t k = 0; k < i % 3; ++k) lines += fmt::format("{},{}\n", a, b);
        return lines;
      });
  for (const char* method : {"em", "map", "vb"})
    for (const char* covariance : {"full", "tied", "diag", "spherical"}) {
      const auto set = [&](GmmSettings& g) {
        g.method = method;
        g.covariance = covariance;
      };
      const auto many = fit(repeated, [&](GmmSettings& g, auto&) { set(g); });
      const auto w = fit(weighted, [&](GmmSettings& g, FitTableConfig& c) {
        set(g);
        c.settings.table.weights = "w";
      });
      const char* key = w.contains("elbo") ? "elbo" : "objective";
      const double want = many[key];
      EXPECT_NEAR(w[key].get<double>(), want, 1e-7 * std::abs(want)) << method << covariance;
      EXPECT_EQ(w["n"], 272);
      EXPECT_EQ(w["weight"].get<double>(), many["n"].get<double>());
      EXPECT_NEAR(
          w["components"][0]["rows"].get<double>() + w["components"][1]["rows"].get<double>(),
          many["n"].get<double>(), 1e-8);
    }
}

TEST_F(TableRowsOf, RowsWithoutCellsSayNothing) {
  const std::string gaps =
      table("g.csv", "eruptions,waiting", [](std::int64_t i, const auto& a, const auto& b) {
        return fmt::format("{},{}\n{}", a, b, i % 10 ? "" : "NA,\n");
      });
  for (const char* covariance : {"full", "tied", "diag", "spherical"}) {
    const auto plain = fit(kFaithful, [&](GmmSettings& g, auto&) {
      g.method = "em";
      g.covariance = covariance;
    });
    const auto s = fit(gaps, [&](GmmSettings& g, auto&) {
      g.method = "em";
      g.covariance = covariance;
    });
    EXPECT_NEAR(s["objective"].get<double>(), plain["objective"].get<double>(), 1e-6) << covariance;
  }
}

// Densities of rows with missing cells are those of the cells that are there: the integral over
// the others, here by the midpoint rule.
TEST_F(TableRowsOf, PredictiveDensitiesIntegrateOverMissingCells) {
  for (const char* covariance : {"full", "tied", "diag", "spherical"})
    for (const char* method : {"em", "vb"}) {
      fit(kFaithful, [&](GmmSettings& g, auto&) {
        g.covariance = covariance;
        g.method = method;
      });
      const TableRun run = open_table_run(path("run"));
      Workers workers(1);
      const double low = -3000, high = 3000, step = 0.05;
      const auto n = std::int64_t((high - low) / step);
      Array grid(DType::f64, Shape{n, 2}), seen(DType::f64, Shape{1, 2});
      for (std::int64_t i = 0; i < n; ++i) {
        grid.data<double>()[2 * i] = 3.5 - run.format.shift[0];
        grid.data<double>()[2 * i + 1] = low + (double(i) + 0.5) * step;
      }
      seen.data<double>()[0] = 3.5 - run.format.shift[0];
      seen.data<double>()[1] = NAN;
      double sum = 0;
      for (const double v :
           run.model->predict(run.state, testing::rows_of(grid), workers).log_density)
        sum += std::exp(v) * step;
      EXPECT_NEAR(run.model->predict(run.state, testing::rows_of(seen), workers).log_density[0],
                  std::log(sum), 1e-6)
          << covariance << " " << method;
    }
}

TEST_F(TableRowsOf, KnownComponentsAreKept) {
  const std::string file =
      table("k.csv", "eruptions,waiting,kind", [](std::int64_t i, const auto& a, const auto& b) {
        return fmt::format("{},{},{}\n", a, b, i % 10 ? "" : std::stod(b) < 68 ? "one" : "other");
      });
  const auto labelled = [](GmmSettings& g, FitTableConfig& c) {
    g.start = "kmeans";
    c.settings.table.labels = "kind";
  };
  const auto s = fit(file, labelled);
  EXPECT_EQ(s["components"][0]["name"], "one");
  EXPECT_EQ(s["components"][1]["name"], "other");
  EXPECT_LT(s["components"][0]["mean"][1].get<double>(), 60);
  // All rows known: the bound is that of two tables apart, and of how many rows each has.
  const std::string known =
      table("all.csv", "eruptions,waiting,kind", [](std::int64_t, const auto& a, const auto& b) {
        return fmt::format("{},{},{}\n", a, b, std::stod(b) < 68 ? 2 : 1);
      });
  const auto em = fit(known, [&](GmmSettings& g, FitTableConfig& c) {
    labelled(g, c);
    g.method = "em";
  });
  // Reference case 1: the first M step from this split; the density of rows and choices adds
  // -sum_k N_k log(N_k / N) to the bound of each table, and has no entropy.
  EXPECT_NEAR(em["terms"]["which.entropy"].get<double>(), 0, 1e-9);
  EXPECT_NEAR(em["terms"]["choice"].get<double>(), 0, 1e-9);
  const double n1 = em["components"][0]["rows"], n2 = em["components"][1]["rows"];
  EXPECT_EQ(n1 + n2, 272);
  EXPECT_NEAR(em["terms"]["which.prior"].get<double>(),
              n1 * std::log(n1 / 272) + n2 * std::log(n2 / 272), 1e-8);
  EXPECT_EQ(em["sweeps"], 2);
}

TEST_F(TableRowsOf, IdsAreCarriedToPredictions) {
  const std::string file =
      table("i.csv", "id,eruptions,waiting", [](std::int64_t i, const auto& a, const auto& b) {
        return fmt::format("\"row {}\",{},{}\n", i + 1, a, b);
      });
  const auto named = [](GmmSettings&, FitTableConfig& c) { c.settings.table.ids = "id"; };
  EXPECT_EQ(fit(file, named)["dims"], 2);
  const TablePrediction p = predict_table({path("run"), file, path("p.csv"), 1});
  EXPECT_EQ(p.table.id_name, "id");
  EXPECT_EQ(p.table.ids[271], "row 272");
  std::ifstream in(path("p.csv"));
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, "id,component,p1,p2,log_density");
  std::getline(in, line);
  EXPECT_EQ(line.substr(0, 8), "\"row 1\",");
  // A file without them has none.
  EXPECT_TRUE(predict_table({path("run"), kFaithful, {}, 1}).table.ids.empty());
}

}  // namespace
}  // namespace fathom
