// What is said of rows by a fitted mixture: densities and probabilities against brute force, draws
// against their moments, and laws between them.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "fathom/jobs/compare.h"
#include "fathom/jobs/report_table.h"
#include "fathom/jobs/use_table.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using testing::gmm_fit;
using testing::kFaithful;
using testing::TempFolder;

class UseGmm : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  template <class F>
  nlohmann::json fit(const std::string& run, F&& change, const std::string& data = kFaithful) {
    FitTableConfig c = gmm_fit(data, path(run), change);
    c.settings.restarts = 2;
    c.force = true;
    return fit_table(c, {}).summary;
  }
  TablePrediction predict(const std::string& run, const std::string& data = kFaithful) {
    return predict_table({path(run), data, {}, 1});
  }
  TempFolder folder_;
};

// Two columns at point estimates: the formula of the density, written out.
double log_normal2(const double* x, const double* m, const double* s) {
  const double a = x[0] - m[0], b = x[1] - m[1], det = s[0] * s[3] - s[1] * s[2];
  return -std::log(2 * std::numbers::pi) - 0.5 * std::log(det) -
         0.5 * (s[3] * a * a - 2 * s[1] * a * b + s[0] * b * b) / det;
}

TEST_F(UseGmm, ProbabilitiesAndDensitiesMatchBruteForce) {
  const nlohmann::json s = fit("run", [](GmmSettings& g, auto&) {
    g.components = 3;
    g.method = "em";
  });
  const TableRun run = open_table_run(path("run"));
  const Gmm& gmm = dynamic_cast<const Gmm&>(*run.model);
  const GaussianComponents c = gmm.components(run.state);
  const Array x = testing::old_faithful();
  const TablePrediction p = predict("run");
  ASSERT_EQ(p.table.names,
            (std::vector<std::string>{"component", "p1", "p2", "p3", "log_density"}));
  double total = 0;
  for (std::int64_t i = 0; i < 272; ++i) {
    const double* row = p.table.values.data<double>() + 5 * i;
    double joint[3], sum = 0;
    for (std::int64_t k = 0; k < 3; ++k) {
      joint[k] = c.weight.data<double>()[k] *
                 std::exp(log_normal2(x.data<double>() + 2 * i, c.mean.data<double>() + 2 * k,
                                      c.covariance.data<double>() + 4 * k));
      sum += joint[k];
    }
    EXPECT_NEAR(row[1] + row[2] + row[3], 1, 1e-12);
    for (int k = 0; k < 3; ++k) EXPECT_NEAR(row[1 + k], joint[k] / sum, 1e-9);
    EXPECT_EQ(row[0], double(std::max_element(row + 1, row + 4) - row));
    EXPECT_NEAR(row[4], std::log(sum), 1e-9);
    total += row[4];
  }
  // EM: densities of the rows add up to the log-likelihood of the fit.
  EXPECT_NEAR(total, s["objective"].get<double>(), 1e-6);
  EXPECT_NEAR(p.figures["log_predictive"].get<double>(), total, 1e-9);
}

// One column and one component: the Student t is the normal's density, averaged over the posterior
// of its precision, which an integral over the logarithm of the precision does by brute force.
TEST_F(UseGmm, ThePredictiveAveragesOverThePosterior) {
  for (const char* covariance : {"full", "diag"}) {
    fit("run", [&](GmmSettings& g, FitTableConfig& c) {
      g.components = 1;
      g.covariance = covariance;
      c.settings.table.columns = "2";
    });
    const State& q = open_table_run(path("run")).state;
    const auto natural = [&](int k) {
      return *q.find(fmt::format("components.natural.{}", k))->data<double>();
    };
    const bool full = std::string(covariance) == "full";
    // (mu, tau): normal-gamma; of one column V / 2 and nu / 2 are its rate and shape.
    const double b = -2 * natural(2), m = natural(1) / b, rate = -natural(0) - b * m * m / 2,
                 shape = full ? natural(3) + 0.5 : natural(3) + 0.5;
    const TablePrediction p = predict("run");
    for (const std::int64_t i : {0, 1, 17, 148}) {
      const double x = testing::old_faithful().data<double>()[2 * i + 1];
      const double step = 1e-3, middle = std::log(shape / rate);
      double sum = 0;
      for (double t = middle - 3; t < middle + 3; t += step) {
        const double tau = std::exp(t), variance = (1 + 1 / b) / tau;
        sum += step * std::exp(shape * std::log(rate) - std::lgamma(shape) + shape * t -
                               rate * tau - (x - m) * (x - m) / (2 * variance) -
                               0.5 * std::log(2 * std::numbers::pi * variance));
      }
      EXPECT_NEAR(p.table.values.data<double>()[3 * i + 2], std::log(sum), 1e-9) << covariance << i;
    }
  }
}

