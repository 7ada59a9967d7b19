// Mixtures of columns of any kind through the jobs: kinds of columns, densities that sum to one and
// to the likelihood, categories by name, mistakes with their place.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "fathom/jobs/use_table.h"
#include "tests/jobs/small_tables.h"

namespace fathom {
namespace {

using testing::TempFolder;

class MixtureJobs : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    return path(name);
  }
  static double unit(std::uint64_t key, std::int64_t i) {
    return (double(philox(Key{key, 31}, std::uint64_t(i), 0).word[0]) + 0.5) * 0x1p-32;
  }
  // Two groups that differ in every column; a cell in ten is missing where `gaps`.
  std::string table(bool gaps) const {
    std::string text = "id,size,visits,smoker,ward\n";
    for (std::int64_t i = 0; i < 120; ++i) {
      const bool first = i % 3 == 0;
      const std::string cells[] = {
          fmt::format("{:.3f}", (first ? 5.0 : 1.0) + unit(1, i) + unit(2, i)),
          fmt::format("{}", std::int64_t((first ? 9.0 : 3.0) * unit(3, i))),
          fmt::format("{}", int(unit(4, i) < (first ? 0.8 : 0.3))),
          unit(5, i) < (first ? 0.7 : 0.1) ? "\"heart, left\""
          : unit(6, i) < 0.5               ? "skin"
                                           : "eye"};
      text += fmt::format("r{}", i);
      for (std::int64_t j = 0; j < 4; ++j)
        text += "," + (gaps && unit(7, 4 * i + j) < 0.1 ? std::string() : cells[j]);
      text += "\n";
    }
    return write("t.csv", text);
  }
  template <class F>
  nlohmann::json fit(const std::string& data, F&& change) const {
    FitTableConfig c;
    const auto model = std::make_shared<Mixture>();
    c.data = data;
    c.run = path("run");
    c.model = model;
    c.threads = 1;
    c.force = true;
    c.settings.table.ids = "id";
    model->settings_.components = 2;
    change(model->settings_, c);
    return fit_table(c, {}).summary;
  }
  std::string error(const std::string& data, const std::string& kind = {}) const {
    try {
      fit(data, [&](MixtureOfColumnsSettings& s, FitTableConfig& c) {
        s.kind = kind;
        c.settings.table.ids.clear();
      });
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }
  TempFolder folder_;
};

TEST_F(MixtureJobs, KindsAreGuessedAndCategoriesHaveNames) {
  const auto s = fit(table(true), [](auto&, auto&) {});
  const TableRun run = open_table_run(path("run"));
  EXPECT_EQ(run.format.kinds, (std::vector<std::string>{"real", "count", "binary", "category"}));
  EXPECT_EQ(run.format.levels[3], (std::vector<std::string>{"eye", "heart, left", "skin"}));
  EXPECT_TRUE(run.format.missing);
  for (const auto& c : s["components"]) {
    double total = 0;
    for (const auto& [level, p] : c["columns"]["ward"]["levels"].items()) total += p.get<double>();
    EXPECT_NEAR(total, 1, 1e-12);
  }
  const Bytes picture = map_file(path("run/components.svg"));
  const std::string drawn(reinterpret_cast<const char*>(picture.data.get()), picture.size);
  EXPECT_NE(drawn.find("ward = heart, left"), std::string::npos);
  EXPECT_NE(drawn.find(">smoker<"), std::string::npos);
  const std::size_t first = s["components"][0]["rows"].get<double>() < 60 ? 0 : 1;
  EXPECT_NEAR(s["components"][first]["columns"]["size"]["mean"].get<double>(), 6, 0.3);
  EXPECT_NEAR(s["components"][first]["rows"].get<double>(), 40, 3);
  EXPECT_NEAR(s["components"][first]["columns"]["smoker"]["one"].get<double>(), 0.8, 0.15);
}

// The log-likelihood is the sum of the densities of the rows, missing cells left out.
TEST_F(MixtureJobs, DensitiesOfRowsAddUpToTheLikelihood) {
  for (const bool gaps : {false, true}) {
    const std::string file = table(gaps);
    const auto s = fit(file, [](MixtureOfColumnsSettings& m, FitTableConfig& c) {
      m.method = "em";
      c.settings.ascent.tolerance = 1e-14;
    });
    const TablePrediction p = predict_table({path("run"), file, {}, 1});
    const double want = s["objective"];
    EXPECT_NEAR(p.figures["log_predictive"].get<double>(), want, 1e-7 * std::abs(want)) << gaps;
    EXPECT_EQ(p.table.ids[5], "r5");
  }
}

TEST_F(MixtureJobs, PredictiveProbabilitiesSumToOne) {
  std::string text = "visits,smoker,ward\n";
  for (std::int64_t i = 0; i < 40; ++i)
    text += fmt::format("{},{},{}\n", std::int64_t(6 * unit(1, i)), int(unit(2, i) < 0.4),
                        unit(3, i) < 0.3   ? "x"
                        : unit(4, i) < 0.5 ? "y"
                                           : "z");
  const std::string file = write("d.csv", text);
  constexpr std::int64_t most = 500;
  Array all(DType::f64, Shape{most * 6, 3});
  for (std::int64_t i = 0; i < most * 6; ++i) {
    all.data<double>()[3 * i] = double(i / 6);
    all.data<double>()[3 * i + 1] = double(i % 2);
    all.data<double>()[3 * i + 2] = double(i % 6 / 2);
  }
  for (const char* method : {"em", "map", "vb"}) {
    fit(file, [&](MixtureOfColumnsSettings& m, FitTableConfig& c) {
      m.method = method;
      c.settings.table.ids.clear();
    });
    const TableRun run = open_table_run(path("run"));
    Workers workers(1);
    double sum = 0;
    for (const double v : run.model->predict(run.state, testing::rows_of(all), workers).log_density)
      sum += std::exp(v);
    EXPECT_NEAR(sum, 1, 1e-9) << method;
  }
}

// One component, one column of counts: the bound is the evidence, Gamma(a) b^a / Gamma(a0) ... in
// closed form. The prior of the rate is Gamma(1, 1 / mean).
TEST_F(MixtureJobs, OneComponentIsTheExactEvidence) {
  std::string text = "visits\n";
  double total = 0, factorials = 0;
  for (std::int64_t i = 0; i < 50; ++i) {
    const double x = std::floor(8 * unit(9, i));
    total += x;
    factorials += std::lgamma(x + 1);
    text += fmt::format("{}\n", x);
  }
  const auto s = fit(write("c.csv", text), [](MixtureOfColumnsSettings& m, FitTableConfig& c) {
    m.components = 1;
    c.settings.table.ids.clear();
  });
  const double rate = 50 / total, want = std::log(rate) + std::lgamma(1 + total) -
                                         (1 + total) * std::log(rate + 50) - factorials;
  EXPECT_NEAR(s["elbo"].get<double>(), want, 1e-9 * std::abs(want));
}

TEST_F(MixtureJobs, SamplesLookLikeTheTable) {
  fit(table(false), [](auto&, auto&) {});
  const TextTable s = sample_table({path("run"), {}, 4000, 3});
  EXPECT_EQ(s.csv().substr(0, 24), "size,visits,smoker,ward\n");
  double first = 0, visits = 0, heart = 0;
  for (std::int64_t i = 0; i < 4000; ++i) {
    const double* row = s.values.data<double>() + 4 * i;
    first += row[0] > 4;
    visits += row[1] / 4000;
    heart += row[3] == 1;
    EXPECT_EQ(row[1], std::floor(row[1]));
    ASSERT_TRUE(row[2] == 0 || row[2] == 1);
  }
  EXPECT_NEAR(first / 4000, 1.0 / 3, 0.03);
  double mean = 0;
  for (std::int64_t i = 0; i < 120; ++i)
    mean += std::floor((i % 3 == 0 ? 9.0 : 3.0) * unit(3, i)) / 120;
  EXPECT_NEAR(visits, mean, 0.15);
  EXPECT_NEAR(heart / 4000, (0.7 + 2 * 0.1) / 3, 0.08);
}

TEST_F(MixtureJobs, MistakesAreNamedWithPlaceAndRemedy) {
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  const std::string file = write("m.csv", "a,b,c\n1,0.5,x\n-3,4,y\n2,5,x\n");
  std::string e = error(file, "count=a");
  EXPECT_TRUE(has(e, "row 2") && has(e, "\"a\" is -3") && has(e, "--kind real=a")) << e;
  e = error(file, "count=b");
  EXPECT_TRUE(has(e, "row 1") && has(e, "0.5") && has(e, "whole numbers")) << e;
  e = error(file, "binary=a");
  EXPECT_TRUE(has(e, "0 and 1")) << e;
  e = error(file, "counts=a");
  EXPECT_TRUE(has(e, "real, binary, count, category")) << e;
  e = error(file, "count=d");
  EXPECT_TRUE(has(e, "--kind") && has(e, "\"d\"")) << e;
  e = error(file, "count=a real=a");
  EXPECT_TRUE(has(e, "twice")) << e;
  e = error(table(false));
  EXPECT_TRUE(has(e, "\"id\" differ") && has(e, "--ids")) << e;
  // A category that the fit has not seen.
  fit(table(false), [](auto&, auto&) {});
  const std::string other = write("o.csv", "size,visits,smoker,ward\n1,2,0,skin\n1,2,1,ear\n");
  try {
    predict_table({path("run"), other, {}, 1});
    FAIL();
  } catch (const DataError& d) {
    EXPECT_TRUE(has(d.what(), "row 2") && has(d.what(), "\"ear\"")) << d.what();
  }
}

}  // namespace
}  // namespace fathom