TEST_F(UseGmm, TheBoundOfRowsIsBelowTheirPredictiveDensity) {
  for (const char* method : {"vb", "em", "map"})
    for (const char* covariance : {"full", "diag"}) {
      fit("run", [&](GmmSettings& g, auto&) {
        g.components = 2;
        g.method = method;
        g.covariance = covariance;
      });
      const nlohmann::json j = evaluate_table(path("run"), kFaithful, 1);
      const bool vb = std::string(method) == "vb";
      const double bound = j[vb ? "elbo" : "objective"], density = j["log_predictive"];
      EXPECT_NEAR(testing::sum_of_terms(j), bound, 1e-9);
      if (vb) {
        EXPECT_LT(bound, density) << covariance;
      } else {
        EXPECT_NEAR(bound, density, 1e-7) << method << covariance;
      }
    }
}

TEST_F(UseGmm, DensitiesAreOfTheUnitsOfTheFile) {
  fit("plain", [](GmmSettings& g, auto&) { g.components = 2; });
  fit("standard", [](GmmSettings& g, FitTableConfig& c) {
    g.components = 2;
    c.settings.table.standardize = true;
  });
  const TablePrediction a = predict("plain"), b = predict("standard");
  for (std::int64_t i = 0; i < 272; ++i)
    EXPECT_NEAR(a.table.values.data<double>()[4 * i + 3], b.table.values.data<double>()[4 * i + 3],
                1e-3);
}

TEST_F(UseGmm, SamplesHaveTheMomentsOfTheMixture) {
  for (const char* method : {"em", "vb"})
    for (const char* covariance : {"full", "diag"}) {
      fit("run", [&](GmmSettings& g, FitTableConfig& c) {
        g.components = 2;
        g.method = method;
        g.covariance = covariance;
        c.settings.table.standardize = true;
      });
      const TableRun run = open_table_run(path("run"));
      const GaussianComponents c = dynamic_cast<const Gmm&>(*run.model).components(run.state);
      constexpr std::int64_t n = 40000;
      const TextTable s = sample_table({path("run"), {}, n, 7});
      ASSERT_EQ(s.names, (std::vector<std::string>{"eruptions", "waiting"}));
      for (std::int64_t j = 0; j < 2; ++j) {
        double mean = 0, square = 0, found = 0, second = 0;
        for (std::int64_t k = 0; k < 2; ++k) {
          const double w = c.weight.data<double>()[k], m = c.mean.data<double>()[2 * k + j],
                       dof = c.dof.data<double>()[k];
          // Of a Student t: the scale's variance times dof / (dof - 2).
          double scale = 0;
          for (std::int64_t l = 0; l < (c.kind == Covariance::full ? 2 : 1); ++l)
            scale +=
                std::pow(c.kind == Covariance::full ? c.spread.data<double>()[(2 * k + j) * 2 + l]
                                                    : c.spread.data<double>()[2 * k + j],
                         2);
          mean += w * m;
          square += w * (m * m + scale * (dof > 0 ? dof / (dof - 2) : 1));
        }
        for (std::int64_t i = 0; i < n; ++i) {
          const auto a = std::size_t(j);
          const double v =
              (s.values.data<double>()[2 * i + j] - run.format.shift[a]) / run.format.scale[a];
          found += v / double(n);
          second += v * v / double(n);
        }
        // Standardized columns: deviations of 1, of squares below 3.
        EXPECT_NEAR(found, mean, 5 / std::sqrt(double(n))) << method << covariance;
        EXPECT_NEAR(second, square, 15 / std::sqrt(double(n))) << method << covariance;
      }
    }
}

TEST_F(UseGmm, ColumnsOfOtherFilesAreTakenByName) {
  fit("run", [](auto&, auto&) {});
  const Array x = testing::old_faithful();
  Array turned(DType::f64, Shape{272, 3});
  for (std::int64_t i = 0; i < 272; ++i) {
    turned.data<double>()[3 * i] = x.data<double>()[2 * i + 1];
    turned.data<double>()[3 * i + 1] = double(i);
    turned.data<double>()[3 * i + 2] = x.data<double>()[2 * i];
  }
  write_csv(path("turned.csv"), {"waiting", "number", "eruptions"}, turned);
  write_npy(path("plain.npy"), x);
  const TablePrediction a = predict("run"), b = predict("run", path("turned.csv")),
                        c = predict("run", path("plain.npy"));
  for (std::int64_t i = 0; i < a.table.values.size(); ++i) {
    EXPECT_EQ(a.table.values.data<double>()[i], b.table.values.data<double>()[i]);
    EXPECT_EQ(a.table.values.data<double>()[i], c.table.values.data<double>()[i]);
  }
  write_csv(path("other.csv"), {"waiting", "number", "length"}, turned);
  EXPECT_THROW(predict("run", path("other.csv")), DataError);
  write_npy(path("wide.npy"), turned);
  EXPECT_THROW(predict("run", path("wide.npy")), DataError);
}

TEST_F(UseGmm, AReportIsWrittenAnewWithAndWithoutItsTable) {
  write_csv(path("x.csv"), {"eruptions", "waiting"}, testing::old_faithful());
  fit(
      "run", [](auto&, auto&) {}, path("x.csv"));
  const auto text = [&] {
    std::ifstream in(path("run/report.html"));
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string first = text();
  std::filesystem::remove(path("run/report.html"));
  EXPECT_EQ(report_table(path("run"), "", 1, {}), path("run/report.html"));
  EXPECT_EQ(text(), first);
  std::filesystem::remove(path("x.csv"));
  std::string said;
  report_table(path("run"), "", 1, [&](const std::string& s) { said += s; });
  EXPECT_NE(said.find("x.csv is no longer there"), std::string::npos);
  EXPECT_LT(text().size(), first.size());
  report_table(path("run"), kFaithful, 1, {});
  EXPECT_EQ(text().find("no longer"), std::string::npos);
}

TEST_F(UseGmm, OnlyBoundsOfOneKindOnOneTableAreCompared) {
  fit("two", [](GmmSettings& g, auto&) { g.components = 2; });
  fit("four", [](GmmSettings& g, auto&) { g.components = 4; });
  fit("em", [](GmmSettings& g, auto&) { g.method = "em"; });
  fit("one", [](auto&, FitTableConfig& c) { c.settings.table.columns = "waiting"; });
  fit("unit", [](auto&, FitTableConfig& c) { c.settings.table.standardize = true; });
  write_npy(path("x.npy"), testing::two_clusters(272, 2, 3));
  fit(
      "other", [](auto&, auto&) {}, path("x.npy"));
  std::vector<std::string> runs;
  for (const char* run : {"four", "two", "em", "one", "unit", "other"}) runs.push_back(path(run));
  const std::vector<ComparedRun> c = compare_runs(runs);
  ASSERT_EQ(c.size(), 6u);
  EXPECT_EQ(c[0].group, 0);
  EXPECT_EQ(c[1].group, 0);
  EXPECT_GE(c[0].total, c[1].total);
  std::string why;
  for (std::size_t i = 2; i < 6; ++i) {
    EXPECT_GT(c[i].group, 0);
    why += c[i].apart + "\n";
  }
  for (const char* part : {"log-likelihood", "other columns", "another scale"})
    EXPECT_NE(why.find(part), std::string::npos) << why;
  EXPECT_THROW(compare_runs({path("nowhere")}), DataError);
}

TEST_F(UseGmm, DamagedRunsAreRefused) {
  fit("run", [](auto&, auto&) {});
  nlohmann::json c = RunFolder::open(path("run")).read_json("config.json");
  const auto write = [&](const nlohmann::json& j) { std::ofstream(path("run/config.json")) << j; };
  nlohmann::json other = c;
  other["settings"]["components"] = 5;
  write(other);
  EXPECT_THROW(open_table_run(path("run")), DataError);
  other = c;
  other["table"]["scale"] = {1.0};
  write(other);
  EXPECT_THROW(open_table_run(path("run")), DataError);
  other = c;
  other["task"] = "vae";
  write(other);
  EXPECT_THROW(open_table_run(path("run")), DataError);
  write(c);
  EXPECT_NO_THROW(open_table_run(path("run")));
  std::ofstream(path("run/model.safetensors")) << "cut";
  EXPECT_THROW(open_table_run(path("run")), DataError);
}

}  // namespace
}  // namespace fathom
